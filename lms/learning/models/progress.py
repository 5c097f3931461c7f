"""How far an enrolment is."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.learning.models.courses import Activity
from lms.learning.models.runs import Enrolment
from lms.people.models import Institution, Person


class ActivityResult(Base):
    """How an enrolment stands with one activity, and by which statements. pii: id"""

    __tablename__ = "lms_activity_result"
    __table_args__ = (UniqueConstraint("enrolment_id", "activity_id"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    activity_id: Mapped[int] = mapped_column(ForeignKey(Activity.id))
    progress_permille: Mapped[int] = mapped_column(default=0)
    score: Mapped[int | None]
    """Best so far, hundredths of a point of 100."""

    passed: Mapped[bool | None]
    done: Mapped[bool] = mapped_column(default=False)
    statements: Mapped[list[Any]] = mapped_column(default=list)
    """Ids of the statements that made this state."""

    first_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class Coverage(Base):
    """What of a video or clip was really watched, and how far credit reaches. pii: id"""

    __tablename__ = "lms_coverage"
    __table_args__ = (UniqueConstraint("enrolment_id", "activity_id"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    activity_id: Mapped[int] = mapped_column(ForeignKey(Activity.id))
    intervals: Mapped[list[Any]]
    """Disjoint, sorted [from, until) pairs in milliseconds."""

    covered_ms: Mapped[int]
    position_ms: Mapped[int]
    stated_ms: Mapped[int] = mapped_column(default=0)
    """How much of it the last statement told."""

    updated_at: Mapped[datetime]


class LearningSession(Base):
    """The one place where a person learns now. pii: id, device"""

    __tablename__ = "lms_learning_session"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"), unique=True)
    token: Mapped[str] = mapped_column(unique=True)
    device: Mapped[str]
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    activity_id: Mapped[int] = mapped_column(ForeignKey(Activity.id))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    credited_at: Mapped[datetime]
    """Up to when wall time has been spent on credit."""

    mono_ms: Mapped[int]
    boot: Mapped[str]
    """The monotonic clock at `credited_at`, and whose it is: a set clock gives no credit."""

    seq: Mapped[int] = mapped_column(default=0)
    """The last ping taken."""


class Ping(Base):
    """A player's report as it came, kept for appeals. pii: id"""

    __tablename__ = "lms_ping"
    __table_args__ = (UniqueConstraint("token", "seq"),)

    institution_id: Mapped[int]
    enrolment_id: Mapped[int]
    activity_id: Mapped[int]
    token: Mapped[str]
    seq: Mapped[int]
    at: Mapped[datetime]
    said: Mapped[dict[str, Any]]
    claimed_ms: Mapped[int]
    credited_ms: Mapped[int]
    refusal: Mapped[str | None]
