"""The audit trail: who changed what, when and why. Rows are inserted and never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.orm import Session

from lms.people.models import AuditRow


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
    row = {
        "institution_id": institution_id,
        "at": now,
        "actor_id": actor_id,
        "act": act,
        "subject": subject,
        "subject_id": subject_id,
        "reason": reason,
        "detail": detail,
    }
    session.execute(insert(AuditRow), row)
