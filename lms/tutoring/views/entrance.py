"""What the pages of this room share."""

from typing import Any

from sqlalchemy import Connection

from lms.edge import Blueprint, Entry, client_address, now, person, session, state
from lms.learning.models import Run
from lms.people import access
from lms.tutoring import learners
from lms.tutoring.risk import Moment

blueprint = Blueprint("tutoring", __name__)

MENU = (
    Entry(
        "업무대",
        "desk",
        "tutoring.desk",
        25,
        frozenset({"course_manager", "officer", "instructor"}),
    ),
)


def moment_of(run: Run) -> Moment:
    """The run at the instant of this request."""
    return learners.moment(session(), run, now=now(), zone=person().zone)


def log_access(
    act: Any, subject: str, subject_id: int, *, reason: str | None = None, wait: bool = False
) -> None:
    """Write down that the person looked at, or takes away, what is about others."""
    me, address, at = person(), client_address(), now()

    def work(connection: Connection) -> None:
        access.log(
            connection,
            me,
            address=address,
            act=act,
            subject=subject,
            subject_id=subject_id,
            reason=reason,
            now=at,
        )

    writer = state().db.writer
    if wait:
        writer.do(work)
    else:
        writer.later(work)
