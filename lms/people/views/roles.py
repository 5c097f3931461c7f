"""Giving and ending roles, with a reason."""

from collections.abc import Iterable
from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import hook, now, person, session
from lms.edge.rendering import url
from lms.errors import ForbiddenError, InvalidError
from lms.people import auditing, service
from lms.people.models import Person
from lms.people.permissions import GIVE_ROLES
from lms.people.views.entrance import blueprint
from lms.people.words import FOR_A_RUN, GRANTABLE


@blueprint.post("/people/<int:id>/roles", permission=GIVE_ROLES, scope="institution", on=Person)
def change_role(subject: Person) -> ResponseReturnValue:
    """Form: `act` grant or end, `role`, `run` (for a role of one run), `reason`."""
    me = person()
    act, role = request.form.get("act", ""), request.form.get("role", "")
    reason = request.form.get("reason", "").strip()[:500]
    run_id = auditing.parse_number(request.form.get("run"))
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
    if act == "grant":
        _check_grant(subject, role, run_id)
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


def _check_grant(subject: Person, role: str, run_id: int | None) -> None:
    if run_id is not None and role not in FOR_A_RUN:
        raise InvalidError(
            "한 기수만 맡길 수 있는 역할은 과정관리강사와 강사입니다. 기수를 비워 주십시오.",
            field="run",
        )
    if role == "course_manager" and run_id is None:
        raise InvalidError("과정관리강사가 맡을 기수를 골라 주십시오.", field="run")
    if run_id is not None and run_id not in names_of(session(), person().institution_id, [run_id]):
        raise InvalidError("맡길 기수가 없습니다. 목록에서 다시 골라 주십시오.", field="run")
    if role == "school_officer" and subject.organisation_id is None:
        raise InvalidError(
            "학교 연수 담당자는 소속이 등록된 사람만 될 수 있습니다. 소속부터 등록해 주십시오.",
            field="role",
        )
    if subject.status in service.GONE:
        raise InvalidError("퇴직한 사람에게는 역할을 줄 수 없습니다.", field="role")


def names_of(fresh: Any, institution_id: int, run_ids: list[int] | None) -> dict[int, str]:
    """Runs by id as people call them; empty where no room has runs."""
    return hook().lms_run_names(session=fresh, institution_id=institution_id, run_ids=run_ids) or {}


def run_names(grants: Iterable[Any]) -> dict[int, str]:
    """The runs that these grants are for, by id."""
    wanted = sorted({grant.run_id for grant in grants if grant.run_id is not None})
    return names_of(session(), person().institution_id, wanted) if wanted else {}
