"""What the law or good sense says to forget by itself, every night."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete

from lms.people import limiter, sign_ins
from lms.people.models import AccessRow, ResetToken

_ACCESS_KEPT = timedelta(days=2 * 366)
"""Two years (Standards of Personal Information Safety Measures, Article 8), never a day less."""


def run(state: Any, slot: datetime) -> None:
    """Drop old tries, sign-ins, reset tokens and access rows, each in a short transaction."""
    with state.db.transaction() as session:
        limiter.prune(session.connection(), now=slot)
        session.execute(delete(ResetToken).where(ResetToken.until < slot - timedelta(days=30)))
    with state.db.transaction() as session:
        sign_ins.prune(session.connection(), now=slot, settings=state.settings)
    with state.db.transaction() as session:
        session.execute(delete(AccessRow).where(AccessRow.at < slot - _ACCESS_KEPT))
