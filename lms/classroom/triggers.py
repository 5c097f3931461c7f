"""Having the clock do something once: set, moved, dropped. What is done stands in clockwork.

A trigger is a row; a promised task wakes somebody for it. Whoever wakes locks the row, and does and
says «done» in one transaction, so that a task kept twice, a scheduler that slept past its lease or
a clock that was set back do nothing a second time.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lms.classroom.models import Trigger
from lms.outbox import promise

TASK = "classroom.fire"


def set_at(
    session: Session,
    kind: str,
    *,
    institution_id: int,
    subject: str,
    subject_id: int,
    due: datetime,
    now: datetime,
    name: str = "",
    **told: Any,
) -> None:
    """Have `kind` happen to the subject at `due`; an earlier word about it is moved there.

    `name` tells several of one kind and subject apart. What was done stays done.
    """
    key = f"{kind}:{subject_id}" + (f":{name}" if name else "")
    found = session.scalar(select(Trigger).where(Trigger.key == key).with_for_update())
    if found is None:
        found = Trigger(
            institution_id=institution_id,
            key=key,
            kind=kind,
            subject=subject,
            subject_id=subject_id,
            due=due,
            told=told,
            made_at=now,
        )
        session.add(found)
        session.flush()  # the task that wakes for it names its id
    elif found.done_at is not None:
        return
    found.due, found.told, found.dropped_at = due, told, None
    promise(
        session,
        TASK,
        key=task_key(found),
        now=now,
        due=due,
        institution_id=institution_id,
        trigger=found.id,
    )


def drop(session: Session, subject: str, subject_id: int, *, now: datetime, kind: str = "") -> None:
    """What is set for the subject shall not happen: of one kind, or all of it."""
    query = update(Trigger).where(
        Trigger.subject == subject,
        Trigger.subject_id == subject_id,
        Trigger.done_at.is_(None),
        Trigger.dropped_at.is_(None),
    )
    if kind:
        query = query.where(Trigger.kind == kind)
    session.execute(query.values(dropped_at=now))


def task_key(trigger: Trigger) -> str:
    """Names the task that looks at it at the instant at which it is due."""
    return f"trigger:{trigger.id}:{trigger.due.isoformat()}"
