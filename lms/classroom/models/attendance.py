"""Evidence of who was there, what is unclear of it, and what it was settled to."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lms.classroom.models.meetings import Meeting
from lms.db import Base
from lms.learning.models import Enrolment
from lms.people.models import Institution, Person


class CheckSecret(Base):
    """What a meeting's rotating code is made of. pii: none"""

    __tablename__ = "lms_check_secret"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id), unique=True)
    secret: Mapped[str]
    """Random; a code is signed by it, so that one of another meeting opens nothing here."""

    step_seconds: Mapped[int]
    """How long a code is shown before the next."""

    made_at: Mapped[datetime]


class AttendanceCheck(Base):
    """Asked in the middle of a meeting: who is there now? pii: none"""

    __tablename__ = "lms_attendance_check"
    __table_args__ = (
        CheckConstraint("opens_at < closes_at", name="period"),
        Index("ix_lms_attendance_check_meeting", "meeting_id", "opens_at"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    made_at: Mapped[datetime]
    made_by: Mapped[int | None]
    """None: drawn by chance."""

    dropped_at: Mapped[datetime | None]
    """Not to be counted: it was asked by mistake, or the meeting was moved."""

    reason: Mapped[str] = mapped_column(default="")


class AttendanceDevice(Base):
    """One device, one person at a meeting. pii: id and a hash of the device"""

    __tablename__ = "lms_attendance_device"
    __table_args__ = (UniqueConstraint("meeting_id", "device"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    device: Mapped[str]
    """Keyed hash of what the device holds."""

    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    at: Mapped[datetime]


class AttendanceMark(Base):
    """One piece of evidence, as it came; each is a statement too. Inserted only. pii: id"""

    __tablename__ = "lms_attendance_mark"
    __table_args__ = (
        CheckConstraint(
            "source IN ('code', 'room', 'live', 'hand', 'paper', 'offline')", name="source"
        ),
        CheckConstraint("act IN ('in', 'out', 'seen', 'span', 'absent', 'undo')", name="act"),
        CheckConstraint("(act = 'span') = (until_at IS NOT NULL)", name="span"),
        CheckConstraint("(act = 'undo') = (of_id IS NOT NULL)", name="undo"),
        Index("ix_lms_attendance_mark_person", "meeting_id", "person_id", "at"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    key: Mapped[str] = mapped_column(unique=True)
    """Names the evidence: the same scan, paper row or queued line again is one."""

    source: Mapped[str]
    """code (scanned or typed) · room (a reader at the door) · live (a log) · hand · paper ·
    offline (queued at the desk while the network was down)"""

    act: Mapped[str]
    """in · out · seen (a check in the middle) · span (there from `at` until `until_at`) · absent
    (somebody's word) · undo (of the mark `of_id`)"""

    at: Mapped[datetime]
    """What it says of; of a scan the instant of scanning, before any sign-in."""

    until_at: Mapped[datetime | None]
    check_id: Mapped[int | None] = mapped_column(ForeignKey(AttendanceCheck.id))
    of_id: Mapped[int | None] = mapped_column(ForeignKey("lms_attendance_mark.id"))
    received_at: Mapped[datetime]
    actor_id: Mapped[int | None]
    """Whose word it is, where not the person's own act."""

    device: Mapped[str | None]
    """As in AttendanceDevice."""

    reason: Mapped[str] = mapped_column(default="")
    statement_id: Mapped[str | None]
    """None where the meeting belongs to no activity: nothing can be stated of it."""


class LiveLog(Base):
    """A provider's log of joins and leaves that was brought in. pii: none"""

    __tablename__ = "lms_live_log"
    __table_args__ = (UniqueConstraint("meeting_id", "digest"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    digest: Mapped[str]
    """SHA-256 of the file: the same one again changes nothing."""

    name: Mapped[str]
    form: Mapped[str]
    """zoom · generic, or what a plugin reads"""

    rows: Mapped[int]
    unknown: Mapped[int]
    """Rows that went into the queue, since nobody's link names them."""

    at: Mapped[datetime]
    actor_id: Mapped[int | None]


class LiveInterval(Base):
    """Somebody was in a live meeting from here to there, by one row of a log. pii: id"""

    __tablename__ = "lms_live_interval"
    __table_args__ = (
        UniqueConstraint("meeting_id", "key"),
        CheckConstraint("from_ms < until_ms", name="period"),
        Index("ix_lms_live_interval_person", "meeting_id", "person_id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    log_id: Mapped[int] = mapped_column(ForeignKey(LiveLog.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    key: Mapped[str]
    """Hash of participant, from and until: the same in two logs is one."""

    from_ms: Mapped[int] = mapped_column(BigInteger)
    until_ms: Mapped[int] = mapped_column(BigInteger)
    """Whole milliseconds since 1970 in UTC."""

    case_id: Mapped[int | None] = mapped_column(ForeignKey("lms_attendance_case.id"))
    """The case whose decision says whose it is; None: their own link did."""


class AttendanceCase(Base):
    """Something about attendance that a person must decide. pii: id, and what a log called them

    What a log called somebody is emptied when it is decided.
    """

    __tablename__ = "lms_attendance_case"
    __table_args__ = (
        UniqueConstraint("meeting_id", "key"),
        Index("ix_lms_attendance_case_open", "institution_id", "decided_at"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    person_id: Mapped[int | None] = mapped_column(ForeignKey(Person.id))
    """None: who it is is the very question."""

    key: Mapped[str]
    kind: Mapped[str]
    """unknown (in a log) · device (one for two people) · disagree (evidence against evidence) ·
    no_seat · late_sync …"""

    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None]
    decision: Mapped[str | None]
    reason: Mapped[str] = mapped_column(default="")


class Attendance(Base):
    """What the evidence came to for one person at one meeting. pii: id"""

    __tablename__ = "lms_attendance"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        CheckConstraint("present_ms >= 0 AND present_ms <= scheduled_ms", name="present"),
        Index("ix_lms_attendance_enrolment", "enrolment_id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id))
    meeting: Mapped[Meeting] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    scheduled_ms: Mapped[int] = mapped_column(BigInteger)
    present_ms: Mapped[int] = mapped_column(BigInteger)
    """Of the scheduled, breaks left out of both."""

    verdict: Mapped[str]
    """attended · partly (there, and too short) · absent · excused"""

    late_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    early_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    """How long after the start they came, how long before the end they went."""

    rule: Mapped[dict[str, Any]]
    """The meeting's rule as it was applied."""

    evidence: Mapped[list[Any]] = mapped_column(default=list)
    """Ids of the marks that it leans on."""

    statement_id: Mapped[str | None]
    """The statement that carried it into the enrolment's results."""

    revision: Mapped[int] = mapped_column(default=1)
    """Settled how often: a correction settles anew, with a reason, beside its audit row."""

    settled_at: Mapped[datetime]
    settled_by: Mapped[int | None]


class AttendanceSignature(Base):
    """Somebody closed a meeting's attendance with their signature. Inserted only.

    pii: id and how they sign; kept as long as the attendance that it closed
    """

    __tablename__ = "lms_attendance_signature"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    meeting_id: Mapped[int] = mapped_column(ForeignKey(Meeting.id), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    at: Mapped[datetime]
    digest: Mapped[str]
    """SHA-256 over what was signed: each person's verdict and milliseconds."""

    drawn: Mapped[list[Any]] = mapped_column(default=list)
    """Strokes as they were drawn; empty where they signed by their password."""
