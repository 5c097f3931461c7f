"""An enrolment and an activity as a page reads them: columns in one query, and no ORM object.

What is asked of either in services and kinds (`EnrolmentLike`, `ActivityLike`) the model's object
answers too: reading requests bring rows, writing ones the object that they lock and change.
"""

from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lms.db import Prepared
from lms.learning.models import Activity, Course, Enrolment, Run


class RunLike(Protocol):
    """A Run, or a RunRow."""

    @property
    def state(self) -> str: ...
    @property
    def learn_from(self) -> date: ...
    @property
    def learn_until(self) -> date: ...
    @property
    def rule(self) -> dict[str, Any]: ...


class EnrolmentLike(Protocol):
    """An Enrolment, or an EnrolmentRow."""

    @property
    def id(self) -> int: ...
    @property
    def institution_id(self) -> int: ...
    @property
    def run_id(self) -> int: ...
    @property
    def person_id(self) -> int: ...
    @property
    def registration(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def progress_permille(self) -> int: ...
    @property
    def completed_at(self) -> datetime | None: ...
    @property
    def run(self) -> RunLike: ...


class ActivityLike(Protocol):
    """An Activity, or an ActivityRow."""

    @property
    def id(self) -> int: ...
    @property
    def institution_id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def weight_ms(self) -> int: ...
    @property
    def config(self) -> dict[str, Any]: ...


class CourseRow(NamedTuple):
    """What the learning page says of the course."""

    id: int
    title: str
    training_kind: str
    delivery_mode: str
    recognised_minutes: int


class RunRow(NamedTuple):
    """The run: see lms.learning.models.Run."""

    id: int
    version_id: int
    year: int
    number: int
    state: str
    learn_from: date
    learn_until: date
    rule: dict[str, Any]
    course: CourseRow


class EnrolmentRow(NamedTuple):
    """The enrolment with its run: see lms.learning.models.Enrolment."""

    id: int
    institution_id: int
    run_id: int
    person_id: int
    attempt: int
    registration: str
    state: str
    progress_permille: int
    score: int | None
    completed_at: datetime | None
    last_activity_id: int | None
    run: RunRow


class ActivityRow(NamedTuple):
    """The activity: see lms.learning.models.Activity."""

    id: int
    institution_id: int
    unit_id: int
    position: int
    kind: str
    title: str
    role: str
    weight_ms: int
    config: dict[str, Any]


_OWN, _OF_RUN = len(EnrolmentRow._fields) - 1, len(RunRow._fields) - 1


def _enrolment(*columns: Any) -> EnrolmentRow:
    course = CourseRow(*columns[_OWN + _OF_RUN :])
    run = RunRow._make((*columns[_OWN : _OWN + _OF_RUN], course))
    return EnrolmentRow._make((*columns[:_OWN], run))


_ENROLMENT = Prepared(
    select(
        *(getattr(Enrolment, name) for name in EnrolmentRow._fields[:-1]),
        *(getattr(Run, name) for name in RunRow._fields[:-1]),
        *(getattr(Course, name) for name in CourseRow._fields),
    )
    .join(Run, Run.id == Enrolment.run_id)
    .join(Course, Course.id == Run.course_id)
    .where(
        Enrolment.id == bindparam("enrolment_id"),
        Enrolment.institution_id == bindparam("institution_id"),
    ),
    _enrolment,
)
_ACTIVITY = Prepared(
    select(*(getattr(Activity, name) for name in ActivityRow._fields)).where(
        Activity.id == bindparam("activity_id")
    ),
    ActivityRow,
)


def enrolment(session: Session, id: int, institution_id: int) -> EnrolmentRow | None:  # noqa: A002
    """The enrolment with its run and course, if it is the institution's: one query."""
    return _ENROLMENT.first(session, enrolment_id=id, institution_id=institution_id)


def activity(session: Session, id: int) -> ActivityRow:  # noqa: A002
    """The activity; the caller knows that it is there, and whose course it is of."""
    [found] = _ACTIVITY.all(session, activity_id=id)
    return found
