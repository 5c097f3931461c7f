"""How staff write a quiz: its form, with or without script, and what is made of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from assessments.config import LONGEST_ANSWER, parse
from lms.errors import InvalidError
from lms.files.uploads import Uploads
from lms.learning.kinds import Read

TYPES = {
    "single": "하나 고르기",
    "multiple": "모두 고르기",
    "short": "짧은 답",
    "essay": "서술형 (사람이 채점)",
}
"""What each type of question is called (msgids)."""

SPARE_CHOICES = 2
"""Empty lines for choices under those that are there, for who has no script."""

MOST = 500
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class QuizEditor:
    """Questions one under the other, each with its choices or answers, in the order of a number."""

    template = "lms/assessments/quiz_editor.html"
    uploads: tuple[str, ...] = ()
    words = {  # noqa: RUF012  read only
        "questions": "문항",
        "attempts": "풀 수 있는 횟수",
        "pass_permille": "통과 점수",
    }

    def context(self, config: dict[str, Any]) -> dict[str, Any]:
        """The questions with spare lines for choices, and an empty one where there is none."""
        return {
            "types": TYPES,
            "attempts": config.get("attempts", 3),
            "pass_points": config.get("pass_permille", 600) // 10,
            "questions": [_shown(one) for one in config.get("questions") or [_fresh()]],
            "blank": _shown(_fresh()),
        }

    def typed(self, form: Mapping[str, str], config: dict[str, Any]) -> dict[str, Any]:
        """What was typed, wrong numbers as they stand."""
        numbers = {name: form.get(name, "") for name in ("attempts", "pass_points")}
        questions = [_shown(one) for one in _questions(form)]
        return self.context(config) | numbers | {"questions": questions or [_shown(_fresh())]}

    def read(self, form: Any, files: Uploads, before: dict[str, Any]) -> Read:
        """The config. What is not fit to publish yet is kept; numbers that are none are refused."""
        problems = []
        config: dict[str, Any] = {"questions": _questions(form)}
        for name, most in (("attempts", 100), ("pass_points", 100)):
            told = form.get(name, "").strip()
            least = 1 if name == "attempts" else 0
            if told.isdecimal() and len(told) <= 3 and least <= int(told) <= most:
                config[name] = int(told)
            else:
                problems.append(
                    InvalidError(
                        "{least}에서 {most} 사이의 수로 적어 주십시오.",
                        least=least,
                        most=most,
                        field=name,
                    )
                )
        config["pass_permille"] = config.pop("pass_points", 60) * 10
        problems += _point_problems(form)
        return Read(config, tuple(problems))

    def inspect(self, config: dict[str, Any], files: Mapping[str, Any]) -> None:
        """Whether a config that comes with an imported course can be used. Raises InvalidError."""
        parse(config)


def _fresh() -> dict[str, Any]:
    return {"id": "", "type": "single", "text": "", "correct": [], "choices": [], "points": 100}


def _shown(question: dict[str, Any]) -> dict[str, Any]:
    correct = question.get("correct") or []
    choices = [
        {**choice, "right": choice["id"] in correct} for choice in question.get("choices") or []
    ]
    spare = [{"id": "", "text": "", "right": False}] * max(SPARE_CHOICES, 4 - len(choices))
    return {
        **_fresh(),
        **question,
        "choices": [*choices, *spare],
        "answers": "\n".join(correct) if question.get("type") == "short" else "",
        "feedback": question.get("feedback", ""),
        "guide": question.get("guide", ""),
    }


def _questions(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """The questions that have any text, in the order of their numbers; an empty one is left out."""
    found = []
    for place in _places(form):
        if form.get(f"q-{place}-drop"):
            continue
        question = _question(form, place)
        if question["text"] or question["correct"] or question["choices"]:
            found.append((_order(form, place), question))
    found.sort(key=lambda one: one[0])
    taken: set[str] = set()
    for _, question in found:
        question["id"] = _named(question["id"], "q", taken)
    return [question for _, question in found]


def _places(form: Mapping[str, str]) -> Iterator[int]:
    told = form.get("questions", "")
    yield from range(min(int(told), MOST) if told.isdecimal() and len(told) < 5 else 0)


def _order(form: Mapping[str, str], place: int) -> tuple[float, int]:
    told = form.get(f"q-{place}-order", "").strip()
    return (float(told) if told.isdecimal() and len(told) < 6 else place + 1, place)


def _question(form: Mapping[str, str], place: int) -> dict[str, Any]:
    kind = form.get(f"q-{place}-type", "single")
    points = form.get(f"q-{place}-points", "").strip()
    question: dict[str, Any] = {
        "id": form.get(f"q-{place}-id", ""),
        "type": kind if kind in TYPES else "single",
        "text": _text(form, f"q-{place}-text"),
        "correct": [],
        "choices": [],
        "feedback": _text(form, f"q-{place}-feedback"),
        "points": int(points) if points.isdecimal() and 0 < len(points) < 6 else 100,
    }
    if question["type"] == "essay":
        question["guide"] = _text(form, f"q-{place}-guide")
    elif question["type"] == "short":
        lines = _text(form, f"q-{place}-answers").splitlines()
        question["correct"] = [line.strip()[:LONGEST_ANSWER] for line in lines if line.strip()]
    else:
        question["choices"], question["correct"] = _choices(form, place)
    return question


def _choices(form: Mapping[str, str], place: int) -> tuple[list[dict[str, str]], list[str]]:
    choices, correct = [], []
    taken: set[str] = set()
    for line in range(50):
        text = _text(form, f"q-{place}-c-{line}-text")
        if not text:
            continue
        name = _named(form.get(f"q-{place}-c-{line}-id", ""), "c", taken)
        choices.append({"id": name, "text": text})
        if form.get(f"q-{place}-c-{line}-right"):
            correct.append(name)
    return choices, correct


def _named(told: str, letter: str, taken: set[str]) -> str:
    """An id that stays the same from version to version, and is new where there is none."""
    name = told if _ID.fullmatch(told) and told not in taken else ""
    number = len(taken) + 1
    while not name:
        if f"{letter}{number}" not in taken:
            name = f"{letter}{number}"
        number += 1
    taken.add(name)
    return name


def _text(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").replace("\r\n", "\n").strip()[:4000]


def _point_problems(form: Mapping[str, str]) -> list[InvalidError]:
    return [
        InvalidError(
            "{n}번 문항의 배점은 1에서 99999 사이의 수로 적어 주십시오.",
            n=place + 1,
            field=f"q-{place}-points",
        )
        for place in _places(form)
        if not form.get(f"q-{place}-drop")
        and not re.fullmatch(r"[1-9][0-9]{0,4}", form.get(f"q-{place}-points", "100").strip())
    ]
