"""What pages read: whole pages in a query or two, whatever the number of rows."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session, aliased, lazyload

from lms.db import Prepared
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


_DUE = Prepared(
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
    .order_by(Run.learn_until, Course.title),
    DueRow,
)


def due(session: Session, person_id: int, today: date) -> list[DueRow]:
    """What a person has begun or must begin and has not completed, soonest first: one query."""
    return _DUE.all(session, person_id=person_id, today=today)


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
    ).where(Course.institution_id == institution_id, Course.archived_at.is_(None))
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
        .where(Course.institution_id == institution_id, Course.archived_at.is_(None))
        .group_by(Course.training_kind)
    )
    return {kind: number for kind, number in rows}  # noqa: C416  rows are no pairs to mypy


_INSIDE = (
    select(func.count())
    .where(Enrolment.run_id == Run.id, Enrolment.state == "enrolled")
    .correlate(Run)
    .scalar_subquery()
)


def open_runs(
    session: Session, course_ids: list[int], person_id: int, today: date
) -> dict[int, tuple[Run, Enrolment | None, int | None]]:
    """The run of each course that one is in, may learn in or apply for now: one query.

    Course → the run, the person's enrolment in it, the seats that are left (None: no limit).
    """
    joined = aliased(Enrolment)
    rows = session.execute(
        select(Run, joined, case((Run.seats.is_not(None), Run.seats - _INSIDE)))
        .outerjoin(
            joined,
            and_(
                joined.run_id == Run.id,
                joined.person_id == person_id,
                joined.state == "enrolled",
            ),
        )
        .where(
            Run.course_id.in_(course_ids),
            Run.state.in_(("open", "running")),
            or_(Run.learn_from <= today, Run.apply_from <= today),
            Run.learn_until >= today,
            # A school's own run is for who belongs to it: offers.of_course asks.
            or_(Run.organisation_id.is_(None), joined.id.is_not(None)),
        )
        # Of several the last counts: one's own, else what is on, else what comes soonest.
        .order_by(
            joined.id.is_not(None), Run.learn_from <= today, Run.learn_until.desc(), joined.attempt
        )
        # Joined by itself, an enrolment's run would drop the runs that the person is not in.
        .options(lazyload(joined.run), lazyload(Run.course))
    )
    return {run.course_id: (run, enrolment, free) for run, enrolment, free in rows}
