"""What is said of a course beside its content: parsed from a form, kept, copied."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import ConflictError, InvalidError
from lms.learning import terms
from lms.learning.models import Course
from lms.people import audit

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,29}")
MOST_MINUTES = 1000 * 60
LONGEST = {"title": 200, "summary": 4000, "legal_basis": 500, "audience": 300}
_LONGEST_LINE = 200
_MOST_LINES = 30


class CourseFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything of a course that staff write, but for its code and picture."""

    title: str
    summary: str = ""
    goals: list[str] = []
    training_kind: str
    delivery_mode: str
    recognised_minutes: int = 0
    task_code: str | None = None
    task_name: str | None = None
    goal_name: str | None = None
    audience: str | None = None
    competencies: list[str] = []
    department: str | None = None
    legal_basis: str | None = None
    standing: bool = False


def parse(form: Mapping[str, str]) -> tuple[CourseFields | None, dict[str, InvalidError]]:
    """The fields, or None and what is wrong with each."""
    wrong: dict[str, InvalidError] = {}
    told: dict[str, Any] = {
        "goals": lines(form.get("goals", "")),
        "competencies": lines(form.get("competencies", "").replace(",", "\n")),
        "training_kind": form.get("training_kind", ""),
        "delivery_mode": form.get("delivery_mode", ""),
        "standing": form.get("standing") == "1",
        "recognised_minutes": _minutes(form, wrong),
    }
    for name in ("title", "summary"):
        told[name] = form.get(name, "").strip()
    for name in ("task_code", "task_name", "goal_name", "audience", "department", "legal_basis"):
        told[name] = " ".join(form.get(name, "").split()) or None
    fields = CourseFields(**told)
    wrong |= faults(fields)
    return (None if wrong else fields), wrong


def faults(fields: CourseFields) -> dict[str, InvalidError]:
    """What is wrong with each field; also asked of a course that comes in as a file."""
    wrong: dict[str, InvalidError] = {}

    def refuse(name: str, message: str, **params: Any) -> None:
        wrong.setdefault(name, InvalidError(message, field=name, **params))

    if not fields.title.strip():
        refuse("title", "과정 이름을 적어 주십시오.")
    if fields.training_kind not in terms.KINDS:
        refuse("training_kind", "연수 종별을 골라 주십시오.")
    if fields.delivery_mode not in terms.MODES:
        refuse("delivery_mode", "운영 방식을 골라 주십시오.")
    if not 0 <= fields.recognised_minutes <= MOST_MINUTES:
        refuse("hours", "인정 시간은 {n}시간까지 적을 수 있습니다.", n=MOST_MINUTES // 60)
    for name, value in msgspec.structs.asdict(fields).items():
        most = LONGEST.get(name, _LONGEST_LINE)
        if isinstance(value, str) and len(value) > most:
            refuse(name, "{n}자까지 적을 수 있습니다.", n=most)
        if isinstance(value, list) and (
            len(value) > _MOST_LINES or any(len(one) > _LONGEST_LINE for one in value)
        ):
            refuse(
                name,
                "{n}줄까지, 한 줄에 {most}자까지 적을 수 있습니다.",
                n=_MOST_LINES,
                most=_LONGEST_LINE,
            )
    return wrong


def lines(text: str) -> list[str]:
    """The lines that say something, each once."""
    found = (" ".join(line.split()) for line in text.splitlines())
    return list(dict.fromkeys(line for line in found if line))


def of_course(course: Course) -> CourseFields:
    return CourseFields(**{name: getattr(course, name) for name in CourseFields.__struct_fields__})


def mark(fields: CourseFields) -> str:
    """Names this state of the fields: who saves over another one is told."""
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()[:16]


def check_code(session: Session, institution_id: int, code: str) -> str:
    """A code that no course of the institution has. Raises InvalidError, ConflictError."""
    if not CODE.fullmatch(code):
        raise InvalidError(
            "과정 번호는 영문자와 숫자로 30자까지 적어 주십시오. 예: P0123", field="code"
        )
    if session.scalar(select(Course.id).filter_by(institution_id=institution_id, code=code)):
        raise ConflictError("이미 쓰는 과정 번호입니다. 다른 번호를 적어 주십시오.")
    return code


def create(
    session: Session,
    institution_id: int,
    code: str,
    fields: CourseFields,
    *,
    act: str = "course.create",
    actor_id: int,
    now: datetime,
    **detail: Any,
) -> Course:
    """A new course without content. Raises InvalidError, ConflictError for its code."""
    check_code(session, institution_id, code)
    course = Course(
        institution_id=institution_id,
        code=code,
        created_at=now,
        duty=detail.pop("duty", {}),
        thumbnail=detail.pop("thumbnail", {}),
        **msgspec.structs.asdict(fields),
    )
    session.add(course)
    session.flush()  # its id goes into the audit row and the draft
    _audit(session, course, act, "과정 만들기", actor_id, now, code=code, **detail)
    return course


def change(
    session: Session, course: Course, fields: CourseFields, *, actor_id: int, now: datetime
) -> list[str]:
    """Write the fields; returns the names of those that changed."""
    before = msgspec.structs.asdict(of_course(course))
    after = msgspec.structs.asdict(fields)
    changed = [name for name in after if after[name] != before[name]]
    for name in changed:
        setattr(course, name, after[name])
    if changed:
        _audit(
            session,
            course,
            "course.change",
            "과정 정보 고치기",
            actor_id,
            now,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    return changed


def archive(session: Session, course: Course, *, reason: str, actor_id: int, now: datetime) -> None:
    """Out of the catalogue; runs and completions stay. Twice is once. Raises InvalidError."""
    if course.archived_at is not None:
        return
    if not reason:
        raise InvalidError("왜 보관하는지 한 줄로 적어 주십시오.", field="reason")
    course.archived_at = now
    _audit(session, course, "course.archive", reason, actor_id, now)


def unarchive(session: Session, course: Course, *, actor_id: int, now: datetime) -> None:
    """Back into the catalogue. Twice is once."""
    if course.archived_at is None:
        return
    course.archived_at = None
    _audit(session, course, "course.unarchive", "보관 풀기", actor_id, now)


def set_thumbnail(
    session: Session, course: Course, files: dict[str, int], *, actor_id: int, now: datetime
) -> None:
    """The picture of the course by width in px; {} takes it away."""
    course.thumbnail = dict(files)
    _audit(session, course, "course.picture", "그림 바꾸기", actor_id, now)


def _minutes(form: Mapping[str, str], wrong: dict[str, InvalidError]) -> int:
    hours, minutes = (form.get(name, "").strip() or "0" for name in ("hours", "minutes"))
    if not (hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60):
        wrong["hours"] = InvalidError(
            "인정 시간은 시간과 60보다 작은 분을 숫자로 적어 주십시오.", field="hours"
        )
        return 0
    return int(hours[:6]) * 60 + int(minutes)


def _audit(
    session: Session,
    course: Course,
    act: str,
    reason: str,
    actor_id: int,
    now: datetime,
    **detail: Any,
) -> None:
    audit.write(
        session,
        institution_id=course.institution_id,
        actor_id=actor_id,
        act=act,
        subject="course",
        subject_id=course.id,
        reason=reason,
        now=now,
        **detail,
    )
