"""What the clock does, it does once: two schedulers, a sleeper, a trigger that was moved."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select, update

from lms import clock
from lms.classroom import clockwork, seats, triggers
from lms.classroom.models import Meeting, SeatChange, Trigger
from lms.outbox import Task
from scheduler.draining import Drain
from scheduler.pace import Pace
from tests import classroom_world as worlds
from tests.factories import NOW

LONG_AGO = NOW - timedelta(days=3000)


def offered(state):
    """A seat that is held for the second person, whose answer has been due for years."""
    world = worlds.build(state)
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world, capacity=1, offer_minutes=60)
        for one in world.enrolments[:3]:
            worlds.take(session, state, meeting, one)
        seat = worlds.seated(session, meeting.id)[0]
        first = session.scalars(select(seats.Seat).where(seats.Seat.person_id == seat[0])).one()
        seats.release(session, state.hook, first, actor_id=first.person_id, now=NOW)
        session.execute(
            update(seats.Seat).where(seats.Seat.state == "offered").values(accept_until=LONG_AGO)
        )
        # The database's clock is the machine's: the meeting must be ahead of it.
        session.execute(
            update(Meeting).values(
                starts_at=clock.now() + timedelta(days=7), ends_at=clock.now() + timedelta(days=8)
            )
        )
        row = session.scalars(select(Trigger).where(Trigger.kind == "offer.expire")).one()
        row.due = LONG_AGO
        session.flush()
        task = session.scalars(
            select(Task).where(Task.name == triggers.TASK).order_by(Task.id.desc()).limit(1)
        ).one()
        task.due, task.key = LONG_AGO, triggers.task_key(row)
        # Whatever else is promised is no matter of this test.
        session.execute(update(Task).where(Task.id != task.id).values(done_at=NOW))
    return world, meeting.id, task


def expired(session):
    return len(session.scalars(select(SeatChange).where(SeatChange.why == "expired")).all())


def test_eight_at_once_do_it_once(state):
    world, meeting, task = offered(state)
    start = threading.Barrier(8)

    def keep(_n):
        start.wait()
        clockwork.fire(state, task, clock.now())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(8)))
    with state.db.reading() as session:
        assert expired(session) == 1
        assert worlds.seated(session, meeting) == [(world.people[2].id, 1, "offered")]


def test_two_schedulers_and_one_that_slept(state):
    """The sleeper claimed the task, slept past its claim, and woke after another had kept it."""
    _, _, task = offered(state)
    drains = [Drain(state, holder=f"s{n}", pace=Pace()) for n in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda drain: drain.once(), drains))
    clockwork.fire(state, task, clock.now())  # the sleeper
    with state.db.reading() as session:
        assert expired(session) == 1
        done = session.scalars(select(Trigger).where(Trigger.kind == "offer.expire")).all()
        assert [one.outcome for one in done] == ["expired", None]


def test_what_fails_is_undone_and_done_once_later(state, monkeypatch):
    _, meeting, task = offered(state)

    def broken(*_given, **_more):
        raise OSError("away")

    with monkeypatch.context() as patch:
        patch.setattr(seats.queue, "promote", broken)
        drain = Drain(state, holder="s", pace=Pace())
        assert drain.once() == 1
    with state.db.transaction() as session:
        assert expired(session) == 0
        again = session.get_one(Task, task.id)
        assert "away" in (again.error or "")
        again.due, again.claimed_until = LONG_AGO, None
    assert Drain(state, holder="s2", pace=Pace()).once() >= 1
    with state.db.reading() as session:
        assert expired(session) == 1
        assert session.get_one(Meeting, meeting).state == "open"


def test_a_trigger_that_was_moved_waits_for_its_new_instant(state):
    world, _, task = offered(state)
    with state.db.transaction() as session:
        row = session.scalars(select(Trigger).where(Trigger.kind == "offer.expire")).one()
        name = row.key.rpartition(":")[2]
        triggers.set_at(
            session,
            row.kind,
            institution_id=world.home.id,
            subject=row.subject,
            subject_id=row.subject_id,
            due=clock.now() + timedelta(days=1),
            now=NOW,
            name=name,
        )
    clockwork.fire(state, task, clock.now())
    with state.db.transaction() as session:
        assert expired(session) == 0
        triggers.drop(session, row.subject, row.subject_id, now=NOW)
        row = session.get_one(Trigger, row.id)
        row.due = LONG_AGO
    clockwork.fire(state, task, clock.now())
    with state.db.reading() as session:
        assert expired(session) == 0
