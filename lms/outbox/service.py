"""Promising; keeping is the scheduler's."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from lms.db import Insert
from lms.outbox.models import Task

_ADD = Insert(Task, or_ignore=True)


def promise(
    session: Session | Connection,
    name: str,
    *,
    key: str,
    now: datetime,
    due: datetime | None = None,
    institution_id: int | None = None,
    **payload: Any,
) -> None:
    """Have `name` done once the transaction has committed; the same `key` again changes nothing."""
    _ADD.row(
        session,
        key=key,
        name=name,
        payload=payload,
        institution_id=institution_id,
        made_at=now,
        due=due or now,
        attempts=0,
    )
