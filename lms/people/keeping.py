"""What the people room does on the clock: posts begin on their day, sheets nobody confirmed go."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from lms import clock
from lms.people import intake, posts
from lms.people.models import Institution


def begin_posts(state: Any, slot: datetime) -> None:
    """Mirror the posts that begin today, each institution by its own calendar."""
    with state.db.reading() as session:
        homes = session.execute(select(Institution.id, Institution.zone)).all()
    for institution_id, zone in homes:
        today = clock.local_day(slot, zone)
        with state.db.reading() as session:
            due = posts.due_today(session, institution_id, today)
        if due:
            with state.db.transaction() as session:
                posts.begin_today(session, institution_id, today)


def forget_sheets(state: Any, slot: datetime) -> None:
    """Delete uploaded sheets that were not confirmed within a day."""
    state.db.writer.do(lambda connection: intake.prune(connection, now=slot))
