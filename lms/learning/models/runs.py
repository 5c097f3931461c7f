"""What is offered, when and to whom; who is in it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.learning.models.courses import Course, CourseVersion
from lms.people.models import Institution, Organisation, Person


class Run(Base):
    """A course version offered in a period (기수). pii: none"""

    __tablename__ = "lms_run"
    __table_args__ = (
        UniqueConstraint("course_id", "year", "number"),
        CheckConstraint("learn_from <= learn_until", name="period"),
        CheckConstraint("apply_from <= apply_until", name="application"),
        CheckConstraint("seats > 0", name="seats"),
        Index("ix_lms_run_institution", "institution_id", "state", "learn_until"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    course_id: Mapped[int] = mapped_column(ForeignKey(Course.id))
    course: Mapped[Course] = relationship(lazy="joined", innerjoin=True)
    version_id: Mapped[int] = mapped_column(ForeignKey(CourseVersion.id))
    version: Mapped[CourseVersion] = relationship()
    year: Mapped[int]
    number: Mapped[int]
    learn_from: Mapped[date]
    learn_until: Mapped[date]
    """Local dates of the institution, both included."""

    apply_from: Mapped[date | None]
    apply_until: Mapped[date | None]
    """Local dates, both included; None applies for as long as one may learn."""

    withdraw_until: Mapped[date | None]
    """Last local date to withdraw by oneself; None is the last day of learning."""

    way: Mapped[str] = mapped_column(default="at_once")
    """How one gets in: at_once · application (seats and a waiting list) · nomination"""

    seats: Mapped[int | None]
    """None is no limit."""

    audience: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """lms.learning.running.audience.Audience over HR facts; empty is everybody."""

    organisation_id: Mapped[int | None] = mapped_column(ForeignKey(Organisation.id))
    """A school run's school: only its staff join."""

    name: Mapped[str] = mapped_column(default="")
    """What it is called beside its number, e.g. «3월 상설»."""

    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    results_told_at: Mapped[datetime | None]
    """When its results were told to the learners' offices; anew after each closing."""

    state: Mapped[str]
    """planned · open · running · closed · cancelled"""

    rule: Mapped[dict[str, Any]]
    """lms.learning.rules.RuleSet, frozen when the run opened."""

    serial: Mapped[int] = mapped_column(default=0)
    """The last certificate serial given; moved under this row's lock, so none is skipped."""


class RunChange(Base):
    """A run went from one state to another. Inserted only. pii: id"""

    __tablename__ = "lms_run_change"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id), index=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    """None: the calendar did it."""

    before: Mapped[str]
    after: Mapped[str]
    reason: Mapped[str]


class RunTemplate(Base):
    """How an institution usually opens runs of some sort. pii: none"""

    __tablename__ = "lms_run_template"
    __table_args__ = (UniqueConstraint("institution_id", "name"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    name: Mapped[str]
    told: Mapped[dict[str, Any]]
    """See lms.learning.running.templates.Template: days, seats, way, audience, rule."""


class Nomination(Base):
    """An office named a person for a run. pii: id"""

    __tablename__ = "lms_nomination"
    __table_args__ = (UniqueConstraint("run_id", "person_id"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id), index=True)
    number: Mapped[str | None]
    """The nomination number, printed on the certificate."""

    at: Mapped[datetime]


class Waiting(Base):
    """Somebody on a run's waiting list; the order is that of `id`. pii: id"""

    __tablename__ = "lms_waiting"
    __table_args__ = (
        Index(
            "uq_lms_waiting_current",
            "run_id",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_lms_waiting_person", "person_id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """promoted · left · lapsed (the run closed or was cancelled)"""


class Enrolment(Base):
    """One person in one run, this attempt. pii: id"""

    __tablename__ = "lms_enrolment"
    __table_args__ = (
        UniqueConstraint("run_id", "person_id", "attempt"),
        Index("ix_lms_enrolment_person", "person_id", "state"),
        # Counting who is in a run reads this alone. It ends in the person, so that looking for one
        # of them in a run is not drawn to walk it all.
        Index("ix_lms_enrolment_run", "run_id", "state", "person_id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    run: Mapped[Run] = relationship(lazy="joined", innerjoin=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    person: Mapped[Person] = relationship()
    attempt: Mapped[int] = mapped_column(default=1)
    registration: Mapped[str] = mapped_column(unique=True)
    """The xAPI registration (a UUID)."""

    state: Mapped[str] = mapped_column(default="enrolled")
    """enrolled · withdrawn"""

    source: Mapped[str] = mapped_column(default="self")
    """self · waiting (promoted) · officer · nomination · file · school"""

    enrolled_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawal: Mapped[str | None]
    """Why, in the words of whoever withdrew it."""

    progress_permille: Mapped[int] = mapped_column(default=0)
    """As evaluate() last said, for lists; whole 0-1000."""

    score: Mapped[int | None]
    """Hundredths of a point."""

    need_ms: Mapped[int] = mapped_column(default=0)
    """Weighted milliseconds that progress still lacks: a ping that reaches it must settle."""

    completed_at: Mapped[datetime | None]
    last_activity_id: Mapped[int | None]
    last_position_ms: Mapped[int] = mapped_column(default=0)
    last_act_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    """When a statement of it was voided before it was completed: completing looks what is left."""

    overlapped_at: Mapped[datetime | None]
    """When learning was last taken over from another device that was still in use."""
