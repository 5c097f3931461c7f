"""The list of people whom offices named for a run."""

import re
from collections.abc import Mapping
from datetime import datetime

import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import ConflictError, InvalidError
from lms.learning.models import Enrolment, Nomination, Run
from lms.learning.running import joining
from lms.people import audit

_NUMBER = re.compile(r"[0-9A-Za-z\uac00-\ud7a3 .,()/·-]{1,40}")
NOT_A_NUMBER = "지명번호는 한글, 영문, 숫자와 . , ( ) / · - 로 40자까지 적을 수 있습니다."
OVER = "마감했거나 취소한 기수의 추천 명단은 바꿀 수 없습니다."


def clean(number: str) -> str | None:
    """A nomination number as it is printed; None for none. Raises InvalidError."""
    number = " ".join(number.split())
    if number and not _NUMBER.fullmatch(number):
        raise InvalidError(NOT_A_NUMBER, field="number")
    return number or None


def nominate(
    session: Session,
    run: Run,
    numbers: Mapping[int, str | None],
    *,
    actor_id: int | None,
    now: datetime,
) -> int:
    """Name people, each with the nomination number, if any; how many rows that made or changed.

    Raises ConflictError when the run is over.
    """
    _check(run)
    known = {
        row.person_id: row
        for row in session.scalars(
            select(Nomination).where(Nomination.run_id == run.id, Nomination.person_id.in_(numbers))
        )
    }
    changed = []
    for person_id, number in numbers.items():
        row = known.get(person_id)
        if row is None:
            row = Nomination(
                institution_id=run.institution_id, run_id=run.id, person_id=person_id, at=now
            )
            session.add(row)
        elif row.number == number:
            continue
        row.number = number
        changed.append(person_id)
    audit.write_many(
        session,
        [{"subject_id": one, "reason": "추천", "detail": {"run": run.id}} for one in changed],
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="nominate",
        subject="person",
        now=now,
    )
    return len(changed)


def take_back(
    session: Session, row: Nomination, *, reason: str, actor_id: int | None, now: datetime
) -> None:
    """Somebody is named no longer. Raises ConflictError for who is in the run already."""
    inside = session.scalar(
        select(Enrolment.id).filter_by(run_id=row.run_id, person_id=row.person_id, state="enrolled")
    )
    if inside is not None:
        raise ConflictError("이미 등록된 사람입니다. 먼저 수강을 취소한 뒤에 명단에서 빼 주십시오.")
    audit.write(
        session,
        institution_id=row.institution_id,
        actor_id=actor_id,
        act="nominate.undo",
        subject="person",
        subject_id=row.person_id,
        reason=reason.strip() or "추천 취소",
        now=now,
        run=row.run_id,
    )
    session.delete(row)


def enrol_all(
    session: Session, hook: pluggy.HookRelay, run: Run, *, actor_id: int | None, now: datetime
) -> dict[int, joining.Outcome]:
    """Let in everybody who was named, in the order of the list."""
    people = session.scalars(
        select(Nomination.person_id).where(Nomination.run_id == run.id).order_by(Nomination.id)
    ).all()
    return joining.join_many(
        session, hook, run, people, source="nomination", actor_id=actor_id, now=now
    )


def _check(run: Run) -> None:
    if run.state in {"closed", "cancelled"}:
        raise ConflictError(OVER)
