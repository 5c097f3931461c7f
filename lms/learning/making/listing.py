"""What the pages of making read: each in a query or two, whatever the number of rows."""

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from lms.learning.models import (
    Activity,
    Course,
    CourseDraft,
    CourseVersion,
    Enrolment,
    Run,
    Unit,
)
from lms.people.models import AuditRow, Person

PAGE = 40
STATES = ("", "published", "changed", "draft", "standing", "archived")

_NUMBER = (
    select(func.max(CourseVersion.number))
    .where(CourseVersion.course_id == Course.id)
    .correlate(Course)
    .scalar_subquery()
)
_PUBLISHED = (
    select(func.max(CourseVersion.published_at))
    .where(CourseVersion.course_id == Course.id)
    .correlate(Course)
    .scalar_subquery()
)
_RUNS = (
    select(func.count(Run.id))
    .where(Run.course_id == Course.id, Run.state.in_(("open", "running")))
    .correlate(Course)
    .scalar_subquery()
)
_HAS_VERSION = (
    select(CourseVersion.id).where(CourseVersion.course_id == Course.id).correlate(Course).exists()
)
# A publication touches its draft at the same instant; what is later has not been published.
_CHANGED = and_(_HAS_VERSION, CourseDraft.edited_at > _PUBLISHED)


def listed(
    institution_id: int,
    *,
    text: str = "",
    kind: str = "",
    mode: str = "",
    state: str = "",
    after: tuple[str, int] | None = None,
) -> Select[Any]:
    """Courses by title, from `after` on; one more than a page, to know whether there is a next."""
    query = (
        select(
            Course.id,
            Course.code,
            Course.title,
            Course.training_kind,
            Course.delivery_mode,
            Course.recognised_minutes,
            Course.department,
            Course.standing,
            Course.archived_at,
            _NUMBER.label("number"),
            _CHANGED.label("changed"),
            _RUNS.label("runs"),
        )
        .outerjoin(CourseDraft, CourseDraft.course_id == Course.id)
        .where(Course.institution_id == institution_id, *_in_state(state))
    )
    for word in text.split():
        pattern = f"%{word.replace('%', '').replace('_', '')}%"
        query = query.where(
            or_(
                Course.title.ilike(pattern),
                Course.code.ilike(pattern),
                Course.task_name.ilike(pattern),
                Course.department.ilike(pattern),
            )
        )
    if kind:
        query = query.where(Course.training_kind == kind)
    if mode:
        query = query.where(Course.delivery_mode == mode)
    if after is not None:
        title, course_id = after
        query = query.where(
            or_(Course.title > title, and_(Course.title == title, Course.id > course_id))
        )
    return query.order_by(Course.title, Course.id).limit(PAGE + 1)


def counts(session: Session, institution_id: int) -> dict[str, int]:
    """How many courses in each of STATES: one query."""
    columns = [
        func.sum(case((and_(*_in_state(state)), 1), else_=0)).label(state or "all")
        for state in STATES
    ]
    query = (
        select(*columns)
        .select_from(Course)
        .outerjoin(CourseDraft, CourseDraft.course_id == Course.id)
        .where(Course.institution_id == institution_id)
    )
    row = session.execute(query).one()
    return dict(zip(STATES, (int(count or 0) for count in row), strict=True))


def _in_state(state: str) -> list[Any]:
    if state == "archived":
        return [Course.archived_at.is_not(None)]
    found: list[Any] = [Course.archived_at.is_(None)]
    if state == "published":
        found.append(_HAS_VERSION)
    elif state == "draft":
        found.append(~_HAS_VERSION)
    elif state == "changed":
        found.append(_CHANGED)
    elif state == "standing":
        found.append(Course.standing)
    return found


def known(session: Session, institution_id: int) -> dict[str, list[str]]:
    """What other courses say, to choose from: tasks, goals, departments, competencies."""
    found: dict[str, list[str]] = {}
    for name in ("task_name", "goal_name", "department", "audience"):
        column = getattr(Course, name)
        query = (
            select(column)
            .where(Course.institution_id == institution_id, column.is_not(None))
            .distinct()
            .order_by(column)
            .limit(200)
        )
        found[name] = list(session.scalars(query))
    return found


def latest(session: Session, course: Course) -> Any:
    """Number and moment of the newest version; None before the first."""
    query = (
        select(CourseVersion.number, CourseVersion.published_at)
        .where(CourseVersion.course_id == course.id)
        .order_by(CourseVersion.number.desc())
        .limit(1)
    )
    return session.execute(query).first()


def versions(session: Session, course: Course) -> list[dict[str, Any]]:
    """The course's versions, newest first, with who published them and who learns by them."""
    its = select(CourseVersion.id).where(CourseVersion.course_id == course.id)
    contents = (
        select(
            Unit.version_id,
            func.count(func.distinct(Unit.id)).label("units"),
            func.count(Activity.id).label("activities"),
        )
        .outerjoin(Activity, Activity.unit_id == Unit.id)
        .where(Unit.version_id.in_(its))
        .group_by(Unit.version_id)
        .subquery()
    )
    learners = (
        select(
            Run.version_id,
            func.count(func.distinct(Run.id)).label("runs"),
            func.count(Enrolment.id).label("learners"),
        )
        .outerjoin(Enrolment, and_(Enrolment.run_id == Run.id, Enrolment.state == "enrolled"))
        .where(Run.course_id == course.id)
        .group_by(Run.version_id)
        .subquery()
    )
    query = (
        select(
            CourseVersion.number,
            CourseVersion.published_at,
            func.coalesce(contents.c.units, 0).label("units"),
            func.coalesce(contents.c.activities, 0).label("activities"),
            func.coalesce(learners.c.runs, 0).label("runs"),
            func.coalesce(learners.c.learners, 0).label("learners"),
        )
        .outerjoin(contents, contents.c.version_id == CourseVersion.id)
        .outerjoin(learners, learners.c.version_id == CourseVersion.id)
        .where(CourseVersion.course_id == course.id)
        .order_by(CourseVersion.number.desc())
    )
    rows = [dict(row) for row in session.execute(query).mappings()]
    who = publishers(session, course)
    return [row | {"by": who.get(row["number"])} for row in rows]


def publishers(session: Session, course: Course) -> dict[int, str]:
    """Version → name of who published it."""
    query = (
        select(AuditRow.detail, Person.name)
        .join(Person, Person.id == AuditRow.actor_id)
        .where(
            AuditRow.institution_id == course.institution_id,
            AuditRow.subject == "course",
            AuditRow.subject_id == course.id,
            AuditRow.act == "course.publish",
        )
    )
    return {detail["version"]: name for detail, name in session.execute(query)}


def learning_now(session: Session, course: Course) -> int:
    """How many are enrolled in the course's runs and not done."""
    query = (
        select(func.count(Enrolment.id))
        .join(Run, Run.id == Enrolment.run_id)
        .where(
            Run.course_id == course.id,
            Run.state.in_(("open", "running")),
            Enrolment.state == "enrolled",
            Enrolment.completed_at.is_(None),
        )
    )
    return session.scalar(query) or 0
