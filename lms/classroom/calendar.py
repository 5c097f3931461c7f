"""Somebody's meetings as a calendar (RFC 5545). Pure but for reading them and their address."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from lms.classroom.conflicts import HOLDS
from lms.classroom.models import CalendarFeed, Meeting, MeetingInstructor, Seat
from lms.i18n import words
from lms.people.models import Person

KEPT = timedelta(days=180)
"""What ended longer ago is not told any more."""

_MOST_OCTETS = 75
"""Of a line, the break left out (RFC 5545, 3.1)."""


class Event(NamedTuple):
    """One block of a meeting, as a calendar shows it."""

    uid: str
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    place: str
    description: str
    cancelled: bool
    tentative: bool = False
    """An offer that is not accepted yet."""


def feed_of(
    session: Session, person_id: int, institution_id: int, *, now: datetime, renew: bool = False
) -> CalendarFeed:
    """The person's address, made at first use; `renew` makes the old one nobody's."""
    row = found(session, person_id)
    if row is None:
        row = CalendarFeed(
            institution_id=institution_id,
            person_id=person_id,
            token=secrets.token_urlsafe(32),
            made_at=now,
        )
        session.add(row)
    elif renew:
        row.token, row.made_at = secrets.token_urlsafe(32), now
    return row


def found(session: Session, person_id: int) -> CalendarFeed | None:
    """The person's address, if they have asked for one."""
    return session.scalar(select(CalendarFeed).where(CalendarFeed.person_id == person_id))


def name_of(person: Person) -> str:
    """What a calendar program calls it."""
    return words(person.locale or "ko").text("이음 모임")


def person_of(session: Session, token: str) -> Person | None:
    """Whose calendar the address is; None for nobody's, or somebody's who is gone."""
    return session.scalar(
        select(Person)
        .join(CalendarFeed, CalendarFeed.person_id == Person.id)
        .where(CalendarFeed.token == token, Person.status == "active")
    )


def events(session: Session, person: Person, place_of: Any, *, now: datetime) -> list[Event]:
    """Each block of the meetings at which they have a seat or teach; cancelled ones too, so that
    calendars take them away. `place_of(meeting, say)` says where it is."""
    seat = select(Seat.meeting_id).where(Seat.person_id == person.id, Seat.state.in_(HOLDS))
    offered = set(
        session.scalars(
            select(Seat.meeting_id).where(Seat.person_id == person.id, Seat.state == "offered")
        )
    )
    teaches = select(MeetingInstructor.meeting_id).where(MeetingInstructor.person_id == person.id)
    rows = session.scalars(
        select(Meeting)
        .where(
            Meeting.institution_id == person.institution_id,
            or_(Meeting.id.in_(seat), Meeting.id.in_(teaches)),
            Meeting.state != "planned",
            Meeting.ends_at > now - KEPT,
        )
        .order_by(Meeting.starts_at, Meeting.id)
        .options(joinedload(Meeting.room), joinedload(Meeting.host), selectinload(Meeting.blocks))
    ).all()
    say = words(person.locale or "ko")
    return [
        Event(
            # The first block keeps the meeting's own name: that is what most meetings have.
            uid=meeting.uid if n == 0 else f"{n + 1}-{meeting.uid}",
            sequence=meeting.sequence,
            changed_at=meeting.changed_at,
            starts_at=block.starts_at,
            ends_at=block.ends_at,
            summary=f"{meeting.run.course.title} · {meeting.title}",
            place=place_of(meeting, say),
            description=say.text("자리를 바꾸거나 내놓으려면 이음의 모임 화면을 여십시오."),
            cancelled=meeting.state == "cancelled",
            tentative=meeting.id in offered,
        )
        for meeting in rows
        for n, block in enumerate(meeting.blocks)
    ]


def document(name: str, told: Iterable[Event]) -> bytes:
    """The calendar as a file: UTF-8, CRLF, lines folded."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Ieum//Meetings//KO",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for one in told:
        status = "CANCELLED" if one.cancelled else "TENTATIVE" if one.tentative else "CONFIRMED"
        lines += [
            "BEGIN:VEVENT",
            f"UID:{one.uid}",
            f"SEQUENCE:{one.sequence}",
            f"DTSTAMP:{_instant(one.changed_at)}",
            f"LAST-MODIFIED:{_instant(one.changed_at)}",
            f"DTSTART:{_instant(one.starts_at)}",
            f"DTEND:{_instant(one.ends_at)}",
            f"SUMMARY:{escaped(one.summary)}",
            *([f"LOCATION:{escaped(one.place)}"] if one.place else []),
            f"DESCRIPTION:{escaped(one.description)}",
            f"STATUS:{status}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(folded(line) + "\r\n" for line in lines).encode()


def escaped(text: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11)."""
    for mark in ("\\", ";", ","):
        text = text.replace(mark, "\\" + mark)
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def folded(line: str) -> str:
    """Broken after at most 75 octets, never inside a character (RFC 5545, 3.1)."""
    pieces, piece, octets = [], "", 0
    for letter in line:
        size = len(letter.encode())
        if octets + size > _MOST_OCTETS:
            pieces.append(piece)
            piece, octets = " ", 1
        piece += letter
        octets += size
    return "\r\n".join([*pieces, piece])


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
