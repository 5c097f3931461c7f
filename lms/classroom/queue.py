"""The waiting list of a meeting: strictly in order, served under the meeting's lock."""

from collections.abc import Sequence
from datetime import datetime

import pluggy
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from lms.classroom import asking, conflicts, holding, links
from lms.classroom.models import Meeting, MeetingWaiting, Seat
from lms.learning.models import Enrolment
from lms.outbox import promise

_AT_ONCE = 100
"""How many of those who wait are looked at together."""


def waiting_of(session: Session, meeting_id: int, person_id: int) -> MeetingWaiting | None:
    """The person's place on the list, if they wait."""
    return session.scalar(
        select(MeetingWaiting).where(
            MeetingWaiting.meeting_id == meeting_id,
            MeetingWaiting.person_id == person_id,
            MeetingWaiting.ended_at.is_(None),
        )
    )


def somebody_waits(session: Session, meeting_id: int) -> bool:
    query = _waiting(meeting_id).with_only_columns(MeetingWaiting.id).limit(1)
    return session.scalar(query) is not None


def line_up(
    session: Session, meeting: Meeting, enrolment: Enrolment, *, now: datetime
) -> MeetingWaiting:
    """The last place; the caller holds the meeting's lock, so ids follow the order of coming."""
    row = MeetingWaiting(
        institution_id=meeting.institution_id,
        meeting_id=meeting.id,
        person_id=enrolment.person_id,
        enrolment_id=enrolment.id,
        at=now,
    )
    session.add(row)
    session.flush()  # the order on the list is that of the ids
    return row


def leave(session: Session, waiting: MeetingWaiting, *, now: datetime) -> None:
    """Wait no more; who has left or was served stays as they are."""
    if waiting.ended_at is None:
        _end(waiting, "left", now)


def place_of(session: Session, waiting: MeetingWaiting) -> int:
    """The place on the list, from 1."""
    found = session.scalar(
        select(func.count()).select_from(
            _waiting(waiting.meeting_id).where(MeetingWaiting.id <= waiting.id).subquery()
        )
    )
    return found or 0


def promote(
    session: Session, hook: pluggy.HookRelay, meeting: Meeting, *, now: datetime
) -> list[Seat]:
    """Give free seats to those who wait, the first in line first; the caller holds the lock.

    Who may not have one now (a hook refuses, they are elsewhere at that time) keeps their place,
    and the next is asked. Nothing once the meeting has begun.
    """
    if meeting.state not in {"open", "closed"} or now >= meeting.starts_at:
        return []
    free = holding.free_numbers(session, meeting)
    given: list[Seat] = []
    last = 0
    while free:
        some = session.scalars(
            _waiting(meeting.id)
            .where(MeetingWaiting.id > last)
            .order_by(MeetingWaiting.id)
            .limit(_AT_ONCE)
        ).all()
        if not some:
            break
        last = some[-1].id
        given += _serve(session, hook, meeting, some, free, now)
    return given


def lapse(session: Session, meeting: Meeting, *, now: datetime, tells: bool = True) -> int:
    """Nobody waits any more: it has begun. Returns how many did."""
    rows = session.scalars(_waiting(meeting.id)).all()
    for row in rows:
        _end(row, "lapsed", now)
        if tells:
            _tell_lapsed(session, row, now)
    return len(rows)


def asked(meeting: Meeting, seat: Seat | None, enrolment: Enrolment | MeetingWaiting) -> Seat:
    """The seat that hooks are asked about: the person's own, or one that is not kept yet."""
    if seat is not None:
        return seat
    enrolment_id = enrolment.id if isinstance(enrolment, Enrolment) else enrolment.enrolment_id
    return Seat(
        institution_id=meeting.institution_id,
        meeting_id=meeting.id,
        person_id=enrolment.person_id,
        enrolment_id=enrolment_id,
        state="confirmed",
    )


def _serve(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    some: Sequence[MeetingWaiting],
    free: list[int],
    now: datetime,
) -> list[Seat]:
    """Seats for these, in their order, as long as there are any; `free` loses what is given."""
    ids = [one.person_id for one in some]
    conflicts.hold_still(session, None, ids)
    busy = conflicts.of_people(session, meeting, ids)
    rows = holding.seats_of(session, meeting.id, ids)
    given = []
    for waiting in some:
        if not free:
            break
        enrolment = session.get_one(Enrolment, waiting.enrolment_id)
        if enrolment.state != "enrolled":
            _end(waiting, "lapsed", now)
            continue
        row = rows.get(waiting.person_id)
        about = asked(meeting, row, waiting)
        against, _ = asking.refusal(session, hook, meeting, about, moment="seat", now=now)
        if against is not None or waiting.person_id in busy:
            continue
        _end(waiting, "seated", now)
        seat, change = holding.hold(
            session,
            meeting,
            row,
            person_id=waiting.person_id,
            enrolment_id=waiting.enrolment_id,
            number=free.pop(0),
            source="waiting",
            accept_until=holding.answer_by(meeting, now),
            actor_id=None,
            now=now,
        )
        if seat.state == "confirmed":
            links.open_for(session, hook, meeting, seat, now=now)
        holding.tell(session, change, now=now)
        given.append(seat)
    return given


def _waiting(meeting_id: int) -> Select[MeetingWaiting]:
    return select(MeetingWaiting).where(
        MeetingWaiting.meeting_id == meeting_id, MeetingWaiting.ended_at.is_(None)
    )


def _end(waiting: MeetingWaiting, outcome: str, now: datetime) -> None:
    waiting.ended_at, waiting.outcome = now, outcome


def _tell_lapsed(session: Session, waiting: MeetingWaiting, now: datetime) -> None:
    promise(
        session,
        "classroom.tell_lapsed",
        key=f"meeting_waiting:{waiting.id}:lapsed",
        now=now,
        institution_id=waiting.institution_id,
        waiting=waiting.id,
    )
