"""Reading about people: lists by key, searches, the access log. Constant numbers of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from lms import clock
from lms.people import trails
from lms.people.models import AccessRow, AuditRow, Organisation, Person, RoleGrant

PAGE = 50
COUNTED = 1000
"""Past so many a list says only that there are more."""

SHEET_PAGE = 500

Key = tuple[str, int]


@dataclass(frozen=True)
class Whom:
    """Which people; empty is everybody but those who were forgotten."""

    text: str = ""
    category: str = ""
    status: str = ""
    role: str = ""


def listed(
    session: Session, institution_id: int, whom: Whom, *, after: Key | None, most: int = PAGE
) -> Sequence[Row[Any]]:
    """At most `most` + 1 people after `after`, by name; the one too many says that there are more.

    `.roles` holds the current roles, comma between, or None.
    """
    roles = (
        select(func.aggregate_strings(RoleGrant.role, ","))
        .where(RoleGrant.person_id == Person.id, RoleGrant.ended_at.is_(None))
        .scalar_subquery()
    )
    query = (
        select(
            Person.id,
            Person.name,
            Person.email,
            Person.staff_category,
            Person.rank,
            Person.status,
            Person.birth_date_sealed,
            Person.neis_sealed,
            Organisation.name.label("organisation"),
            roles.label("roles"),
        )
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .order_by(Person.name, Person.id)
        .limit(most + 1)
    )
    if after is not None:
        query = query.where(
            tuple_(Person.name, Person.id) > tuple_(literal(after[0]), literal(after[1]))
        )
    return session.execute(_within(query, institution_id, whom)).all()


def counted(session: Session, institution_id: int, whom: Whom) -> int:
    """How many people that is, up to COUNTED + 1: the work must not grow with the register."""
    some = _within(select(Person.id), institution_id, whom).limit(COUNTED + 1).subquery()
    return int(session.execute(select(func.count()).select_from(some)).scalar_one())


def key_of(row: Any) -> str:
    """A row's place in the list, for an address."""
    return f"{row.id}-{row.name}"


def parse_key(given: str | None) -> Key | None:
    """The place that `key_of()` wrote; None for anything else."""
    number, dash, name = (given or "").partition("-")
    return (name, int(number)) if dash and number.isascii() and number.isdigit() else None


def parse_month(given: str | None) -> date | None:
    """The first day of “2026-11”; None for anything else."""
    try:
        return date.fromisoformat(f"{given}-01")
    except ValueError:
        return None


@dataclass(frozen=True)
class Looks:
    """Which rows of the access log; empty is all. `since`, `until`: local dates, both included."""

    who: str = ""
    whom: str = ""
    act: str = ""
    since: date | None = None
    until: date | None = None


def looked_at(
    session: Session, institution_id: int, wanted: Looks, *, zone: str, before: int | None
) -> Sequence[Row[Any]]:
    """At most PAGE + 1 rows of the access log, newest first, with the names of who and whom."""
    query = trails.told(AccessRow, institution_id, wanted, AccessRow.address, zone=zone)
    if wanted.whom:
        query = query.where(
            AccessRow.subject == "person",
            AccessRow.subject_id.in_(trails.named(institution_id, wanted.whom)),
        )
    if before is not None:
        query = query.where(AccessRow.id < before)
    return session.execute(query.order_by(AccessRow.id.desc()).limit(PAGE + 1)).all()


def looks_in(session: Session, institution_id: int, month: date, zone: str) -> int:
    """How many rows of the access log a month holds."""
    query = select(func.count(AccessRow.id)).where(
        AccessRow.institution_id == institution_id,
        AccessRow.at >= clock.start_of_day(month, zone),
        AccessRow.at < clock.start_of_day(next_month(month), zone),
    )
    return int(session.execute(query).scalar_one())


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def history(session: Session, institution_id: int, person_id: int) -> Sequence[Row[Any]]:
    """What was changed about a person, newest first: the last twenty audit rows."""
    actor = aliased(Person)
    return session.execute(
        select(
            AuditRow.at,
            AuditRow.act,
            AuditRow.subject,
            AuditRow.subject_id,
            AuditRow.reason,
            AuditRow.detail,
            actor.name.label("actor"),
            literal(None).label("subject_name"),
        )
        .outerjoin(actor, actor.id == AuditRow.actor_id)
        .where(
            AuditRow.institution_id == institution_id,
            AuditRow.subject == "person",
            AuditRow.subject_id == person_id,
        )
        .order_by(AuditRow.id.desc())
        .limit(20)
    ).all()


def _within(query: Select[Any], institution_id: int, whom: Whom) -> Select[Any]:
    query = query.where(Person.institution_id == institution_id, Person.status != "forgotten")
    if whom.category:
        query = query.where(Person.staff_category == whom.category)
    if whom.status:
        query = query.where(Person.status == whom.status)
    if whom.role:
        query = query.where(
            Person.id.in_(
                select(RoleGrant.person_id).where(
                    RoleGrant.institution_id == institution_id,
                    RoleGrant.role == whom.role,
                    RoleGrant.ended_at.is_(None),
                )
            )
        )
    if not whom.text:
        return query
    # Schools are few: found first, they need not be joined to everybody who is looked at.
    schools = select(Organisation.id).where(
        Organisation.institution_id == institution_id,
        Organisation.name.icontains(whom.text, autoescape=True),
    )
    return query.where(
        or_(
            Person.name.icontains(whom.text, autoescape=True),
            Person.organisation_id.in_(schools),
        )
    )
