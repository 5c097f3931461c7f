"""Where people are let into a run: what is the same for all of them, read once under its lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pluggy
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import ClosedError, LMSError
from lms.learning.models import Enrolment, Run, Waiting
from lms.learning.running import checking
from lms.learning.running.seating import Place, seat
from lms.learning.service import zone_of

TAKES = frozenset({"open", "running"})
CLOSED = "지금은 신청할 수 없는 기수입니다. 열려 있는 기수를 골라 주십시오."


@dataclass
class Desk:
    """What does not change while people are let in one after another."""

    run: Run
    source: str
    overrule: str
    actor_id: int | None
    now: datetime
    zone: str
    today: date
    free: int | None
    """Seats that may be given; 0 while somebody waits, None without a limit."""


def lock_run(session: Session, run_id: int) -> Run:
    """The run as it stands, its row locked until the transaction ends."""
    return session.scalars(
        select(Run)
        .where(Run.id == run_id)
        .with_for_update(of=Run)  # not its course, which comes with it
        .execution_options(populate_existing=True)
    ).one()


def taken(session: Session, run_id: int) -> int:
    """Seats that are taken."""
    found = session.scalar(
        select(func.count())
        .select_from(Enrolment)
        .where(Enrolment.run_id == run_id, Enrolment.state == "enrolled")
    )
    return found or 0


def application(run: Run) -> tuple[date, date]:
    """The local days on which one may apply by oneself, both included."""
    return run.apply_from or run.learn_from, run.apply_until or run.learn_until


def sit_down(
    session: Session,
    run_id: int,
    source: str,
    overrule: str,
    actor_id: int | None,
    now: datetime,
) -> Desk:
    run = lock_run(session, run_id)
    zone = zone_of(session, run.institution_id)
    today = clock.local_day(now, zone)
    return Desk(run, source, overrule.strip(), actor_id, now, zone, today, free_seats(session, run))


def free_seats(session: Session, run: Run) -> int | None:
    if run.seats is None:
        return None
    if run.way == "application" and _somebody_waits(session, run.id):
        return 0  # a new one stands behind those who wait
    return max(0, run.seats - taken(session, run.id))


def closed(run: Run, source: str, today: date) -> LMSError | None:
    """Why the run takes nobody now. What officers do is not bound by the application period."""
    if run.state not in TAKES or today > run.learn_until:
        return ClosedError(CLOSED)
    if source != "self":
        return None
    first, last = application(run)
    if today < first:
        return ClosedError("{day}부터 신청을 받습니다. 그때 다시 와 주십시오.", day=first)
    if today > last:
        return ClosedError(
            "{day}에 신청이 끝났습니다. 다음 기수를 기다리거나 담당자에게 문의해 주십시오.",
            day=last,
        )
    return None


def against(
    session: Session, hook: pluggy.HookRelay, desk: Desk, person_id: int, known: checking.Known
) -> LMSError | None:
    return checking.reason(
        session,
        hook,
        desk.run,
        person_id,
        known,
        today=desk.today,
        zone=desk.zone,
        now=desk.now,
        overruled=bool(desk.overrule),
    )


def give(
    session: Session, hook: pluggy.HookRelay, desk: Desk, places: Sequence[Place]
) -> list[Enrolment]:
    return seat(
        session,
        hook,
        desk.run,
        places,
        source=desk.source,
        why=desk.overrule,
        actor_id=desk.actor_id,
        now=desk.now,
    )


def _somebody_waits(session: Session, run_id: int) -> bool:
    query = select(Waiting.id).where(Waiting.run_id == run_id, Waiting.ended_at.is_(None)).limit(1)
    return session.scalar(query) is not None
