"""A meeting under its lock: its seats counted and numbered, each step of a seat kept.

Locks are taken in one order everywhere: enrolments, then meetings, then rooms, then people.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, lazyload

from lms.classroom import triggers
from lms.classroom.conflicts import HOLDS
from lms.classroom.models import Meeting, Seat, SeatChange
from lms.outbox import promise


def lock_meeting(session: Session, meeting_id: int) -> Meeting:
    """The meeting as it stands, its row locked until the transaction ends."""
    return session.scalars(
        select(Meeting)
        .where(Meeting.id == meeting_id)
        .with_for_update(of=Meeting)
        .options(lazyload(Meeting.run))
        .execution_options(populate_existing=True)
    ).one()


def taken(session: Session, meeting_id: int) -> int:
    """Seats that somebody has, or that are held for somebody."""
    found = session.scalar(
        select(func.count())
        .select_from(Seat)
        .where(Seat.meeting_id == meeting_id, Seat.state.in_(HOLDS))
    )
    return found or 0


def free_numbers(session: Session, meeting: Meeting) -> list[int]:
    """Numbers of free seats, the lowest first. The caller holds the meeting's lock."""
    used = set(
        session.scalars(
            select(Seat.seat_no).where(Seat.meeting_id == meeting.id, Seat.seat_no.is_not(None))
        )
    )
    # A number above the capacity may be left from a larger room: it takes up a place all the same.
    left = max(0, meeting.capacity - len(used))
    return [n for n in range(1, meeting.capacity + 1) if n not in used][:left]


def seats_of(session: Session, meeting_id: int, person_ids: Collection[int]) -> dict[int, Seat]:
    """Person → their row at the meeting, whatever became of it."""
    rows = session.scalars(
        select(Seat)
        .where(Seat.meeting_id == meeting_id, Seat.person_id.in_(person_ids))
        .execution_options(populate_existing=True)
    )
    return {row.person_id: row for row in rows}


def hold(
    session: Session,
    meeting: Meeting,
    seat: Seat | None,
    *,
    person_id: int,
    enrolment_id: int,
    number: int,
    source: str,
    accept_until: datetime | None = None,
    actor_id: int | None,
    reason: str = "",
    now: datetime,
) -> tuple[Seat, SeatChange]:
    """The person's seat from now on: confirmed, or offered where `accept_until` says so."""
    before = "" if seat is None else seat.state
    if seat is None:
        seat = Seat(
            institution_id=meeting.institution_id,
            meeting_id=meeting.id,
            meeting=meeting,
            person_id=person_id,
        )
        session.add(seat)
    seat.enrolment_id, seat.seat_no, seat.source = enrolment_id, number, source
    seat.state = "confirmed" if accept_until is None else "offered"
    seat.accept_until, seat.since, seat.why = accept_until, now, ""
    session.flush()  # its change refers to it
    change = note(session, seat, before, why=source, reason=reason, actor_id=actor_id, now=now)
    if accept_until is not None:
        triggers.set_at(
            session,
            "offer.expire",
            institution_id=meeting.institution_id,
            subject="seat",
            subject_id=seat.id,
            due=accept_until,
            now=now,
            name=str(change.id),
            change=change.id,
        )
    return seat, change


def let_go(
    session: Session, seat: Seat, *, why: str, reason: str = "", actor_id: int | None, now: datetime
) -> SeatChange:
    """The seat is free again."""
    before = seat.state
    seat.state, seat.seat_no, seat.accept_until = "released", None, None
    seat.since, seat.why = now, why
    session.flush()  # its number must be free before it is given on
    if before == "offered":
        triggers.drop(session, "seat", seat.id, now=now, kind="offer.expire")
    return note(session, seat, before, why=why, reason=reason, actor_id=actor_id, now=now)


def note(
    session: Session,
    seat: Seat,
    before: str,
    *,
    why: str,
    reason: str = "",
    actor_id: int | None,
    now: datetime,
) -> SeatChange:
    """Keep the step in the seat's history."""
    change = SeatChange(
        institution_id=seat.institution_id,
        seat_id=seat.id,
        at=now,
        actor_id=actor_id,
        before=before,
        after=seat.state,
        why=why,
        reason=reason.strip(),
    )
    session.add(change)
    session.flush()  # what is told of it names its id
    return change


def tell(session: Session, change: SeatChange, *, now: datetime) -> None:
    """Promise the person news of a step that they did not take themselves."""
    promise(
        session,
        "classroom.tell_seat",
        key=f"seat_change:{change.id}",
        now=now,
        institution_id=change.institution_id,
        change=change.id,
    )


def answer_by(meeting: Meeting, now: datetime) -> datetime | None:
    """Until when an offer made now may be accepted; None where the seat is theirs at once."""
    if not meeting.offer_minutes:
        return None
    until = min(now + timedelta(minutes=meeting.offer_minutes), meeting.starts_at)
    return until if until > now else None


def numbered_within(session: Session, meeting: Meeting) -> None:
    """After a smaller room: seats numbered above the capacity get the lowest free numbers."""
    above: Sequence[Seat] = session.scalars(
        select(Seat)
        .where(Seat.meeting_id == meeting.id, Seat.seat_no > meeting.capacity)
        .order_by(Seat.seat_no)
    ).all()
    if not above:
        return
    used = set(
        session.scalars(
            select(Seat.seat_no).where(
                Seat.meeting_id == meeting.id, Seat.seat_no <= meeting.capacity
            )
        )
    )
    free = (n for n in range(1, meeting.capacity + 1) if n not in used)
    for seat, number in zip(above, free, strict=False):
        seat.seat_no = number


def people_of(session: Session, meeting_id: int) -> set[int]:
    """Who has a seat, or is held one."""
    return set(
        session.scalars(
            select(Seat.person_id).where(Seat.meeting_id == meeting_id, Seat.state.in_(HOLDS))
        )
    )
