"""Reading about runs and who is in them: lists by key, constant numbers of queries."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, lazyload

from lms.learning.models import Course, Enrolment, Nomination, Run, RunChange, Waiting
from lms.people.models import Organisation, Person, RoleGrant

PAGE = 50
FOUND = 10
"""People that a search by name shows at most."""

Key = tuple[date, int]
Asked = Select[*tuple[Any, ...]]


class Filter(NamedTuple):
    """What the list of runs is narrowed by."""

    text: str = ""
    state: str = ""
    month: date | None = None
    """First day of a month: runs in which one learns on some day of it."""

    manager_id: int | None = None
    course_id: int | None = None


def listed(session: Session, institution_id: int, told: Filter, after: Key | None) -> Sequence[Any]:
    """At most PAGE + 1 runs with their course's title, latest first."""
    query = (
        _within(select(Run, Course.title.label("title")), institution_id, told)
        .order_by(Run.learn_from.desc(), Run.id.desc())
        .limit(PAGE + 1)
        .options(lazyload(Run.course))
    )
    if after is not None:
        day, run_id = after
        query = query.where(or_(Run.learn_from < day, and_(Run.learn_from == day, Run.id < run_id)))
    return session.execute(query).all()


def states(session: Session, institution_id: int, told: Filter) -> dict[str, int]:
    """State → how many runs the rest of the filter finds."""
    counted: Asked = select(Run.state, func.count())
    query = _within(counted, institution_id, told._replace(state=""))
    return {state: count for state, count in session.execute(query.group_by(Run.state))}  # noqa: C416  rows are no pairs to mypy


def _within(query: Asked, institution_id: int, told: Filter) -> Asked:
    query = query.join(Course, Course.id == Run.course_id).where(
        Run.institution_id == institution_id
    )
    for word in told.text.split():
        query = query.where(
            or_(
                Course.title.icontains(word, autoescape=True),
                Course.code.icontains(word, autoescape=True),
                Run.name.icontains(word, autoescape=True),
            )
        )
    if told.state:
        query = query.where(Run.state == told.state)
    if told.month is not None:
        following = (told.month + timedelta(days=31)).replace(day=1)
        query = query.where(Run.learn_from < following, Run.learn_until >= told.month)
    if told.course_id is not None:
        query = query.where(Run.course_id == told.course_id)
    if told.manager_id is not None:
        query = query.where(
            Run.id.in_(
                select(RoleGrant.run_id).where(
                    RoleGrant.person_id == told.manager_id,
                    RoleGrant.role == "course_manager",
                    RoleGrant.ended_at.is_(None),
                )
            )
        )
    return query


def key_of(run: Run) -> str:
    """A run's place in the list, for an address."""
    return f"{run.learn_from.isoformat()}.{run.id}"


def parse_key(given: str | None) -> Key | None:
    """The place that `key_of()` wrote; None for anything else."""
    day, dot, number = (given or "").partition(".")
    try:
        return (date.fromisoformat(day), int(number)) if dot else None
    except ValueError:
        return None


def inside_counts(session: Session, run_ids: Iterable[int]) -> dict[int, int]:
    """Run → how many are in. Runs without anybody are left out, as below."""
    rows = session.execute(
        select(Enrolment.run_id, func.count())
        .where(Enrolment.run_id.in_(list(run_ids)), Enrolment.state == "enrolled")
        .group_by(Enrolment.run_id)
    )
    return {run_id: count for run_id, count in rows}  # noqa: C416  rows are no pairs to mypy


def waiting_counts(session: Session, run_ids: Iterable[int]) -> dict[int, int]:
    rows = session.execute(
        select(Waiting.run_id, func.count())
        .where(Waiting.run_id.in_(list(run_ids)), Waiting.ended_at.is_(None))
        .group_by(Waiting.run_id)
    )
    return {run_id: count for run_id, count in rows}  # noqa: C416  rows are no pairs to mypy


def managers_of(session: Session, run_ids: Iterable[int]) -> dict[int, list[Any]]:
    """Run → its course managers by name: (run_id, id, name, organisation)."""
    found: dict[int, list[Any]] = {}
    rows = session.execute(
        select(RoleGrant.run_id, Person.id, Person.name, Organisation.name.label("organisation"))
        .join(Person, Person.id == RoleGrant.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(
            RoleGrant.run_id.in_(list(run_ids)),
            RoleGrant.role == "course_manager",
            RoleGrant.ended_at.is_(None),
        )
        .order_by(Person.name, Person.id)
    )
    for row in rows:
        found.setdefault(row.run_id, []).append(row)
    return found


def known_managers(session: Session, institution_id: int) -> Sequence[Any]:
    """Everybody who is a course manager somewhere in the institution: (id, name).

    From the grants to the people: from the people by name, all of the register would be asked.
    """
    managers = (
        select(RoleGrant.person_id)
        .where(
            RoleGrant.institution_id == institution_id,
            RoleGrant.role == "course_manager",
            RoleGrant.ended_at.is_(None),
        )
        .distinct()
        .subquery()
    )
    return session.execute(
        select(Person.id, Person.name)
        .join(managers, managers.c.person_id == Person.id)
        .where(Person.status != "forgotten")
        .order_by(Person.name, Person.id)
        .limit(200)
    ).all()


def inside(
    session: Session, run_id: int, *, state: str, text: str, after: tuple[str, int] | None
) -> Sequence[Any]:
    """At most PAGE + 1 enrolments of a run, by name: (Enrolment, name, organisation)."""
    query = (
        select(Enrolment, Person.name, Organisation.name.label("organisation"))
        .join(Person, Person.id == Enrolment.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Enrolment.run_id == run_id, Enrolment.state == state)
        .order_by(Person.name, Enrolment.id)
        .limit(PAGE + 1)
        .options(lazyload(Enrolment.run))
    )
    if text:
        query = query.where(_named(text))
    if after is not None:
        name, number = after
        query = query.where(
            or_(Person.name > name, and_(Person.name == name, Enrolment.id > number))
        )
    return session.execute(query).all()


def line(
    session: Session, run_id: int, *, after: int | None, most: int = PAGE + 1
) -> Sequence[Any]:
    """Who waits, in order: (Waiting, name, organisation)."""
    query = (
        select(Waiting, Person.name, Organisation.name.label("organisation"))
        .join(Person, Person.id == Waiting.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Waiting.run_id == run_id, Waiting.ended_at.is_(None))
        .order_by(Waiting.id)
        .limit(most)
    )
    return session.execute(query.where(Waiting.id > (after or 0))).all()


def nominated(session: Session, run_id: int, *, after: int | None) -> Sequence[Any]:
    """Who was named, as they came: (Nomination, name, organisation, state of the enrolment)."""
    last = (
        select(Enrolment.state)
        .where(Enrolment.run_id == run_id, Enrolment.person_id == Nomination.person_id)
        .order_by(Enrolment.attempt.desc())
        .limit(1)
        .scalar_subquery()
    )
    return session.execute(
        select(
            Nomination, Person.name, Organisation.name.label("organisation"), last.label("state")
        )
        .join(Person, Person.id == Nomination.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Nomination.run_id == run_id, Nomination.id > (after or 0))
        .order_by(Nomination.id)
        .limit(PAGE + 1)
    ).all()


def candidates(session: Session, institution_id: int, text: str) -> Sequence[Any]:
    """People by a part of their name or organisation, at most FOUND."""
    return session.execute(
        select(Person.id, Person.name, Person.rank, Organisation.name.label("organisation"))
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(
            Person.institution_id == institution_id,
            Person.status.in_(("active", "leave")),
            _named(text),
        )
        .order_by(Person.name, Person.id)
        .limit(FOUND)
    ).all()


def _named(text: str) -> Any:
    """Each word in the name or in the organisation's."""
    return and_(
        *(
            or_(
                Person.name.icontains(word, autoescape=True),
                Organisation.name.icontains(word, autoescape=True),
            )
            for word in text.split()
        )
    )


def tallies(session: Session, run_id: int) -> dict[str, int]:
    """How many are in, out, waiting, named: one query."""
    row = session.execute(
        select(
            select(func.count())
            .where(Enrolment.run_id == run_id, Enrolment.state == "enrolled")
            .scalar_subquery()
            .label("inside"),
            select(func.count())
            .where(Enrolment.run_id == run_id, Enrolment.state == "withdrawn")
            .scalar_subquery()
            .label("out"),
            select(func.count())
            .where(Waiting.run_id == run_id, Waiting.ended_at.is_(None))
            .scalar_subquery()
            .label("waiting"),
            select(func.count())
            .where(Nomination.run_id == run_id)
            .scalar_subquery()
            .label("named"),
        )
    ).mappings()
    return {name: int(count) for name, count in row.one().items()}


def history(session: Session, run_id: int) -> Sequence[Any]:
    """The run's states, newest first: (RunChange, name of who did it or None)."""
    actor = aliased(Person)
    return session.execute(
        select(RunChange, actor.name.label("actor"))
        .outerjoin(actor, actor.id == RunChange.actor_id)
        .where(RunChange.run_id == run_id)
        .order_by(RunChange.id.desc())
        .limit(20)
    ).all()


def organisations(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Names of organisations by id."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(wanted))
    )
    return {id_: name for id_, name in rows}  # noqa: C416  rows are no pairs to mypy
