"""Reading the learners of a run: counts, pages by key, where they are stuck. Constant queries."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from lms.learning import rules
from lms.learning.models import Activity, Enrolment, Run, Unit
from lms.people.models import Organisation, Person, RoleGrant
from lms.tutoring import risk
from lms.tutoring.asking import Asked, Key, Place
from lms.tutoring.risk import Facts, Moment

PAGE = 50
_MOST = 2**53
"""Numbers in a key beyond it are nobody's."""

STAFF = ("course_manager", "instructor")

SCORE = func.coalesce(Enrolment.score, literal(-1, Integer))
LAST = func.coalesce(risk.epoch(Enrolment.last_act_at), 0)
SCHOOL = func.coalesce(Organisation.name, "")


class UnitLine(NamedTuple):
    """A unit of the run's version, and how many are stuck in it."""

    position: int
    title: str
    scored: bool
    stuck: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many learners of a run are where; the four standings add up to `all`."""

    all: int
    done: int
    fresh: int
    care: int
    pace: int
    stalled: int
    failed: int
    untested: int
    behind: int
    devices: int
    reaches: int
    """Who, going on as until now, completes in time."""


def of_run(run: Run) -> tuple[ColumnElement[bool], ...]:
    """Its learners: who withdrew and who looks after the run are none."""
    staff = select(RoleGrant.person_id).where(
        RoleGrant.run_id == run.id, RoleGrant.role.in_(STAFF), RoleGrant.ended_at.is_(None)
    )
    return (
        Enrolment.run_id == run.id,
        Enrolment.state == "enrolled",
        Enrolment.person_id.not_in(staff),
    )


def units(session: Session, run: Run, at: Moment | None = None) -> list[UnitLine]:
    """The run's units in order; with `at`, how many are stuck in each: one query or two."""
    rows = session.execute(
        select(
            Unit.position,
            Unit.title,
            func.max(case((Activity.role == "score", 1), else_=0)),
        )
        .outerjoin(Activity, Activity.unit_id == Unit.id)
        .where(Unit.version_id == run.version_id)
        .group_by(Unit.position, Unit.title)
        .order_by(Unit.position)
    ).all()
    stuck: dict[int, int] = {}
    if at is not None:
        query = (
            select(Unit.position, func.count())
            .select_from(Enrolment)
            .join(Activity, Activity.id == Enrolment.last_activity_id)
            .join(Unit, Unit.id == Activity.unit_id)
            .where(*of_run(run), risk.stuck_sql(at))
            .group_by(Unit.position)
        )
        stuck = {place: count for place, count in session.execute(query)}  # noqa: C416  rows
    return [
        UnitLine(place, title, bool(scored), stuck.get(place, 0)) for place, title, scored in rows
    ]


def moment(session: Session, run: Run, *, now: Any, zone: str) -> Moment:
    """The run at `now`: one query, for whether anything in it is scored."""
    scored = session.scalar(
        select(Activity.id)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Unit.version_id == run.version_id, Activity.role == "score")
        .limit(1)
    )
    rule = rules.parse(run.rule)
    return risk.moment(run, rule, scored=scored is not None, now=now, zone=zone)


_FLAGS = ("stalled", "failed", "untested", "behind", "devices", "reaches")


def counts(session: Session, run: Run, at: Moment) -> Counts:
    """One pass over the run's learners: those who stand alike are counted together."""
    holds = risk.conditions(at)
    flags = {name: holds[name] for name in _FLAGS if name != "reaches"}  # type: ignore[index]
    flags["reaches"] = risk.reaches_sql(at)
    one = (
        select(
            risk.standing_sql(at).label("standing"),
            *(case((held, 1), else_=0).label(name) for name, held in flags.items()),
        )
        .where(*of_run(run))
        .subquery()
    )
    told = dict.fromkeys(("all", "done", "fresh", "care", "pace", *_FLAGS), 0)
    query = select(*one.c, func.count().label("many")).group_by(*one.c)
    for row in session.execute(query):
        told["all"] += row.many
        told[row.standing] += row.many
        for name in _FLAGS:
            told[name] += row.many * row._mapping[name]  # noqa: SLF001  SQLAlchemy's public name
    return Counts(**told)


def page(
    session: Session, run: Run, at: Moment, asked: Asked, place: Place, *, most: int = PAGE
) -> tuple[Sequence[Any], bool]:
    """At most `most` learners from `place` on, in the order asked for, and whether more follow."""
    order = _order(at, asked)
    turned = [(column, down != place.back) for column, down in order]
    query = _query(run, at, asked).add_columns(
        *(column.label(f"k{number}") for number, (column, _) in enumerate(order))
    )
    if place.key is not None and _fits(place.key, asked.sort):
        query = query.where(_beyond(turned, place.key))
    query = query.order_by(*(column.desc() if down else column.asc() for column, down in turned))
    rows = session.execute(query.limit(most + 1)).all()
    more = len(rows) > most
    rows = rows[:most]
    return (rows[::-1] if place.back else rows), more


def key_of(row: Any, asked: Asked) -> Key:
    """The row's place in the order asked for."""
    return tuple(row._mapping[f"k{number}"] for number in range(_LENGTHS[asked.sort]))  # noqa: SLF001


def every(
    session: Session, run: Run, at: Moment, asked: Asked, *, most: int = 1000
) -> Iterator[Any]:
    """All the learners asked for, in order, read in pieces."""
    place, more = Place(), True
    while more:
        rows, more = page(session, run, at, asked, place, most=most)
        yield from rows
        if more:
            place = Place(key=key_of(rows[-1], asked))


def chosen(session: Session, run: Run, at: Moment, ids: Sequence[int]) -> Sequence[Any]:
    """These enrolments of the run, by name; ids of others are left out."""
    query = _query(run, at, Asked(show="all")).where(Enrolment.id.in_(ids))
    return session.execute(query.order_by(Person.name, Enrolment.id)).all()


def found(session: Session, run: Run, at: Moment, asked: Asked) -> int:
    """How many learners are asked for, whatever the page."""
    query = _query(run, at, asked).with_only_columns(func.count(Enrolment.id))
    return int(session.execute(query).scalar_one())


def facts(row: Any) -> Facts:
    """What `risk.reasons()` wants of a row."""
    return Facts(
        enrolled_at=row.enrolled_at,
        completed_at=row.completed_at,
        last_act_at=row.last_act_at,
        progress_permille=row.progress_permille,
        score=row.score,
        failed=bool(row.failed),
        overlapped_at=row.overlapped_at,
    )


def _query(run: Run, at: Moment, asked: Asked) -> Select[Any]:
    query: Any = (
        select(
            Enrolment.id,
            Enrolment.person_id,
            Enrolment.enrolled_at,
            Enrolment.completed_at,
            Enrolment.last_act_at,
            Enrolment.progress_permille,
            Enrolment.score,
            Enrolment.overlapped_at,
            Enrolment.last_activity_id,
            Enrolment.last_position_ms,
            risk.FAILED.label("failed"),
            Person.name,
            Person.email,
            Person.phone,
            Person.unwanted,
            Person.locale,
            Person.status,
            Organisation.name.label("school"),
            Activity.title.label("activity"),
            Unit.position.label("unit"),
            Unit.title.label("unit_title"),
        )
        .join(Person, Person.id == Enrolment.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .outerjoin(Activity, Activity.id == Enrolment.last_activity_id)
        .outerjoin(Unit, Unit.id == Activity.unit_id)
        .where(*of_run(run))
    )
    for word in asked.q.split():
        pattern = f"%{word.replace('%', '').replace('_', '')}%"
        query = query.where(or_(Person.name.ilike(pattern), Organisation.name.ilike(pattern)))
    found: Select[Any] = query.where(*_shown(at, asked))
    return found


def _shown(at: Moment, asked: Asked) -> tuple[ColumnElement[bool], ...]:
    if asked.show == "all":
        return ()
    if asked.show == "stuck":
        return (risk.stuck_sql(at), Unit.position == asked.unit)
    if asked.show in {"care", "fresh", "pace", "done"}:
        return (risk.standing_sql(at) == asked.show,)
    holds: Any = risk.conditions(at)
    return (holds[asked.show],)


_LENGTHS = {"risk": 3, "name": 2, "progress": 2, "score": 2, "last": 2}
"""Columns of each order's key."""


def _order(at: Moment, asked: Asked) -> list[tuple[ColumnElement[Any], bool]]:
    """The columns of the order with which way each goes (True: downwards); the last is unique."""
    by: dict[str, Any] = {
        "risk": risk.rank_sql(at),
        "name": Person.name,
        "progress": Enrolment.progress_permille,
        "score": SCORE,
        "last": LAST,
    }
    order = [(by[asked.sort], asked.descends)]
    if asked.sort == "risk":
        order.append((by["progress"], False))
    return [*order, (Enrolment.id, False)]


def _fits(key: Key, sort: str) -> bool:
    kinds = [str if sort == "name" else int, *[int] * (_LENGTHS[sort] - 1)]
    if len(key) != len(kinds) or not all(map(isinstance, key, kinds)):
        return False
    return all(isinstance(part, str) or abs(part) < _MOST for part in key)


def _beyond(order: Sequence[tuple[ColumnElement[Any], bool]], key: Key) -> ColumnElement[bool]:
    """Rows after the key, where some columns go up and others down."""
    ways = []
    for number, (column, down) in enumerate(order):
        same = [other == key[place] for place, (other, _) in enumerate(order[:number])]
        ways.append(and_(*same, column < key[number] if down else column > key[number]))
    return or_(*ways)
