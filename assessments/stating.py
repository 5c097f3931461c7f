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
    marked: Marked | None,
    *,
    now: datetime,
) -> list[bytes]:
    """«answered» for every answer, «completed», and «passed» or «failed» with the score.

    `marked` is None while an essay waits for a mark: the verdict is stated when it is there.
    """
    setting = setting_of(session, attempt.enrolment_id)
    said = [
        _answered(setting, attempt, question, given[question.id], marked, now)
        for question in quiz.questions
        if any(given.get(question.id, ()))
    ]
    ended = {"completion": True, "duration": _duration(attempt.begun_at, now)}
    said.append(_of_quiz(setting, attempt, say.COMPLETED, ended, now))
    if marked is not None:
        said.append(_verdict(setting, attempt, marked, now))
    return said


def marked(
    session: Session, attempt: QuizAttempt, verdict: Marked, *, now: datetime
) -> list[bytes]:
    """«passed» or «failed», once somebody has marked what only a person can."""
    return [_verdict(setting_of(session, attempt.enrolment_id), attempt, verdict, now)]


def _verdict(setting: Setting, attempt: QuizAttempt, marked: Marked, now: datetime) -> bytes:
    verb = say.PASSED if marked.passed else say.FAILED
    result = {"success": marked.passed, "score": _score(marked)}
    return _of_quiz(setting, attempt, verb, result, now)


def _of_quiz(
    setting: Setting, attempt: QuizAttempt, verb: str, result: dict[str, Any], now: datetime
) -> bytes:
    return about_activity(
        setting,
        attempt.activity,
        verb,
        activity_type=say.TYPE_ASSESSMENT,
        now=now,
        result=result,
    )


def _answered(
    setting: Setting,
    attempt: QuizAttempt,
    question: Question,
    value: Sequence[str],
    marked: Marked | None,
    now: datetime,
) -> bytes:
    result: dict[str, Any] = {"response": _BETWEEN.join(value)}
    if marked is not None and question.type != "essay":
        result["success"] = marked.right[question.id]
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
        result=result,
        context_activities={
            "parent": [{"id": quiz}],
            "grouping": [{"id": course_iri(setting.home_page, setting.course_id)}],
        },
        interaction=_interaction(question),
    )


def _interaction(question: Question) -> dict[str, Any]:
    # xAPI Data 2.4.4.1, Interaction Activities. A pattern that takes one of several texts is a
    # list of patterns; one that wants all of several choices is one pattern.
    if question.type == "essay":
        return {"interaction_type": "long-fill-in"}
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
