"""What is learnt: courses and their frozen versions, runs, who is enrolled, how far they are."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.people.models import Institution, Person


class Course(Base):
    """What is taught, through all its versions and runs. pii: none"""

    __tablename__ = "lms_course"
    __table_args__ = (UniqueConstraint("institution_id", "code"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    code: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    goals: Mapped[list[Any]] = mapped_column(default=list)
    """Sentences: what a learner can do afterwards."""

    training_kind: Mapped[str]
    """See lms.learning.terms.KINDS: qualification · in_service · special · …"""

    delivery_mode: Mapped[str]
    """self_paced · live · classroom · blended"""

    recognised_minutes: Mapped[int]
    """Recognised time, not the running time."""

    task_code: Mapped[str | None]
    task_name: Mapped[str | None]
    goal_name: Mapped[str | None]
    audience: Mapped[str | None]
    """Whom the report names: 초등 · 중등 · 원격 · 교행 …; or the law's target."""

    planned_courses: Mapped[int | None]
    planned_learners: Mapped[int | None]
    legal_basis: Mapped[str | None]
    duty: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the law asks: cycle, limits of method, reporting date; empty for other courses."""

    source_line: Mapped[int | None]
    thumbnail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Width in px → stored file's id."""

    created_at: Mapped[datetime]
    versions: Mapped[list["CourseVersion"]] = relationship(
        back_populates="course", order_by="CourseVersion.number"
    )


class CourseVersion(Base):
    """A course's content as it was frozen; never changed once published. pii: none"""

    __tablename__ = "lms_course_version"
    __table_args__ = (UniqueConstraint("course_id", "number"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    course_id: Mapped[int] = mapped_column(ForeignKey(Course.id))
    course: Mapped[Course] = relationship(back_populates="versions")
    number: Mapped[int]
    published_at: Mapped[datetime | None]
    units: Mapped[list["Unit"]] = relationship(back_populates="version", order_by="Unit.position")


class Unit(Base):
    """One lesson (차시) of a course version. pii: none"""

    __tablename__ = "lms_unit"
    __table_args__ = (UniqueConstraint("version_id", "position"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    version_id: Mapped[int] = mapped_column(ForeignKey(CourseVersion.id))
    version: Mapped[CourseVersion] = relationship(back_populates="units")
    position: Mapped[int]
    title: Mapped[str]
    activities: Mapped[list["Activity"]] = relationship(
        back_populates="unit", order_by="Activity.position"
    )


class Activity(Base):
    """One thing to do in a unit. Its kind knows what `config` means. pii: none"""

    __tablename__ = "lms_activity"
    __table_args__ = (UniqueConstraint("unit_id", "position"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    unit_id: Mapped[int] = mapped_column(ForeignKey(Unit.id))
    unit: Mapped[Unit] = relationship(back_populates="activities")
    position: Mapped[int]
    kind: Mapped[str]
    title: Mapped[str]
    role: Mapped[str]
    """progress: counts towards the progress of the course · score: its score counts"""

    weight_ms: Mapped[int]
    """How much of the progress it is: its length, or what its kind reckons."""

    config: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Run(Base):
    """A course version offered in a period (기수). pii: none"""

    __tablename__ = "lms_run"
    __table_args__ = (
        UniqueConstraint("course_id", "year", "number"),
        CheckConstraint("learn_from <= learn_until", name="period"),
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

    seats: Mapped[int | None]
    state: Mapped[str]
    """planned · open · running · closed · cancelled"""

    rule: Mapped[dict[str, Any]]
    """lms.learning.rules.RuleSet, frozen when the run opened."""

    serial: Mapped[int] = mapped_column(default=0)
    """The last certificate serial given; moved under this row's lock, so none is skipped."""


class Enrolment(Base):
    """One person in one run, this attempt. pii: id"""

    __tablename__ = "lms_enrolment"
    __table_args__ = (
        UniqueConstraint("run_id", "person_id", "attempt"),
        Index("ix_lms_enrolment_person", "person_id", "state"),
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

    enrolled_at: Mapped[datetime]
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
    """Why it is under review, e.g. a voided statement; None stands."""


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
