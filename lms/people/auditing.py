"""Searching the audit trail: by who, act, subject and period, newest first, by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row, literal, select, tuple_
from sqlalchemy.orm import Session, aliased

from lms.people import trails
from lms.people.models import AuditRow, Person

PAGE = 50
SHEET_PAGE = 500
REVIEW = "access.review"


@dataclass(frozen=True)
class Wanted:
    """What is looked for; empty is everything. `since` and `until`: local dates, both included."""

    who: str = ""
    act: str = ""
    subject: str = ""
    subject_id: int | None = None
    since: date | None = None
    until: date | None = None


def found(
    session: Session,
    institution_id: int,
    wanted: Wanted,
    *,
    zone: str,
    before: tuple[datetime, int] | None = None,
    most: int = PAGE,
) -> Sequence[Row[Any]]:
    """At most `most` + 1 rows, newest first, with the names of who and, of a person, whom."""
    query = trails.told(AuditRow, institution_id, wanted, AuditRow.detail, zone=zone)
    if wanted.subject:
        query = query.where(AuditRow.subject == wanted.subject)
    if wanted.subject_id is not None:
        query = query.where(AuditRow.subject_id == wanted.subject_id)
    if before is not None:
        place = tuple_(literal(before[0], AuditRow.at.type), literal(before[1]))
        query = query.where(tuple_(AuditRow.at, AuditRow.id) < place)
    newest = query.order_by(AuditRow.at.desc(), AuditRow.id.desc())
    return session.execute(newest.limit(most + 1)).all()


def key_of(row: Any) -> str:
    """A row's place in the list, for an address."""
    return f"{row.id}-{row.at:%Y%m%dT%H%M%S%f}"


def parse_key(given: str | None) -> tuple[datetime, int] | None:
    """The place that `key_of()` wrote; None for anything else."""
    number, _, stamp = (given or "").partition("-")
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC), int(number)
    except ValueError:
        return None


def parse_day(given: str | None) -> date | None:
    """A date of a form, ISO 8601; None for anything else."""
    try:
        return date.fromisoformat(given or "")
    except ValueError:
        return None


def parse_number(given: str | None) -> int | None:
    """A whole number of a form that fits every database; None for anything else."""
    text = (given or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def reviews(session: Session, institution_id: int) -> dict[int, Any]:
    """Months of the access log that were looked through: 202610 → who, when, with what remark."""
    actor = aliased(Person)
    rows = session.execute(
        select(AuditRow.subject_id, AuditRow.at, AuditRow.reason, actor.name.label("actor"))
        .outerjoin(actor, actor.id == AuditRow.actor_id)
        .where(
            AuditRow.institution_id == institution_id,
            AuditRow.subject == "access_log",
            AuditRow.act == REVIEW,
        )
        .order_by(AuditRow.id)
        .limit(1000)
    )
    return {row.subject_id: row for row in rows}
