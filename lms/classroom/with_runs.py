"""What becomes of meetings when their run is called off."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.classroom import holding, meetings, triggers
from lms.classroom.models import Meeting
from lms.learning.models import Run


def cancel_all(
    session: Session, run: Run, *, reason: str, actor_id: int | None, now: datetime
) -> None:
    """Meetings that were still to come go with it. Its people are told of the run, and no more."""
    ids = session.scalars(
        select(Meeting.id)
        .where(
            Meeting.run_id == run.id,
            Meeting.state.in_(("planned", "open", "closed")),
            Meeting.ends_at > now,
        )
        .order_by(Meeting.id)
    ).all()
    for meeting_id in ids:
        meeting = holding.lock_meeting(session, meeting_id)
        meetings.move(
            session, meeting, "cancelled", shows=True, reason=reason, actor_id=actor_id, now=now
        )
        triggers.drop(session, "meeting", meeting.id, now=now)
