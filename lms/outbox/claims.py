"""Claiming promised tasks, and saying what became of them. Every instant is the database's."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, or_, select, update
from sqlalchemy.orm import Session

from lms.outbox.leases import database_now, hold_briefly
from lms.outbox.models import Task

TRIES = 12
"""After so many a person has to look."""

_MOST_SAID = 500


def any_due(session: Session) -> bool:
    """Whether there is something to claim; reads only, so it may be asked every second."""
    return session.execute(select(Task.id).where(*_open(session)).limit(1)).first() is not None


def claim(session: Session, *, holder: str, most: int, life: timedelta) -> Sequence[Task]:
    """Up to `most` due tasks that are `holder`'s for `life`; a claim counts as a try.

    What was tried too often without an answer (its process died each time) is given up here.
    """
    hold_briefly(session.connection(), life)
    now = database_now(session.connection())
    tasks = session.scalars(
        select(Task)
        .where(*_open(session))
        .order_by(Task.due, Task.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    claimed = []
    for task in tasks:
        if task.attempts >= TRIES:
            task.failed_at = now
            task.error = task.error or "Each try ended before it could say why."
            continue
        task.attempts += 1
        task.claimed_by, task.claimed_until = holder, now + life
        claimed.append(task)
    return claimed


def keep(connection: Connection, task: Task) -> None:
    """It is done. What it held is forgotten: mails hold addresses, and links that open doors."""
    connection.execute(
        update(Task)
        .where(Task.id == task.id, Task.done_at.is_(None))
        .values(
            done_at=database_now(connection),
            failed_at=None,
            claimed_until=None,
            error=None,
            payload={},
        )
    )


def put_off(connection: Connection, task: Task, *, error: str) -> bool:
    """It failed: to be tried again later, or given up; True when given up.

    Nothing changes when the claim has gone to another meanwhile.
    """
    now = database_now(connection)
    given_up = task.attempts >= TRIES
    connection.execute(
        update(Task)
        .where(*_still_ours(task))
        .values(
            due=now + wait(task.attempts),
            failed_at=now if given_up else None,
            claimed_until=None,
            error=error[:_MOST_SAID],
        )
    )
    return given_up


def let_go(connection: Connection, task: Task) -> None:
    """It was not begun: another may claim it at once, and the try does not count."""
    connection.execute(
        update(Task)
        .where(*_still_ours(task))
        .values(claimed_until=None, attempts=Task.attempts - 1)
    )


def wait(attempts: int) -> timedelta:
    """How long after that many tries: 10 s, 30 s, 90 s … 6 h; twelve tries take over a day."""
    return min(timedelta(seconds=10 * 3 ** (attempts - 1)), timedelta(hours=6))


def _open(session: Session) -> tuple[ColumnElement[bool], ...]:
    now = database_now(session.connection())
    return (
        Task.done_at.is_(None),
        Task.failed_at.is_(None),
        Task.due <= now,
        or_(Task.claimed_until.is_(None), Task.claimed_until <= now),
    )


def _still_ours(task: Task) -> tuple[ColumnElement[bool], ...]:
    return (
        Task.id == task.id,
        Task.claimed_by == task.claimed_by,
        Task.attempts == task.attempts,
        Task.done_at.is_(None),
    )
