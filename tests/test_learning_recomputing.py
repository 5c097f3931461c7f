"""Recomputing a closed run: who gains, who keeps what they have, at what price."""

import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.credentials.models import Certificate
from lms.db import Database
from lms.edge import State
from lms.learning import proof, stating
from lms.learning.models import (
    Completion,
    Enrolment,
    Run,
)
from lms.learning.running import closing, recomputing, refolding
from lms.people.models import AuditRow, Institution, Person
from lms.xapi import store
from lms.xapi import vocabulary as say
from tests import factories
from tests.closing_world import LATER, ZONE, asked_of, reads, scores, world
from tests.factories import NOW


@pytest.fixture
def statements(state: State) -> list[str]:
    return asked_of(state)


def test_many_refold_as_one(db: Database, state: State) -> None:
    with db.transaction() as session:
        home, _, run = world(session, state, [factories.PAGE], [factories.QUIZ])
        joined = [
            factories.enrolment(session, state.hook, factories.person(session, home), run)
            for _ in range(3)
        ]
        reads(session, state, joined[0])
        scores(session, state, joined[0], 80)
        reads(session, state, joined[1])
    with db.reading() as session:
        rows = session.scalars(select(Enrolment).order_by(Enrolment.id)).all()
        many = refolding.refold(session, session.get_one(Run, run.id), rows)
        assert many == {one.id: proof.refold(session, one) for one in rows}


def void(session: Session, enrolment: Enrolment, verb: str, state: State) -> None:
    """Somebody voids the enrolment's statements with that verb."""
    found = [
        one.statement_id
        for one in store.of_registration(
            session.connection(), enrolment.institution_id, enrolment.registration
        )
        if one.verb == verb
    ]
    home = session.get_one(Institution, enrolment.institution_id)
    for target in found:
        said = {
            "actor": {"account": {"homePage": home.home_page, "name": "lms"}},
            "verb": {"id": say.VOIDED},
            "object": {"objectType": "StatementRef", "id": target},
        }
        raw = json.dumps(said).encode()
        store.add(session.connection(), home.id, [raw], authority=store.LMS, now=NOW)


def recomputed(db: Database, state: State, run: Run, officer: Person) -> list[int]:
    with db.reading() as session:
        plan = recomputing.plan(session, run)
    with db.transaction() as session:
        how = {"reason": "바로잡음", "actor_id": officer.id, "now": LATER}
        recomputing.begin(session, run, plan, **how)
        return recomputing.apply(session, state.hook, run, plan.moving, **how)


def test_recomputing_finds_who_gains_and_completes_them_now(db: Database, state: State) -> None:
    with db.transaction() as session:
        home, officer, run = world(session, state, [factories.PAGE], [factories.QUIZ])
        person = factories.person(session, home, email="kim@example.kr")
        gains = factories.enrolment(session, state.hook, person, run)
        same = factories.enrolment(session, state.hook, factories.person(session, home), run)
        reads(session, state, same)
        reads(session, state, gains)
        scores(session, state, gains, 40)
        # The marking was wrong: a statement tells the right score, past the usual way.
        (quiz,) = [one for one in factories.activities(session, gains) if one.kind == "quiz"]
        said = stating.about_activity(
            stating.setting_of(session, gains.id),
            quiz,
            say.PASSED,
            activity_type=say.TYPE_ASSESSMENT,
            now=NOW,
            result={"completion": True, "success": True, "score": {"scaled": 0.8}},
        )
        store.add(session.connection(), home.id, [said], authority=store.LMS, now=NOW)
        closing.close(session, state.hook, run, actor_id=officer.id, now=LATER, zone=ZONE)
    with db.reading() as session:
        plan = recomputing.plan(session, run)
        assert plan.asked == 2
        (change,) = plan.changes
        assert (change.enrolment_id, change.outcome) == (gains.id, "gains")
        assert (change.score, change.name) == ((4000, 8000), person.name)
        assert session.get_one(Enrolment, gains.id).completed_at is None  # a dry run
    assert recomputed(db, state, run, officer) == [gains.id]
    with db.reading() as session:
        kept = session.get_one(Enrolment, gains.id)
        assert (kept.completed_at, kept.score, kept.progress_permille) == (LATER, 8000, 1000)
        completion = session.scalars(select(Completion)).one()
        assert proof.replay(session, completion).holds
        assert session.scalars(select(Certificate)).one().completion_id == completion.id
        assert recomputing.plan(session, run).changes == ()
        acts = session.scalars(
            select(AuditRow).where(AuditRow.act.in_(("run.recompute", "enrolment.recompute")))
        ).all()
        assert [(one.act, one.reason, one.actor_id) for one in acts] == [
            ("run.recompute", "바로잡음", officer.id),
            ("enrolment.recompute", "바로잡음", officer.id),
        ]
        assert acts[0].detail["gains"] == 1
        assert acts[1].detail == {"progress": [1000, 1000], "score": [4000, 8000]}
    assert recomputed(db, state, run, officer) == []


def test_who_would_lose_keeps_what_they_have(db: Database, state: State) -> None:
    with db.transaction() as session:
        home, officer, run = world(session, state)
        done = factories.enrolment(session, state.hook, factories.person(session, home), run)
        reads(session, state, done)
        half = factories.enrolment(session, state.hook, factories.person(session, home), run)
        void(session, done, say.EXPERIENCED, state)
    with db.reading() as session:
        before = session.get_one(Enrolment, done.id)
        kept = (before.completed_at, before.progress_permille)
        plan = recomputing.plan(session, run)
        assert [(one.enrolment_id, one.outcome) for one in plan.changes] == [(done.id, "loses")]
        assert plan.moving == []
        assert half.id not in plan.moving
    with db.transaction() as session:
        recomputing.apply(
            session, state.hook, run, [done.id], reason="x", actor_id=officer.id, now=LATER
        )
    with db.reading() as session:
        after = session.get_one(Enrolment, done.id)
        assert (after.completed_at, after.progress_permille) == kept
        assert session.scalars(select(Completion)).one().review is None


def test_what_was_voided_before_a_completion_goes_from_the_progress(
    db: Database, state: State
) -> None:
    with db.transaction() as session:
        home, officer, run = world(session, state, [factories.PAGE], [factories.QUIZ])
        one = factories.enrolment(session, state.hook, factories.person(session, home), run)
        reads(session, state, one)
        void(session, one, say.EXPERIENCED, state)
    assert recomputed(db, state, run, officer) == []
    with db.reading() as session:
        kept = session.get_one(Enrolment, one.id)
        assert kept.progress_permille == 0
        assert kept.need_ms > 0
        assert recomputing.plan(session, run).changes == ()


def test_a_plan_costs_the_same_statements_for_one_and_for_three(
    db: Database, state: State, statements: list[str]
) -> None:
    costs = []
    with db.transaction() as session:
        home, _, run = world(session, state)
    for count in (1, 2):
        with db.transaction() as session:
            for _ in range(count):
                one = factories.enrolment(session, state.hook, factories.person(session, home), run)
                reads(session, state, one)
        with db.reading() as session:
            kept = session.get_one(Run, run.id)
            statements.clear()
            recomputing.plan(session, kept)
            costs.append(len(statements))
    assert costs[0] == costs[1]
