"""Joining a run, where a place on a waiting list is no answer."""

from datetime import datetime

import pluggy
from sqlalchemy.orm import Session

from lms.errors import ClosedError
from lms.learning.models import Enrolment, Run, Waiting
from lms.learning.running import joining
from lms.people.models import Person


def enrol(
    session: Session,
    hook: pluggy.HookRelay,
    person: Person,
    run: Run,
    *,
    actor_id: int | None,
    now: datetime,
) -> Enrolment:
    """The person's enrolment in the run; the one that is there already, if any.

    Raises ClosedError or ConflictError with the reason when the run does not take the person now.
    """
    found = joining.join(session, hook, person, run, actor_id=actor_id, now=now)
    if isinstance(found, Waiting):
        raise ClosedError(joining.FULL)
    return found
