"""The quiz as a kind of activity: what the learning page shows of it.

What is right, and why, leaves the server only with the result of a submitted attempt.
"""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from assessments import awaiting, service
from assessments.config import Question, Quiz, parse, read
from assessments.editor import QuizEditor
from assessments.models import QuizAnswer, QuizAttempt, QuizMark
from lms.db import Prepared
from lms.learning.kinds import Place

MS_PER_QUESTION = 30_000
"""How long a question is reckoned to take, for its weight in a course's progress."""

_IN_WORDS = {"short", "essay"}


class _Attempt(NamedTuple):
    """Of an attempt, what its page says."""

    id: int
    number: int
    submitted_at: datetime | None
    score: int | None
    marks: dict[str, bool]


class _Answer(NamedTuple):
    """Of an answer, what its page says."""

    question: str
    value: list[str]
    client_seq: int
    saved_at: datetime


_ATTEMPTS = Prepared(
    select(*(getattr(QuizAttempt, name) for name in _Attempt._fields))
    .where(
        QuizAttempt.enrolment_id == bindparam("enrolment_id"),
        QuizAttempt.activity_id == bindparam("activity_id"),
    )
    .order_by(QuizAttempt.number),
    _Attempt,
)
_ANSWERS = Prepared(
    select(*(getattr(QuizAnswer, name) for name in _Answer._fields)).where(
        QuizAnswer.attempt_id == bindparam("attempt_id")
    ),
    _Answer,
)


class QuizKind:
    """Choices, short answers and essays; saved at each change, marked here, essays by a person."""

    name = service.KIND
    label = "퀴즈"
    icon = "quiz"
    template = "lms/assessments/quiz.html"
    scores = True
    editor = QuizEditor()

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
        attempts = _ATTEMPTS.all(
            session, enrolment_id=place.enrolment.id, activity_id=place.activity.id
        )
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
        answers = {one.question: one for one in _ANSWERS.all(session, attempt_id=current.id)}
        if current.submitted_at is None:
            return shown | {"state": "asking"} | _asking(quiz, current, answers)
        if current.score is None:
            return shown | {"state": "waiting"} | _waiting(quiz, current, answers)
        marks = awaiting.marks_of(session, current.id) if _has_essay(quiz) else {}
        return shown | {"state": "result"} | _result(quiz, current, answers, left, marks)

    def preview(self, session: Session, place: Place) -> dict[str, Any]:
        """Every question with what is right, for who makes the course."""
        quiz = read(place.activity.config)
        return self.context(session, place) | {
            "state": "preview",
            "questions": [
                _question(one, None)
                | {"feedback": one.feedback, "guide": one.guide}
                | {"correct": one.correct, "review": dict.fromkeys(one.correct, "right")}
                for one in quiz.questions
            ],
        }


def _asking(quiz: Quiz, attempt: _Attempt, answers: dict[str, _Answer]) -> dict[str, Any]:
    return {
        "attempt": attempt.id,
        "number": attempt.number,
        "seq": max((one.client_seq for one in answers.values()), default=0),
        "answered": sum(any(one.value) for one in answers.values()),
        "saved_at": max((one.saved_at for one in answers.values()), default=None),
        "questions": [_question(one, answers.get(one.id)) for one in quiz.questions],
    }


def _question(question: Question, answer: _Answer | None) -> dict[str, Any]:
    """What may be known of a question before submission: nothing of its answer."""
    value = answer.value if answer else []
    return {
        "id": question.id,
        "type": question.type,
        "text": question.text,
        "options": [(choice.id, choice.text) for choice in question.choices],
        "value": (value[0] if value else "") if question.type in _IN_WORDS else value,
        "longest": question.longest,
        "answered": any(value),
        "points": question.points,
        "saved_at": answer.saved_at if answer else None,
    }


def _has_essay(quiz: Quiz) -> bool:
    return any(question.type == "essay" for question in quiz.questions)


def _waiting(quiz: Quiz, attempt: _Attempt, answers: dict[str, _Answer]) -> dict[str, Any]:
    """What was handed in; nothing of what is right, since it may be taken again."""
    return {
        "attempt": attempt.id,
        "number": attempt.number,
        "submitted_at": attempt.submitted_at,
        "questions": [_question(one, answers.get(one.id)) for one in quiz.questions],
    }


def _result(
    quiz: Quiz,
    attempt: _Attempt,
    answers: dict[str, _Answer],
    left: int,
    marks: dict[str, QuizMark],
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
                "mark": marks.get(one.id),
            }
            for one in quiz.questions
        ],
    }


def _review(question: Question, answer: _Answer | None, *, reveal: bool) -> dict[str, str]:
    """Option id → right or wrong, for the marks beside the choices."""
    if not reveal or question.type in _IN_WORDS:
        return {}
    chosen = answer.value if answer else []
    marks = {one: "wrong" for one in chosen if one not in question.correct}
    return marks | dict.fromkeys(question.correct, "right")
