"""Everything that stands between a draft and its publication, each with its place."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import InvalidError
from lms.files.models import StoredFile
from lms.learning.kinds import gives_score
from lms.learning.making.drafts import DraftActivity, DraftUnit
from lms.learning.models import Course

EMPTY_UNIT = "활동이 없는 차시입니다. 활동을 넣거나 차시를 지워 주십시오."


class Problem(NamedTuple):
    """What must be mended: where (None: the course itself), and the sentence."""

    key: str | None
    """Of the unit or activity."""

    unit: int | None
    """Number of the unit, from 1."""

    is_activity: bool
    title: str
    message: str
    params: dict[str, Any]


def problems(
    session: Session, kinds: dict[str, Any], course: Course, units: Sequence[DraftUnit]
) -> list[Problem]:
    """All of them, in the order of the page; none when the draft can be published."""
    known = _known_files(session, course.institution_id, units)
    return [*_whole(units), *_parts(kinds, units, known)]


def of_activity(
    session: Session, kinds: dict[str, Any], course: Course, unit: DraftUnit, key: str
) -> list[Problem]:
    """Those of one activity."""
    only = DraftUnit(
        key=unit.key,
        title=unit.title,
        activities=[one for one in unit.activities if one.key == key],
    )
    known = _known_files(session, course.institution_id, [only])
    return [one for one in _parts(kinds, [only], known) if one.key == key]


def _whole(units: Sequence[DraftUnit]) -> Iterator[Problem]:
    if not units:
        yield _course("차시가 하나도 없습니다. 차시를 하나 이상 넣어 주십시오.")
    elif not any(one.role == "progress" for unit in units for one in unit.activities):
        yield _course(
            "진도에 드는 활동이 하나도 없어 배우지 않아도 진도가 찹니다. "
            "활동 하나는 진도에 들게 해 주십시오."
        )


def _parts(kinds: dict[str, Any], units: Sequence[DraftUnit], known: set[int]) -> Iterator[Problem]:
    for number, unit in enumerate(units, 1):
        if not unit.activities:
            yield Problem(
                unit.key,
                number,
                False,
                unit.title,
                EMPTY_UNIT,
                {},
            )
        for activity in unit.activities:
            for message, params in _wrong(kinds, activity, known):
                yield Problem(activity.key, number, True, activity.title, message, params)


def _wrong(
    kinds: dict[str, Any], activity: DraftActivity, known: set[int]
) -> Iterator[tuple[str, dict[str, Any]]]:
    kind = kinds.get(activity.kind)
    if kind is None:
        yield (
            "「{name}」 활동을 보여 줄 확장이 설치되어 있지 않습니다. 활동을 지워 주십시오.",
            {"name": activity.kind},
        )
        return
    if activity.role == "score" and not gives_score(kind):
        yield "점수가 나오지 않는 활동입니다. 쓰임을 진도로 바꾸어 주십시오.", {}
    try:
        config = kind.check(dict(activity.config))
    except InvalidError as error:
        yield error.message, error.params
        return
    for key in kind.files(config):
        file_id = activity.config.get(f"{key}_file")
        if file_id not in known:
            yield "파일 「{name}」이(가) 없습니다. 다시 올려 주십시오.", {"name": config[key]}


def file_ids(units: Sequence[DraftUnit]) -> set[int]:
    """Ids of the stored files that the configs name."""
    return {
        value
        for unit in units
        for activity in unit.activities
        for key, value in activity.config.items()
        if key.endswith("_file") and isinstance(value, int)
    }


def _known_files(session: Session, institution_id: int, units: Sequence[DraftUnit]) -> set[int]:
    wanted = file_ids(units)
    if not wanted:
        return set()
    query = select(StoredFile.id).where(
        StoredFile.institution_id == institution_id, StoredFile.id.in_(wanted)
    )
    return set(session.scalars(query))


def _course(message: str) -> Problem:
    return Problem(None, None, False, "", message, {})
