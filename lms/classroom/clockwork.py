"""What happens when a trigger is due: each kind's function, run once in one transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.classroom import meetings, seats, triggers
from lms.classroom.models import Trigger
from lms.outbox import Task
from lms.outbox.leases import database_now

Act = Callable[[Session, pluggy.HookRelay, Trigger, datetime], str]
"""Does what is due and says in a word what came of it. Knows no HTTP and does no I/O."""

KINDS: Mapping[str, Act] = {
    "offer.expire": seats.expire,
    "meeting.begin": meetings.begin,
}


def fire(state: Any, task: Task, now: datetime) -> None:
    """Keep a `classroom.fire` task. By the database's clock: that of this machine may be wrong."""
    with state.db.transaction() as session:
        trigger = session.scalar(
            select(Trigger).where(Trigger.id == task.payload["trigger"]).with_for_update()
        )
        if trigger is None or trigger.done_at is not None or trigger.dropped_at is not None:
            return
        at = database_now(session.connection())
        if trigger.due > at:
            if task.key == triggers.task_key(trigger):
                raise RuntimeError("The database's clock was set back: tried again later.")
            return  # it was moved, and another task knows of it
        trigger.outcome = KINDS[trigger.kind](session, state.hook, trigger, at)
        trigger.done_at = at
