"""What taking a quiz says in statements: begun, each answer, completed, passed or failed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from assessments.config import Question, Quiz
from assessments.marking import FULL, Marked
from assessments.models import QuizAttempt
from lms.learning.stating import Setting, about_activity, activity_iri, course_iri, setting_of
from lms.xapi import building
from lms.xapi import vocabulary as say

_BETWEEN = "[,]"
"""Parts the members of a response (xAPI Data 2.4.4.1, Response Patterns)."""


def begun(session: Session, attempt: QuizAttempt, *, now: datetime) -> bytes:
    """«The learner attempted the quiz»."""
    setting = setting_of(session, attempt.enrolment_id)
    return about_activity(
        setting, attempt.activity, say.ATTEMPTED, activity_type=say.TYPE_ASSESSMENT, now=now
    )


def submitted(
    session: Session,
    attempt: QuizAttempt,
    quiz: Quiz,
    given: Mapping[str, Sequence[str]],
    marked: Marked,
    *,
    now: datetime,
) -> list[bytes]:
    """«answered» for every answer, then «completed», then «passed» or «failed» with the score."""
    setting = setting_of(session, attempt.enrolment_id)
    said = [
        _answered(setting, attempt, question, given[question.id], marked, now)
        for question in quiz.questions
        if any(given.get(question.id, ()))
    ]
    for verb, result in (
        (say.COMPLETED, {"completion": True, "duration": _duration(attempt.begun_at, now)}),
        (
            say.PASSED if marked.passed else say.FAILED,
            {"success": marked.passed, "score": _score(marked)},
        ),
    ):
        said.append(
            about_activity(
                setting,
                attempt.activity,
                verb,
                activity_type=say.TYPE_ASSESSMENT,
                now=now,
                result=result,
            )
        )
    return said


def _answered(
    setting: Setting,
    attempt: QuizAttempt,
    question: Question,
    value: Sequence[str],
    marked: Marked,
    now: datetime,
) -> bytes:
    quiz = activity_iri(setting.home_page, attempt.activity_id)
    return building.statement(
        actor_home=setting.home_page,
        actor_name=setting.account_name,
        verb=say.ANSWERED,
        activity_id=f"{quiz}/questions/{question.id}",
        activity_type=say.TYPE_INTERACTION,
        activity_name={"ko": question.text},
        registration=setting.registration,
        timestamp=now,
        result={"response": _BETWEEN.join(value), "success": marked.right[question.id]},
        context_activities={
            "parent": [{"id": quiz}],
            "grouping": [{"id": course_iri(setting.home_page, setting.course_id)}],
        },
        interaction=_interaction(question),
    )


def _interaction(question: Question) -> dict[str, Any]:
    # xAPI Data 2.4.4.1, Interaction Activities. A pattern that takes one of several texts is a
    # list of patterns; one that wants all of several choices is one pattern.
    if question.type == "short":
        return {
            "interaction_type": "fill-in",
            "correct_responses_pattern": [
                f"{{case_matters=false}}{text}" for text in question.correct
            ],
        }
    return {
        "interaction_type": "choice",
        "correct_responses_pattern": [_BETWEEN.join(question.correct)],
        "choices": [
            {"id": choice.id, "description": {"ko": choice.text}} for choice in question.choices
        ],
    }


def _score(marked: Marked) -> dict[str, Any]:
    return {
        "scaled": marked.score / FULL,
        "raw": marked.raw,
        "min": 0,
        "max": marked.most,
    }


def _duration(begun_at: datetime, now: datetime) -> str:
    """ISO 8601 with hundredths of a second, as cmi5 has it (cmi5 9.5.3)."""
    return f"PT{max(0.0, (now - begun_at).total_seconds()):.2f}S"
