"""The SQL of a query (Communication 2.1.3), one statement for each shape that a query can have.

A statement is found by what it says itself or, if it refers to others, by what one of those says
(2.1.3.s3): then all that is asked must be true of that one, and time and order are the referring
one's. Each way to be found is a branch that walks one index in stored order, as far as the page
goes; the branches are put together by row. What a branch does not walk by, it looks up row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import UnaryExpression

from lms.db import Prepared
from lms.xapi.models import LINK, Statement
from lms.xapi.voiding import is_voided

Near = Literal["", "own", "near"]
"""Not asked for; by what a statement names itself; by anything around it too (related_…)."""


class Found(NamedTuple):
    """A statement that was found; `row`: where it lies, for what is kept beside it."""

    row: int
    statement_id: str
    stored: Any
    raw: bytes


@dataclass(frozen=True)
class Shape:
    """What a query asks for, without the values."""

    dialect: str
    agent: Near = ""
    vouching: bool = False
    """Whether the agent that is asked for may have vouched: it is an account of this house."""

    activity: Near = ""
    verb: bool = False
    registration: bool = False
    authority: bool = False
    """Only what one authority vouches for, and finds by nothing that others vouch for."""

    since: bool = False
    until: bool = False
    after: bool = False
    ascending: bool = False


@lru_cache(maxsize=1024)
def statement_for(shape: Shape) -> Prepared[Found]:
    """Takes institution_id, most, and of each of these that is asked for: agent, verb, activity,
    registration, authority, since, until, after_stored, after_id, vouching; and a term for each
    branch by links, as `terms_of` names them."""
    branches = list(_branches(shape))
    if len(branches) == 1:
        (rows,) = branches
        return Prepared(_whole(rows, shape), Found)
    found = union(*(select(one.c.id, one.c.stored) for one in map(_limited, branches))).subquery()
    page = (
        select(found.c.id, found.c.stored)
        .order_by(*_order(shape, found.c.stored, found.c.id))
        .limit(_MOST)
        .subquery()
    )
    rows = select(page.c.id, page.c.stored).join(Statement, Statement.id == page.c.id)
    return Prepared(_whole(rows, shape, page), Found)


def terms_of(shape: Shape) -> dict[str, tuple[str, str]]:
    """The name of each term that the statement takes → its kind (in lms.xapi.links) and whose."""
    return {f"term_{kind.replace(' ', '_')}": (kind, name) for kind, name in _links(shape)}


def _links(shape: Shape) -> Iterator[tuple[str, str]]:
    """Every kind of link that the shape looks at, with the parameter it is about."""
    if shape.agent:
        yield "agent", "agent"
    if shape.agent == "near":
        yield "agent near", "agent"
    if shape.activity:
        yield "activity", "activity"
    if shape.activity == "near":
        yield "activity near", "activity"
    if shape.verb:
        yield "verb", "verb"
    if shape.registration:
        yield "registration", "registration"


_INSTITUTION = bindparam("institution_id", type_=LINK.c.institution_id.type)
_MOST = bindparam("most", type_=Integer)


def _branches(shape: Shape) -> Iterator[Any]:
    """What leads to fewest comes first: an enrolment, a person, a thing to do, a verb."""
    if shape.registration:
        yield _by_column(shape, "registration")
        yield _by_link(shape, "registration", "registration")
    elif shape.agent:
        yield from _by_near(shape, "agent", "actor")
        if shape.vouching:
            yield _by_column(shape, "authority", "vouching", driver="agent")
    elif shape.activity:
        yield from _by_near(shape, "activity", "activity")
    elif shape.verb:
        yield _by_column(shape, "verb")
        yield _by_link(shape, "verb", "verb")
    elif shape.authority:
        yield _by_column(shape, "authority")
    else:
        yield _by_column(shape, None)


def _by_near(shape: Shape, name: str, column: str) -> Iterator[Any]:
    yield _by_column(shape, column, name, driver=name)
    yield _by_link(shape, name, name)
    if getattr(shape, name) == "near":
        yield _by_link(shape, f"{name} near", name)


def _by_column(
    shape: Shape, column: str | None, value: str | None = None, *, driver: str | None = None
) -> Any:
    """Statements that say it themselves, in a column of theirs."""
    wanted = select(Statement.id, Statement.stored).where(
        Statement.institution_id == _INSTITUTION,
        ~is_voided(),
        *_in_time(shape, Statement.stored, Statement.id),
        *_also(shape, driver or column, Statement, Statement.stored, Statement.id, Statement.id),
    )
    if column is not None:
        leads = getattr(Statement, column) == bindparam(value or column)
        if shape.dialect == "sqlite":
            # Without figures it takes two bounds of time for better than one name.
            leads = func.likelihood(leads, literal_column("0.0001"))
        wanted = wanted.where(leads)
    return wanted.order_by(*_order(shape, Statement.stored, Statement.id))


def _by_link(shape: Shape, kind: str, driver: str) -> Any:
    """Statements that have a link, their own or one of a statement that they refer to."""
    link = LINK.alias("link")
    said, found = aliased(Statement, name="said"), aliased(Statement, name="found")
    wanted = (
        select(link.c.row_id.label("id"), link.c.stored)
        .distinct()
        .join(found, found.id == link.c.row_id)
        .where(
            link.c.institution_id == _INSTITUTION,
            link.c.term == bindparam(f"term_{kind.replace(' ', '_')}"),
            ~is_voided(found),
            *_in_time(shape, link.c.stored, link.c.row_id),
        )
    )
    also = list(_also(shape, driver, said, link.c.stored, link.c.row_id, link.c.of_id))
    if also:
        wanted = wanted.join(said, said.id == link.c.of_id).where(*also)
    if shape.authority:
        wanted = wanted.where(_aside(shape, found.authority) == bindparam("authority"))
    return wanted.order_by(*_order(shape, link.c.stored, link.c.row_id))


def _also(
    shape: Shape, driver: str | None, said: Any, stored: Any, row: Any, of: Any
) -> Iterator[ColumnElement[bool]]:
    """What is asked for beside what the branch goes by, of the statement `said`."""

    def linked(kind: str) -> ColumnElement[bool]:
        link = LINK.alias()
        # A value, and no EXISTS: that PostgreSQL might turn into a hash of every such link.
        there = (
            select(link.c.row_id)
            .where(
                link.c.institution_id == _INSTITUTION,
                link.c.term == bindparam(f"term_{kind.replace(' ', '_')}"),
                link.c.stored == stored,
                link.c.row_id == row,
                link.c.of_id == of,
            )
            .correlate_except(link)
            .scalar_subquery()
        )
        return there.is_not(None)

    for name in ("registration", "verb", "authority"):
        if getattr(shape, name) and driver != name:
            yield _aside(shape, getattr(said, name)) == bindparam(name)
    if shape.agent and driver != "agent":
        ways = [_aside(shape, said.actor) == bindparam("agent"), linked("agent")]
        if shape.agent == "near":
            ways.append(linked("agent near"))
        if shape.vouching:
            ways.append(_aside(shape, said.authority) == bindparam("vouching"))
        yield or_(*ways)
    if shape.activity and driver != "activity":
        here = _aside(shape, said.activity) == bindparam("activity")
        yield or_(here, linked("activity near")) if shape.activity == "near" else here


def _in_time(shape: Shape, stored: Any, row: Any) -> Iterator[ColumnElement[bool]]:
    if shape.since:
        yield stored > bindparam("since")
    if shape.until:
        yield stored <= bindparam("until")
    if shape.after:
        last = tuple_(
            bindparam("after_stored", type_=LINK.c.stored.type),
            bindparam("after_id", type_=LINK.c.row_id.type),
        )
        place = tuple_(stored, row)
        yield place > last if shape.ascending else place < last


def _order(shape: Shape, stored: Any, row: Any) -> tuple[Any, Any]:
    return (stored, row) if shape.ascending else (stored.desc(), row.desc())


def _limited(branch: Any) -> Any:
    return branch.limit(_MOST).subquery()


def _whole(rows: Any, shape: Shape, page: FromClause | None = None) -> Any:
    told = rows.with_only_columns(
        Statement.id, Statement.statement_id, Statement.stored, Statement.raw
    )
    if page is None:
        return told.limit(_MOST)
    return told.order_by(*_order(shape, page.c.stored, page.c.id))


def _aside(shape: Shape, column: Any) -> Any:
    """The column, for a look at rows that another index leads to.

    SQLite keeps no figures by which to choose, and takes of two indexes whichever comes first;
    PostgreSQL keeps them and may know better.
    """
    if shape.dialect != "sqlite":
        return column
    return UnaryExpression(column, operator=operators.custom_op("+"), type_=column.type)


@lru_cache
def statement_of_one(*, voided: bool, mine: bool) -> Prepared[Found]:
    """Takes institution_id, statement_id and, for one that is `mine`, authority."""
    wanted = select(Statement.id, Statement.statement_id, Statement.stored, Statement.raw).where(
        Statement.institution_id == _INSTITUTION,
        Statement.statement_id == bindparam("statement_id"),
        is_voided() if voided else ~is_voided(),
    )
    if mine:
        wanted = wanted.where(Statement.authority == bindparam("authority"))
    return Prepared(wanted, Found)
