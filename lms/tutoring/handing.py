"""Handing a run over to another course manager: the role moves, what is open is shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import ConflictError, InvalidError
from lms.learning.models import Run
from lms.people import audit, service
from lms.people.models import Organisation, Person, RoleGrant

ROLE = "course_manager"


def managers(session: Session, run: Run) -> Sequence[Any]:
    """Who looks after the run now (id, name), by name."""
    return session.execute(
        select(Person.id, Person.name)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(RoleGrant.run_id == run.id, RoleGrant.role == ROLE, RoleGrant.ended_at.is_(None))
        .order_by(Person.name, Person.id)
    ).all()


def candidates(session: Session, run: Run) -> Sequence[Any]:
    """Course managers of the institution who do not look after this run yet, by name."""
    here = select(RoleGrant.person_id).where(
        RoleGrant.run_id == run.id, RoleGrant.role == ROLE, RoleGrant.ended_at.is_(None)
    )
    return session.execute(
        select(Person.id, Person.name, Organisation.name.label("school"))
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(
            Person.institution_id == run.institution_id,
            Person.status == "active",
            RoleGrant.role == ROLE,
            RoleGrant.ended_at.is_(None),
            Person.id.not_in(here),
        )
        .distinct()
        .order_by(Person.name, Person.id)
        .limit(500)
    ).all()


def hand_over(
    session: Session,
    run: Run,
    *,
    from_id: int | None,
    to_id: int,
    reason: str,
    actor_id: int,
    now: datetime,
) -> None:
    """End one's role for the run and give it to another, each with its audit row.

    `from_id` None: nobody looked after it. Questions, notes and nudges stay with the run. Raises
    InvalidError without a reason or for somebody who is no course manager, ConflictError when the
    one who hands over no longer looks after the run.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidError("왜 넘기는지 한 줄로 적어 주십시오.", field="reason")
    if to_id not in {one.id for one in candidates(session, run)}:
        raise InvalidError("넘겨받을 강사를 목록에서 골라 주십시오.", field="to")
    if from_id is not None and not service.end_grant(
        session,
        from_id,
        run.institution_id,
        ROLE,
        run_id=run.id,
        actor_id=actor_id,
        now=now,
        reason=reason,
    ):
        raise ConflictError("이미 다른 강사에게 넘어간 기수입니다. 업무대에서 확인해 주십시오.")
    service.grant(
        session,
        to_id,
        run.institution_id,
        ROLE,
        run_id=run.id,
        actor_id=actor_id,
        now=now,
        reason=reason,
    )
    audit.write(
        session,
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="run.hand_over",
        subject="run",
        subject_id=run.id,
        reason=reason,
        now=now,
        before=from_id,
        after=to_id,
    )
