"""Rows that pages read say what the ORM's objects say."""

import pytest

from lms.learning import rows
from lms.learning.models import Activity, Enrolment
from tests import factories
from tests.factories import PAGE, QUIZ


@pytest.fixture
def learning(state):
    """An enrolment with its course."""
    with state.db.transaction() as session:
        home = factories.institution(session)
        course = factories.course(session, state.kinds, home, [PAGE], [QUIZ])
        run = factories.run(session, course)
        learner = factories.person(session, home)
        return factories.enrolment(session, state.hook, learner, run)


def told(row, thing, but=()):
    """What the row holds and what the object holds, by field."""
    names = [name for name in row._fields if name not in but]
    return (
        {name: getattr(row, name) for name in names},
        {name: getattr(thing, name) for name in names},
    )


def test_an_enrolment_is_read_with_its_run_and_course(state, learning):
    with state.db.reading() as session:
        row = rows.enrolment(session, learning.id, learning.institution_id)
        thing = session.get_one(Enrolment, learning.id)
        for mine, its in (
            told(row, thing, but={"run"}),
            told(row.run, thing.run, but={"course"}),
            told(row.run.course, thing.run.course),
        ):
            assert mine == its


def test_an_enrolment_of_another_institution_is_none(state, learning):
    with state.db.reading() as session:
        assert rows.enrolment(session, learning.id, learning.institution_id + 1) is None
        assert rows.enrolment(session, learning.id + 1, learning.institution_id) is None


def test_an_activity_is_read_with_its_config(state, learning):
    with state.db.reading() as session:
        for thing in factories.activities(session, session.get_one(Enrolment, learning.id)):
            mine, its = told(rows.activity(session, thing.id), session.get_one(Activity, thing.id))
            assert mine == its
