"""What the calendar does to runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from lms import clock
from lms.learning.running import runs
from lms.people.models import Institution


def begin(state: Any, slot: datetime) -> None:
    """Open runs are running from their first local day on. A second run of this changes nothing."""
    with state.db.reading() as session:
        zones = session.execute(select(Institution.id, Institution.zone)).all()
    for institution_id, zone in zones:
        today = clock.local_day(slot, zone)
        with state.db.transaction() as session:
            runs.begin_due(session, institution_id, today, now=slot)
