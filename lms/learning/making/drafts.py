"""A course's draft: its units and activities as they are edited, before they are frozen."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, selectinload

from lms.errors import ConflictError
from lms.learning.models import Course, CourseDraft, CourseVersion, Unit
from lms.people.models import Person

MOST_REMOVED = 20
CHANGED = (
    "{who}님이 그사이에 이 과정을 고쳤습니다. 하려던 일은 하지 않았습니다. "
    "아래의 지금 모습을 보고 다시 해 주십시오."
)


class DraftActivity(msgspec.Struct, kw_only=True):
    """One thing to do. `config` may still be wrong or empty: only publishing asks for more."""

    key: str
    kind: str
    title: str
    role: str = "progress"
    config: dict[str, Any] = {}


class DraftUnit(msgspec.Struct, kw_only=True):
    """A unit with its activities in their order."""

    key: str
    title: str
    activities: list[DraftActivity] = []


class Removed(msgspec.Struct, kw_only=True):
    """What was taken out, and where it stood: a unit, or an activity of the unit `of`."""

    at: int
    unit: DraftUnit | None = None
    activity: DraftActivity | None = None
    of: str = ""

    @property
    def key(self) -> str:
        found = self.unit or self.activity
        return found.key if found else ""

    @property
    def title(self) -> str:
        found = self.unit or self.activity
        return found.title if found else ""


@dataclass
class Draft:
    """The draft as it stands: a row, or what the newest version would make it begin with."""

    units: list[DraftUnit]
    removed: list[Removed]
    revision: int = 0
    based_on: int | None = None
    edited_at: datetime | None = None
    edited_by: str | None = None
    """The name of who made the last change."""

    def find(self, key: str) -> tuple[DraftUnit, DraftActivity] | None:
        """The activity with this key, and its unit."""
        for unit in self.units:
            for activity in unit.activities:
                if activity.key == key:
                    return unit, activity
        return None


def new_key() -> str:
    return secrets.token_hex(6)


def of_course(session: Session, course: Course) -> Draft:
    """The course's draft: three queries at most, whatever is in it."""
    query = (
        select(CourseDraft, Person.name)
        .outerjoin(Person, Person.id == CourseDraft.edited_by)
        .where(CourseDraft.course_id == course.id)
    )
    found = session.execute(query).first()
    if found is not None:
        return _opened(found[0], found[1])
    version = newest(session, course.id)
    if version is None:
        return Draft([], [])
    return Draft(of_version(version), [], based_on=version.number)


def newest(session: Session, course_id: int) -> CourseVersion | None:
    """The newest version, with all that is in it."""
    query = _versions().filter_by(course_id=course_id)
    return session.scalar(query.order_by(CourseVersion.number.desc()).limit(1))


def version_of(session: Session, course_id: int, number: int) -> CourseVersion | None:
    """The version of that number, with all that is in it."""
    return session.scalar(_versions().filter_by(course_id=course_id, number=number))


def _versions() -> Select[CourseVersion]:
    return select(CourseVersion).options(
        selectinload(CourseVersion.units).selectinload(Unit.activities)
    )


def of_version(version: CourseVersion) -> list[DraftUnit]:
    """A version's content as a draft holds it; what has no key yet gets one of its id."""
    return [
        DraftUnit(
            key=unit.key or f"u{unit.id}",
            title=unit.title,
            activities=[
                DraftActivity(
                    key=one.key or f"a{one.id}",
                    kind=one.kind,
                    title=one.title,
                    role=one.role,
                    config=dict(one.config),
                )
                for one in unit.activities
            ],
        )
        for unit in version.units
    ]


def change(
    session: Session,
    course: Course,
    revision: int,
    act: Callable[[Draft], None],
    *,
    actor_id: int,
    now: datetime,
) -> Draft:
    """The draft after `act`, one revision on.

    Raises ConflictError when somebody changed it since `revision`; then nothing is done.
    """
    row = session.scalar(select(CourseDraft).filter_by(course_id=course.id).with_for_update())
    draft = of_course(session, course)
    if draft.revision != revision:
        raise ConflictError(CHANGED, who=draft.edited_by or "?")
    act(draft)
    if row is None:
        row = CourseDraft(
            institution_id=course.institution_id, course_id=course.id, based_on=draft.based_on
        )
        session.add(row)
    row.units = kept(draft.units)
    row.removed = kept(draft.removed[-MOST_REMOVED:])
    row.revision = revision + 1
    row.edited_at = now
    row.edited_by = actor_id
    draft.revision = row.revision
    session.flush()  # a second first edit, made at the same time, is refused here by its key
    return draft


def based_on(session: Session, course: Course, number: int) -> None:
    """Say which version the draft now says no more than."""
    session.execute(
        update(CourseDraft).where(CourseDraft.course_id == course.id).values(based_on=number)
    )


def begin(
    session: Session, course: Course, units: list[DraftUnit], *, actor_id: int, now: datetime
) -> None:
    """The first draft of a course that was copied or imported."""
    session.add(
        CourseDraft(
            institution_id=course.institution_id,
            course_id=course.id,
            units=kept(units),
            removed=[],
            revision=1,
            edited_at=now,
            edited_by=actor_id,
        )
    )


def kept(things: Iterable[msgspec.Struct]) -> list[Any]:
    """Structs as a JSON column holds them."""
    return [msgspec.to_builtins(one) for one in things]


def _opened(row: CourseDraft, editor: str | None) -> Draft:
    return Draft(
        msgspec.convert(row.units, list[DraftUnit]),
        msgspec.convert(row.removed, list[Removed]),
        revision=row.revision,
        based_on=row.based_on,
        edited_at=row.edited_at,
        edited_by=editor,
    )
