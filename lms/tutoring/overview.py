"""The runs on somebody's desk, and what of them needs care today. Constant queries."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, case, func, select, true, tuple_
from sqlalchemy.orm import Session

from lms import clock
from lms.learning.models import Course, Enrolment, Run
from lms.people.actor import Actor
from lms.people.models import RoleGrant
from lms.tutoring import questions, risk
from lms.tutoring.learners import STAFF
from lms.tutoring.models import Question

PAGE = 20
SOON = 3
"""Days: a run that ends within them stands among what needs care today."""

OFFICE = frozenset({"officer", "institution_admin", "auditor"})


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its learners counted."""

    id: int
    title: str
    year: int
    number: int
    name: str
    state: str
    learn_from: date
    learn_until: date
    all: int
    done: int
    fresh: int
    silent: int
    """Begun, not done, and without an act for STALLED_DAYS or more."""

    waiting: int
    late: int
    """Questions without an answer, and those of them that have waited too long."""

    days_left: int


def looked_after(actor: Actor) -> list[int] | None:
    """Runs that stand on the actor's own desk; None: the office, for whom it may be any."""
    mine = actor.runs.get("course_manager", frozenset()) | actor.runs.get("instructor", frozenset())
    return sorted(mine) if mine or not actor.roles & OFFICE else None


def answered_by(actor: Actor) -> list[int] | None:
    """Runs whose questions the actor answers; None: the office, for whom it may be any."""
    if actor.roles & {"officer", "institution_admin"}:
        return None
    return sorted(actor.runs.get("course_manager", frozenset()))


def runs(
    session: Session,
    actor: Actor,
    *,
    every: bool,
    past: bool,
    after: tuple[date, int] | None,
    now: datetime,
) -> tuple[list[Line], bool]:
    """A page of runs, the nearest end first, and whether more follow: three queries.

    `every`: not only one's own (for the office); `past`: those that are over, the latest first.
    """
    today = clock.local_day(now, actor.zone)
    found = list(session.execute(_runs(actor, today, every=every, past=past, after=after)))
    more, found = len(found) > PAGE, found[:PAGE]
    ids = [row.id for row in found]
    counted = _counted(session, ids, today, actor.zone)
    asked = _asked(session, ids, now)
    told: dict[int, dict[str, Any]] = {
        run_id: {"all": 0, "done": 0, "fresh": 0, "silent": 0, "waiting": 0, "late": 0}
        | counted.get(run_id, {})
        | asked.get(run_id, {})
        for run_id in ids
    }
    return [
        Line(
            **dict(row._mapping),  # noqa: SLF001  SQLAlchemy's public name for it
            **told[row.id],
            days_left=(row.learn_until - today).days,
        )
        for row in found
    ], more


def _runs(
    actor: Actor, today: date, *, every: bool, past: bool, after: tuple[date, int] | None
) -> Any:
    mine = looked_after(actor)
    query = (
        select(
            Run.id,
            Course.title,
            Run.year,
            Run.number,
            Run.name,
            Run.state,
            Run.learn_from,
            Run.learn_until,
        )
        .join(Course, Course.id == Run.course_id)
        .where(
            Run.institution_id == actor.institution_id,
            true() if every or mine is None else Run.id.in_(mine),
        )
    )
    is_open = and_(Run.state.in_(("open", "running")), Run.learn_until >= today)
    place = (Run.learn_until, Run.id)
    if past:
        query = query.where(Run.state != "cancelled", Run.state != "planned", ~is_open)
        query = query.order_by(*(column.desc() for column in place))
        beyond: ColumnElement[bool] = tuple_(*place) < tuple_(*after) if after else true()
    else:
        query = query.where(is_open).order_by(*place)
        beyond = tuple_(*place) > tuple_(*after) if after else true()
    return query.where(beyond).limit(PAGE + 1)


def _counted(
    session: Session, ids: Sequence[int], today: date, zone: str
) -> dict[int, dict[str, int]]:
    staff = (
        select(RoleGrant.id)
        .where(
            RoleGrant.person_id == Enrolment.person_id,
            RoleGrant.run_id == Enrolment.run_id,
            RoleGrant.role.in_(STAFF),
            RoleGrant.ended_at.is_(None),
        )
        .exists()
    )
    before = clock.start_of_day(today - timedelta(days=risk.STALLED_DAYS - 1), zone)
    is_open = Enrolment.completed_at.is_(None)
    rows = session.execute(
        select(
            Enrolment.run_id,
            func.count().label("all"),
            func.sum(case((is_open, 0), else_=1)).label("done"),
            func.sum(case((and_(is_open, Enrolment.last_act_at.is_(None)), 1), else_=0)).label(
                "fresh"
            ),
            func.sum(case((and_(is_open, Enrolment.last_act_at < before), 1), else_=0)).label(
                "silent"
            ),
        )
        .where(Enrolment.run_id.in_(ids), Enrolment.state == "enrolled", ~staff)
        .group_by(Enrolment.run_id)
    )
    return {
        row.run_id: {"all": row.all, "done": row.done, "fresh": row.fresh, "silent": row.silent}
        for row in rows
    }


def _asked(session: Session, ids: Sequence[int], now: datetime) -> dict[int, dict[str, int]]:
    rows = session.execute(
        select(
            Question.run_id,
            func.count().label("waiting"),
            func.sum(case((Question.at < now - questions.LATE, 1), else_=0)).label("late"),
        )
        .where(Question.run_id.in_(ids), Question.answered_at.is_(None))
        .group_by(Question.run_id)
    )
    return {row.run_id: {"waiting": row.waiting, "late": row.late} for row in rows}
