"""Answers as the browser sends them, one by one, through the writer."""

from typing import Annotated

import msgspec
from flask.typing import ResponseReturnValue
from msgspec import Meta

from assessments import answering
from assessments.models import QuizAttempt
from assessments.permissions import ANSWER
from assessments.views import blueprint
from lms.edge import json_answer, json_body, now, person, state
from lms.i18n.formats import clock

__all__ = ["blueprint"]


class Answers(msgspec.Struct, forbid_unknown_fields=True):
    """What the browser's queue sends at once."""

    answers: Annotated[list[answering.Answer], Meta(min_length=1, max_length=500)]


@blueprint.post(
    "/quizzes/attempts/<int:id>/answers",
    permission=ANSWER,
    scope="institution",
    on=QuizAttempt,
    writes=False,  # the writer does
)
def answers(attempt: QuizAttempt) -> ResponseReturnValue:
    body = json_body(Answers)
    at = now()
    kept = state().db.writer.do(
        lambda connection: answering.save(connection, attempt.id, body.answers, now=at),
        key=attempt.enrolment_id,
    )
    saved_at = clock(kept.saved_at, person().zone, seconds=True)
    return json_answer({"acked": kept.acked, "saved_at": saved_at})
