"""Marking: pure, in whole numbers, the same on every machine and in every recount."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

FULL = 10_000
"""100 points in hundredths."""


class Markable(Protocol):
    """What marking needs to know of a question."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def correct(self) -> Sequence[str]: ...
    @property
    def points(self) -> int: ...


@dataclass(frozen=True)
class Marked:
    """`right` by question id; `raw` of `most` points; `score` in hundredths of a point of 100.

    An essay is right when it got half of its points.
    """

    right: dict[str, bool]
    raw: int
    most: int
    score: int
    passed: bool


def mark(question: Markable, value: Sequence[str]) -> bool:
    """Whether the answer is right: of choices all and only the right ones, of texts any taken."""
    if question.type == "short":
        given = normalise(value[0]) if len(value) == 1 else ""
        return bool(given) and any(given == normalise(taken) for taken in question.correct)
    return len(value) == len(set(value)) and set(value) == set(question.correct)


def waits_for_somebody(
    questions: Sequence[Markable], answers: Mapping[str, Sequence[str]]
) -> list[str]:
    """Ids of the questions that a person has to mark: essays that were answered at all."""
    return [
        question.id
        for question in questions
        if question.type == "essay" and any(text.strip() for text in answers.get(question.id, ()))
    ]


def mark_all(
    questions: Sequence[Markable],
    answers: Mapping[str, Sequence[str]],
    *,
    pass_permille: int,
    given: Mapping[str, int] | None = None,
) -> Marked:
    """Every question marked, one without an answer as wrong. `given`: points of essays, by id.

    The score is rounded down, so that nobody passes by rounding.
    """
    points = {
        question.id: min(question.points, (given or {}).get(question.id, 0))
        if question.type == "essay"
        else question.points * mark(question, answers.get(question.id, ()))
        for question in questions
    }
    right = {question.id: 2 * points[question.id] >= question.points for question in questions}
    raw = sum(points.values())
    most = sum(question.points for question in questions)
    passed = raw * 1000 >= pass_permille * most
    return Marked(right, raw, most, raw * FULL // most, passed)


def normalise(text: str) -> str:
    """A short answer as it is compared: case, spaces and punctuation do not count.

    Between digits they do: «3.5» is not «35» and «1-2» is not «12», while «1,000» is «1000»; and
    a minus that begins a number stays. Unicode 3.13, canonical caseless matching.
    """
    folded = unicodedata.normalize("NFD", text.translate(_WIDE)).casefold()
    plain = "".join(_plain(letter) for letter in unicodedata.normalize("NFC", folded)).strip()
    kept = _GAP.sub(_fold_gap, _THOUSANDS.sub("", plain))
    return unicodedata.normalize("NFC", kept)


# Letters and digits of full width, as Korean keyboards can make them.
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x2212: "-"}
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_GAP = re.compile(r"[ .,-]+")


def _plain(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Cf":  # joiners and marks of direction, which nobody sees
        return ""
    if letter in "-.," or (category[0] not in "PZ" and category != "Cc"):
        return letter
    return " "


def _fold_gap(found: re.Match[str]) -> str:
    gap, before, after = found[0], found.string[: found.start()], found.string[found.end() :]
    if not after[:1].isdigit():
        return ""
    if before[-1:].isdigit():
        return "." if gap == "." else " "
    # A minus begins a number at the start or after a sign; after a word it is a hyphen.
    return "-" if gap.endswith("-") and not before[-1:].isalnum() else ""
