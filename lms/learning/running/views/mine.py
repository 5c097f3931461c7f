"""What a learner does about a run of their own accord: withdrawing, leaving the waiting list."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import hook, now, person, session
from lms.edge.rendering import url
from lms.learning.models import Enrolment, Run, Waiting
from lms.learning.permissions import LEARN
from lms.learning.running import joining
from lms.learning.running.views.entrance import blueprint


@blueprint.post(
    "/enrolments/<int:id>/withdraw", permission=LEARN, scope="institution", on=Enrolment
)
def withdraw(enrolment: Enrolment) -> ResponseReturnValue:
    joining.withdraw(
        session(),
        hook(),
        enrolment,
        reason=request.form.get("reason", "").strip()[:500],
        actor_id=person().person_id,
        now=now(),
    )
    return redirect(url("learning.course", id=enrolment.run.course_id, done="withdrawn"), 303)


@blueprint.post("/waiting/<int:id>/leave", permission=LEARN, scope="institution", on=Waiting)
def leave(waiting: Waiting) -> ResponseReturnValue:
    joining.leave_waiting(session(), waiting, actor_id=person().person_id, now=now())
    run = session().get_one(Run, waiting.run_id)
    return redirect(url("learning.course", id=run.course_id, done="left"), 303)
