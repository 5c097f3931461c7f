"""That an enrolment was completed, and how it is proven."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.db.base import BigId
from lms.learning.models.runs import Enrolment
from lms.people.models import Institution


class Completion(Base):
    """An enrolment was completed. Inserted once; only `review` may change. pii: id"""

    __tablename__ = "lms_completion"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id), unique=True)
    enrolment: Mapped[Enrolment] = relationship()
    at: Mapped[datetime]
    progress_permille: Mapped[int]
    score: Mapped[int | None]
    verdict: Mapped[dict[str, Any]]
    """The clause tree as it stood, with the statement ids of each clause."""

    evaluator: Mapped[str]
    """Version of evaluate() that said so."""

    proof: Mapped[str]
    """SHA-256 over rule, evidence and evaluator: see lms.learning.proof."""

    review: Mapped[str | None]
    """Why it is under review, as a msgid, e.g. a voided statement; None stands."""


class CompletionReview(Base):
    """Statements that a completion leans on were voided: somebody is to decide. pii: id"""

    __tablename__ = "lms_completion_review"
    __table_args__ = (
        Index(
            "uq_lms_completion_review_open",
            "completion_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
        Index("ix_lms_completion_review_waiting", "institution_id", "decided_at", "id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    completion_id: Mapped[int] = mapped_column(ForeignKey(Completion.id))
    completion: Mapped[Completion] = relationship()
    statements: Mapped[list[Any]]
    """What was voided: {target, voided_by, authority, at}, in the order in which it was."""

    opened_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None]
    """kept · recomputed · revoked"""

    reason: Mapped[str | None]
    actor_id: Mapped[int | None] = mapped_column(BigId)
    """Who decided."""


class ProofDay(Base):
    """The Merkle root over one day's proofs, chained to the day before. pii: none"""

    __tablename__ = "lms_proof_day"
    __table_args__ = (UniqueConstraint("institution_id", "day"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    day: Mapped[date]
    count: Mapped[int]
    root: Mapped[str]
    head: Mapped[str]
    """SHA-256 of the previous head and this root."""


class RecountFinding(Base):
    """A difference that the nightly recount found between stored and recounted. pii: id"""

    __tablename__ = "lms_recount_finding"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    at: Mapped[datetime]
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    what: Mapped[str]
    detail: Mapped[dict[str, Any]]
