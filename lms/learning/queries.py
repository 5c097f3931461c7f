"""What pages read: whole pages in a query or two, whatever the number of rows."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, lazyload

from lms.learning.models import Activity, Course, CourseVersion, Enrolment, Run, Unit

PAGE = 24


class DueRow(NamedTuple):
    """One line of what a person still has to finish."""

    enrolment_id: int
    course_id: int
    title: str
    training_kind: str
    delivery_mode: str
    recognised_minutes: int
    legal_basis: str | None
    duty: dict[str, Any]
    learn_from: date
    learn_until: date
    progress_permille: int
    score: int | None
    last_activity_id: int | None
    last_position_ms: int
    last_act_at: Any
    last_title: str | None
    last_kind: str | None
    last_unit: int | None


_DUE = (
    select(
        Enrolment.id,
        Course.id,
        Course.title,
        Course.training_kind,
        Course.delivery_mode,
        Course.recognised_minutes,
        Course.legal_basis,
        Course.duty,
        Run.learn_from,
        Run.learn_until,
        Enrolment.progress_permille,
        Enrolment.score,
        Enrolment.last_activity_id,
        Enrolment.last_position_ms,
        Enrolment.last_act_at,
        Activity.title,
        Activity.kind,
        Unit.position,
    )
    .join(Run, Run.id == Enrolment.run_id)
    .join(Course, Course.id == Run.course_id)
    .outerjoin(Activity, Activity.id == Enrolment.last_activity_id)
    .outerjoin(Unit, Unit.id == Activity.unit_id)
    .where(
        Enrolment.person_id == bindparam("person_id"),
        Enrolment.state == "enrolled",
        Enrolment.completed_at.is_(None),
        Run.learn_until >= bindparam("today"),
        Run.state.in_(("open", "running")),
    )
    .order_by(Run.learn_until, Course.title)
)


def due(session: Session, person_id: int, today: date) -> list[DueRow]:
    """What a person has begun or must begin and has not completed, soonest first: one query."""
    rows = session.connection().execute(_DUE, {"person_id": person_id, "today": today})
    return [DueRow(*row) for row in rows]


def catalogue(
    institution_id: int,
    *,
    text: str = "",
    kind: str = "",
    mode: str = "",
    after: tuple[str, int] | None = None,
) -> Select[Any]:
    """Courses by title, from `after` on; one more than a page, to know whether there is a next."""
    query = select(
        Course.id,
        Course.title,
        Course.training_kind,
        Course.delivery_mode,
        Course.recognised_minutes,
        Course.audience,
        Course.task_name,
        Course.legal_basis,
        Course.planned_learners,
        Course.thumbnail,
    ).where(Course.institution_id == institution_id)
    for word in text.split():
        pattern = f"%{word.replace('%', '').replace('_', '')}%"
        query = query.where(or_(Course.title.ilike(pattern), Course.task_name.ilike(pattern)))
    if kind:
        query = query.where(Course.training_kind == kind)
    if mode == "playable":
        query = query.where(_has_content())
    elif mode:
        query = query.where(Course.delivery_mode == mode)
    if after is not None:
        title, course_id = after
        query = query.where(
            or_(Course.title > title, and_(Course.title == title, Course.id > course_id))
        )
    return query.order_by(Course.title, Course.id).limit(PAGE + 1)


def _has_content() -> Any:
    return (
        select(Unit.id)
        .join(CourseVersion, CourseVersion.id == Unit.version_id)
        .where(CourseVersion.course_id == Course.id)
        .exists()
    )


def counts(session: Session, institution_id: int) -> dict[str, int]:
    """How many courses of each training kind."""
    rows = session.execute(
        select(Course.training_kind, func.count())
        .where(Course.institution_id == institution_id)
        .group_by(Course.training_kind)
    )
    return {kind: number for kind, number in rows}  # noqa: C416  rows are no pairs to mypy


def open_runs(
    session: Session, course_ids: list[int], person_id: int, today: date
) -> dict[int, tuple[Run, Enrolment | None]]:
    """The run of each course that is on now, and the person's enrolment in it: one query."""
    rows = session.execute(
        select(Run, Enrolment)
        .outerjoin(
            Enrolment,
            and_(
                Enrolment.run_id == Run.id,
                Enrolment.person_id == person_id,
                Enrolment.state == "enrolled",
            ),
        )
        .where(
            Run.course_id.in_(course_ids),
            Run.state.in_(("open", "running")),
            Run.learn_from <= today,
            Run.learn_until >= today,
        )
        .order_by(Run.learn_until.desc(), Enrolment.attempt)
        # Joined by itself, an enrolment's run would drop the runs that the person is not in.
        .options(lazyload(Enrolment.run), lazyload(Run.course))
    )
    return {run.course_id: (run, enrolment) for run, enrolment in rows}
