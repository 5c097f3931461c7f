"""Seats and the waiting list: never one too many, and strictly in order, whoever comes at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from lms.db import Database
from lms.learning.models import Enrolment, Run, Waiting
from lms.learning.running import joining, runs
from lms.outbox import Task
from lms.people.models import Person
from tests import factories
from tests.factories import NOW

WHO = st.integers(0, 11)


def opened(session, state, people, **more):
    """A run that takes applications, and people who may."""
    home = factories.institution(session)
    course = factories.course(session, state.kinds, home)
    told = {
        "way": "application",
        "apply_from": NOW.date() - timedelta(days=1),
        "apply_until": NOW.date() + timedelta(days=1),
        **more,
    }
    run = factories.run(session, course, **told)
    return run, [factories.person(session, home).id for _ in range(people)]


class Model(RuleBasedStateMachine):
    """What the list should be, in a few lines, beside what it is."""

    state = None

    def __init__(self):
        super().__init__()
        self.inside: list[int] = []
        self.queue: list[int] = []
        self.seats = 3
        self.attempts: dict[int, int] = {}
        with self.state.db.transaction() as session:
            run, self.people = opened(session, self.state, 12, seats=self.seats)
            self.run = run.id

    def change(self, work):
        with self.state.db.transaction() as session:
            return work(session, session.get_one(Run, self.run))

    def fill(self):
        while self.queue and len(self.inside) < self.seats:
            self.enter(self.queue.pop(0))

    def enter(self, who):
        self.inside.append(who)
        self.attempts[who] = self.attempts.get(who, 0) + 1

    @rule(who=WHO)
    def come(self, who):
        self.come_many([who])

    @rule(many=st.lists(WHO, unique=True, max_size=5))
    def come_many(self, many):
        ids = [self.people[who] for who in many]
        found = self.change(
            lambda session, run: {
                key: type(one).__name__
                for key, one in joining.join_many(
                    session, self.state.hook, run, ids, source="self", actor_id=None, now=NOW
                ).items()
            }
        )
        for who in many:
            if who in self.inside or who in self.queue:
                continue
            if self.queue or len(self.inside) >= self.seats:
                self.queue.append(who)
            else:
                self.enter(who)
        wanted = {
            self.people[who]: "Enrolment" if who in self.inside else "Waiting" for who in many
        }
        assert found == wanted

    @rule(who=WHO)
    def leave(self, who):
        def work(session, run):
            person = self.people[who]
            enrolment = session.scalar(
                select(Enrolment).filter_by(run_id=run.id, person_id=person, state="enrolled")
            )
            waiting = joining.waiting_of(session, run.id, [person]).get(person)
            if enrolment is not None:
                joining.withdraw(
                    session, self.state.hook, enrolment, reason="사정", actor_id=person, now=NOW
                )
            elif waiting is not None:
                joining.leave_waiting(session, waiting, actor_id=person, now=NOW)

        self.change(work)
        if who in self.inside:
            self.inside.remove(who)
            self.fill()
        elif who in self.queue:
            self.queue.remove(who)

    @rule(seats=st.integers(1, 6))
    def say_seats(self, seats):
        told = max(seats, len(self.inside))

        def work(session, run):
            plan = runs.as_plan(run)
            changed = type(plan)(
                **{name: getattr(plan, name) for name in plan.__struct_fields__} | {"seats": told}
            )
            runs.change(
                session, self.state.hook, run, changed, reason="자리", actor_id=None, now=NOW
            )

        self.change(work)
        self.seats = told
        self.fill()

    @invariant()
    def it_is_as_the_model_says(self):
        with self.state.db.transaction() as session:
            inside = session.execute(
                select(Enrolment.person_id, Enrolment.attempt).filter_by(
                    run_id=self.run, state="enrolled"
                )
            ).all()
            waiting = session.scalars(
                select(Waiting)
                .where(Waiting.run_id == self.run, Waiting.ended_at.is_(None))
                .order_by(Waiting.id)
            ).all()
            places = [joining.place_of(session, one) for one in waiting]
        assert {row.person_id: row.attempt for row in inside} == {
            self.people[who]: self.attempts[who] for who in self.inside
        }
        assert len(inside) <= self.seats
        assert [one.person_id for one in waiting] == [self.people[who] for who in self.queue]
        assert places == list(range(1, len(waiting) + 1))


def test_whatever_comes_and_goes_the_order_is_kept_and_no_seat_is_sold_twice(state):
    machine = type("Machine", (Model,), {"state": state})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_two_hundred_at_once_for_thirty_seats(state, database_url):
    with state.db.transaction() as session:
        run, people = opened(session, state, 200, seats=30)
        run_id = run.id
    crowd = Database(database_url, threads=80)
    # How long one waits for a connection is another test's matter, and this machine's.
    crowd.engine.pool._timeout = 120

    def come(person_id):
        with crowd.transaction() as session:
            found = joining.join(
                session,
                state.hook,
                session.get_one(Person, person_id),
                session.get_one(Run, run_id),
                actor_id=person_id,
                now=NOW,
            )
            return type(found).__name__

    try:
        with ThreadPoolExecutor(200) as pool:
            got = list(pool.map(come, people))
    finally:
        crowd.dispose()
    assert (got.count("Enrolment"), got.count("Waiting")) == (30, 170)
    with state.db.transaction() as session:
        line = list(session.scalars(select(Waiting).order_by(Waiting.id)))
        assert [joining.place_of(session, one) for one in line] == list(range(1, 171))
        # One after another goes, and always the first in line gets the seat and a mail.
        promoted = []
        for _ in range(3):
            leaver = session.scalars(
                select(Enrolment).filter_by(state="enrolled").order_by(Enrolment.id).limit(1)
            ).one()
            before = session.scalar(select(func.max(Enrolment.id)))
            joining.withdraw(
                session,
                state.hook,
                leaver,
                reason="사정",
                actor_id=leaver.person_id,
                now=NOW,
            )
            new = session.scalars(select(Enrolment).where(Enrolment.id > before)).one()
            promoted.append((new.person_id, new.source))
            assert (
                session.scalar(select(Task.name).filter_by(key=f"enrolment:{new.id}:place"))
                == "learning.tell_place"
            )
        assert promoted == [(one.person_id, "waiting") for one in line[:3]]
        assert joining.taken(session, run_id) == 30


def test_who_may_no_longer_join_makes_room_for_the_next(state):
    with state.db.transaction() as session:
        run, (first, gone, second) = opened(session, state, 3, seats=1)
        joining.join_many(
            session, state.hook, run, [first, gone, second], source="self", actor_id=None, now=NOW
        )
        session.get_one(Person, gone).status = "retired"
        enrolment = session.scalars(select(Enrolment)).one()
        joining.withdraw(session, state.hook, enrolment, reason="전출", actor_id=first, now=NOW)
        ended = session.execute(select(Waiting.person_id, Waiting.outcome)).all()
        inside = session.scalars(select(Enrolment.person_id).filter_by(state="enrolled")).all()
        told = session.scalars(select(Task.name).order_by(Task.id)).all()
    assert [tuple(row) for row in ended] == [(gone, "lapsed"), (second, "promoted")]
    assert inside == [second]
    assert told[-2:] == ["learning.tell_lapsed", "learning.tell_place"]


def test_a_cancelled_run_ends_its_list(state):
    with state.db.transaction() as session:
        run, people = opened(session, state, 3, seats=1)
        joining.join_many(session, state.hook, run, people, source="self", actor_id=None, now=NOW)
        runs.cancel(session, state.hook, run, reason="강사 사정", actor_id=None, now=NOW)
        outcomes = session.scalars(select(Waiting.outcome)).all()
        told = session.scalars(select(Task.name)).all()
    assert outcomes == ["lapsed", "lapsed"]
    assert sorted(told) == [
        "learning.tell_cancelled",
        "learning.tell_lapsed",
        "learning.tell_lapsed",
        "learning.tell_place",
    ]


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level("ERROR")
