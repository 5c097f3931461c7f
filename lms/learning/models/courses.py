"""What is taught: courses, their drafts and their frozen versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
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

    department: Mapped[str | None]
    """The institution's department in charge."""

    competencies: Mapped[list[Any]] = mapped_column(default=list)
    """Names of the competencies that it trains."""

    standing: Mapped[bool] = mapped_column(default=False)
    """직무상설: always offered, by rolling runs."""

    archived_at: Mapped[datetime | None]
    """Taken out of the catalogue; runs and completions stay."""

    created_at: Mapped[datetime]
    versions: Mapped[list["CourseVersion"]] = relationship(
        back_populates="course", order_by="CourseVersion.number"
    )


class CourseDraft(Base):
    """What becomes a course's next version; edited freely, nobody learns from it. pii: id"""

    __tablename__ = "lms_course_draft"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    course_id: Mapped[int] = mapped_column(ForeignKey(Course.id), unique=True)
    course: Mapped[Course] = relationship()
    units: Mapped[list[Any]] = mapped_column(default=list)
    """See lms.learning.making.drafts: units with their activities, each with a key of its own."""

    based_on: Mapped[int | None]
    """Number of the version it began as a copy of."""

    revision: Mapped[int] = mapped_column(default=0)
    """Moves with each change: an edit made on an older one is refused."""

    removed: Mapped[list[Any]] = mapped_column(default=list)
    """What was taken out lately, each with its place, so that it can be put back."""

    edited_at: Mapped[datetime]
    edited_by: Mapped[int | None] = mapped_column(ForeignKey(Person.id))


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
    key: Mapped[str | None]
    """Names the same unit through a course's versions; None where no draft gave it one."""

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
    key: Mapped[str | None]
    """Names the same activity through a course's versions, like a unit's."""

    kind: Mapped[str]
    title: Mapped[str]
    role: Mapped[str]
    """progress: counts towards the progress of the course · score: its score counts"""

    weight_ms: Mapped[int]
    """How much of the progress it is: its length, or what its kind reckons."""

    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
