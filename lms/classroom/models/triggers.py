"""What the clock is to do, each thing once."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.people.models import Institution


class Trigger(Base):
    """Something due at an instant: done in the transaction that says so, so once. pii: none"""

    __tablename__ = "lms_trigger"
    __table_args__ = (Index("ix_lms_trigger_subject", "subject", "subject_id"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    key: Mapped[str] = mapped_column(unique=True)
    """Says what is to happen; the same again is one, moved to the newer instant."""

    kind: Mapped[str]
    """A name of lms.classroom.triggers.KINDS."""

    subject: Mapped[str]
    """meeting · seat · check"""

    subject_id: Mapped[int] = mapped_column(BigInteger)
    due: Mapped[datetime]
    """By the database's clock."""

    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    made_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    """It shall not happen any more."""

    outcome: Mapped[str | None]
    """What came of it, in a word or two."""
