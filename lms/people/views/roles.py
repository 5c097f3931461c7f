"""Giving and ending roles, with a reason."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, session
from lms.edge.rendering import url
from lms.errors import ForbiddenError, InvalidError
from lms.people import service
from lms.people.models import Person
from lms.people.permissions import GIVE_ROLES
from lms.people.views.entrance import blueprint
from lms.people.words import GRANTABLE


@blueprint.post("/people/<int:id>/roles", permission=GIVE_ROLES, scope="institution", on=Person)
def change_role(subject: Person) -> ResponseReturnValue:
    """Form: `act` grant or end, `role`, `run` (of the role to be ended), `reason`."""
    me = person()
    act, role = request.form.get("act", ""), request.form.get("role", "")
    reason = request.form.get("reason", "").strip()[:500]
    if act not in {"grant", "end"}:
        raise InvalidError("줄지 거둘지 골라 주십시오.", field="act")
    if role not in GRANTABLE:
        raise ForbiddenError(
            "이 화면에서 줄 수 있는 역할이 아닙니다. 운영자 역할은 서버를 맡은 사람이 줍니다."
        )
    if act == "end" and subject.id == me.person_id and role == "institution_admin":
        raise ForbiddenError(
            "본인의 관리자 역할은 스스로 거둘 수 없습니다. 다른 관리자에게 부탁해 주십시오."
        )
    # A role for one run is given on that run's page; here it can only be ended.
    run_id = request.form.get("run", type=int) if act == "end" else None
    change = service.grant if act == "grant" else service.end_grant
    change(
        session(),
        subject.id,
        me.institution_id,
        role,
        run_id=run_id,
        actor_id=me.person_id,
        now=now(),
        reason=reason,
    )
    return redirect(url("people.one", id=subject.id, done=act) + "#roles", 303)
