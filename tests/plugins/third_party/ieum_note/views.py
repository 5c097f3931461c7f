"""Where the sentence is handed in."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from ieum_note.kind import NAME
from lms.edge import Blueprint, hook, now, session
from lms.edge.rendering import url
from lms.errors import InvalidError, NotFoundError
from lms.learning import service, stating
from lms.learning.models import Enrolment
from lms.learning.permissions import LEARN
from lms.xapi import vocabulary as say

blueprint = Blueprint("ieum_note", __name__)


@blueprint.post(
    "/enrolments/<int:id>/notes/<int:activity>",
    permission=LEARN,
    scope="institution",
    on=Enrolment,
)
def write(enrolment: Enrolment, activity: int) -> ResponseReturnValue:
    """State what was written; that completes the note."""
    found = service.activity_in(session(), enrolment, activity)
    if found.kind != NAME:
        raise NotFoundError("이 과정에 없는 활동입니다.")
    service.check_open(session(), hook(), enrolment, found, now=now())
    text = request.form.get("text", "").strip()
    if not text:
        raise InvalidError("한 줄이라도 적어 주십시오.", field="text")
    said = stating.about_activity(
        stating.setting_of(session(), enrolment.id),
        found,
        say.COMPLETED,
        activity_type=say.TYPE_INTERACTION,
        now=now(),
        result={"completion": True, "response": text[:500]},
    )
    service.record(session(), hook(), enrolment.id, found.id, [said], now=now())
    return redirect(url("learning.enrolment", id=enrolment.id, activity=found.id), 303)
