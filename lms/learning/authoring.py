"""Making a course's content: a version is written whole, then frozen."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.errors import InvalidError
from lms.learning.kinds import kind_of
from lms.learning.models import Activity, Course, CourseVersion, Unit

ROLES = ("progress", "score")


def publish(
    session: Session,
    kinds: dict[str, Any],
    course: Course,
    units: Sequence[dict[str, Any]],
    *,
    files: Callable[[str], int],
    now: datetime,
) -> CourseVersion:
    """The course's next version, with every configuration checked by its kind.

    `units`: mappings with title and activities, as lms.learning.making.drafts keeps them; a `key`
    names the same thing through the versions. `files` gives the stored file's id for a name in a
    configuration that does not bring `<key>_file` along. Raises InvalidError naming the unit and
    activity that cannot be used; then nothing is kept.
    """
    last = session.scalar(
        select(func.max(CourseVersion.number)).where(CourseVersion.course_id == course.id)
    )
    version = CourseVersion(
        institution_id=course.institution_id,
        course_id=course.id,
        course=course,
        number=(last or 0) + 1,
        published_at=now,
    )
    session.add(version)
    session.flush()  # units refer to it
    if not units:
        raise InvalidError("차시가 하나도 없습니다. 차시를 하나 이상 넣어 주십시오.")
    for position, told in enumerate(units, 1):
        unit = Unit(
            institution_id=course.institution_id,
            version_id=version.id,
            position=position,
            title=told["title"],
            key=told.get("key"),
        )
        session.add(unit)
        session.flush()  # activities refer to it
        for place, activity in enumerate(told["activities"], 1):
            session.add(_activity(kinds, unit, place, activity, files))
    session.flush()  # the version is read whole by whoever asked for it
    return version


def _activity(
    kinds: dict[str, Any],
    unit: Unit,
    place: int,
    told: dict[str, Any],
    files: Callable[[str], int],
) -> Activity:
    kind = kind_of(kinds, told["kind"])
    role = told.get("role", "progress")
    if role not in ROLES:
        raise InvalidError("활동의 몫은 progress와 score 가운데 하나입니다.", field="role")
    try:
        config = kind.check(dict(told["config"]))
    except InvalidError as error:
        raise InvalidError(
            "{unit}차시 {place}번째 활동 「{title}」: {what}",
            unit=unit.position,
            place=place,
            title=told["title"],
            what=str(error),
        ) from error
    for key in kind.files(config):
        known = told["config"].get(f"{key}_file")
        config[f"{key}_file"] = files(config[key]) if known is None else known
    return Activity(
        institution_id=unit.institution_id,
        unit_id=unit.id,
        position=place,
        key=told.get("key"),
        kind=kind.name,
        title=told["title"],
        role=role,
        weight_ms=kind.weight_ms(config),
        config=config,
    )
