"""What the pages of this room share."""

from lms.edge import Blueprint, Entry, now, person, session
from lms.learning.models import Run
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
