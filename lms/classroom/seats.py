"""Taking a seat, giving it back, answering an offer; whoever waits is served in the same act."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.classroom import asking, conflicts, holding, links, queue, triggers
from lms.classroom.conflicts import HOLDS
from lms.classroom.holding import lock_meeting
from lms.classroom.models import Meeting, MeetingWaiting, Seat, Trigger
from lms.errors import ClosedError, ConflictError, InvalidError, LMSError
from lms.learning.models import Enrolment
from lms.learning.running.counter import TAKES as RUN_TAKES
from lms.learning.service import lock, zone_of
from lms.people import audit

TAKES = frozenset({"open", "closed"})
"""States in which an officer may still give seats; people themselves only while it is open."""

OVER = "이미 시작했거나 끝난 회차입니다. 다른 회차를 골라 주십시오."
FULL = "자리가 모두 찼습니다. 다른 회차를 고르거나 대기 명단에 이름을 올려 주십시오."


_AGAINST = {
    "cancelled": "취소되었거나 끝난 기수의 회차입니다. 다른 회차를 골라 주십시오.",
    "planned": "아직 신청을 받지 않는 회차입니다. 열린 뒤에 다시 와 주십시오.",
    "closed": "신청을 마감한 회차입니다. 다른 회차를 골라 주십시오.",
    "held": OVER,
}


def take(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    enrolment: Enrolment,
    *,
    source: str = "self",
    reason: str = "",
    actor_id: int | None,
    now: datetime,
) -> Seat | MeetingWaiting:
    """A seat, or the last place on the waiting list; what is there already, if any.

    Raises ClosedError or ConflictError with what stands against it.
    """
    enrolment = lock(session, enrolment.id)
    if (there := _there(session, meeting.id, enrolment.person_id)) is not None:
        return there
    _refuse(against(session, meeting, enrolment, source=source, now=now))
    # All who come wait for this lock, so what can be asked before it is; and what may have changed
    # meanwhile is asked again.
    meeting = lock_meeting(session, meeting.id)
    _refuse(against_taking(session, meeting, source=source, now=now))
    room = holding.taken(session, meeting.id) < meeting.capacity
    if not room or queue.somebody_waits(session, meeting.id):
        return _wait(session, hook, meeting, enrolment, room=room, now=now)
    conflicts.hold_still(session, None, [enrolment.person_id])
    _refuse(against(session, meeting, enrolment, source=source, now=now))
    row = holding.seats_of(session, meeting.id, [enrolment.person_id]).get(enrolment.person_id)
    asked = queue.asked(meeting, row, enrolment)
    asking.let_through(session, hook, meeting, asked, moment="seat", now=now)
    seat, change = holding.hold(
        session,
        meeting,
        row,
        person_id=enrolment.person_id,
        enrolment_id=enrolment.id,
        number=holding.free_numbers(session, meeting)[0],
        source=source,
        actor_id=actor_id,
        reason=reason,
        now=now,
    )
    links.open_for(session, hook, meeting, seat, now=now)
    if actor_id != enrolment.person_id:
        holding.tell(session, change, now=now)
    return seat


def _wait(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    enrolment: Enrolment,
    *,
    room: bool,
    now: datetime,
) -> Seat | MeetingWaiting:
    """The last place on the list; a seat all the same where whoever stands before may not have it
    yet."""
    waits = queue.line_up(session, meeting, enrolment, now=now)
    if room:
        queue.promote(session, hook, meeting, now=now)
    if waits.ended_at is None:
        return waits
    return holding.seats_of(session, meeting.id, [enrolment.person_id])[enrolment.person_id]


def release(
    session: Session,
    hook: pluggy.HookRelay,
    seat: Seat,
    *,
    why: str = "left",
    reason: str = "",
    actor_id: int | None,
    now: datetime,
) -> None:
    """Give a seat back; the first who waits gets it in the same transaction.

    Raises ClosedError when it is too late. A seat that is free already stays so.
    """
    meeting = lock_meeting(session, seat.meeting_id)
    session.refresh(seat)
    if seat.state not in HOLDS:
        return
    _check_release(session, meeting, seat, actor_id, now)
    by_others = actor_id != seat.person_id
    if by_others and not reason.strip():
        raise InvalidError("왜 자리를 빼는지 한 줄로 적어 주십시오.", field="reason")
    change = holding.let_go(session, seat, why=why, reason=reason, actor_id=actor_id, now=now)
    links.close_for(session, seat, now=now)
    if by_others:
        _note(session, seat, why, reason, actor_id, now)
        if why != "moved":  # then the new seat is what they hear of
            holding.tell(session, change, now=now)
    queue.promote(session, hook, meeting, now=now)


def accept(
    session: Session, hook: pluggy.HookRelay, seat: Seat, *, actor_id: int | None, now: datetime
) -> Seat:
    """Say yes to an offer. Raises ClosedError when it is over; a confirmed seat stays so."""
    meeting = lock_meeting(session, seat.meeting_id)
    session.refresh(seat)
    if seat.state == "confirmed":
        return seat
    if seat.state != "offered" or seat.accept_until is None or now >= seat.accept_until:
        raise ClosedError(
            "자리를 받을 수 있는 시간이 지났습니다. 다른 회차를 고르거나 대기 명단에 이름을 올려 "
            "주십시오."
        )
    asking.let_through(session, hook, meeting, seat, moment="seat", now=now)
    seat.state, seat.accept_until, seat.since = "confirmed", None, now
    session.flush()  # the trigger that would take it away is dropped after it stands
    triggers.drop(session, "seat", seat.id, now=now, kind="offer.expire")
    holding.note(session, seat, "offered", why="accepted", actor_id=actor_id, now=now)
    links.open_for(session, hook, meeting, seat, now=now)
    return seat


def move(
    session: Session,
    hook: pluggy.HookRelay,
    seat: Seat,
    to: Meeting,
    *,
    reason: str = "",
    actor_id: int | None,
    now: datetime,
) -> Seat:
    """The same person's seat at another meeting instead: both, or neither.

    Raises ConflictError when the other has none left, else as take() and release() do.
    """
    enrolment = lock(session, seat.enrolment_id)
    for meeting_id in sorted((seat.meeting_id, to.id)):
        lock_meeting(session, meeting_id)
    session.refresh(seat)
    if seat.state not in HOLDS:
        raise ConflictError("이미 내놓은 자리입니다. 화면을 새로 고쳐 주십시오.")
    if not holding.free_numbers(session, to) or queue.somebody_waits(session, to.id):
        raise ConflictError(FULL)
    how: dict[str, Any] = {"reason": reason, "actor_id": actor_id, "now": now}
    with session.begin_nested():  # what stands against the new one leaves the old one as it was
        release(session, hook, seat, why="moved", **how)
        found = take(session, hook, to, enrolment, source="moved", **how)
        if not isinstance(found, Seat):
            raise ConflictError(FULL)
    return found


def expire(session: Session, hook: pluggy.HookRelay, trigger: Trigger, now: datetime) -> str:
    """An offer that nobody answered goes to the next in line."""
    seat = session.get(Seat, trigger.subject_id)
    if seat is None:
        return "gone"
    meeting = lock_meeting(session, seat.meeting_id)
    session.refresh(seat)
    if seat.state != "offered" or seat.accept_until is None or seat.accept_until > now:
        return "answered"
    change = holding.let_go(session, seat, why="expired", actor_id=None, now=now)
    holding.tell(session, change, now=now)
    queue.promote(session, hook, meeting, now=now)
    return "expired"


def enrolment_ended(
    session: Session, hook: pluggy.HookRelay, enrolment: Enrolment, *, now: datetime
) -> None:
    """Who is out of the run holds no seat and waits for none; its lock is held by the caller."""
    mine = Seat.enrolment_id == enrolment.id
    held = session.scalars(select(Seat).where(mine, Seat.state.in_(HOLDS))).all()
    waits = session.scalars(
        select(MeetingWaiting).where(
            MeetingWaiting.enrolment_id == enrolment.id, MeetingWaiting.ended_at.is_(None)
        )
    ).all()
    concerned = {one.meeting_id for one in held} | {one.meeting_id for one in waits}
    for meeting_id in sorted(concerned):
        meeting = lock_meeting(session, meeting_id)
        for waiting in waits:
            if waiting.meeting_id == meeting_id:
                queue.leave(session, waiting, now=now)
        seat = holding.seats_of(session, meeting_id, [enrolment.person_id]).get(enrolment.person_id)
        # What took place stays as it was: evidence leans on it.
        if seat is not None and seat.state in HOLDS and meeting.starts_at > now:
            holding.let_go(session, seat, why="withdrawn", actor_id=None, now=now)
            links.close_for(session, seat, now=now)
            queue.promote(session, hook, meeting, now=now)


def against(
    session: Session, meeting: Meeting, enrolment: Enrolment, *, source: str, now: datetime
) -> LMSError | None:
    """What stands against the person's seat, apart from their number; None when nothing does."""
    closed = against_taking(session, meeting, source=source, now=now)
    if closed is not None:
        return closed
    if enrolment.run_id != meeting.run_id or enrolment.state != "enrolled":
        return ConflictError("이 기수를 듣는 사람만 자리를 얻을 수 있습니다.")
    if other := _same_part(session, meeting, enrolment):
        return ConflictError(
            "같은 차시의 「{title}」 회차에 이미 자리가 있습니다. 바꾸려면 그 자리에서 "
            "옮겨 주십시오.",
            title=other.title,
        )
    for one in conflicts.of_person(session, meeting, enrolment.person_id):
        return ConflictError(
            "그 시각에 「{title}」 회차가 있습니다. 다른 회차를 고르거나 그 자리를 먼저 "
            "내놓아 주십시오.",
            title=one.title,
        )
    return None


def against_taking(
    session: Session, meeting: Meeting, *, source: str, now: datetime
) -> LMSError | None:
    """Why the meeting gives no seats now, to anybody."""
    if source == "officer" and meeting.state in TAKES:
        return None
    gone = meeting.run.state not in RUN_TAKES or meeting.state == "cancelled"
    if not gone and meeting.state != "planned" and now >= meeting.starts_at:
        return ClosedError(OVER)
    if gone or meeting.state != "open":
        return ClosedError(_AGAINST["cancelled" if gone else meeting.state])
    last = meeting.seats_until
    if last is not None and clock.local_day(now, zone_of(session, meeting.institution_id)) > last:
        return ClosedError(
            "{day}에 신청이 끝났습니다. 다른 회차를 고르거나 담당자에게 문의해 주십시오.", day=last
        )
    return None


def _there(session: Session, meeting_id: int, person_id: int) -> Seat | MeetingWaiting | None:
    """What the person has of the meeting already: they come by their enrolment's lock alone."""
    row = holding.seats_of(session, meeting_id, [person_id]).get(person_id)
    if row is not None and row.state in HOLDS:
        return row
    return queue.waiting_of(session, meeting_id, person_id)


def _refuse(found: LMSError | None) -> None:
    if found is not None:
        raise found


def _check_release(
    session: Session, meeting: Meeting, seat: Seat, actor_id: int | None, now: datetime
) -> None:
    if meeting.state in {"held", "cancelled"}:
        raise ClosedError("끝났거나 취소된 회차의 자리는 그대로 남습니다.")
    if actor_id != seat.person_id:
        return
    if now >= meeting.starts_at:
        raise ClosedError("이미 시작한 회차입니다. 오지 못하셨으면 강사에게 말씀해 주십시오.")
    last = meeting.leave_until
    if last is not None and clock.local_day(now, zone_of(session, meeting.institution_id)) > last:
        raise ClosedError(
            "스스로 자리를 내놓을 수 있는 날({day})이 지났습니다. 담당자에게 문의해 주십시오.",
            day=last,
        )


def _same_part(session: Session, meeting: Meeting, enrolment: Enrolment) -> Meeting | None:
    """Another meeting of the same activity at which they have a seat."""
    if meeting.activity_id is None:
        return None
    found: Sequence[Meeting] = session.scalars(
        select(Meeting)
        .join(Seat, Seat.meeting_id == Meeting.id)
        .where(
            Seat.enrolment_id == enrolment.id,
            Seat.state.in_(HOLDS),
            Meeting.activity_id == meeting.activity_id,
            Meeting.id != meeting.id,
            Meeting.state.in_(("planned", "open", "closed")),
        )
        .limit(1)
    ).all()
    return found[0] if found else None


def _note(
    session: Session, seat: Seat, why: str, reason: str, actor_id: int | None, now: datetime
) -> None:
    audit.write(
        session,
        institution_id=seat.institution_id,
        actor_id=actor_id,
        act="seat.release",
        subject="seat",
        subject_id=seat.id,
        reason=reason.strip(),
        now=now,
        meeting=seat.meeting_id,
    )
