"""Those beside the institute: a school asks for runs of its own."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.people.models import Institution, Organisation, Person


class SchoolRequest(Base):
    """A school composes a programme for its staff; the institute decides. pii: id

    (학교로 찾아가는 맞춤형 원격연수)
    """

    __tablename__ = "lms_school_request"
    __table_args__ = (
        CheckConstraint("learn_from <= learn_until", name="period"),
        Index("ix_lms_school_request_state", "institution_id", "state"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    organisation_id: Mapped[int] = mapped_column(ForeignKey(Organisation.id), index=True)
    organisation: Mapped[Organisation] = relationship()
    asked_by: Mapped[int] = mapped_column(ForeignKey(Person.id))
    title: Mapped[str]
    message: Mapped[str] = mapped_column(default="")
    courses: Mapped[list[Any]]
    """Ids of courses in the order that the school wants."""

    people: Mapped[list[Any]]
    """Ids of the staff who take part."""

    learn_from: Mapped[date]
    learn_until: Mapped[date]
    state: Mapped[str]
    """draft · asked · sent_back · approved · withdrawn"""

    made_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey(Person.id))
    reason: Mapped[str | None]
    """Why it was sent back, or a word with the approval."""

    runs: Mapped[list[Any]] = mapped_column(default=list)
    """Ids of the runs that the approval opened."""
