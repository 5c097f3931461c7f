"""What is kept of statements: the bytes as they came, and what they are found by."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UTCDateTime
from lms.db.base import BigId
from lms.people.models import Institution


class Statement(Base):
    """One statement, append-only (xAPI Data 2.3). pii: account (opaque), foreign actors as sent"""

    __tablename__ = "lms_statement"
    __table_args__ = (
        UniqueConstraint("institution_id", "statement_id"),
        # Lists are in stored order (Communication 2.1.3), and so each index goes by it. Where a
        # verb stands behind, what has another one is passed over without a look at its row.
        Index("ix_lms_statement_registration", "institution_id", "registration", "stored"),
        Index("ix_lms_statement_actor", "institution_id", "actor", "stored", "id", "verb"),
        Index("ix_lms_statement_activity", "institution_id", "activity", "stored", "id", "verb"),
        Index("ix_lms_statement_verb", "institution_id", "verb", "stored"),
        Index("ix_lms_statement_authority", "institution_id", "authority", "stored"),
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


LINK = Table(
    "lms_statement_link",
    Base.metadata,
    Column("institution_id", BigId, nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("stored", UTCDateTime, nullable=False),
    Column("row_id", BigId, nullable=False),
    Column("of_id", BigId, nullable=False),
    PrimaryKeyConstraint("institution_id", "term", "stored", "row_id", "of_id"),
    sqlite_with_rowid=False,
)
"""What statements are found by beside their own columns, made from them by lms.xapi.links.

`term`: a kind of link and what it leads to, as a number. `row_id`, `stored`: the statement that is
found. `of_id`: the statement that says so: the same, or one that it refers to (Communication
2.1.3.s3). An index and no record: each row can be made again, and so there are no foreign keys,
which PostgreSQL would look up for every row. A row is its own key: one tree on SQLite. pii: none
"""


class Reference(Base):
    """A statement whose object is another statement (Data 2.4.4.3.s4). pii: none"""

    __tablename__ = "lms_statement_reference"
    __table_args__ = (
        UniqueConstraint("row_id"),
        Index("ix_lms_statement_reference_target", "institution_id", "target"),
        Index("ix_lms_statement_reference_of", "of_id", "stored"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    row_id: Mapped[int] = mapped_column(ForeignKey(Statement.id))
    stored: Mapped[datetime]
    target: Mapped[str]
    """Lower-case UUID of the statement that is referred to."""

    of_id: Mapped[int | None] = mapped_column(ForeignKey(Statement.id))
    """Its row, once it is here and its links are the reference's too."""


class Voiding(Base):
    """A statement that was voided, and by which (Data 2.3.2). pii: none"""

    __tablename__ = "lms_voiding"
    __table_args__ = (UniqueConstraint("institution_id", "target"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    target: Mapped[str]
    statement_id: Mapped[str]


class StatementAttachment(Base):
    """A file that came with a statement; its bytes lie in storage. pii: maybe content"""

    __tablename__ = "lms_statement_attachment"
    __table_args__ = (UniqueConstraint("institution_id", "statement_id", "number"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    statement_id: Mapped[str]
    number: Mapped[int]
    """Among the files of its statement, from 0."""

    sha2: Mapped[str]
    """As the statement names it: SHA-224, 256, 384 or 512."""

    content_type: Mapped[str]
    sha256: Mapped[str]
    """What it lies under in storage."""

    size: Mapped[int]
    """In octets."""


class Credential(Base):
    """Basic credentials of a system that writes or reads records. pii: none"""

    __tablename__ = "lms_credential"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    name: Mapped[str]
    username: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[str]
    """SHA-256: the secret is 256 random bits, which no dictionary holds."""

    scopes: Mapped[list[Any]]
    """See lms.xapi.credentials.SCOPES."""

    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    old_secret_hash: Mapped[str | None]
    """Of the secret before this one, which is good until `old_until`."""

    old_until: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    """To the hour."""


class KnownActivity(Base):
    """What is known of an activity: its canonical definition (Data 2.4.4.1). pii: none"""

    __tablename__ = "lms_xapi_activity"
    __table_args__ = (UniqueConstraint("institution_id", "key"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    key: Mapped[str]
    """The IRI as an index can hold it: see lms.xapi.actors.find_key."""

    iri: Mapped[str]
    definition: Mapped[bytes] = mapped_column(LargeBinary)
    """Its JSON, as bytes: PostgreSQL's own type takes neither NUL in texts nor digits as sent."""

    is_ours: Mapped[bool]
    """Whether the LMS defined it, which nobody else may then redefine."""

    updated_at: Mapped[datetime]


class Document(Base):
    """A state or a profile (Communication 2.2).

    pii: agents and contents as sent by systems; retirement: lms.xapi.forgetting
    """

    __tablename__ = "lms_xapi_document"
    __table_args__ = (
        UniqueConstraint("institution_id", "place"),
        Index("ix_lms_xapi_document_listing", "institution_id", "kind", "scope", "updated_at"),
        Index("ix_lms_xapi_document_agent", "institution_id", "agent"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    kind: Mapped[str]
    """state · activity_profile · agent_profile"""

    place: Mapped[str]
    """SHA-256 of all that names it: kind, activity, agent, registration and its own id."""

    scope: Mapped[str]
    """SHA-256 of whom and what it is about, whichever registration: what is listed together."""

    activity: Mapped[str | None]
    agent: Mapped[str | None]
    """As in Statement.actor."""

    registration: Mapped[str | None]
    """Lower-case UUID."""

    document_id: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    content_type: Mapped[str]
    etag: Mapped[str]
    """SHA-1 of the content in hexadecimal digits (Communication 3.1.s4.b2)."""

    updated_at: Mapped[datetime]


class Forward(Base):
    """Another record store that is told what is stored here. pii: none"""

    __tablename__ = "lms_forward"
    __table_args__ = (Index("ix_lms_forward_institution", "institution_id", "removed_at"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    name: Mapped[str]
    url: Mapped[str]
    """Where its resources are, without «/statements»."""

    version: Mapped[str]
    """Of the standard, as it is asked to speak."""

    sealed: Mapped[str]
    """«username:secret» of Basic authentication, sealed by lms.people.sealing."""

    verb: Mapped[str | None]
    activity: Mapped[str | None]
    """What the IRI of the activity begins with."""

    registration: Mapped[str | None]
    run_id: Mapped[int | None] = mapped_column(BigId)
    """These four narrow what is sent; a voiding statement goes with what it voids."""

    created_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    cursor: Mapped[int] = mapped_column(BigId)
    """The row up to which all statements are sent, refused there, or not to be sent."""

    sent: Mapped[int] = mapped_column(BigId)
    refused: Mapped[int] = mapped_column(BigId)
    failures: Mapped[int]
    """Tries in vain since the last success."""

    retry_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    last_error_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]


class ForwardRefusal(Base):
    """A statement that another record store did not take. pii: maybe what it answered"""

    __tablename__ = "lms_forward_refusal"
    __table_args__ = (UniqueConstraint("forward_id", "statement_id"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    forward_id: Mapped[int] = mapped_column(ForeignKey(Forward.id))
    statement_id: Mapped[str]
    at: Mapped[datetime]
    status: Mapped[int]
    error: Mapped[str]
