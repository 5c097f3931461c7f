"""Opened and read: told by the page's script or by its form, believed by our own clock only."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from content import reading_acts
from lms.edge import Blueprint, hook, json_answer, now, person, session
from lms.edge.rendering import url
from lms.i18n.formats import clock
from lms.learning.models import Completion, Enrolment
from lms.learning.permissions import LEARN
from lms.learning.service import Settled, activity_in

blueprint = Blueprint("reading", __name__)


@blueprint.post(
    "/enrolments/<int:id>/activities/<int:activity>/launched",
    permission=LEARN,
    scope="institution",
    on=Enrolment,
)
def launched(enrolment: Enrolment, activity: int) -> ResponseReturnValue:
    found = activity_in(session(), enrolment, activity)
    at = reading_acts.launch(session(), hook(), enrolment.id, found, now=now())
    return json_answer({"launched_at": clock(at, person().zone, seconds=True)})


@blueprint.post(
    "/enrolments/<int:id>/activities/<int:activity>/viewed",
    permission=LEARN,
    scope="institution",
    on=Enrolment,
)
def viewed(enrolment: Enrolment, activity: int) -> ResponseReturnValue:
    found = activity_in(session(), enrolment, activity)
    settled = reading_acts.view(session(), hook(), enrolment, found, now=now())
    if not request.is_json:
        return redirect(url("learning.enrolment", id=enrolment.id, activity=activity), 303)
    return json_answer(
        {
            "saved_at": clock(now(), person().zone, seconds=True),
            "state": _state(enrolment, settled),
        }
    )


def _state(enrolment: Enrolment, settled: Settled | None) -> dict[str, Any]:
    completion_id = settled.completion_id if settled else None
    if completion_id is None and enrolment.completed_at is not None:
        completion_id = session().scalar(select(Completion.id).filter_by(enrolment_id=enrolment.id))
    return {
        "progress_permille": enrolment.progress_permille,
        "unit_done": settled.unit_done if settled else None,
        "completed": enrolment.completed_at is not None,
        "certificate_url": url("credentials.of_completion", id=completion_id)
        if completion_id is not None
        else None,
    }
