"""Working rows of quizzes: what was answered. Only statements move progress."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.learning.models import Activity, Enrolment
from lms.people.models import Institution, Person


class QuizAttempt(Base):
    """One go of an enrolment at a quiz. pii: id"""

    __tablename__ = "lms_quiz_attempt"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "activity_id", "number"),
        Index(
            "ix_lms_quiz_attempt_unmarked",
            "activity_id",
            "submitted_at",
            sqlite_where=text("submitted_at IS NOT NULL AND score IS NULL"),
            postgresql_where=text("submitted_at IS NOT NULL AND score IS NULL"),
        ),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    enrolment: Mapped[Enrolment] = relationship()
    activity_id: Mapped[int] = mapped_column(ForeignKey(Activity.id))
    activity: Mapped[Activity] = relationship()
    number: Mapped[int]
    begun_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    score: Mapped[int | None]
    """Hundredths of a point of 100, marked on the server; None while an essay waits for a mark."""

    marks: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Question id → whether it was right."""


class QuizMark(Base):
    """What somebody gave for an essay. pii: id"""

    __tablename__ = "lms_quiz_mark"
    __table_args__ = (UniqueConstraint("attempt_id", "question"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    attempt_id: Mapped[int] = mapped_column(ForeignKey(QuizAttempt.id))
    question: Mapped[str]
    points: Mapped[int]
    comment: Mapped[str] = mapped_column(default="")
    """Told to the learner with the result."""

    marker_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    at: Mapped[datetime]


class QuizAnswer(Base):
    """The answer to one question as it stands, saved at each change. pii: content"""

    __tablename__ = "lms_quiz_answer"
    __table_args__ = (UniqueConstraint("attempt_id", "question"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    attempt_id: Mapped[int] = mapped_column(ForeignKey(QuizAttempt.id))
    question: Mapped[str]
    value: Mapped[list[Any]]
    """Chosen ids, or one text."""

    client_id: Mapped[str]
    """Made in the browser: the same answer sent again is acknowledged, not saved again."""

    client_seq: Mapped[int]
    """A later answer of the same device has a higher one; an older that arrives late is dropped."""

    saved_at: Mapped[datetime]
