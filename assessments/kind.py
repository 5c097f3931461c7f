"""The quiz as a kind of activity: what the learning page shows of it.

What is right, and why, leaves the server only with the result of a submitted attempt.
"""

from typing import Any

import msgspec
from sqlalchemy.orm import Session

from assessments import service
from assessments.config import Question, Quiz, parse, read
from assessments.models import QuizAnswer, QuizAttempt
from lms.learning.kinds import Place

MS_PER_QUESTION = 30_000
"""How long a question is reckoned to take, for its weight in a course's progress."""


class QuizKind:
    """Single choice, multiple choice and short answer; saved at each change, marked here."""

    name = service.KIND
    label = "퀴즈"
    icon = "quiz"
    template = "lms/assessments/quiz.html"

    def check(self, config: dict[str, Any]) -> dict[str, Any]:
        """The configuration with every default written out. Raises InvalidError."""
        checked: dict[str, Any] = msgspec.to_builtins(parse(config))
        return checked

    def weight_ms(self, config: dict[str, Any]) -> int:
        """Half a minute a question."""
        return len(read(config).questions) * MS_PER_QUESTION

    def files(self, config: dict[str, Any]) -> list[str]:
        """None: a quiz is text."""
        return []

    def context(self, session: Session, place: Place) -> dict[str, Any]:
        """`state` is intro, asking or result; see the template for the rest."""
        quiz = read(place.activity.config)
        attempts = service.attempts_of(session, place.enrolment.id, place.activity.id)
        done = [attempt for attempt in attempts if attempt.submitted_at is not None]
        current = attempts[-1] if attempts else None
        left = quiz.attempts - len(attempts)
        shown: dict[str, Any] = {
            "state": "intro",
            "count": len(quiz.questions),
            "attempts": quiz.attempts,
            "left": max(0, left),
            "pass_points": quiz.pass_permille * 10,
            "counts": place.activity.role == "score",
            "best": max((attempt.score or 0 for attempt in done), default=None),
        }
        if current is None:
            return shown
        answers = {one.question: one for one in service.answers_of(session, current.id)}
        if current.submitted_at is None:
            return shown | {"state": "asking"} | _asking(quiz, current, answers)
        return shown | {"state": "result"} | _result(quiz, current, answers, left)


def _asking(quiz: Quiz, attempt: QuizAttempt, answers: dict[str, QuizAnswer]) -> dict[str, Any]:
    return {
        "attempt": attempt.id,
        "number": attempt.number,
        "seq": max((one.client_seq for one in answers.values()), default=0),
        "answered": sum(any(one.value) for one in answers.values()),
        "saved_at": max((one.saved_at for one in answers.values()), default=None),
        "questions": [_question(one, answers.get(one.id)) for one in quiz.questions],
    }


def _question(question: Question, answer: QuizAnswer | None) -> dict[str, Any]:
    """What may be known of a question before submission: nothing of its answer."""
    value = answer.value if answer else []
    return {
        "id": question.id,
        "type": question.type,
        "text": question.text,
        "options": [(choice.id, choice.text) for choice in question.choices],
        "value": (value[0] if value else "") if question.type == "short" else value,
        "answered": any(value),
        "points": question.points,
        "saved_at": answer.saved_at if answer else None,
    }


def _result(
    quiz: Quiz, attempt: QuizAttempt, answers: dict[str, QuizAnswer], left: int
) -> dict[str, Any]:
    passed = (attempt.score or 0) >= quiz.pass_permille * 10
    # Who can still try again is told what was right, not what would have been.
    reveal = passed or left <= 0
    return {
        "attempt": attempt.id,
        "number": attempt.number,
        "score": attempt.score,
        "passed": passed,
        "reveal": reveal,
        "right": sum(bool(mark) for mark in attempt.marks.values()),
        "submitted_at": attempt.submitted_at,
        "questions": [
            _question(one, answers.get(one.id))
            | {
                "right": bool(attempt.marks.get(one.id)),
                "feedback": one.feedback,
                "correct": one.correct if reveal else [],
                "review": _review(one, answers.get(one.id), reveal=reveal),
            }
            for one in quiz.questions
        ],
    }


def _review(question: Question, answer: QuizAnswer | None, *, reveal: bool) -> dict[str, str]:
    """Option id → right or wrong, for the marks beside the choices."""
    if not reveal or question.type == "short":
        return {}
    chosen = answer.value if answer else []
    marks = {one: "wrong" for one in chosen if one not in question.correct}
    return marks | dict.fromkeys(question.correct, "right")
