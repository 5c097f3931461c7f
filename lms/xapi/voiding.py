"""What was voided, for those who lean on it (Data 2.3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, select
from sqlalchemy.orm import aliased

from lms.xapi.models import Statement, Voiding
from lms.xapi.vocabulary import VOIDED

_MOST_IDS = 500


@dataclass(frozen=True, slots=True)
class Voided:
    """A statement that was just voided, and by which."""

    statement_id: str
    registration: str | None
    authority: str
    """Who vouched for it."""

    voided_by: str
    """The voiding statement's id."""


class Undone(NamedTuple):
    """A statement that is voided: by which, on whose authority, since when."""

    target: str
    voided_by: str
    authority: str
    at: datetime


def among(connection: Connection, institution_id: int, ids: Sequence[str]) -> list[Undone]:
    """Which of the statements are voided, in the order in which they were."""
    voiding = aliased(Statement)
    found: list[Undone] = []
    for start in range(0, len(ids), _MOST_IDS):
        rows = connection.execute(
            select(Voiding.target, Voiding.statement_id, voiding.authority, voiding.stored)
            .join(
                Statement,
                (Statement.institution_id == Voiding.institution_id)
                & (Statement.statement_id == Voiding.target),
            )
            .join(
                voiding,
                (voiding.institution_id == Voiding.institution_id)
                & (voiding.statement_id == Voiding.statement_id),
            )
            .where(
                Voiding.institution_id == institution_id,
                Voiding.target.in_(ids[start : start + _MOST_IDS]),
                Statement.verb != VOIDED,
            )
        )
        found += [Undone(*row) for row in rows]
    return sorted(found, key=lambda one: (one.at, one.target))


def is_voided(statement: Any = Statement) -> Any:
    """Whether a row of `statement`, an alias of Statement, is voided.

    A voiding one never is (Data 2.3.2.s2.b3). Looked up for each row by itself: PostgreSQL would
    rather gather all that was ever voided, in every query.
    """
    voiding = (
        select(Voiding.id)
        .where(
            Voiding.institution_id == statement.institution_id,
            Voiding.target == statement.statement_id,
        )
        .limit(1)
        .correlate(statement)
        .scalar_subquery()
    )
    return and_(statement.verb != VOIDED, voiding.is_not(None))
