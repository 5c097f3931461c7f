"""Forms of a quiz: they work without script, and come back to the learning page."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from assessments import service
from assessments.config import read
from assessments.models import QuizAttempt
from assessments.permissions import ANSWER
from lms.edge import Blueprint, hook, now, person, session
from lms.edge.rendering import url
from lms.learning.models import Enrolment
from lms.learning.permissions import LEARN
from lms.learning.service import activity_in

blueprint = Blueprint("assessments", __name__)


@blueprint.post(
    "/quizzes/<int:id>/<int:activity>/begin", permission=LEARN, scope="institution", on=Enrolment
)
def begin(enrolment: Enrolment, activity: int) -> ResponseReturnValue:
    found = activity_in(session(), enrolment, activity)
    service.begin(session(), hook(), enrolment, found, actor=person(), now=now())
    return _back(enrolment.id, activity)


@blueprint.post(
    "/quizzes/attempts/<int:id>/submit", permission=ANSWER, scope="institution", on=QuizAttempt
)
def submit(attempt: QuizAttempt) -> ResponseReturnValue:
    service.submit(session(), hook(), attempt, actor=person(), now=now(), answers=_answers(attempt))
    return _back(attempt.enrolment_id, attempt.activity_id)


def _answers(attempt: QuizAttempt) -> dict[str, list[str]]:
    """What the form shows of each question that it shows; a box that is empty is no answer."""
    shown = set(request.form.getlist("shown"))
    return {
        question.id: [
            text.strip() for text in request.form.getlist(f"a-{question.id}") if text.strip()
        ]
        for question in read(attempt.activity.config).questions
        if question.id in shown
    }


def _back(enrolment_id: int, activity_id: int) -> ResponseReturnValue:
    return redirect(
        url("learning.enrolment", id=enrolment_id, activity=activity_id, _anchor="quiz"), 303
    )
