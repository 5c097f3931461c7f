"""Getting into a run and out of it: one way for one person and for a sheet of a thousand.

Everything happens under the run's row lock, in the caller's transaction. Who holds an enrolment's
lock as well takes it first: completing, too, goes from the enrolment to the run.
"""

from collections.abc import Sequence
from datetime import datetime

import pluggy
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import ClosedError, ConflictError, InvalidError, LMSError
from lms.learning.models import Enrolment, Run, Waiting
from lms.learning.running import checking, counter
from lms.learning.running.counter import Desk, application, lock_run, taken
from lms.learning.running.seating import Place
from lms.learning.running.waiting import leave as leave_waiting
from lms.learning.running.waiting import line_up, place_of, promote, waiting_of
from lms.learning.service import lock, zone_of
from lms.people import audit
from lms.people.models import Person

__all__ = [
    "application",
    "join",
    "join_many",
    "leave_waiting",
    "lock_run",
    "place_of",
    "promote",
    "taken",
    "waiting_of",
    "withdraw",
    "would_join",
]

Outcome = Enrolment | Waiting | LMSError
"""A seat, a place on the waiting list, or the sentence why neither."""

CHUNK = 500
FULL = "자리가 모두 찼습니다. 다음 기수를 골라 주십시오."


def join(
    session: Session,
    hook: pluggy.HookRelay,
    person: Person,
    run: Run,
    *,
    source: str = "self",
    overrule: str = "",
    actor_id: int | None,
    now: datetime,
) -> Enrolment | Waiting:
    """A seat in the run, or the last place on its waiting list; what is there already, if any.

    `overrule`: why an officer lets somebody in against the audience, the repetition rule or the
    overlap; it goes into the audit row. Raises ClosedError or ConflictError with the reason.
    """
    found = join_many(
        session,
        hook,
        run,
        [person.id],
        source=source,
        overrule=overrule,
        actor_id=actor_id,
        now=now,
    )[person.id]
    if isinstance(found, LMSError):
        raise found
    return found


def join_many(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    person_ids: Sequence[int],
    *,
    source: str,
    overrule: str = "",
    actor_id: int | None,
    now: datetime,
) -> dict[int, Outcome]:
    """Person → what became of them, in the order given: who stands first gets the first seat."""
    desk = counter.sit_down(session, run.id, source, overrule, actor_id, now)
    found: dict[int, Outcome] = {}
    ids = list(dict.fromkeys(person_ids))
    for start in range(0, len(ids), CHUNK):
        found |= _join_chunk(session, hook, desk, ids[start : start + CHUNK])
    return found


def would_join(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    person_ids: Sequence[int],
    *,
    source: str,
    now: datetime,
) -> dict[int, str | LMSError]:
    """Person → in · seat · waiting, or what stands against it, had they joined now in this order.

    Reads only. `in`: is in it, or on the list, already.
    """
    zone = zone_of(session, run.institution_id)
    today = clock.local_day(now, zone)
    free = counter.free_seats(session, run)
    closed = counter.closed(run, source, today)
    found: dict[int, str | LMSError] = {}
    ids = list(dict.fromkeys(person_ids))
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        last = checking.latest(session, run.id, chunk)
        waits = waiting_of(session, run.id, chunk)
        known = checking.read(session, run, chunk, today)
        for person_id in chunk:
            attempt = last.get(person_id)
            if person_id in waits or (attempt is not None and attempt.state == "enrolled"):
                found[person_id] = "in"
                continue
            against = closed or checking.reason(
                session, hook, run, person_id, known, today=today, zone=zone, now=now
            )
            if against is not None:
                found[person_id] = against
            elif free is None or free > 0:
                free = free if free is None else free - 1
                found[person_id] = "seat"
            else:
                found[person_id] = "waiting" if run.way == "application" else ClosedError(FULL)
    return found


def withdraw(
    session: Session,
    hook: pluggy.HookRelay,
    enrolment: Enrolment,
    *,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Give the seat back; the first who waits gets it, and a mail, in the same transaction.

    Raises InvalidError without a reason, ConflictError for a completed one, ClosedError after the
    deadline (for oneself) or when the run is over. Who is out already stays out.
    """
    if not reason.strip():
        raise InvalidError("왜 취소하는지 한 줄로 적어 주십시오.", field="reason")
    enrolment = lock(session, enrolment.id)
    run = lock_run(session, enrolment.run_id)
    if enrolment.state != "enrolled":
        return
    _check_withdrawal(session, enrolment, run, actor_id, now)
    enrolment.state = "withdrawn"
    enrolment.withdrawn_at = now
    enrolment.withdrawal = reason.strip()
    audit.write(
        session,
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="withdraw",
        subject="enrolment",
        subject_id=enrolment.id,
        reason=reason.strip(),
        now=now,
    )
    session.flush()  # the seats are counted anew
    hook.lms_after_withdrawal(session=session, enrolment=enrolment, hook=hook, now=now)
    promote(session, hook, run, now=now)


def _join_chunk(
    session: Session, hook: pluggy.HookRelay, desk: Desk, ids: Sequence[int]
) -> dict[int, Outcome]:
    run = desk.run
    last = checking.latest(session, run.id, ids)
    found: dict[int, Outcome] = {key: one for key, one in last.items() if one.state == "enrolled"}
    found |= waiting_of(session, run.id, ids)
    closed = counter.closed(run, desk.source, desk.today)
    asked = [one for one in ids if one not in found]
    known = checking.read(session, run, asked, desk.today) if asked and not closed else None
    seated: list[Place] = []
    queued: list[int] = []
    for person_id in asked:
        against = (
            closed if known is None else counter.against(session, hook, desk, person_id, known)
        )
        if against is not None:
            found[person_id] = against
        elif desk.free is None or desk.free > 0:
            desk.free = desk.free if desk.free is None else desk.free - 1
            attempt = last[person_id].attempt + 1 if person_id in last else 1
            seated.append(Place(known.people[person_id], attempt))  # type: ignore[union-attr]
        elif run.way == "application":
            queued.append(person_id)
        else:
            found[person_id] = ClosedError(FULL)
    found |= {one.person_id: one for one in counter.give(session, hook, desk, seated)}
    found |= {one.person_id: one for one in line_up(session, desk, queued)}
    return {one: found[one] for one in ids}


def _check_withdrawal(
    session: Session, enrolment: Enrolment, run: Run, actor_id: int | None, now: datetime
) -> None:
    if enrolment.completed_at is not None:
        raise ConflictError("이미 이수한 과정은 취소할 수 없습니다. 이수한 기록은 그대로 남습니다.")
    if run.state not in counter.TAKES:
        raise ClosedError("끝났거나 취소된 기수에서는 나갈 수 없습니다.")
    if actor_id != enrolment.person_id:
        return
    last = run.withdraw_until or run.learn_until
    if clock.local_day(now, zone_of(session, run.institution_id)) > last:
        raise ClosedError(
            "스스로 취소할 수 있는 날({day})이 지났습니다. 담당자에게 문의해 주십시오.", day=last
        )
