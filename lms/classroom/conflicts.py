"""What stands in the way of a time: the same question for who plans and for the save that refuses.

A room, an instructor or a learner is at one meeting at a time. Cancelled meetings hold nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from lms.classroom.blocks import Block
from lms.classroom.models import Meeting, MeetingBlock, MeetingInstructor, Room, Seat
from lms.errors import ConflictError, InvalidError
from lms.people.models import Person

HOLDS = ("offered", "confirmed")
"""States of a seat that somebody has."""

SAID = {
    "room": "{who}에서 그 시각에 「{title}」 회차가 있습니다. 시각이나 강의실을 바꾸어 주십시오.",
    "instructor": "{who} 강사가 그 시각에 「{title}」 회차에 있습니다. "
    "시각이나 강사를 바꾸어 주십시오.",
    "learner": "{who} 님이 그 시각에 「{title}」 회차에 자리가 있습니다. "
    "시각을 바꾸거나 그분의 자리를 먼저 옮겨 주십시오.",
}
_MOST = 50


class Conflict(NamedTuple):
    """Somebody or something that is elsewhere at that time."""

    kind: str
    """room · instructor · learner"""

    who: str
    person_id: int | None
    meeting_id: int
    title: str
    starts_at: datetime
    ends_at: datetime


def find(
    session: Session,
    institution_id: int,
    blocks: Sequence[Block],
    *,
    room_id: int | None = None,
    instructor_ids: Collection[int] = (),
    meeting_id: int | None = None,
) -> list[Conflict]:
    """The first fifty of each kind, soonest first. `meeting_id`: the meeting that is planned, which
    does not stand in its own way; its seats' people are asked about."""
    if not blocks:
        return []
    found: list[Conflict] = []
    if room_id is not None:
        query = _at(institution_id, blocks, meeting_id, Room.building + " " + Room.name, None)
        query = query.join(Room, Room.id == Meeting.room_id).where(Meeting.room_id == room_id)
        found += _conflicts(session, query, "room")
    if instructor_ids:
        query = _at(institution_id, blocks, meeting_id, Person.name, Person.id)
        query = (
            query.join(MeetingInstructor, MeetingInstructor.meeting_id == Meeting.id)
            .join(Person, Person.id == MeetingInstructor.person_id)
            .where(MeetingInstructor.person_id.in_(instructor_ids))
        )
        found += _conflicts(session, query, "instructor")
    if meeting_id is not None:
        ours = select(Seat.person_id).where(Seat.meeting_id == meeting_id, Seat.state.in_(HOLDS))
        found += _of_people(session, institution_id, blocks, meeting_id, Seat.person_id.in_(ours))
    return found


def of_person(session: Session, meeting: Meeting, person_id: int) -> list[Conflict]:
    """Where else the person has a seat, or teaches, while the meeting goes on."""
    times = [Block(one.starts_at, one.ends_at) for one in meeting.blocks]
    seated = _of_people(
        session, meeting.institution_id, times, meeting.id, Seat.person_id == person_id
    )
    teaching = find(
        session,
        meeting.institution_id,
        times,
        instructor_ids=[person_id],
        meeting_id=None,
    )
    return seated + teaching


def of_people(session: Session, meeting: Meeting, person_ids: Collection[int]) -> dict[int, Any]:
    """Person → a meeting in which they have a seat while this one goes on."""
    times = [Block(one.starts_at, one.ends_at) for one in meeting.blocks]
    rows = _of_people(
        session, meeting.institution_id, times, meeting.id, Seat.person_id.in_(person_ids)
    )
    return {row.person_id: row for row in reversed(rows) if row.person_id is not None}


def refuse(found: Sequence[Conflict], *, overrule: str = "") -> None:
    """Raises ConflictError for the first. `overrule`: why learners' other seats do not count."""
    for one in found:
        if one.kind == "learner" and overrule.strip():
            continue
        raise ConflictError(SAID[one.kind], who=one.who, title=one.title)


def hold_still(session: Session, room_id: int | None, person_ids: Collection[int]) -> None:
    """Lock what is asked about, so that of two who plan at once the second sees the first.

    Callers hold their meeting's lock before these. Raises InvalidError for a room that is gone.
    """
    if room_id is not None:
        room = session.scalar(
            select(Room)
            .where(Room.id == room_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if room is None or room.archived_at is not None:
            raise InvalidError(
                "더는 쓰지 않는 강의실입니다. 다른 곳을 골라 주십시오.", field="room"
            )
    if person_ids:
        # Whoever only refers to these people does not wait.
        session.execute(
            select(Person.id)
            .where(Person.id.in_(sorted(person_ids)))
            .order_by(Person.id)
            .with_for_update(key_share=True)
        )


def _of_people(
    session: Session,
    institution_id: int,
    blocks: Sequence[Block],
    except_id: int | None,
    whose: ColumnElement[bool],
) -> list[Conflict]:
    query = _at(institution_id, blocks, except_id, Person.name, Person.id)
    query = (
        query.join(Seat, Seat.meeting_id == Meeting.id)
        .join(Person, Person.id == Seat.person_id)
        .where(whose, Seat.state.in_(HOLDS))
    )
    return _conflicts(session, query, "learner")


def _at(
    institution_id: int,
    blocks: Sequence[Block],
    except_id: int | None,
    who: Any,
    person_id: Any,
) -> Select[Any]:
    """Meetings that hold their time, with a block that overlaps one of these."""
    columns = (MeetingBlock.starts_at, MeetingBlock.ends_at)
    overlaps = or_(
        *(
            and_(MeetingBlock.starts_at < one.ends_at, MeetingBlock.ends_at > one.starts_at)
            for one in blocks
        )
    )
    named = [who.label("who")] + ([person_id.label("person_id")] if person_id is not None else [])
    query = (
        select(Meeting.id, Meeting.title, *columns, *named)
        .select_from(MeetingBlock)
        .join(Meeting, Meeting.id == MeetingBlock.meeting_id)
        .where(
            MeetingBlock.institution_id == institution_id,
            # The soonest and the last bound the walk; the rest is asked of what it finds.
            MeetingBlock.starts_at < max(one.ends_at for one in blocks),
            MeetingBlock.ends_at > min(one.starts_at for one in blocks),
            overlaps,
            Meeting.state != "cancelled",
        )
    )
    return query if except_id is None else query.where(Meeting.id != except_id)


def _conflicts(session: Session, query: Select[Any], kind: str) -> list[Conflict]:
    rows = session.execute(query.order_by(MeetingBlock.starts_at, MeetingBlock.id).limit(_MOST))
    return [
        Conflict(
            kind,
            row.who,
            getattr(row, "person_id", None),
            row.id,
            row.title,
            row.starts_at,
            row.ends_at,
        )
        for row in rows
    ]
