"""Keeping what was promised, at least once, whatever dies meanwhile."""

import threading
import time
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.exc import DBAPIError

from lms import clock
from lms.edge import State
from lms.outbox import Handler, Task, claims
from scheduler.pace import Pace

log = structlog.get_logger("lms.scheduler")


class Drain:
    """Claims due tasks in batches and hands each to its handler, outside any transaction."""

    def __init__(
        self,
        state: State,
        *,
        holder: str,
        pace: Pace,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._state = state
        self._holder = holder
        self._pace = pace
        self._stopping = stopping
        self._handlers = handlers(state)

    def run(self, stop: threading.Event) -> None:
        """Keep tasks until `stop`; a database that is away is waited for."""
        while not stop.is_set():
            try:
                found = self.once()
            except DBAPIError as error:
                log.warning("outbox_waits", error=type(error).__name__)
                found = 0
            if not found:
                stop.wait(self._pace.poll)

    def once(self) -> int:
        """Keep one batch of what is due; returns how many were claimed."""
        database = self._state.db
        with database.reading() as session:
            if not claims.any_due(session):
                return 0
        # Half the claim: what comes later could be another's before it is done. The monotonic
        # clock runs on while a process is paused, so one that wakes lets the rest go.
        until = time.monotonic() + self._pace.claim.total_seconds() / 2
        with database.transaction() as session:
            tasks = claims.claim(
                session, holder=self._holder, most=self._pace.batch, life=self._pace.claim
            )
        for task in tasks:
            if self._stopping() or time.monotonic() > until:
                with database.transaction() as session:
                    claims.let_go(session.connection(), task)
            else:
                self._keep(task)
        return len(tasks)

    def _keep(self, task: Task) -> None:
        try:
            # A name that no plugin keeps is a KeyError: tried again, then given up like any other.
            self._handlers[task.name](self._state, task, clock.now())
        except Exception as error:  # whatever it was: said, and tried again
            said = f"{type(error).__name__}: {error}"
            with self._state.db.transaction() as session:
                given_up = claims.put_off(session.connection(), task, error=said)
            log.log(
                40 if given_up else 30,
                "task_given_up" if given_up else "task_put_off",
                task=task.id,
                name=task.name,
                attempts=task.attempts,
                error=type(error).__name__,
            )
        else:
            with self._state.db.transaction() as session:
                claims.keep(session.connection(), task)


def handlers(state: State) -> Mapping[str, Handler]:
    """Every plugin's handlers by the tasks' names. Raises ValueError for a name given twice."""
    found: dict[str, Handler] = {}
    for some in state.hook.lms_tasks():
        twice = found.keys() & some.keys()
        if twice:
            raise ValueError(f"two plugins keep tasks named {sorted(twice)}")
        found |= some
    return found
