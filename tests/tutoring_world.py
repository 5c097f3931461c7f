"""A run of learners who stand wherever a test wants them, and those who look after it."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from lms.edge import State
from lms.learning import rules
from lms.learning.models import ActivityResult, Enrolment, Run
from lms.people import service
from lms.people.models import Institution, Person
from lms.tutoring import learners
from lms.tutoring.risk import Moment
from tests import factories
from tests.factories import NOW, PAGE, QUIZ

FROM, UNTIL = date(2026, 11, 1), date(2026, 11, 30)
"""NOW is 23 November, 14:03 in Seoul."""


class World:
    """An institution, a run of three units (the last a test), its manager and an officer."""

    home: Institution
    run: Run
    title: str
    manager: Person
    officer: Person

    def __init__(self, session: Session, state: State, **more: Any) -> None:
        self.home = factories.institution(session)
        course = factories.course(session, state.kinds, self.home, [PAGE], [PAGE], [QUIZ])
        self.title = course.title
        given = {"learn_from": FROM, "learn_until": UNTIL, **more}
        self.run = factories.run(session, course, rules.RuleSet(ordered=False), **given)
        self.manager = factories.person(session, self.home, name="박견본")
        look_after(session, self.manager, self.run)
        self.officer = factories.person(session, self.home, "officer")

    def learner(self, session: Session, **more: Any) -> Enrolment:
        """Somebody in the run, just as told; enrolled on its first day."""
        person = more.pop("person", None) or factories.person(
            session, self.home, **{"email": "kim@example.kr", **more.pop("who", {})}
        )
        failed = more.pop("failed", False)
        row: Enrolment = factories.kept(session, Enrolment(**enrolled(self.run, person, **more)))
        if failed:
            fail(session, row)
        return row

    def moment(self, session: Session, now: datetime = NOW) -> Moment:
        run = session.get_one(Run, self.run.id)
        return learners.moment(session, run, now=now, zone="Asia/Seoul")


def enrolled(run: Run, person: Person, **more: Any) -> dict[str, Any]:
    return {
        "institution_id": run.institution_id,
        "run_id": run.id,
        "person_id": person.id,
        "attempt": 1,
        "registration": str(uuid.uuid4()),
        "state": "enrolled",
        "enrolled_at": NOW - timedelta(days=22),
        "progress_permille": 0,
        "last_position_ms": 0,
        **more,
    }


def fail(session: Session, enrolment: Enrolment) -> None:
    """A test handed in and not passed."""
    activity = enrolment.run.version.units[-1].activities[0]
    session.add(
        ActivityResult(
            institution_id=enrolment.institution_id,
            enrolment_id=enrolment.id,
            activity_id=activity.id,
            progress_permille=1000,
            score=enrolment.score,
            passed=False,
            done=True,
            statements=[],
            first_at=NOW,
        )
    )
    session.flush()  # what a query of the test must see


def look_after(session: Session, person: Person, run: Run, role: str = "course_manager") -> None:
    service.grant(
        session,
        person.id,
        run.institution_id,
        role,
        run_id=run.id,
        actor_id=None,
        now=NOW,
        reason="시험",
    )
