"""What a completion earns: a certificate with a number, and recognised time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.learning.models import Completion
from lms.people.models import Institution, Person


class Certificate(Base):
    """A numbered certificate (이수증); what it says is frozen. pii: name, birth date (sealed)

    retirement: kept by law; lms.people.service.forget leaves it and closes the page to others.
    """

    __tablename__ = "lms_certificate"
    __table_args__ = (UniqueConstraint("institution_id", "number"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    completion_id: Mapped[int] = mapped_column(ForeignKey(Completion.id), unique=True)
    completion: Mapped[Completion] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id), index=True)
    number: Mapped[str]
    serial: Mapped[int]
    code: Mapped[str] = mapped_column(unique=True)
    """Random; the public page is found by it, so that numbers cannot be walked through."""

    payload: Mapped[dict[str, Any]]
    """All that the paper shows (lms.credentials.paper.CertificatePayload), birth date sealed."""

    issued_at: Mapped[datetime]
    paper_id: Mapped[int | None]
    """The stored PDF, kept at the first print so that every reprint is the same bytes."""

    revoked_at: Mapped[datetime | None]
    revoked_class: Mapped[str | None]
    """error · fraud · withdrawn: what the public page says of the reason."""

    revoked_reason: Mapped[str | None]


class RecognisedTime(Base):
    """Time that counts for a person, each source once. pii: id"""

    __tablename__ = "lms_recognised_time"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id), index=True)
    source: Mapped[str]
    source_id: Mapped[int]
    kind: Mapped[str]
    """The course's training kind, or «duty»."""

    minutes: Mapped[int]
    credits: Mapped[int]
    """15 recognised hours are 1 credit, fewer are 0 (law)."""

    at: Mapped[datetime]
