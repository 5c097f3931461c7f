"""Reading about school runs: lists of requests, their history, how the staff do."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, case, func, literal, select, tuple_
from sqlalchemy.orm import Session, aliased

from lms.learning.models import (
    Activity,
    Course,
    CourseVersion,
    Enrolment,
    Run,
    Unit,
)
from lms.partners.models import SchoolRequest
from lms.people.models import AuditRow, Organisation, Person

PAGE = 50
SHEET_PAGE = 500
FOUND = 8
"""Courses that a search shows at most."""

Key = tuple[str, int]


class Place(NamedTuple):
    """How one of the staff does in one of the runs."""

    run_id: int
    progress_permille: int
    score: int | None
    completed_at: datetime | None
    withdrawn: bool


class Member(NamedTuple):
    """One of the staff, with a place for each run that they are in."""

    id: int
    name: str
    places: dict[int, Place]


def listed(
    session: Session,
    institution_id: int,
    *,
    organisation_id: int | None = None,
    state: str = "",
    before: int | None = None,
) -> Sequence[Row[Any]]:
    """At most PAGE + 1 requests: a school's own, or what schools have sent. One query.

    What waits for the institute stands first, the oldest first; the rest is newest first.
    """
    columns: list[Any] = [
        SchoolRequest,
        Organisation.name.label("school"),
        Person.name.label("asker"),
    ]
    query: Select[Any] = (
        select(*columns)
        .join(Organisation, Organisation.id == SchoolRequest.organisation_id)
        .join(Person, Person.id == SchoolRequest.asked_by)
        .where(SchoolRequest.institution_id == institution_id)
        .limit(PAGE + 1)
    )
    if organisation_id is not None:
        query = query.where(SchoolRequest.organisation_id == organisation_id)
    else:
        query = query.where(SchoolRequest.asked_at.is_not(None))
    if state:
        query = query.where(SchoolRequest.state == state)
    if state == "asked":
        query = query.order_by(SchoolRequest.asked_at, SchoolRequest.id)
    else:
        query = query.order_by(SchoolRequest.id.desc())
        if before is not None:
            query = query.where(SchoolRequest.id < before)
    return session.execute(query).all()


def counts(
    session: Session, institution_id: int, *, organisation_id: int | None = None
) -> dict[str, int]:
    """State → how many requests the person may see."""
    query = select(SchoolRequest.state, func.count()).where(
        SchoolRequest.institution_id == institution_id
    )
    if organisation_id is not None:
        query = query.where(SchoolRequest.organisation_id == organisation_id)
    else:
        query = query.where(SchoolRequest.asked_at.is_not(None))
    return {state: n for state, n in session.execute(query.group_by(SchoolRequest.state))}  # noqa: C416  rows


def waiting(session: Session, institution_id: int, most: int) -> Sequence[Row[Any]]:
    """The oldest requests that wait: (id, title, school, asked_at, how many there are)."""
    columns: list[Any] = [
        SchoolRequest.id,
        SchoolRequest.title,
        Organisation.name.label("school"),
        SchoolRequest.asked_at,
        func.count().over().label("all"),
    ]
    return session.execute(
        select(*columns)
        .join(Organisation, Organisation.id == SchoolRequest.organisation_id)
        .where(SchoolRequest.institution_id == institution_id, SchoolRequest.state == "asked")
        .order_by(SchoolRequest.asked_at, SchoolRequest.id)
        .limit(most)
    ).all()


def chosen(session: Session, request: SchoolRequest) -> list[Row[Any]]:
    """The request's courses in its order: (id, title, kind, mode, minutes, archived, units)."""
    rows = session.execute(
        _courses().where(
            Course.id.in_(request.courses), Course.institution_id == request.institution_id
        )
    )
    by_id = {row.id: row for row in rows}
    return [by_id[one] for one in request.courses if one in by_id]


def found(session: Session, institution_id: int, text: str) -> Sequence[Row[Any]]:
    """Courses that can be learnt by oneself and have content, by title: FOUND + 1 at most."""
    query = _courses().where(
        Course.institution_id == institution_id,
        Course.archived_at.is_(None),
        Course.delivery_mode == "self_paced",
        _units() > 0,
    )
    for word in text.split():
        query = query.where(
            Course.title.icontains(word, autoescape=True)
            | Course.task_name.icontains(word, autoescape=True)
            | Course.legal_basis.icontains(word, autoescape=True)
        )
    return session.execute(query.order_by(Course.title, Course.id).limit(FOUND + 1)).all()


def _courses() -> Select[Any]:
    columns: list[Any] = [
        Course.id,
        Course.title,
        Course.training_kind,
        Course.delivery_mode,
        Course.recognised_minutes,
        Course.archived_at,
        _units().label("units"),
    ]
    return select(*columns)


def _units() -> Any:
    """How many units with something to learn the course's newest published version has."""
    newest = aliased(CourseVersion)
    last = (
        select(func.max(newest.number))
        .where(newest.course_id == CourseVersion.course_id, newest.published_at.is_not(None))
        .correlate(CourseVersion)
        .scalar_subquery()
    )
    return (
        select(func.count(Unit.id.distinct()))
        .join(CourseVersion, CourseVersion.id == Unit.version_id)
        .join(Activity, Activity.unit_id == Unit.id)
        .where(CourseVersion.course_id == Course.id, CourseVersion.number == last)
        .correlate(Course)
        .scalar_subquery()
    )


def runs_of(session: Session, request: SchoolRequest) -> Sequence[Row[Any]]:
    """The runs that the approval opened, in order: (id, title, state, year, number, figures)."""
    done = func.sum(case((Enrolment.completed_at.is_not(None), 1), else_=0))
    rows = session.execute(
        select(
            Run.id,
            Course.title,
            Run.state,
            Run.year,
            Run.number,
            func.count(Enrolment.id).label("enrolled"),
            done.label("completed"),
        )
        .join(Course, Course.id == Run.course_id)
        .outerjoin(Enrolment, (Enrolment.run_id == Run.id) & (Enrolment.state == "enrolled"))
        .where(Run.id.in_(request.runs), Run.institution_id == request.institution_id)
        .group_by(Run.id, Course.title, Run.state, Run.year, Run.number)
    )
    by_id = {row.id: row for row in rows}
    return [by_id[one] for one in request.runs if one in by_id]


def progress(
    session: Session,
    request: SchoolRequest,
    *,
    after: Key | None = None,
    most: int = PAGE,
) -> list[Member]:
    """The school's own staff of today who are in the runs, by name: `most` + 1 at most.

    Who has left the school since is another's to look after. Two queries.
    """
    people = (
        select(Person.id, Person.name)
        .where(
            Person.organisation_id == request.organisation_id,
            Person.institution_id == request.institution_id,
            Person.status != "forgotten",
            Person.id.in_(select(Enrolment.person_id).where(Enrolment.run_id.in_(request.runs))),
        )
        .order_by(Person.name, Person.id)
        .limit(most + 1)
    )
    if after is not None:
        people = people.where(
            tuple_(Person.name, Person.id) > tuple_(literal(after[0]), literal(after[1]))
        )
    found = {id_: Member(id_, name, {}) for id_, name in session.execute(people)}
    rows = session.execute(
        select(
            Enrolment.person_id,
            Enrolment.run_id,
            Enrolment.progress_permille,
            Enrolment.score,
            Enrolment.completed_at,
            Enrolment.state,
        )
        .where(Enrolment.run_id.in_(request.runs), Enrolment.person_id.in_(list(found)))
        .order_by(Enrolment.attempt)
    )
    for person_id, run_id, permille, score, completed_at, state in rows:
        place = Place(run_id, permille, score, completed_at, state == "withdrawn")
        found[person_id].places[run_id] = place
    return list(found.values())


def left(session: Session, request: SchoolRequest) -> int:
    """How many in the runs have left the school since: counted and not named."""
    count = session.scalar(
        select(func.count(Person.id.distinct()))
        .join(Enrolment, Enrolment.person_id == Person.id)
        .where(
            Enrolment.run_id.in_(request.runs),
            Person.organisation_id.is_distinct_from(request.organisation_id),
        )
    )
    return count or 0


def whole_progress(db: Any, request: SchoolRequest) -> Iterator[Member]:
    """Everybody, page by page, each on a fresh session: a slow reader holds no snapshot open."""
    after: Key | None = None
    while True:
        with db.reading() as session:
            found = progress(session, request, after=after, most=SHEET_PAGE)
        yield from found[:SHEET_PAGE]
        if len(found) <= SHEET_PAGE:
            return
        last = found[SHEET_PAGE - 1]
        after = (last.name, last.id)


def history(session: Session, request: SchoolRequest) -> Sequence[Any]:
    """What happened to a request, newest first: (at, act, reason, actor, detail). One query."""
    actor = aliased(Person)
    columns: list[Any] = [
        AuditRow.at,
        AuditRow.act,
        AuditRow.reason,
        actor.name,
        AuditRow.detail,
    ]
    return session.execute(
        select(*columns)
        .outerjoin(actor, actor.id == AuditRow.actor_id)
        .where(
            AuditRow.institution_id == request.institution_id,
            AuditRow.subject == "school_request",
            AuditRow.subject_id == request.id,
        )
        .order_by(AuditRow.id.desc())
    ).all()


def names(session: Session, person_ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(
        select(Person.id, Person.name).where(
            Person.id.in_(person_ids), Person.status != "forgotten"
        )
    )
    return {id_: name for id_, name in rows}  # noqa: C416  rows are no pairs to mypy
