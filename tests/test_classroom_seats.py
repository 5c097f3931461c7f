"""Seats and the waiting list: never one too many, strictly in order, whoever comes at once."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from lms.classroom import clockwork, editing, meetings, seats
from lms.classroom.asking import Warn
from lms.classroom.models import JoinLink, Meeting, MeetingWaiting, Seat, SeatChange, Trigger
from lms.db import Database
from lms.errors import ClosedError, ConflictError
from lms.hooks import hookimpl
from lms.learning.models import Enrolment
from lms.outbox import Task
from lms.plugins import plugin_manager
from tests import classroom_world as worlds
from tests.classroom_world import START, block, take
from tests.factories import NOW

DAY = timedelta(days=1)
WHO = st.integers(0, 9)


@pytest.fixture
def world(state):
    return worlds.build(state)


def seat_of(session, person):
    return session.scalars(select(Seat).where(Seat.person_id == person.id)).one()


def test_seats_then_the_list_then_whoever_is_first_on_it(state, world):
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world)
        got = [type(take(session, state, meeting, one)).__name__ for one in world.enrolments]
        again = [type(take(session, state, meeting, one)).__name__ for one in world.enrolments]
        assert got == again == ["Seat", "Seat", "MeetingWaiting", "MeetingWaiting"]
        a, b, c, d = (one.id for one in world.people)
        assert worlds.seated(session, meeting.id) == [(a, 1, "confirmed"), (b, 2, "confirmed")]
        seats.release(session, state.hook, seat_of(session, world.people[0]), actor_id=a, now=NOW)
        assert worlds.seated(session, meeting.id) == [(c, 1, "confirmed"), (b, 2, "confirmed")]
        assert worlds.waiting(session, meeting.id) == [d]
        # Who gave it back stands behind those who wait.
        take(session, state, meeting, world.enrolments[0])
        assert worlds.waiting(session, meeting.id) == [d, a]
        told = session.scalars(select(Task.name).where(Task.name == "classroom.tell_seat")).all()
        assert len(told) == 1
        # A larger room fills at once, in order.
        plan = replace(editing.as_plan(meeting), capacity=4)
        editing.change_meeting(
            session, state.hook, meeting, plan, reason="넓힘", actor_id=None, now=NOW
        )
        assert [row[0] for row in worlds.seated(session, meeting.id)] == [c, b, d, a]
        steps = session.execute(
            select(SeatChange.before, SeatChange.after, SeatChange.why)
            .join(Seat, Seat.id == SeatChange.seat_id)
            .where(Seat.person_id == a)
            .order_by(SeatChange.id)
        ).all()
    assert [tuple(row) for row in steps] == [
        ("", "confirmed", "self"),
        ("confirmed", "released", "left"),
        ("released", "confirmed", "waiting"),
    ]


def test_the_database_itself_sells_no_seat_twice(state, world):
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world)
        for one in world.enrolments[:2]:
            take(session, state, meeting, one)
    for change in (
        "UPDATE lms_seat SET seat_no = 1",
        "UPDATE lms_seat SET seat_no = NULL",
        "UPDATE lms_seat SET state = 'offered'",
        "UPDATE lms_seat SET person_id = (SELECT min(person_id) FROM lms_seat)",
    ):
        with pytest.raises(IntegrityError), state.db.transaction() as session:
            session.execute(text(change))
    with pytest.raises(DBAPIError, match="append-only"), state.db.transaction() as session:
        session.execute(text("DELETE FROM lms_seat_change"))


def test_an_offer_is_accepted_declined_or_runs_out_and_the_next_is_asked(state, world, monkeypatch):
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world, capacity=1, offer_minutes=60)
        for one in world.enrolments:
            take(session, state, meeting, one)
        first, second, third, _ = world.people
        seats.release(session, state.hook, seat_of(session, first), actor_id=first.id, now=NOW)
        assert worlds.seated(session, meeting.id) == [(second.id, 1, "offered")]
        # An offer holds the seat: nobody else gets it.
        assert isinstance(take(session, state, meeting, world.enrolments[0]), MeetingWaiting)
    until = NOW + timedelta(hours=1)
    fire_all(state, monkeypatch, until - timedelta(seconds=1))
    fire_all(state, monkeypatch, until)
    fire_all(state, monkeypatch, until)
    with state.db.transaction() as session:
        assert worlds.seated(session, meeting.id) == [(third.id, 1, "offered")]
        gone = seat_of(session, second)
        assert (gone.state, gone.why) == ("released", "expired")
        with pytest.raises(ClosedError, match="시간이 지났습니다"):
            seats.accept(session, state.hook, gone, actor_id=second.id, now=until)
        held = seat_of(session, third)
        seats.accept(session, state.hook, held, actor_id=third.id, now=until)
        seats.accept(session, state.hook, held, actor_id=third.id, now=until)
        assert worlds.seated(session, meeting.id) == [(third.id, 1, "confirmed")]
    fire_all(state, monkeypatch, until + DAY)
    with state.db.reading() as session:
        assert worlds.seated(session, meeting.id) == [(third.id, 1, "confirmed")]
        outcomes = session.scalars(
            select(Trigger.outcome).where(Trigger.kind == "offer.expire").order_by(Trigger.id)
        ).all()
        told = session.scalars(select(Task.key).where(Task.name == "classroom.tell_seat")).all()
    assert outcomes == ["expired", None]
    assert len(told) == 3  # offered, expired, offered


def fire_all(state, monkeypatch, at):
    """Every trigger's task, twice, as two schedulers at `at` would."""
    monkeypatch.setattr(clockwork, "database_now", lambda _connection: at)
    with state.db.reading() as session:
        tasks = session.scalars(
            select(Task).where(Task.name == "classroom.fire", Task.due <= at)
        ).all()
    for task in (*tasks, *tasks):
        clockwork.fire(state, task, at)


def test_a_clock_set_back_puts_a_trigger_off_and_loses_none(state, world, monkeypatch):
    with state.db.transaction() as session:
        worlds.opened(session, state, world)
        task = session.scalars(select(Task).where(Task.name == "classroom.fire")).one()
    monkeypatch.setattr(clockwork, "database_now", lambda _connection: START - timedelta(hours=1))
    with pytest.raises(RuntimeError, match="set back"):
        clockwork.fire(state, task, START)


@pytest.mark.parametrize(
    ("more", "at", "said"),
    [
        ({"seats_until": NOW.date()}, NOW + DAY, "신청이 끝났습니다"),
        ({}, START, "이미 시작했거나"),
    ],
)
def test_too_late_is_refused(sqlite_app, more, at, said):
    state = sqlite_app.extensions["lms"]
    world = worlds.build(state)
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world, **more)
        with pytest.raises(ClosedError, match=said):
            take(session, state, meeting, world.enrolments[0], now=at)


def test_a_deadline_holds_until_the_last_minute_of_the_local_day(sqlite_app):
    state = sqlite_app.extensions["lms"]
    world = worlds.build(state)
    last = (START - DAY).date()
    # 23:59:59 and 00:00:00 in Seoul are 14:59:59 and 15:00:00 in UTC.
    end = START.replace(hour=14, minute=59, second=59) - DAY
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world, seats_until=last, leave_until=last)
        seat = take(session, state, meeting, world.enrolments[0], now=end)
        with pytest.raises(ClosedError):
            take(session, state, meeting, world.enrolments[1], now=end + timedelta(seconds=1))
        who = world.people[0].id
        with pytest.raises(ClosedError, match="내놓을 수 있는 날"):
            seats.release(session, state.hook, seat, actor_id=who, now=end + timedelta(seconds=1))
        seats.release(session, state.hook, seat, actor_id=who, now=end)
        assert seat.state == "released"


def test_one_place_at_a_time_and_one_meeting_of_a_part(state, world):
    with state.db.transaction() as session:
        first = worlds.opened(session, state, world)
        same_part = worlds.opened(session, state, world, blocks=(block(START + DAY),))
        same_time = worlds.opened(
            session, state, world, room_id=world.rooms[1].id, activity_id=None
        )
        take(session, state, first, world.enrolments[0])
        with pytest.raises(ConflictError, match="같은 차시"):
            take(session, state, same_part, world.enrolments[0])
        with pytest.raises(ConflictError, match="그 시각에"):
            take(session, state, same_time, world.enrolments[0])
        moved = seats.move(
            session,
            state.hook,
            seat_of(session, world.people[0]),
            same_part,
            actor_id=world.people[0].id,
            now=NOW,
        )
        assert (moved.meeting_id, moved.state, moved.source) == (
            same_part.id,
            "confirmed",
            "moved",
        )
        take(session, state, same_time, world.enrolments[0])
        assert worlds.seated(session, first.id) == []


class Picky:
    """A plugin that lets nobody in but those it was told of."""

    def __init__(self):
        self.ready = set()

    @hookimpl
    def lms_before_meeting(self, meeting, seat, moment):
        assert moment == "seat"
        assert meeting.id == seat.meeting_id
        if seat.person_id in self.ready:
            return Warn("사전학습을 조금 더 하십시오.")
        return "사전학습을 마친 뒤에 오십시오."


def test_a_plugin_may_refuse_and_who_waits_keeps_their_place(state, world):
    picky = Picky()
    a, b, c, d = (one.id for one in world.people)
    picky.ready = {a, b, c}
    manager = plugin_manager(third_parties=False)
    manager.register(picky)
    picked = dataclasses.replace(state, hook=manager.hook)
    with state.db.transaction() as session:
        meeting = worlds.opened(session, picked, world, capacity=1)
        for one in world.enrolments[:3]:
            take(session, picked, meeting, one)
        picky.ready = {c, d}
        seats.release(session, picked.hook, seat_of(session, world.people[0]), actor_id=a, now=NOW)
        assert worlds.seated(session, meeting.id) == [(c, 1, "confirmed")]
        assert worlds.waiting(session, meeting.id) == [b]
        seats.release(session, picked.hook, seat_of(session, world.people[2]), actor_id=c, now=NOW)
        # Who stands in front may not have it yet, so the newcomer gets it at once.
        assert take(session, picked, meeting, world.enrolments[3]).person_id == d
        assert worlds.seated(session, meeting.id) == [(d, 1, "confirmed")]
        other = worlds.opened(session, picked, world, blocks=(block(START + DAY),))
        with pytest.raises(ClosedError, match="사전학습"):
            take(session, picked, other, world.enrolments[0])


def test_a_live_meeting_gives_each_a_link_of_their_own(state, world):
    live = {
        "kind": "live",
        "room_id": None,
        "provider": "generic",
        "provider_told": {"address": "https://live.example/9?uname={participant}"},
    }
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world, **live)
        for one in world.enrolments[:3]:
            take(session, state, meeting, one)
        links = session.scalars(select(JoinLink).order_by(JoinLink.id)).all()
        assert [one.person_id for one in links] == [one.id for one in world.people[:2]]
        assert len({one.token for one in links} | {one.participant for one in links}) == 4
        assert links[0].url == f"https://live.example/9?uname={links[0].participant}"
        seats.release(
            session,
            state.hook,
            seat_of(session, world.people[0]),
            actor_id=world.people[0].id,
            now=NOW,
        )
        assert [
            (one.person_id, one.ended_at)
            for one in session.scalars(select(JoinLink).order_by(JoinLink.id))
        ] == [
            (world.people[0].id, NOW),
            (world.people[1].id, None),
            (world.people[2].id, None),
        ]


class Model(RuleBasedStateMachine):
    """What the list should be, in a few lines, beside what it is."""

    state = None

    def __init__(self):
        super().__init__()
        self.inside, self.queue, self.seats, self.cancelled = [], [], 3, False
        self.world = worlds.build(self.state, learners=10)
        with self.state.db.transaction() as session:
            self.meeting = worlds.opened(session, self.state, self.world, capacity=3).id

    def change(self, work):
        with self.state.db.transaction() as session:
            return work(session, session.get_one(Meeting, self.meeting))

    def fill(self):
        while self.queue and len(self.inside) < self.seats and not self.cancelled:
            self.inside.append(self.queue.pop(0))

    @rule(who=WHO)
    def come(self, who):
        def work(session, meeting):
            take(session, self.state, meeting, self.world.enrolments[who])

        if who in self.inside or who in self.queue:
            self.change(work)
        elif self.cancelled:
            with pytest.raises(ClosedError):
                self.change(work)
        else:
            self.change(work)
            self.queue.append(who)
            self.fill()

    @rule(who=WHO)
    def go(self, who):
        def work(session, meeting):
            person = self.world.people[who].id
            found = session.scalar(
                select(Seat).where(Seat.person_id == person, Seat.meeting_id == meeting.id)
            )
            if found is not None:
                seats.release(session, self.state.hook, found, actor_id=person, now=NOW)

        if self.cancelled and who in self.inside:
            with pytest.raises(ClosedError):
                self.change(work)
            return
        self.change(work)
        if who in self.inside:
            self.inside.remove(who)
            self.fill()

    @rule(count=st.integers(1, 5))
    def say_seats(self, count):
        if self.cancelled:
            return
        count = max(count, len(self.inside))

        def work(session, meeting):
            plan = replace(editing.as_plan(meeting), capacity=count)
            editing.change_meeting(
                session, self.state.hook, meeting, plan, reason="x", actor_id=None, now=NOW
            )

        self.change(work)
        self.seats = count
        self.fill()

    @rule()
    def cancel_or_restore(self):
        def work(session, meeting):
            told = {"reason": "사정", "actor_id": None, "now": NOW}
            if self.cancelled:
                meetings.restore_meeting(session, self.state.hook, meeting, **told)
            else:
                meetings.cancel_meeting(session, meeting, **told)

        self.change(work)
        self.cancelled = not self.cancelled
        self.fill()

    @invariant()
    def it_is_as_the_model_says(self):
        with self.state.db.reading() as session:
            rows = worlds.seated(session, self.meeting)
            line = worlds.waiting(session, self.meeting)
        number = {one.id: n for n, one in enumerate(self.world.people)}
        assert sorted(number[row[0]] for row in rows) == sorted(self.inside)
        assert all(row[1] <= self.seats for row in rows)
        assert [number[one] for one in line] == self.queue


def test_whatever_comes_and_goes_is_as_the_model_says(sqlite_app):
    machine = type("Machine", (Model,), {"state": sqlite_app.extensions["lms"]})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_sixty_four_at_once_for_a_hundred_seats(state, world, database_url):
    """Ten thousand tries are benchmarks/seats.py; these are enough to fail without the lock."""
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world, capacity=100, room_id=None, place="강당").id
        some = worlds.crowd(session, world, 256)
    crowd = Database(database_url, threads=64)
    crowd.engine.pool._timeout = 120
    start = threading.Barrier(64)

    def come(part):
        start.wait()
        got = []
        for enrolment, person in part:
            with crowd.transaction() as session:
                found = seats.take(
                    session,
                    state.hook,
                    session.get_one(Meeting, meeting),
                    session.get_one(Enrolment, enrolment),
                    actor_id=person,
                    now=NOW,
                )
                got.append((person, type(found).__name__, found.id))
        return got

    try:
        with ThreadPoolExecutor(64) as pool:
            mine = list(pool.map(come, [some[n::64] for n in range(64)]))
    finally:
        crowd.dispose()
    all_of_them = [one for part in mine for one in part]
    assert sum(kind == "Seat" for _, kind, _ in all_of_them) == 100
    with state.db.transaction() as session:
        rows = worlds.seated(session, meeting)
        line = worlds.waiting(session, meeting)
        assert [row[1] for row in rows] == list(range(1, 101))
        # Seats and places were given in one order: nobody who came later stands before.
        assert line == [
            person for _, person in sorted((i, p) for p, kind, i in all_of_them if kind != "Seat")
        ]
        for part in mine:  # each thread's people came one after another
            kinds = [kind for _, kind, _ in part]
            ids = [id_ for _, kind, id_ in part if kind != "Seat"]
            assert kinds == sorted(kinds, reverse=True)
            assert ids == sorted(ids)
        # Ten seats are given back: the first ten in line have them, in their order.
        session.execute(update(Meeting).values(seats_until=None))
        for person, number, _ in rows[:10]:
            seat = session.scalars(select(Seat).where(Seat.person_id == person)).one()
            seats.release(session, state.hook, seat, actor_id=person, now=NOW)
            now_there = next(row for row in worlds.seated(session, meeting) if row[1] == number)
            assert now_there[0] == line.pop(0)
        assert worlds.waiting(session, meeting) == line
