"""A course with people, and the plan of a run, for the tests of runs."""

from datetime import date, timedelta
from types import SimpleNamespace

from lms.learning.rules import RuleSet
from lms.learning.running import runs
from lms.learning.running.planning import RunPlan
from tests import factories
from tests.factories import NOW

TODAY = date(2026, 11, 23)
RULE = RuleSet(score_min=None)


def told(**more):
    base = {
        "learn_from": TODAY + timedelta(days=8),
        "learn_until": TODAY + timedelta(days=38),
        "rule": RULE,
    }
    return RunPlan(**(base | more))


def build(state):
    with state.db.transaction() as session:
        home = factories.institution(session)
        course = factories.course(session, state.kinds, home)
        people = [factories.person(session, home, email=f"p{n}@example.kr") for n in range(4)]
        officer = factories.person(session, home, "officer")
    return SimpleNamespace(home=home, course=course, people=people, officer=officer)


def planned(session, world, **more):
    course = session.merge(world.course)
    return runs.plan(session, course, told(**more), actor_id=world.officer.id, now=NOW)
