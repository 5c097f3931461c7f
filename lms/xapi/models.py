"""What is kept of statements: the bytes as they came, and what they are found by."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.people.models import Institution


class Statement(Base):
    """One statement, append-only (xAPI Data 2.3). pii: account (opaque), foreign actors as sent"""

    __tablename__ = "lms_statement"
    __table_args__ = (
        UniqueConstraint("institution_id", "statement_id"),
        # Lists are in stored order (Communication 2.1.3), and so each index ends in it.
        Index("ix_lms_statement_registration", "registration", "stored"),
        Index("ix_lms_statement_actor", "institution_id", "actor", "stored"),
        Index("ix_lms_statement_activity", "institution_id", "activity", "stored"),
        Index("ix_lms_statement_stored", "institution_id", "stored"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    statement_id: Mapped[str]
    """Lower-case UUID."""

    stored: Mapped[datetime]
    timestamp: Mapped[datetime]
    actor: Mapped[str]
    """The inverse functional identifier in one line, e.g. «account:home|name».

    Of this, the verb and the activity a hash stands here when they are very long.
    """

    verb: Mapped[str]
    activity: Mapped[str | None]
    """IRI of the object when it is an activity."""

    registration: Mapped[str | None]
    """Lower-case UUID."""

    authority: Mapped[str]
    """Who vouches: «lms» for ourselves, else the credential's identifier."""

    version: Mapped[str]
    mark: Mapped[str]
    """SHA-256 of what counts in a comparison (Data 2.3.1): same id, same mark is the same."""

    raw: Mapped[bytes] = mapped_column(LargeBinary)
    """The statement's JSON as it is given out: as sent, with id, stored, authority, version."""


class Voiding(Base):
    """A statement that was voided, and by which (Data 2.3.2). pii: none"""

    __tablename__ = "lms_voiding"
    __table_args__ = (UniqueConstraint("institution_id", "target"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    target: Mapped[str]
    statement_id: Mapped[str]


class Credential(Base):
    """Basic credentials of a system that writes or reads records. pii: none"""

    __tablename__ = "lms_credential"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    name: Mapped[str]
    username: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[str]
    """SHA-256: the secret is 256 random bits, which no dictionary holds."""

    scopes: Mapped[list[Any]]
    """statements/write · statements/read/mine · statements/read · all"""

    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
