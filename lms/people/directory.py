"""Reading about people: lists by key, searches, the access log. Constant numbers of queries."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from lms import clock
from lms.people.models import AccessRow, AuditRow, Organisation, Person, RoleGrant

PAGE = 50
SHEET_PAGE = 500

Key = tuple[str, int]


def listed(
    session: Session, institution_id: int, *, text: str, after: Key | None, most: int = PAGE
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
    return session.execute(_within(query, institution_id, text)).all()


def counted(session: Session, institution_id: int, *, text: str) -> int:
    """How many people the search finds."""
    query = select(func.count(Person.id))
    if text:
        query = query.outerjoin(Organisation, Organisation.id == Person.organisation_id)
    return int(session.execute(_within(query, institution_id, text)).scalar_one())


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


def looked_at(
    session: Session, institution_id: int, *, month: date | None, zone: str, before: int | None
) -> Sequence[Row[Any]]:
    """At most PAGE + 1 rows of the access log, newest first, with the names of who and whom."""
    actor, subject = aliased(Person), aliased(Person)
    query = (
        select(
            AccessRow.id,
            AccessRow.at,
            AccessRow.act,
            AccessRow.subject,
            AccessRow.subject_id,
            AccessRow.address,
            AccessRow.reason,
            AccessRow.actor_id,
            actor.name.label("actor"),
            subject.name.label("subject_name"),
        )
        .outerjoin(actor, actor.id == AccessRow.actor_id)
        .outerjoin(subject, (AccessRow.subject == "person") & (subject.id == AccessRow.subject_id))
        .where(AccessRow.institution_id == institution_id)
        .order_by(AccessRow.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(AccessRow.id < before)
    if month is not None:
        following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        query = query.where(
            AccessRow.at >= clock.start_of_day(month, zone),
            AccessRow.at < clock.start_of_day(following, zone),
        )
    found: Sequence[Any] = session.execute(query).all()
    return found


def history(session: Session, institution_id: int, person_id: int) -> Sequence[Row[Any]]:
    """What was changed about a person, newest first: the last twenty audit rows."""
    actor = aliased(Person)
    return session.execute(
        select(
            AuditRow.at, AuditRow.act, AuditRow.reason, AuditRow.detail, actor.name.label("actor")
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


def _within(query: Select[Any], institution_id: int, text: str) -> Select[Any]:
    query = query.where(Person.institution_id == institution_id, Person.status != "forgotten")
    if not text:
        return query
    return query.where(
        or_(
            Person.name.icontains(text, autoescape=True),
            Organisation.name.icontains(text, autoescape=True),
        )
    )
