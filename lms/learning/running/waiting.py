"""The waiting list of a run: who stands on it first gets the next seat, without exception."""

from collections.abc import Sequence
from datetime import datetime

import pluggy
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.learning.models import Run, Waiting
from lms.learning.running import checking, counter
from lms.learning.running.counter import Desk
from lms.learning.running.seating import Place
from lms.outbox import promise
from lms.people import audit

CHUNK = 500


def promote(session: Session, hook: pluggy.HookRelay, run: Run, *, now: datetime) -> int:
    """Give free seats to who waits, strictly in order; how many got one. Under the run's lock.

    Somebody who no longer may join is told so and makes room for the next.
    """
    desk = counter.sit_down(session, run.id, "waiting", "", None, now)
    if counter.closed(run, "waiting", desk.today) is not None:
        return 0
    given, seats = 0, desk.free if run.seats is None else run.seats - counter.taken(session, run.id)
    while seats is None or seats > 0:
        queue = _queue(session, run.id, CHUNK if seats is None else min(CHUNK, seats))
        if not queue:
            break
        got = _promote_some(session, hook, desk, queue)
        given += got
        seats = seats if seats is None else seats - got
    return given


def lapse(session: Session, run: Run, *, now: datetime) -> None:
    """The list is over, with the run; who waited is told. Under the run's lock."""
    for waiting in _queue(session, run.id, None):
        _end(waiting, "lapsed", now)
        _tell_lapsed(session, waiting, now)


def leave(
    session: Session, waiting: Waiting, *, actor_id: int | None, now: datetime, reason: str = ""
) -> None:
    """Off the waiting list; everybody behind moves up by one."""
    counter.lock_run(session, waiting.run_id)
    session.refresh(waiting)
    if waiting.ended_at is not None:
        return
    _end(waiting, "left", now)
    audit.write(
        session,
        institution_id=waiting.institution_id,
        actor_id=actor_id,
        act="waiting.leave",
        subject="waiting",
        subject_id=waiting.id,
        reason=reason.strip() or "본인 취소",
        now=now,
    )


def place_of(session: Session, waiting: Waiting) -> int:
    """The place on the list, from 1."""
    found = session.scalar(
        select(func.count())
        .select_from(Waiting)
        .where(
            Waiting.run_id == waiting.run_id, Waiting.ended_at.is_(None), Waiting.id <= waiting.id
        )
    )
    return found or 0


def waiting_of(session: Session, run_id: int, person_ids: Sequence[int]) -> dict[int, Waiting]:
    """Who of these people waits for the run."""
    rows = session.scalars(
        select(Waiting).where(
            Waiting.run_id == run_id,
            Waiting.person_id.in_(person_ids),
            Waiting.ended_at.is_(None),
        )
    )
    return {row.person_id: row for row in rows}


def tell(
    session: Session, task: str, institution_id: int, *, now: datetime, about: str, number: int
) -> None:
    """Promise news by mail, once for each thing."""
    promise(
        session,
        task,
        key=f"{about}:{number}:{task.removeprefix('learning.tell_')}",
        now=now,
        institution_id=institution_id,
        number=number,
    )


def _tell_lapsed(session: Session, waiting: Waiting, now: datetime) -> None:
    task, home = "learning.tell_lapsed", waiting.institution_id
    tell(session, task, home, now=now, about="waiting", number=waiting.id)


def line_up(session: Session, desk: Desk, person_ids: Sequence[int]) -> list[Waiting]:
    rows = [
        Waiting(
            institution_id=desk.run.institution_id,
            run_id=desk.run.id,
            person_id=person_id,
            at=desk.now,
        )
        for person_id in person_ids
    ]
    session.add_all(rows)
    session.flush()  # the order on the list is that of their ids
    return rows


def _promote_some(
    session: Session, hook: pluggy.HookRelay, desk: Desk, queue: Sequence[Waiting]
) -> int:
    run, ids = desk.run, [one.person_id for one in queue]
    last = checking.latest(session, run.id, ids)
    known = checking.read(session, run, ids, desk.today)
    places = []
    for waiting in queue:
        against = counter.against(session, hook, desk, waiting.person_id, known)
        _end(waiting, "lapsed" if against else "promoted", desk.now)
        if against:
            _tell_lapsed(session, waiting, desk.now)
            continue
        attempt = last[waiting.person_id].attempt + 1 if waiting.person_id in last else 1
        places.append(Place(known.people[waiting.person_id], attempt))
    return len(counter.give(session, hook, desk, places))


def _queue(session: Session, run_id: int, most: int | None) -> Sequence[Waiting]:
    return session.scalars(
        select(Waiting)
        .where(Waiting.run_id == run_id, Waiting.ended_at.is_(None))
        .order_by(Waiting.id)
        .limit(most)
    ).all()


def _end(waiting: Waiting, outcome: str, now: datetime) -> None:
    waiting.ended_at = now
    waiting.outcome = outcome
