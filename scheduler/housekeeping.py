"""Forgetting what no longer has to be known. Each batch is a short transaction of its own."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select

from lms.edge import State
from lms.outbox import JobRun, Task
from lms.people import limiter, sign_ins
from lms.people.models import AccessRow, ResetToken

_BATCH = 500
"""Rows in one transaction: learners' writes wait for no more than these."""

TASKS_KEPT = timedelta(days=30)
RUNS_KEPT = timedelta(days=90)
ACCESS_KEPT = timedelta(days=2 * 366)
"""Two full years, as the access log must be kept (개인정보의 안전성 확보조치 기준 제8조)."""


def forget_kept_tasks(state: State, slot: datetime) -> None:
    """Tasks kept more than 30 days ago. Those given up stay until a person has looked."""
    _forget(state, Task, Task.done_at < slot - TASKS_KEPT)


def forget_runs(state: State, slot: datetime) -> None:
    """Slots of jobs older than 90 days, but never a job's latest: it tells what was missed."""
    with state.db.reading() as session:
        latest = select(JobRun.job).distinct()
        names = session.scalars(latest).all()
        keep = {
            session.scalar(
                select(JobRun.id).where(JobRun.job == name).order_by(JobRun.slot.desc()).limit(1)
            )
            for name in names
        }
    _forget(state, JobRun, (JobRun.slot < slot - RUNS_KEPT) & JobRun.id.not_in(keep))


def forget_access(state: State, slot: datetime) -> None:
    """Rows of the access log older than two years."""
    _forget(state, AccessRow, AccessRow.at < slot - ACCESS_KEPT)


def forget_ways_in(state: State, slot: datetime) -> None:
    """Sign-ins and reset tokens that are over, and counts of tries that no window touches."""
    _write(state, lambda connection: sign_ins.prune(connection, now=slot, settings=state.settings))
    _write(state, lambda connection: limiter.prune(connection, now=slot))
    _forget(state, ResetToken, ResetToken.until < slot - timedelta(days=1))


def _forget(state: State, model: Any, condition: ColumnElement[bool]) -> None:
    """Delete in batches, oldest first."""
    some = select(model.id).where(condition).order_by(model.id).limit(_BATCH)
    gone = _BATCH
    while gone == _BATCH:
        gone = _write(
            state,
            lambda connection: (
                connection.execute(
                    delete(model).where(model.id.in_(some.scalar_subquery()))
                ).rowcount
            ),
        )


def _write(state: State, work: Callable[[Connection], Any]) -> Any:
    with state.db.transaction() as session:
        return work(session.connection())
