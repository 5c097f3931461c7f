"""What people are told by mail of meetings and seats: each thing once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.classroom.conflicts import HOLDS
from lms.classroom.models import (
    Meeting,
    MeetingChange,
    MeetingInstructor,
    MeetingWaiting,
    Seat,
    SeatChange,
)
from lms.i18n import Words, formats, words
from lms.learning.service import zone_of
from lms.outbox import Task, promise
from lms.people.models import Person

CHOICES = 3
"""Other meetings that a mail names."""

_OF_SEAT = {
    "confirmed": (
        "「{title}」 회차에 자리가 있습니다",
        "「{title}」 회차에 자리가 있습니다. {when}, {where}. 오실 수 없으면 모임 화면에서 자리를 "
        "내놓아 "
        "주십시오. 다음 사람이 받습니다.",
    ),
    "offered": (
        "「{title}」 회차에 자리가 났습니다. {until}까지 답해 주십시오",
        "기다리시던 「{title}」 회차({when}, {where})에 자리가 났습니다. {until}까지 모임 화면에서 "
        "받겠다고 눌러 주십시오. 그때까지 답이 없으면 다음 사람에게 갑니다.",
    ),
    "expired": (
        "「{title}」 회차의 자리를 맡아 둔 시간이 지났습니다",
        "「{title}」 회차의 자리를 맡아 둔 시간이 지나 다음 사람에게 갔습니다. {choices}",
    ),
    "released": (
        "「{title}」 회차의 자리가 취소되었습니다",
        "「{title}」 회차({when})의 자리가 취소되었습니다. 까닭: {reason} {choices}",
    ),
}
_OF_MEETING = {
    "cancelled": (
        "「{title}」 회차가 취소되었습니다",
        "「{title}」 회차({when})가 취소되었습니다. 까닭: {reason} 이미 이수한 것은 그대로 "
        "남습니다. "
        "{choices}",
    ),
    "restored": (
        "「{title}」 회차를 다시 엽니다",
        "취소했던 「{title}」 회차를 다시 엽니다. {when}, {where}. 자리는 그대로 있습니다.",
    ),
    "changed": (
        "「{title}」 회차의 시간이나 장소가 바뀌었습니다",
        "「{title}」 회차는 이제 {when}, {where}입니다. 까닭: {reason} 오실 수 없으면 모임 "
        "화면에서 "
        "자리를 내놓거나 옮겨 주십시오. {choices}",
    ),
}


def tell_seat(state: Any, task: Task, now: datetime) -> None:
    """Somebody's seat became something else, and not by their own hand."""
    with state.db.transaction() as session:
        change = session.get(SeatChange, task.payload["change"])
        seat = None if change is None else session.get(Seat, change.seat_id)
        if change is None or seat is None or _is_past(session, change):
            return
        step = change.why if change.why == "expired" else change.after
        meeting, person = seat.meeting, seat.person
        told = _told(session, meeting, person, now)
        until = seat.accept_until
        zone = zone_of(session, meeting.institution_id)
        told |= {
            "until": _moment(until, zone, told["locale"]) if until else "",
            "reason": change.reason,
        }
        _mail(session, person, f"seat_change:{change.id}:mail", _OF_SEAT[step], told, now)


def tell_meeting(state: Any, task: Task, now: datetime) -> None:
    """A meeting was cancelled, restored or moved: all who have a seat, wait or teach hear of it,
    each by a promise of their own. Nothing where it has moved on since: that tells its own news."""
    with state.db.transaction() as session:
        change = session.get(MeetingChange, task.payload["change"])
        meeting = None if change is None else session.get(Meeting, change.meeting_id)
        if change is None or meeting is None or meeting.sequence != change.sequence:
            return
        step = (
            "cancelled"
            if change.after == "cancelled"
            else "restored"
            if change.before == "cancelled"
            else "changed"
        )
        for person in _concerned(session, meeting, change.at):
            told = _told(session, meeting, person, now) | {"reason": change.reason}
            key = f"meeting_change:{change.id}:{person.id}:mail"
            _mail(session, person, key, _OF_MEETING[step], told, now)


def tell_lapsed(state: Any, task: Task, now: datetime) -> None:
    """Somebody waited in vain."""
    with state.db.transaction() as session:
        waiting = session.get(MeetingWaiting, task.payload["waiting"])
        if waiting is None or waiting.outcome != "lapsed":
            return
        meeting = session.get_one(Meeting, waiting.meeting_id)
        texts = (
            "「{title}」 회차의 대기가 끝났습니다",
            "「{title}」 회차({when})에서 자리를 드리지 못하고 대기가 끝났습니다. {choices}",
        )
        told = _told(session, meeting, waiting.person, now)
        key = f"meeting_waiting:{waiting.id}:lapsed:mail"
        _mail(session, waiting.person, key, texts, told, now)


def next_choices(session: Session, meeting: Meeting, now: datetime) -> Sequence[Meeting]:
    """Open meetings for the same, with free seats and nobody waiting, soonest first."""
    held = (
        select(func.count())
        .select_from(Seat)
        .where(Seat.meeting_id == Meeting.id, Seat.state.in_(HOLDS))
        .scalar_subquery()
    )
    waits = select(MeetingWaiting.id).where(
        MeetingWaiting.meeting_id == Meeting.id, MeetingWaiting.ended_at.is_(None)
    )
    same = (
        Meeting.activity_id.is_(None)
        if meeting.activity_id is None
        else Meeting.activity_id == meeting.activity_id
    )
    return session.scalars(
        select(Meeting)
        .where(
            Meeting.run_id == meeting.run_id,
            same,
            Meeting.id != meeting.id,
            Meeting.state == "open",
            Meeting.starts_at > now,
            held < Meeting.capacity,
            ~waits.exists(),
        )
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(CHOICES)
    ).all()


def place_of(meeting: Meeting, say: Words) -> str:
    """Where it is, in words."""
    room = f"{meeting.room.building} {meeting.room.name}" if meeting.room else ""
    host = meeting.host.name if meeting.host else ""
    live = say.text("실시간 (모임 화면의 단추로 들어감)") if meeting.provider else ""
    return ", ".join(part for part in (host, room, meeting.place, live) if part)


def _is_past(session: Session, change: SeatChange) -> bool:
    """Whether the seat has moved on since."""
    later = select(SeatChange.id).where(
        SeatChange.seat_id == change.seat_id, SeatChange.id > change.id
    )
    return session.scalar(later.limit(1)) is not None


def _concerned(session: Session, meeting: Meeting, at: datetime) -> Iterable[Person]:
    """Who has a seat, waits or teaches; and whose offer ended with the meeting."""
    seated = select(Seat.person_id).where(
        Seat.meeting_id == meeting.id,
        or_(Seat.state.in_(HOLDS), (Seat.why == "cancelled") & (Seat.since == at)),
    )
    waits = select(MeetingWaiting.person_id).where(
        MeetingWaiting.meeting_id == meeting.id, MeetingWaiting.ended_at.is_(None)
    )
    teaches = select(MeetingInstructor.person_id).where(MeetingInstructor.meeting_id == meeting.id)
    return session.scalars(
        select(Person)
        .where(or_(Person.id.in_(seated), Person.id.in_(waits), Person.id.in_(teaches)))
        .order_by(Person.id)
    )


def _told(session: Session, meeting: Meeting, person: Person, now: datetime) -> dict[str, Any]:
    locale = person.locale or "ko"
    say = words(locale)
    zone = zone_of(session, meeting.institution_id)
    other = next_choices(session, meeting, now)
    choices = say.text("다른 회차는 모임 화면에서 고르실 수 있습니다.")
    if other:
        named = "; ".join(f"{one.title} ({_moment(one.starts_at, zone, locale)})" for one in other)
        choices = say.text("자리가 있는 다른 회차: {named}", named=named)
    return {
        "locale": locale,
        "title": meeting.title,
        "when": _moment(meeting.starts_at, zone, locale),
        "where": place_of(meeting, say),
        "choices": choices,
    }


def _moment(at: datetime, zone: str, locale: str) -> str:
    from_ = formats.day_full(clock.local_day(at, zone), locale)
    return f"{from_} {formats.clock(at, zone)}"


def _mail(
    session: Session,
    person: Person,
    key: str,
    texts: tuple[str, str],
    told: dict[str, Any],
    now: datetime,
) -> None:
    """Nothing to somebody without an address, or who is gone."""
    if not person.email or person.status in {"forgotten", "retired"}:
        return
    say = words(told["locale"]).text
    params = {name: value for name, value in told.items() if name != "locale"}
    promise(
        session,
        "mail.send",
        key=key,
        now=now,
        institution_id=person.institution_id,
        to=person.email,
        subject=say(texts[0], **params),
        body=say(texts[1], **params),
    )
