"""Where and when people meet, and who teaches there."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.db import Base
from lms.learning.models import Activity, Run
from lms.people.models import Institution, Organisation, Person


class Room(Base):
    """A room of the institution in which people can meet. pii: none"""

    __tablename__ = "lms_room"
    __table_args__ = (
        UniqueConstraint("institution_id", "building", "name"),
        CheckConstraint("capacity > 0", name="capacity"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    building: Mapped[str]
    name: Mapped[str]
    """As the door says it, e.g. «305호»."""

    capacity: Mapped[int]
    equipment: Mapped[list[Any]] = mapped_column(default=list)
    """Codes of lms.classroom.rooms.EQUIPMENT."""

    note: Mapped[str] = mapped_column(default="")
    """What who plans should know, e.g. how to find it."""

    archived_at: Mapped[datetime | None]
    """No longer planned with; meetings that were held there keep it."""


class Meeting(Base):
    """One classroom or live session (집합·실시간 회차) of a run. pii: none"""

    __tablename__ = "lms_meeting"
    __table_args__ = (
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("starts_at < ends_at", name="period"),
        CheckConstraint("offer_minutes >= 0", name="offer"),
        Index("ix_lms_meeting_run", "run_id", "starts_at"),
        Index("ix_lms_meeting_week", "institution_id", "starts_at"),
        Index("ix_lms_meeting_state", "institution_id", "state", "ends_at"),
        Index("ix_lms_meeting_room", "room_id", "starts_at"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    run: Mapped[Run] = relationship(lazy="joined", innerjoin=True)
    activity_id: Mapped[int | None] = mapped_column(ForeignKey(Activity.id))
    """What of the run's course version attending it completes. Several meetings may offer the same
    activity: a learner takes part in one of them. None: attending completes nothing by itself."""

    activity: Mapped[Activity | None] = relationship()
    title: Mapped[str]
    kind: Mapped[str]
    """classroom · live · hybrid (room and live at once) · practice (at a host)"""

    state: Mapped[str]
    """planned · open · closed (takes nobody any more) · held (attendance settled) · cancelled"""

    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id))
    room: Mapped[Room | None] = relationship()
    host_id: Mapped[int | None] = mapped_column(ForeignKey(Organisation.id))
    """Field practice: the school or office that people go to."""

    host: Mapped[Organisation | None] = relationship()
    place: Mapped[str] = mapped_column(default="")
    """Where exactly, in words, where no room says it."""

    provider: Mapped[str | None]
    """Live and hybrid: a name of lms.classroom.providers."""

    provider_told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the provider needs to make a join link, e.g. the address of its meeting."""

    capacity: Mapped[int]
    skills: Mapped[list[Any]] = mapped_column(default=list)
    """What its instructors should be able to teach."""

    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    """The first block's start and the last one's end."""

    seats_until: Mapped[date | None]
    """Last local date to take a seat by oneself; None: until it starts."""

    leave_until: Mapped[date | None]
    """Last local date to give it back by oneself; None: until it starts."""

    offer_minutes: Mapped[int] = mapped_column(default=0)
    """How long a seat that became free is held for who waits; 0: it is theirs at once."""

    rule: Mapped[dict[str, Any]]
    """lms.classroom.rules.AttendanceRule, frozen when the meeting was planned."""

    uid: Mapped[str] = mapped_column(unique=True)
    """Names it in calendars for good (RFC 5545, 3.8.4.7)."""

    sequence: Mapped[int] = mapped_column(default=0)
    """Moves with each change that a calendar should show (RFC 5545, 3.8.7.4)."""

    changed_at: Mapped[datetime]
    blocks: Mapped[list["MeetingBlock"]] = relationship(
        back_populates="meeting", order_by="MeetingBlock.starts_at", cascade="all, delete-orphan"
    )
    instructors: Mapped[list["MeetingInstructor"]] = relationship(
        back_populates="meeting", order_by="MeetingInstructor.id", cascade="all, delete-orphan"
    )


class MeetingBlock(Base):
    """A stretch of a meeting in which people are there; what lies between two is free. pii: none"""

    __tablename__ = "lms_meeting_block"
    __table_args__ = (
        UniqueConstraint("meeting_id", "starts_at"),
        CheckConstraint("starts_at < ends_at", name="period"),
        # Conflicts are asked by time: who and which room, then, comes from the meeting.
        Index("ix_lms_meeting_block_time", "institution_id", "starts_at", "ends_at"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    meeting: Mapped[Meeting] = relationship(back_populates="blocks")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    breaks: Mapped[list[Any]] = mapped_column(default=list)
    """Pairs of whole minutes: how long after the start, and how long. They go with it when it is
    moved."""


class MeetingInstructor(Base):
    """Who teaches at a meeting. pii: id"""

    __tablename__ = "lms_meeting_instructor"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        Index("ix_lms_meeting_instructor_person", "person_id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    meeting: Mapped[Meeting] = relationship(back_populates="instructors")
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    person: Mapped[Person] = relationship()
    part: Mapped[str] = mapped_column(default="lead")
    """lead · assistant"""


class InstructorSkill(Base):
    """Something that somebody can teach. pii: id"""

    __tablename__ = "lms_instructor_skill"
    __table_args__ = (
        UniqueConstraint("person_id", "skill"),
        Index("ix_lms_instructor_skill_skill", "institution_id", "skill"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    skill: Mapped[str]


class MeetingChange(Base):
    """What happened to a meeting: a step from state to state, or a move. Inserted only. pii: id"""

    __tablename__ = "lms_meeting_change"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id), index=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    """None: the clock did it."""

    before: Mapped[str]
    after: Mapped[str]
    """States; the same where something else of it changed."""

    sequence: Mapped[int]
    """The meeting's own after it."""

    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What changed, each with what was and what is."""

    reason: Mapped[str]
