"""The audit trail: who changed what, when and why. Rows are inserted and never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.orm import Session

from lms.db import Insert
from lms.people.models import AuditRow

_ADD = Insert(AuditRow)


def write(
    session: Session | Connection,
    *,
    institution_id: int,
    actor_id: int | None,
    act: str,
    subject: str,
    subject_id: int,
    reason: str,
    now: datetime,
    **detail: Any,
) -> None:
    """Add a row, in the transaction of the change. `detail`: what was and is, nothing personal."""
    _ADD.row(
        session,
        institution_id=institution_id,
        at=now,
        actor_id=actor_id,
        act=act,
        subject=subject,
        subject_id=subject_id,
        reason=reason,
        detail=detail,
    )


def write_many(
    session: Session | Connection,
    rows: Sequence[dict[str, Any]],
    *,
    institution_id: int,
    actor_id: int | None,
    act: str,
    subject: str,
    now: datetime,
) -> None:
    """Add many rows of one act in one statement; each of `rows`: subject_id, reason, detail."""
    same = {
        "institution_id": institution_id,
        "at": now,
        "actor_id": actor_id,
        "act": act,
        "subject": subject,
    }
    if rows:
        session.execute(insert(AuditRow), [same | row for row in rows])
