"""The tables of the classroom."""

from lms.classroom.models.attendance import (
    Attendance,
    AttendanceCase,
    AttendanceCheck,
    AttendanceDevice,
    AttendanceMark,
    AttendanceSignature,
    CheckSecret,
    LiveInterval,
    LiveLog,
)
from lms.classroom.models.meetings import (
    InstructorSkill,
    Meeting,
    MeetingBlock,
    MeetingChange,
    MeetingInstructor,
    Room,
)
from lms.classroom.models.seats import CalendarFeed, JoinLink, MeetingWaiting, Seat, SeatChange
from lms.classroom.models.triggers import Trigger

__all__ = [
    "Attendance",
    "AttendanceCase",
    "AttendanceCheck",
    "AttendanceDevice",
    "AttendanceMark",
    "AttendanceSignature",
    "CalendarFeed",
    "CheckSecret",
    "InstructorSkill",
    "JoinLink",
    "LiveInterval",
    "LiveLog",
    "Meeting",
    "MeetingBlock",
    "MeetingChange",
    "MeetingInstructor",
    "MeetingWaiting",
    "Room",
    "Seat",
    "SeatChange",
    "Trigger",
]
