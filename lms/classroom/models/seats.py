"""Who has a place at a meeting, who waits for one, and how they find there."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.classroom.models.meetings import Meeting
from lms.db import Base
from lms.learning.models import Enrolment
from lms.people.models import Institution, Person


class Seat(Base):
    """Somebody's place at a meeting: one row a person, whatever became of it. pii: id"""

    __tablename__ = "lms_seat"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        UniqueConstraint("meeting_id", "seat_no"),
        CheckConstraint("(state = 'released') = (seat_no IS NULL)", name="numbered"),
        CheckConstraint("(state = 'offered') = (accept_until IS NOT NULL)", name="offered"),
        Index("ix_lms_seat_person", "person_id", "state"),
        Index("ix_lms_seat_enrolment", "enrolment_id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    meeting: Mapped[Meeting] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    person: Mapped[Person] = relationship()
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    state: Mapped[str]
    """offered (held until `accept_until`) · confirmed · released"""

    seat_no: Mapped[int | None]
    """From 1; the database lets nobody else have it."""

    source: Mapped[str]
    """How it came: self · waiting · officer · moved (from another meeting)"""

    accept_until: Mapped[datetime | None]
    since: Mapped[datetime]
    """When it became what it is."""

    why: Mapped[str] = mapped_column(default="")
    """Of a released one: left · declined · expired · officer · cancelled · moved · withdrawn (the
    enrolment) · unready"""


class SeatChange(Base):
    """What became of a seat, step by step. Inserted only. pii: id"""

    __tablename__ = "lms_seat_change"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    seat_id: Mapped[int] = mapped_column(ForeignKey(Seat.id), index=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    before: Mapped[str]
    """Empty for a new one."""

    after: Mapped[str]
    why: Mapped[str]
    """A seat's `source` or `why`."""

    reason: Mapped[str] = mapped_column(default="")
    """In the words of whoever did it."""


class MeetingWaiting(Base):
    """Somebody on a meeting's waiting list; the order is that of `id`. pii: id"""

    __tablename__ = "lms_meeting_waiting"
    __table_args__ = (
        Index(
            "uq_lms_meeting_waiting_current",
            "meeting_id",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_lms_meeting_waiting_queue",
            "meeting_id",
            "id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_lms_meeting_waiting_person", "person_id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    person: Mapped[Person] = relationship()
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """seated (confirmed or offered) · left · lapsed (the meeting took nobody any more) · refused"""


class JoinLink(Base):
    """Somebody's own way into a live meeting: who comes by it is them, whatever their name says.

    pii: id
    """

    __tablename__ = "lms_join_link"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        UniqueConstraint("meeting_id", "participant"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    token: Mapped[str] = mapped_column(unique=True)
    """Random; in the address of our own page that leads on."""

    participant: Mapped[str]
    """What the provider's log calls them: random, so that no two people share it."""

    url: Mapped[str]
    """Where our page leads on to."""

    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """It leads nowhere any more: the seat was given back."""


class CalendarFeed(Base):
    """The unguessable address of somebody's calendar. pii: id"""

    __tablename__ = "lms_calendar_feed"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id), unique=True)
    token: Mapped[str] = mapped_column(unique=True)
    """Random; a new one in its place makes the old address nobody's."""

    made_at: Mapped[datetime]
