"""Reading about rooms and meetings: a constant number of queries, whatever the number of rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, lazyload

from lms.classroom.conflicts import HOLDS
from lms.classroom.models import (
    InstructorSkill,
    Meeting,
    MeetingBlock,
    MeetingChange,
    MeetingInstructor,
    MeetingWaiting,
    Room,
    Seat,
)
from lms.learning.models import Activity, Course, Enrolment, Run, Unit
from lms.people.models import Organisation, Person, RoleGrant

PAGE = 50
FOUND = 10
Asked = Select[*tuple[Any, ...]]
COMING = ("planned", "open", "closed")


class Filter(NamedTuple):
    """What a list of meetings is narrowed by."""

    run_id: int | None = None
    room_id: int | None = None
    person_id: int | None = None
    """Who teaches there."""

    state: str = ""
    since: datetime | None = None
    until: datetime | None = None


def listed(
    session: Session, institution_id: int, told: Filter, *, after: tuple[datetime, int] | None
) -> Sequence[Any]:
    """At most PAGE + 1 rows (Meeting, title, taken, waiting), soonest first."""
    query = _within(_counted(), institution_id, told).order_by(Meeting.starts_at, Meeting.id)
    if after is not None:
        at, meeting_id = after
        query = query.where(
            or_(
                Meeting.starts_at > at,
                and_(Meeting.starts_at == at, Meeting.id > meeting_id),
            )
        )
    return session.execute(query.limit(PAGE + 1)).all()


def states(session: Session, institution_id: int, told: Filter) -> dict[str, int]:
    """State → how many meetings the rest of the filter finds."""
    counted: Asked = select(Meeting.state, func.count()).select_from(Meeting)
    query = _within(counted, institution_id, told._replace(state=""))
    return {state: count for state, count in session.execute(query.group_by(Meeting.state))}  # noqa: C416  rows are no pairs to mypy


def week(
    session: Session, institution_id: int, told: Filter, first: datetime, last: datetime
) -> Sequence[Any]:
    """Blocks that begin within: (MeetingBlock, Meeting, title), by their start."""
    query: Asked = (
        select(MeetingBlock, Meeting, Course.title.label("title"))
        .join(Meeting, Meeting.id == MeetingBlock.meeting_id)
        .join(Run, Run.id == Meeting.run_id)
        .join(Course, Course.id == Run.course_id)
        .where(MeetingBlock.starts_at >= first, MeetingBlock.starts_at < last)
        .order_by(MeetingBlock.starts_at, MeetingBlock.id)
        .options(lazyload(Meeting.run), joinedload(Meeting.room), joinedload(Meeting.host))
    )
    return session.execute(_within(query, institution_id, told)).all()


def teachers(session: Session, meeting_ids: Iterable[int]) -> dict[int, list[Any]]:
    """Meeting → its instructors: (meeting_id, id, name, part)."""
    rows = session.execute(
        select(MeetingInstructor.meeting_id, Person.id, Person.name, MeetingInstructor.part)
        .join(Person, Person.id == MeetingInstructor.person_id)
        .where(MeetingInstructor.meeting_id.in_(list(meeting_ids)))
        .order_by(MeetingInstructor.id)
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.meeting_id, []).append(row)
    return found


def rooms(session: Session, institution_id: int, text: str = "") -> Sequence[Any]:
    """(Room, coming): every room of the institution, those in use first, by building and name."""
    ahead = aliased(Meeting)
    coming = (
        select(func.count())
        .select_from(ahead)
        .where(ahead.room_id == Room.id, ahead.state.in_(COMING))
        .scalar_subquery()
        .label("coming")
    )
    query = select(Room, coming).where(Room.institution_id == institution_id)
    for word in text.split():
        query = query.where(
            or_(
                Room.building.icontains(word, autoescape=True),
                Room.name.icontains(word, autoescape=True),
            )
        )
    order = (Room.archived_at.is_not(None), Room.building, Room.name, Room.id)
    return session.execute(query.order_by(*order)).all()


def in_use(session: Session, institution_id: int) -> Sequence[Room]:
    """Rooms to plan with."""
    return session.scalars(
        select(Room)
        .where(Room.institution_id == institution_id, Room.archived_at.is_(None))
        .order_by(Room.building, Room.name)
    ).all()


def seated(session: Session, meeting_id: int) -> Sequence[Any]:
    """(Seat, name, organisation) of everybody who has or had a seat: by number, then by name."""
    return session.execute(
        select(Seat, Person.name, Organisation.name.label("organisation"))
        .join(Person, Person.id == Seat.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Seat.meeting_id == meeting_id)
        .order_by(Seat.seat_no.is_(None), Seat.seat_no, Person.name, Seat.id)
    ).all()


def queue(session: Session, meeting_id: int) -> Sequence[Any]:
    """(MeetingWaiting, name, organisation), in order."""
    return session.execute(
        select(MeetingWaiting, Person.name, Organisation.name.label("organisation"))
        .join(Person, Person.id == MeetingWaiting.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(MeetingWaiting.meeting_id == meeting_id, MeetingWaiting.ended_at.is_(None))
        .order_by(MeetingWaiting.id)
    ).all()


def history(session: Session, meeting_id: int) -> Sequence[Any]:
    """(MeetingChange, actor's name), newest first."""
    return session.execute(
        select(MeetingChange, Person.name.label("actor"))
        .outerjoin(Person, Person.id == MeetingChange.actor_id)
        .where(MeetingChange.meeting_id == meeting_id)
        .order_by(MeetingChange.id.desc())
        .limit(PAGE)
    ).all()


def without_seat(session: Session, meeting: Meeting, text: str) -> Sequence[Any]:
    """(enrolment_id, name, organisation) of people of the run who have no seat there."""
    has = select(Seat.id).where(
        Seat.meeting_id == meeting.id,
        Seat.person_id == Enrolment.person_id,
        Seat.state.in_(HOLDS),
    )
    query = (
        select(
            Enrolment.id.label("enrolment_id"),
            Person.name,
            Organisation.name.label("organisation"),
        )
        .join(Person, Person.id == Enrolment.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Enrolment.run_id == meeting.run_id, Enrolment.state == "enrolled", ~has.exists())
    )
    for word in text.split():
        query = query.where(
            or_(
                Person.name.icontains(word, autoescape=True),
                Organisation.name.icontains(word, autoescape=True),
            )
        )
    return session.execute(query.order_by(Person.name, Enrolment.id).limit(FOUND)).all()


def pool(session: Session, institution_id: int, ids: Iterable[int] = ()) -> Sequence[Any]:
    """(id, name, organisation) of who has taught or can teach something; and of `ids`."""
    known = select(InstructorSkill.person_id).where(
        InstructorSkill.institution_id == institution_id
    )
    granted = select(RoleGrant.person_id).where(
        RoleGrant.institution_id == institution_id,
        RoleGrant.role == "instructor",
        RoleGrant.ended_at.is_(None),
    )
    return _people(
        session,
        institution_id,
        or_(Person.id.in_(known), Person.id.in_(granted), Person.id.in_(list(ids))),
        200,
    )


def by_name(session: Session, institution_id: int, text: str) -> Sequence[Any]:
    """(id, name, organisation) of people whose names hold the words."""
    if not text.split():
        return []
    named = and_(*(Person.name.icontains(word, autoescape=True) for word in text.split()))
    return _people(session, institution_id, named, FOUND)


def skills_of(session: Session, person_ids: Iterable[int]) -> dict[int, list[str]]:
    """Person → what they can teach."""
    rows = session.execute(
        select(InstructorSkill.person_id, InstructorSkill.skill)
        .where(InstructorSkill.person_id.in_(list(person_ids)))
        .order_by(InstructorSkill.skill)
    )
    found: dict[int, list[str]] = {}
    for person_id, skill in rows:
        found.setdefault(person_id, []).append(skill)
    return found


def activities(session: Session, run: Run) -> Sequence[Any]:
    """(id, title, unit) of what in the run's version is completed by attending a meeting."""
    return session.execute(
        select(Activity.id, Activity.title, Unit.position.label("unit"))
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Unit.version_id == run.version_id, Activity.kind == "meeting")
        .order_by(Unit.position, Activity.position)
    ).all()


def _people(session: Session, institution_id: int, where: Any, most: int) -> Sequence[Any]:
    return session.execute(
        select(Person.id, Person.name, Organisation.name.label("organisation"))
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Person.institution_id == institution_id, Person.status == "active", where)
        .order_by(Person.name, Person.id)
        .limit(most)
    ).all()


def _counted() -> Asked:
    held, waits = aliased(Seat), aliased(MeetingWaiting)
    taken = (
        select(func.count())
        .select_from(held)
        .where(held.meeting_id == Meeting.id, held.state.in_(HOLDS))
        .scalar_subquery()
    )
    waiting = (
        select(func.count())
        .select_from(waits)
        .where(waits.meeting_id == Meeting.id, waits.ended_at.is_(None))
        .scalar_subquery()
    )
    return (
        select(
            Meeting,
            Course.title.label("title"),
            taken.label("taken"),
            waiting.label("waiting"),
        )
        .join(Run, Run.id == Meeting.run_id)
        .join(Course, Course.id == Run.course_id)
        .options(lazyload(Meeting.run), joinedload(Meeting.room), joinedload(Meeting.host))
    )


def _within(query: Asked, institution_id: int, told: Filter) -> Asked:
    query = query.where(Meeting.institution_id == institution_id)
    if told.run_id is not None:
        query = query.where(Meeting.run_id == told.run_id)
    if told.room_id is not None:
        query = query.where(Meeting.room_id == told.room_id)
    if told.state:
        query = query.where(Meeting.state == told.state)
    if told.since is not None:
        query = query.where(Meeting.ends_at >= told.since)
    if told.until is not None:
        query = query.where(Meeting.starts_at < told.until)
    if told.person_id is not None:
        query = query.where(
            Meeting.id.in_(
                select(MeetingInstructor.meeting_id).where(
                    MeetingInstructor.person_id == told.person_id
                )
            )
        )
    return query
