"""Nudges to a run in which one learner stopped and one has not begun."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from lms.edge import State
from lms.learning.models import Enrolment, Run
from lms.outbox import Task
from lms.tutoring import (
    learners,
    planning,
    sending,
    templates,
)
from lms.tutoring.models import Nudge
from lms.tutoring.planning import Plan, Sender, Told
from tests.factories import NOW
from tests.tutoring_world import World

DAY = timedelta(days=1)
ZONE = "Asia/Seoul"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def build(state: State) -> World:
    with state.db.transaction() as session:
        made = World(session, state)
        made.learner(session, who={"name": "가멈춤"}, last_act_at=NOW - 12 * DAY)
        made.learner(session, who={"name": "나시작"})
    return made


def plan_of(state: State, session: Any, world: World, told: Told | None = None) -> Plan:
    told = told or Told(template="멈춘 분께")
    run, at = session.get_one(Run, world.run.id), world.moment(session)
    ids = session.scalars(select(Enrolment.id).filter_by(run_id=run.id)).all()
    rows = planning_rows(session, run, at, ids)
    text = templates.find(templates.active(session, world.home.id), told.template)
    by = Sender(
        person_id=world.manager.id,
        name="박견본",
        role="과정관리강사",
        phone="02-000-0000",
        institution="가온연수원",
    )
    return planning.plan(session, state, run, at, rows, text, told, by)


def planning_rows(session: Any, run: Run, at: Any, ids: Any) -> Any:
    return learners.chosen(session, run, at, ids)


def confirm(state: State, world: World, told: Told | None = None, mark: str | None = None) -> int:
    told = told or Told(template="멈춘 분께")
    with state.db.transaction() as session:
        templates.settle(session, world.home.id)
        plan = plan_of(state, session, world, told)
        text = templates.find(templates.active(session, world.home.id), told.template)
        return sending.confirm(
            session,
            session.get_one(Run, world.run.id),
            plan,
            text,
            told,
            mark=mark or plan.mark,
            actor_id=world.manager.id,
            now=NOW,
            zone=ZONE,
        )


def nudges(state: State) -> list[Nudge]:
    with state.db.reading() as session:
        return list(session.scalars(select(Nudge).order_by(Nudge.id)))


def mails(state: State) -> list[dict[str, Any]]:
    with state.db.reading() as session:
        query = select(Task).where(Task.name == "mail.send").order_by(Task.id)
        return [task.payload for task in session.scalars(query)]


def keep(
    state: State,
    now: datetime,
    name: str = "tutoring.send_nudge",
    made_after: datetime = LONG_AGO,
) -> None:
    """Keep every promise of that name, twice, old ones too: that must be harmless."""
    handlers: dict[str, Any] = {}
    for some in state.hook.lms_tasks():
        handlers |= some
    with state.db.reading() as session:
        query = select(Task).where(Task.name == name, Task.made_at > made_after).order_by(Task.id)
        tasks = list(session.scalars(query))
    for _ in range(2):
        for task in tasks:
            handlers[name](state, task, now)
