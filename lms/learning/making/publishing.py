"""From a draft to a version that nobody changes any more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import ConflictError, InvalidError
from lms.files.models import StoredFile
from lms.learning import authoring
from lms.learning.kinds import editor_of
from lms.learning.making import checking, comparing, drafts
from lms.learning.making.comparing import Change, Naming
from lms.learning.making.drafts import Draft, DraftUnit
from lms.learning.models import Course, CourseVersion
from lms.people import audit


def publish(
    session: Session,
    kinds: dict[str, Any],
    course: Course,
    revision: int,
    *,
    actor_id: int,
    now: datetime,
) -> CourseVersion:
    """The course's next version; who is enrolled stays on theirs.

    Raises ConflictError when the draft is not the one that was looked at, or says nothing new;
    InvalidError when something in it must be mended first (see lms.learning.making.checking).
    """
    if course.archived_at is not None:
        raise ConflictError("보관한 과정입니다. 발행하려면 먼저 보관을 풀어 주십시오.")
    made: list[CourseVersion] = []

    def act(draft: Draft) -> None:
        found = checking.problems(session, kinds, course, draft.units)
        if found:
            raise InvalidError(
                "고칠 곳이 {n}군데 있어 발행하지 않았습니다. 아래에서 하나씩 고쳐 주십시오.",
                n=len(found),
            )
        if draft.based_on is not None and not unpublished(session, kinds, course, draft):
            raise ConflictError("지난 판과 다른 것이 없어 발행하지 않았습니다.")
        made.append(
            authoring.publish(
                session, kinds, course, drafts.kept(draft.units), files=_missing, now=now
            )
        )

    drafts.change(session, course, revision, act, actor_id=actor_id, now=now)
    (version,) = made
    drafts.based_on(session, course, version.number)
    audit.write(
        session,
        institution_id=course.institution_id,
        actor_id=actor_id,
        act="course.publish",
        subject="course",
        subject_id=course.id,
        reason="발행",
        now=now,
        version=version.number,
    )
    return version


def unpublished(
    session: Session, kinds: dict[str, Any], course: Course, draft: Draft
) -> list[Change]:
    """What the draft changes against the version that it is based on."""
    version = None
    if draft.based_on is not None:
        version = drafts.version_of(session, course.id, draft.based_on)
    before = drafts.of_version(version) if version else []
    return compared(session, kinds, before, draft.units)


def compared(
    session: Session,
    kinds: dict[str, Any],
    before: Sequence[DraftUnit],
    after: Sequence[DraftUnit],
) -> list[Change]:
    """What differs between two states of one course."""
    wanted = checking.file_ids(before) | checking.file_ids(after)
    files: dict[int, str] = {}
    if wanted:
        query = select(StoredFile.id, StoredFile.sha256).where(StoredFile.id.in_(wanted))
        files = {file_id: sha256 for file_id, sha256 in session.execute(query)}  # noqa: C416
    # A version's configs were cleaned by their kinds; a draft's are as they were typed.
    return comparing.compare(cleaned(kinds, before), cleaned(kinds, after), naming(kinds, files))


def cleaned(kinds: dict[str, Any], units: Sequence[DraftUnit]) -> list[DraftUnit]:
    """The units with each config as publishing would write it, as far as it can be."""
    return [
        DraftUnit(
            key=unit.key,
            title=unit.title,
            activities=[
                drafts.DraftActivity(
                    key=one.key,
                    kind=one.kind,
                    title=one.title,
                    role=one.role,
                    config=_clean(kinds.get(one.kind), one.config),
                )
                for one in unit.activities
            ],
        )
        for unit in units
    ]


def naming(kinds: dict[str, Any], files: dict[int, str]) -> Naming:
    """What people call kinds and the parts of their configs."""
    editors = {name: editor_of(kind) for name, kind in kinds.items()}
    return Naming(
        {name: kind.label for name, kind in kinds.items()},
        {name: editor.words for name, editor in editors.items() if editor is not None},
        files,
    )


def _clean(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    if kind is None:
        return config
    try:
        checked: dict[str, Any] = kind.check(dict(config))
    except InvalidError:
        return config
    ids = {key: value for key, value in config.items() if key.endswith("_file")}
    return checked | ids


def _missing(name: str) -> int:
    raise InvalidError("파일 「{name}」이(가) 없습니다. 다시 올려 주십시오.", name=name)
