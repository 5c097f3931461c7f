"""What the institute looks at before it approves: a constant number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.learning.models import Activity, Course, CourseVersion, Enrolment, Run, Unit
from lms.learning.running import counter
from lms.partners.models import SchoolRequest
from lms.people.models import Person

NAMED = 5
"""Names that a finding tells; it says how many more there are."""


LEARNING = "{n}명({names})은 「{title}」 과정을 다른 기수에서 듣고 있어 그 과정에서 뺍니다."
DONE = "{n}명({names})은 「{title}」 과정을 이미 이수했습니다. 정한 햇수 안이면 그 과정에서 뺍니다."


class Finding(NamedTuple):
    """Something about a request that one should know, or that stands against it (`grave`)."""

    message: str
    """A msgid."""

    params: dict[str, Any]
    grave: bool = False


class Findings(NamedTuple):
    """What was found of a request, and who and what would be taken."""

    all: list[Finding]
    courses: list[Course]
    """In the order that the school wants."""

    people: list[int]
    """Who is still on the school's active staff, in the order of the request."""

    gone: list[int]

    @property
    def grave(self) -> list[Finding]:
        return [one for one in self.all if one.grave]


def findings(session: Session, request: SchoolRequest, *, today: date) -> Findings:
    """The courses' content, the period, the staff, what overlaps and what was done before."""
    courses = _courses(session, request)
    staff = _staff(session, request)
    people = [one for one in request.people if one in staff]
    gone = [one for one in request.people if one not in staff]
    found = [*_about_courses(session, request, courses), *_about_period(request, today)]
    if gone:
        found.append(_gone(session, gone))
    if not people:
        found.append(Finding("지금 이 학교에 재직하는 사람이 한 명도 없습니다.", {}, grave=True))
    names = {person_id: staff[person_id] for person_id in people}
    found += _already(session, request, courses, names, today)
    return Findings(found, courses, people, gone)


def _courses(session: Session, request: SchoolRequest) -> list[Course]:
    rows = session.scalars(
        select(Course).where(
            Course.id.in_(request.courses), Course.institution_id == request.institution_id
        )
    )
    by_id = {one.id: one for one in rows}
    return [by_id[one] for one in request.courses if one in by_id]


def _staff(session: Session, request: SchoolRequest) -> dict[int, str]:
    """Id → name of the request's people who are on the school's active staff now."""
    rows = session.execute(
        select(Person.id, Person.name).where(
            Person.id.in_(request.people),
            Person.institution_id == request.institution_id,
            Person.organisation_id == request.organisation_id,
            Person.status == "active",
        )
    )
    return {person_id: name for person_id, name in rows}  # noqa: C416  rows are no pairs to mypy


def _about_courses(
    session: Session, request: SchoolRequest, courses: Sequence[Course]
) -> list[Finding]:
    found = []
    ready = set(
        session.scalars(
            select(CourseVersion.course_id)
            .join(Unit, Unit.version_id == CourseVersion.id)
            .join(Activity, Activity.unit_id == Unit.id)
            .where(
                CourseVersion.course_id.in_(request.courses),
                CourseVersion.published_at.is_not(None),
            )
            .distinct()
        )
    )
    if len(courses) < len(request.courses):
        found.append(Finding("없어진 과정이 있습니다. 학교에 돌려보내 주십시오.", {}, grave=True))
    for course in courses:
        if course.archived_at is not None:
            message = "「{title}」 과정은 보관되어 새로 열 수 없습니다."
            found.append(Finding(message, {"title": course.title}, grave=True))
        elif course.id not in ready:
            message = "「{title}」 과정은 아직 게시한 내용이 없습니다."
            found.append(Finding(message, {"title": course.title}, grave=True))
    return found


def _about_period(request: SchoolRequest, today: date) -> list[Finding]:
    if request.learn_until < today:
        message = "학습 기간이 {day}에 이미 끝났습니다. 학교에 돌려보내 주십시오."
        return [Finding(message, {"day": request.learn_until}, grave=True)]
    if request.learn_from < today:
        message = "학습을 시작하는 날({day})이 지났습니다. 승인하면 바로 시작됩니다."
        return [Finding(message, {"day": request.learn_from})]
    return []


def _gone(session: Session, gone: Sequence[int]) -> Finding:
    names = session.scalars(
        select(Person.name).where(Person.id.in_(gone), Person.status != "forgotten")
    )
    message = "이 학교에 없거나 재직하지 않는 사람 {n}명({names})은 빼고 등록합니다."
    return Finding(message, {"n": len(gone), "names": _named(sorted(names), len(gone))})


def _already(
    session: Session,
    request: SchoolRequest,
    courses: Sequence[Course],
    names: dict[int, str],
    today: date,
) -> list[Finding]:
    """Who takes one of the courses elsewhere, or has completed it: one query."""
    rows = session.execute(
        select(
            Enrolment.person_id,
            Run.course_id,
            func.max(Enrolment.completed_at),
        )
        .join(Run, Run.id == Enrolment.run_id)
        .where(
            Enrolment.person_id.in_(list(names)),
            Enrolment.state == "enrolled",
            Run.course_id.in_([one.id for one in courses]),
            Run.id.not_in(request.runs),
            Run.state != "cancelled",
            Enrolment.completed_at.is_not(None)
            | (Run.state.in_(counter.TAKES) & (Run.learn_until >= today)),
        )
        .group_by(Enrolment.person_id, Run.course_id)
    )
    learning: defaultdict[int, list[str]] = defaultdict(list)
    done: defaultdict[int, list[str]] = defaultdict(list)
    for person_id, course_id, completed_at in rows:
        (learning if completed_at is None else done)[course_id].append(names[person_id])
    found = []
    for course in courses:
        for told, message in ((learning, LEARNING), (done, DONE)):
            if some := sorted(told[course.id]):
                params = {"n": len(some), "names": _named(some, len(some)), "title": course.title}
                found.append(Finding(message, params))
    return found


def _named(names: Sequence[str], count: int) -> str:
    told = ", ".join(names[:NAMED])
    return f"{told} …" if count > NAMED else told
