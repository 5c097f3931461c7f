"""A school's own active staff: searched, chosen, and found by pasted names."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from lms.people.models import Person

PAGE = 100
Key = tuple[str, int]
_COLUMNS: tuple[Any, ...] = (
    Person.id,
    Person.name,
    Person.staff_category,
    Person.rank,
    Person.occupation,
)
_BETWEEN = re.compile(r"[\n,;\t/·]+")


class Pasted(NamedTuple):
    """What became of pasted names."""

    found: list[int]
    unknown: list[str]
    """Nobody of the school's active staff is called so."""

    doubtful: list[str]
    """Several are: a person must say which."""


def of_school(institution_id: int, organisation_id: int) -> tuple[Any, ...]:
    """The condition: who works at the school now."""
    return (
        Person.institution_id == institution_id,
        Person.organisation_id == organisation_id,
        Person.status == "active",
    )


def listed(
    session: Session,
    institution_id: int,
    organisation_id: int,
    *,
    text: str = "",
    after: Key | None = None,
) -> Sequence[Row[Any]]:
    """At most PAGE + 1 of the staff by name: (id, name, staff_category, rank, occupation)."""
    query: Select[Any] = select(*_COLUMNS).where(*of_school(institution_id, organisation_id))
    for word in text.split():
        query = query.where(
            or_(
                Person.name.icontains(word, autoescape=True),
                Person.rank.icontains(word, autoescape=True),
                Person.occupation.icontains(word, autoescape=True),
            )
        )
    if after is not None:
        query = query.where(
            tuple_(Person.name, Person.id) > tuple_(literal(after[0]), literal(after[1]))
        )
    return session.execute(query.order_by(Person.name, Person.id).limit(PAGE + 1)).all()


def everybody(session: Session, institution_id: int, organisation_id: int) -> list[int]:
    """The ids of the whole active staff, by name."""
    return list(
        session.scalars(
            select(Person.id)
            .where(*of_school(institution_id, organisation_id))
            .order_by(Person.name, Person.id)
        )
    )


def counted(session: Session, institution_id: int, organisation_id: int) -> int:
    found = session.scalar(
        select(func.count()).select_from(Person).where(*of_school(institution_id, organisation_id))
    )
    return found or 0


def only(
    session: Session, institution_id: int, organisation_id: int, person_ids: Sequence[int]
) -> list[int]:
    """Those of the ids who are on the staff, in the order given: others are nobody's to choose."""
    known = set(
        session.scalars(
            select(Person.id).where(
                Person.id.in_(person_ids), *of_school(institution_id, organisation_id)
            )
        )
    )
    return [one for one in person_ids if one in known]


def named(session: Session, request: Any) -> Sequence[Row[Any]]:
    """The request's people by name, as `listed` gives them: the school's own of today."""
    query: Select[Any] = select(*_COLUMNS).where(
        Person.id.in_(request.people),
        *of_school(request.institution_id, request.organisation_id),
    )
    return session.execute(query.order_by(Person.name, Person.id)).all()


def read_names(text: str) -> list[str]:
    """The names in a pasted list: one a line, or between commas; spaces do not count."""
    return list(
        dict.fromkeys("".join(part.split()) for part in _BETWEEN.split(text) if part.split())
    )


def pasted(session: Session, institution_id: int, organisation_id: int, text: str) -> Pasted:
    """Who is meant: exactly one of the staff has the name, or nobody is chosen. One query."""
    names = read_names(text)[:2000]
    rows = session.execute(
        select(Person.id, Person.name).where(*of_school(institution_id, organisation_id))
    )
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for person_id, name in rows:
        by_name["".join(name.split())].append(person_id)
    return Pasted(
        found=[by_name[name][0] for name in names if len(by_name[name]) == 1],
        unknown=[name for name in names if not by_name[name]],
        doubtful=[name for name in names if len(by_name[name]) > 1],
    )
