"""An officer signed in, a course to make runs of, people to let in."""

from datetime import timedelta
from types import SimpleNamespace

from lms import clock
from lms.learning.models import Run
from lms.learning.rules import RuleSet
from lms.learning.running import joining, runs
from lms.learning.running.planning import RunPlan
from tests import factories
from tests.factories import PAGE, QUIZ

RULE = RuleSet(score_min=None)


def build(state, client):
    """An officer signed in; a course with a test and one without; people to let in."""
    with state.db.transaction() as session:
        home = factories.institution(session)
        school = factories.organisation(session, home)
        made = SimpleNamespace(
            home=home,
            officer=factories.person(session, home, "officer"),
            manager=factories.person(session, home, "course_manager", name="한관리"),
            learner=factories.person(session, home, name="김연수", organisation_id=school.id),
            other=factories.person(session, home, name="이연수"),
            course=factories.course(session, state.kinds, home),
            tested=factories.course(session, state.kinds, home, [PAGE], [QUIZ]),
        )
    made.today = clock.local_day(clock.now(), "Asia/Seoul")
    factories.sign_in(client, made.officer)
    return made


def form(world, **more):
    base = {
        "course": world.course.id,
        "learn_from": (world.today + timedelta(days=1)).isoformat(),
        "learn_until": (world.today + timedelta(days=30)).isoformat(),
        "way": "at_once",
        "progress": "90",
        "speed": "150",
        "units_per_day": "0",
        "repeat_years": "2",
        "ordered": "1",
    }
    return base | more


def run_of(state, world, *, opened=True, **more):
    """A run of the course without a test, open for applications today."""
    base = {
        "learn_from": world.today + timedelta(days=1),
        "learn_until": world.today + timedelta(days=30),
        "apply_from": world.today,
        "apply_until": world.today,
        "rule": RULE,
    }
    with state.db.transaction() as session:
        course = session.merge(world.course)
        run = runs.plan(session, course, RunPlan(**(base | more)), actor_id=None, now=clock.now())
        if opened:
            runs.open_run(session, state.hook, run, actor_id=None, now=clock.now())
        return run.id


def join(state, run_id, *people):
    with state.db.transaction() as session:
        run = session.get_one(Run, run_id)
        ids = [one.id for one in people]
        joining.join_many(
            session, state.hook, run, ids, source="officer", actor_id=None, now=clock.now()
        )
