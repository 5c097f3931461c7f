"""Courses in the making: a second version with its difference, a draft, and one that is a standing
course; so that every page of making has something real to show."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.demo.institutions import Made
from lms.learning.making import drafts, editing, fields, publishing
from lms.learning.making.drafts import DraftActivity, DraftUnit
from lms.learning.models import Course, Run
from lms.people.models import Account

_OFFICE = {
    "anti-graft": ("총무부", ["공직 윤리", "민원 응대"]),
    "school-violence": ("교원연수부", ["생활 교육", "위기 대응"]),
    "privacy": ("정보지원부", ["개인정보 보호"]),
    "google-tools": ("미래교육부", ["디지털 수업 설계"]),
    "teacher-curriculum": ("교원연수부", ["교육과정 재구성", "수업 설계"]),
}
_MORE = (
    "<h2>스스로 점검하기</h2><ol><li>우리 반 명단을 어디에 두었습니까?</li>"
    "<li>단체 대화방에 이름과 점수를 함께 올린 적이 있습니까?</li>"
    "<li>다 쓴 설문지를 어떻게 버립니까?</li></ol>"
)


def build(state: Any, made: Made, *, now: datetime) -> None:
    """Give some courses a department and competencies, revise one, and leave one in draft."""
    with state.db.transaction() as session:
        officer = session.scalar(
            select(Account.person_id).where(
                Account.institution_id == made.first.id, Account.login == "officer"
            )
        )
        courses = _courses(session, made)
        for slug, (department, competencies) in _OFFICE.items():
            if slug in courses:
                courses[slug].department = department
                courses[slug].competencies = list(competencies)
        if officer is None or "privacy" not in courses:
            return
        _revise(session, state.kinds, courses["privacy"], officer, now - timedelta(days=4))
        _begin(session, made, officer, now - timedelta(days=2))


def _courses(session: Session, made: Made) -> dict[str, Course]:
    slugs = {run_id: slug for slug, run_id in made.runs.items()}
    query = select(Run.id, Course).join(Course, Course.id == Run.course_id)
    return {
        slugs[run_id]: course for run_id, course in session.execute(query.where(Run.id.in_(slugs)))
    }


def _revise(session: Session, kinds: Any, course: Course, officer: int, at: datetime) -> None:
    """The second version, and one change more that is not published yet."""
    course.standing = True
    first = drafts.newest(session, course.id)
    if first is not None:
        first.published_at = at - timedelta(days=60)
    draft = drafts.of_course(session, course)
    page = DraftActivity(
        key="selfcheck",
        kind="page",
        title="스스로 점검하기",
        config={"body": _MORE, "min_seconds": 20},
    )
    last = draft.units[-1]

    def add(one: drafts.Draft) -> None:
        one.units[-1].activities.insert(0, page)
        editing.rename_unit(last.key, f"{last.title}, 그리고 점검")(one)

    draft = drafts.change(session, course, draft.revision, add, actor_id=officer, now=at)
    publishing.publish(session, kinds, course, draft.revision, actor_id=officer, now=at)
    unit = editing.add_unit("자주 묻는 것")
    later = at + timedelta(days=2)
    drafts.change(session, course, draft.revision + 1, unit, actor_id=officer, now=later)


def _begin(session: Session, made: Made, officer: int, at: datetime) -> None:
    """A course that is being made: a page is written, a video is still to come."""
    told = fields.CourseFields(
        title="수업을 기록하는 습관",
        summary="수업이 끝나고 5분, 오늘 본 것을 적는 습관을 들입니다.",
        goals=["수업에서 본 것을 사실로 적을 수 있다", "적은 것으로 다음 수업을 고칠 수 있다"],
        training_kind="in_service",
        delivery_mode="self_paced",
        recognised_minutes=15 * 60,
        task_name="교원 전문성 신장 연수",
        audience="초등·중등 교원",
        competencies=["수업 성찰", "수업 설계"],
        department="교원연수부",
        standing=True,
    )
    course = fields.create(session, made.first.id, "26-0001", told, actor_id=officer, now=at)
    body = "<h2>왜 적습니까</h2><p>기억은 하루면 절반이 사라집니다. 두 줄이면 됩니다.</p>"
    units = [
        DraftUnit(
            key="why",
            title="왜 적습니까",
            activities=[
                DraftActivity(
                    key="open",
                    kind="page",
                    title="여는 글",
                    config={"body": body, "min_seconds": 10},
                ),
                DraftActivity(key="film", kind="video", title="선생님 세 분의 공책"),
            ],
        ),
        DraftUnit(key="how", title="무엇을 적습니까", activities=[]),
    ]
    drafts.begin(session, course, units, actor_id=officer, now=at)
