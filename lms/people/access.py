"""The access log: who looked at personal data or took it away, from where and why."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert
from sqlalchemy.orm import Session

from lms.people.actor import Actor
from lms.people.models import AccessRow


def log(
    session: Session | Connection,
    actor: Actor,
    *,
    address: str,
    act: Literal["view", "download"],
    subject: str,
    subject_id: int | None,
    reason: str | None = None,
    now: datetime,
) -> None:
    """Add a row; kept two years. A download needs a `reason` (ValueError without one)."""
    if act == "download" and not (reason and reason.strip()):
        raise ValueError("a download of personal data names its reason")
    row = {
        "institution_id": actor.institution_id,
        "at": now,
        "actor_id": actor.person_id,
        "address": address,
        "act": act,
        "subject": subject,
        "subject_id": subject_id,
        "reason": reason,
    }
    session.execute(insert(AccessRow), row)
