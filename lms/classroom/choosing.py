"""What a learner sees of meetings: their own, and those that they may choose from."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, lazyload, selectinload

from lms.classroom.conflicts import HOLDS
from lms.classroom.models import JoinLink, Meeting, MeetingWaiting, Seat
from lms.db import Prepared
from lms.learning.models import Course, Enrolment, Run
from lms.learning.rows import EnrolmentLike

SHOWN = ("open", "closed", "held", "cancelled")
"""A meeting that is still planned is nobody's to see but who plans it."""

MOST = 60

EARLY = timedelta(minutes=30)
"""How long before it begins a live meeting may be joined."""


class Line(NamedTuple):
    """A meeting as a learner stands to it."""

    meeting: Meeting
    enrolment_id: int
    course: str
    seat: Seat | None
    """Their own row there, whatever became of it."""

    waiting: MeetingWaiting | None
    place: int
    """Their place on the waiting list, from 1; 0 for who does not wait."""

    taken: int
    queue: int
    """How many wait."""

    token: str | None
    """Of their own way in, where there is one."""

    @property
    def free(self) -> int:
        return max(0, self.meeting.capacity - self.taken)

    @property
    def holds(self) -> bool:
        return self.seat is not None and self.seat.state in HOLDS


def of_activity(session: Session, enrolment: EnrolmentLike, activity_id: int) -> list[Line]:
    """The meetings at which the activity can be attended, soonest first; one query and two more."""
    where = (
        Meeting.run_id == enrolment.run_id,
        Meeting.activity_id == activity_id,
        Enrolment.id == enrolment.id,
    )
    return _lines(session, *where)


def of_person(session: Session, person_id: int, *, since: datetime) -> list[Line]:
    """Every meeting that is not over, or ended after `since`, of the runs that they are in."""
    return _lines(
        session,
        Enrolment.person_id == person_id,
        Meeting.ends_at >= since,
    )


def next_of(session: Session, person_id: int, *, now: datetime, most: int = 3) -> list[Line]:
    """The next meetings at which they have a seat, or are offered one.

    One query, on everybody's way to their home page, and two more for who has one.
    """
    told = {"person_id": person_id, "now": now}
    if _HAS_ONE.first(session, **told) is None:
        return []
    rows: Sequence[Any] = session.execute(_next(), told).all()
    return [Line(*row) for row in rows[:most]]


def instead(lines: Sequence[Line], *, now: datetime) -> dict[int, list[Line]]:
    """Seat → other meetings of the same part with a free seat and nobody waiting."""
    free = [
        line
        for line in lines
        if line.meeting.state == "open"
        and line.meeting.starts_at > now
        and line.free
        and not line.queue
        and not line.holds
    ]
    return {
        line.seat.id: [
            one
            for one in free
            if one.enrolment_id == line.enrolment_id
            and one.meeting.activity_id == line.meeting.activity_id
        ]
        for line in lines
        if line.seat is not None and line.holds
    }


_HAS_ONE = Prepared(
    select(Seat.id)
    .join(Meeting, Meeting.id == Seat.meeting_id)
    .where(
        Seat.person_id == bindparam("person_id"),
        Seat.state.in_(HOLDS),
        Meeting.ends_at > bindparam("now"),
        Meeting.state != "cancelled",
    )
    .limit(1),
    int,
)


@cache
def _next() -> Select[Any]:
    # Put together once: that takes longer than asking.
    return _listed(
        Enrolment.person_id == bindparam("person_id"),
        Seat.state.in_(HOLDS),
        Meeting.ends_at > bindparam("now"),
        Meeting.state != "cancelled",
    )


def _lines(session: Session, *where: ColumnElement[bool]) -> list[Line]:
    rows: Sequence[Any] = session.execute(_listed(*where)).all()
    return [Line(*row) for row in rows]


def _listed(*where: ColumnElement[bool]) -> Select[Any]:
    return (
        _asked()
        .where(*where, Enrolment.state == "enrolled", _is_shown())
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(MOST)
        .options(
            lazyload(Meeting.run),
            joinedload(Meeting.room),
            joinedload(Meeting.host),
            selectinload(Meeting.blocks),
        )
    )


def _asked() -> Select[Any]:
    """A Line's columns, for each enrolment with each meeting of its run."""
    mine = and_(Seat.meeting_id == Meeting.id, Seat.person_id == Enrolment.person_id)
    waits = and_(
        MeetingWaiting.meeting_id == Meeting.id,
        MeetingWaiting.person_id == Enrolment.person_id,
        MeetingWaiting.ended_at.is_(None),
    )
    link = and_(
        JoinLink.meeting_id == Meeting.id,
        JoinLink.person_id == Enrolment.person_id,
        JoinLink.ended_at.is_(None),
    )
    columns = (Meeting, Enrolment.id, Course.title, Seat, MeetingWaiting, *_counts())
    return (
        select(*columns, JoinLink.token)
        .join(Enrolment, Enrolment.run_id == Meeting.run_id)
        .join(Run, Run.id == Meeting.run_id)
        .join(Course, Course.id == Run.course_id)
        .outerjoin(Seat, mine)
        .outerjoin(MeetingWaiting, waits)
        .outerjoin(JoinLink, link)
    )


def _counts() -> tuple[Any, Any, Any]:
    """Their place on the list, how many seats are taken, how many wait."""
    held = aliased(Seat)
    ahead, listed = aliased(MeetingWaiting), aliased(MeetingWaiting)
    place = _count(
        ahead,
        ahead.meeting_id == Meeting.id,
        ahead.ended_at.is_(None),
        ahead.id <= MeetingWaiting.id,
    )
    taken = _count(held, held.meeting_id == Meeting.id, held.state.in_(HOLDS))
    queue = _count(listed, listed.meeting_id == Meeting.id, listed.ended_at.is_(None))
    return place, taken, queue


def _is_shown() -> ColumnElement[bool]:
    """What was called off before anybody had a seat there interests nobody."""
    return or_(
        Meeting.state.in_(("open", "closed")),
        and_(Meeting.state.in_(SHOWN), Seat.id.is_not(None)),
    )


def _count(of: Any, *where: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(of).where(*where).scalar_subquery()
