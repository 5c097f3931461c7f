"""What the database decides about promises, slots and leases, on both databases."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from lms import clock, hooks
from lms.config import Settings
from lms.db import Database
from lms.outbox import Handler, Job, JobRun, Task, claims, leases, promise, runs
from lms.people.models import AccessRow
from scheduler import housekeeping
from scheduler.draining import Drain, handlers
from scheduler.leading import Leader
from scheduler.pace import Pace
from tests import factories

LIFE = timedelta(seconds=60)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


class Given:
    """A plugin that gives these jobs and handlers."""

    def __init__(self, jobs: list[Job] | None = None, **tasks: Handler) -> None:
        self.jobs, self.tasks = jobs or [], tasks

    @hooks.hookimpl
    def lms_jobs(self) -> list[Job]:
        return self.jobs

    @hooks.hookimpl
    def lms_tasks(self) -> dict[str, Handler]:
        return self.tasks


def state(db: Database, *plugins: Given) -> Any:
    manager = pluggy.PluginManager("lms")
    manager.add_hookspecs(hooks)
    for plugin in plugins:
        manager.register(plugin)
    return SimpleNamespace(db=db, hook=manager.hook)


def promise_some(db: Database, *keys: str, due: datetime | None = None) -> None:
    with db.transaction() as session:
        for key in keys:
            promise(session, "work", key=key, now=clock.now(), due=due)


def tasks(db: Database) -> list[Task]:
    with db.reading() as session:
        return list(session.scalars(select(Task).order_by(Task.key)))


def test_claimed_tasks_are_one_holders(db: Database) -> None:
    promise_some(db, "a", "b", "c")
    promise_some(db, "later", due=clock.now() + timedelta(hours=1))
    with db.transaction() as session:
        first = [task.key for task in claims.claim(session, holder="x", most=2, life=LIFE)]
    with db.transaction() as session:
        second = [task.key for task in claims.claim(session, holder="y", most=9, life=LIFE)]
    assert (first, second) == (["a", "b"], ["c"])
    with db.transaction() as session:  # the first one died: its claims lapse
        session.execute(
            update(Task).where(Task.claimed_by == "x").values(claimed_until=clock.now())
        )
    with db.transaction() as session:
        assert [t.key for t in claims.claim(session, holder="z", most=9, life=LIFE)] == ["a", "b"]


def test_late_answer_of_a_lapsed_claim_changes_nothing(db: Database) -> None:
    promise_some(db, "a")
    with db.transaction() as session:
        (old,) = claims.claim(session, holder="x", most=1, life=timedelta(0))
    with db.transaction() as session:
        (new,) = claims.claim(session, holder="y", most=1, life=LIFE)
    with db.transaction() as session:
        claims.put_off(session.connection(), old, error="too late")
    assert [(t.claimed_by, t.attempts, t.error) for t in tasks(db)] == [("y", 2, None)]
    with db.transaction() as session:
        claims.keep(session.connection(), new)
    assert tasks(db)[0].done_at is not None


def test_given_up_after_twelve_tries_and_said(db: Database) -> None:
    def fail(_state: Any, _task: Task, _now: datetime) -> None:
        raise ConnectionError("nobody answers")

    promise_some(db, "a", "unknown")
    with db.transaction() as session:
        session.execute(update(Task).where(Task.key == "unknown").values(name="gone"))
    drain = Drain(state(db, Given(work=fail)), holder="x", pace=Pace())
    waits = []
    for _ in range(claims.TRIES):
        assert drain.once() == 2
        waits.append(round((tasks(db)[0].due - clock.now()).total_seconds(), -1))
        with db.transaction() as session:
            session.execute(update(Task).values(due=clock.now() - LIFE))
    assert waits[:4] == [10, 30, 90, 270]
    assert waits[-1] == 6 * 3600
    assert drain.once() == 0
    assert [(t.attempts, t.failed_at is None, t.error) for t in tasks(db)] == [
        (12, False, "ConnectionError: nobody answers"),
        (12, False, "KeyError: 'gone'"),
    ]


def test_task_that_kills_its_process_is_given_up_too(db: Database) -> None:
    promise_some(db, "a")
    with db.transaction() as session:
        session.execute(update(Task).values(attempts=claims.TRIES))
    with db.transaction() as session:
        assert claims.claim(session, holder="x", most=1, life=LIFE) == []
    assert tasks(db)[0].failed_at is not None
    assert tasks(db)[0].error == "Each try ended before it could say why."


def test_stopping_lets_go_of_what_was_not_begun(db: Database) -> None:
    promise_some(db, "a", "b")
    begun: list[str] = []

    def work(_state: Any, task: Task, _now: datetime) -> None:
        begun.append(task.key)

    drain = Drain(
        state(db, Given(work=work)), holder="x", pace=Pace(), stopping=lambda: bool(begun)
    )
    assert drain.once() == 2
    assert [(t.key, t.done_at is None, t.attempts, t.claimed_until) for t in tasks(db)] == [
        ("a", False, 1, None),
        ("b", True, 0, None),
    ]


def test_one_name_has_one_handler(db: Database) -> None:
    def work(_state: Any, _task: Task, _now: datetime) -> None: ...

    with pytest.raises(ValueError, match="two plugins keep tasks named"):
        handlers(state(db, Given(work=work), Given(work=work)))


def test_lease_is_one_holders_by_the_databases_clock(db: Database) -> None:
    def take(holder: str, life: timedelta = LIFE) -> bool:
        with db.transaction() as session:
            return leases.take(session.connection(), "s", holder=holder, life=life)

    def holds(holder: str) -> bool:
        with db.transaction() as session:
            return leases.holds(session.connection(), "s", holder=holder)

    assert [take("x"), take("y"), take("x"), holds("x"), holds("y")] == [
        True, False, True, True, False,
    ]  # fmt: skip
    assert take("x", timedelta(0))
    assert (holds("x"), take("y"), holds("y"), take("x")) == (False, True, True, False)
    with db.transaction() as session:
        leases.give_back(session.connection(), "s", holder="x")  # not x's to give
        assert leases.holds(session.connection(), "s", holder="y")
        leases.give_back(session.connection(), "s", holder="y")
    assert take("x")


def test_slots_are_run_once_and_missed_ones_once_together(db: Database) -> None:
    ran: list[datetime] = []
    job = Job("j", lambda _state, slot: ran.append(slot), timedelta(days=1), timedelta(hours=18))
    leader = Leader(state(db, Given([job])), holder="me", pace=Pace())
    with db.transaction() as session:
        leases.take(session.connection(), "scheduler", holder="me", life=LIFE)
    leader.tick(job)
    assert ran == []  # a new job has missed nothing
    today = job.slot(clock.now())
    with db.transaction() as session:  # the schedulers were down for three days
        session.execute(update(JobRun).values(slot=today - timedelta(days=3)))
    for holder in ("me", "me", "another"):
        other = Leader(state(db, Given([job])), holder=holder, pace=Pace())
        other.tick(job)
    assert ran == [today]


def test_who_lost_the_lease_begins_nothing(db: Database) -> None:
    ran: list[datetime] = []
    job = Job("j", lambda _state, slot: ran.append(slot), timedelta(seconds=1))
    leader = Leader(state(db, Given([job])), holder="me", pace=Pace())
    with db.transaction() as session:
        runs.begin(session.connection(), "j", datetime(2020, 1, 1, tzinfo=UTC), holder="old")
        leases.take(session.connection(), "scheduler", holder="another", life=LIFE)
    leader.tick(job)
    assert ran == []


def test_failed_run_says_why_and_the_next_slot_is_tried(db: Database) -> None:
    def fail(_state: Any, _slot: datetime) -> None:
        raise RuntimeError("no")

    job = Job("j", fail, timedelta(days=1))
    leader = Leader(state(db, Given([job])), holder="me", pace=Pace())
    with db.transaction() as session:
        leases.take(session.connection(), "scheduler", holder="me", life=LIFE)
        runs.begin(session.connection(), "j", datetime(2020, 1, 1, tzinfo=UTC), holder="old")
    leader.tick(job)
    with db.reading() as session:
        found = session.scalars(select(JobRun).where(JobRun.holder == "me")).one()
    assert (found.slot, found.error) == (job.slot(clock.now()), "RuntimeError: no")
    assert found.finished_at is not None


def test_leader_begins_waits_out_and_ends(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leads on through a database that is away for less than its lease, and not for longer."""
    leader = Leader(state(db, Given()), holder="me", pace=Pace(lease=LIFE))
    leader.renew()
    assert leader.leads

    def away() -> None:
        raise OperationalError("renew", {}, Exception("connection refused"))

    with monkeypatch.context() as patch:
        patch.setattr(db, "transaction", away)
        leader.renew()
        assert leader.leads
        later = time.monotonic() + LIFE.total_seconds() + 1
        patch.setattr("scheduler.leading.time.monotonic", lambda: later)
        leader.renew()
        assert not leader.leads
    leader.renew()
    assert leader.leads
    leader.stop()
    with db.transaction() as session:
        assert leases.take(session.connection(), "scheduler", holder="next", life=LIFE)


def test_run_that_was_cut_off_is_noted(db: Database) -> None:
    with db.transaction() as session:
        connection = session.connection()
        runs.begin(connection, "j", datetime(2020, 1, 1, tzinfo=UTC), holder="old")
        assert runs.begin(connection, "j", datetime(2020, 1, 2, tzinfo=UTC), holder="old")
        assert not runs.begin(connection, "j", datetime(2020, 1, 2, tzinfo=UTC), holder="new")
        assert runs.note_cut_off(connection, holder="new") == 1
    with db.reading() as session:
        errors = session.scalars(select(JobRun.error).order_by(JobRun.slot)).all()
    assert errors == [None, "The scheduler stopped before the end."]


def test_old_rows_are_forgotten_in_batches(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_BATCH", 2)
    now = clock.now()
    promise_some(db, *(f"old{n}" for n in range(5)), "new", "open", "failed")
    with db.transaction() as session:
        kept = update(Task).values(done_at=now - timedelta(days=31))
        session.execute(kept.where(Task.key.like("old%")))
        session.execute(update(Task).where(Task.key == "new").values(done_at=now))
        session.execute(
            update(Task).where(Task.key == "failed").values(failed_at=now - timedelta(days=99))
        )
        for number in range(5):
            session.add(
                JobRun(job="j", slot=now - timedelta(days=200 + number), holder="x", started_at=now)
            )
    here = state(db)
    housekeeping.forget_kept_tasks(here, now)
    housekeeping.forget_runs(here, now)
    assert [task.key for task in tasks(db)] == ["failed", "new", "open"]
    with db.reading() as session:
        assert session.scalars(select(JobRun.slot)).all() == [now - timedelta(days=200)]


def test_ways_in_and_looks_are_forgotten(db: Database) -> None:
    now = clock.now()
    with db.transaction() as session:
        home = factories.institution(session)
        for days in (0, 800):
            session.add(
                AccessRow(
                    institution_id=home.id,
                    at=now - timedelta(days=days),
                    actor_id=1,
                    address="::1",
                    act="view",
                    subject="person",
                )
            )
    here = state(db)
    here.settings = Settings()
    housekeeping.forget_access(here, now)
    housekeeping.forget_ways_in(here, now)
    with db.reading() as session:
        assert session.scalars(select(AccessRow.at)).all() == [now]


@pytest.mark.parametrize(
    ("every", "offset", "at", "slot"),
    [
        ("1d", "18:10", "2026-11-22T18:09:59", "2026-11-21T18:10:00"),
        ("1d", "18:10", "2026-11-22T18:10:00", "2026-11-22T18:10:00"),
        ("1h", "00:00", "2026-11-22T18:59:59", "2026-11-22T18:00:00"),
        ("15m", "00:05", "2026-11-22T00:04:00", "2026-11-21T23:50:00"),
    ],
)
def test_slot_has_begun(every: str, offset: str, at: str, slot: str) -> None:
    units = {"d": "days", "h": "hours", "m": "minutes"}
    hours, minutes = map(int, offset.split(":"))
    job = Job(
        "j",
        lambda _state, _slot: None,
        timedelta(**{units[every[-1]]: int(every[:-1])}),
        timedelta(hours=hours, minutes=minutes),
    )
    assert job.slot(datetime.fromisoformat(f"{at}+00:00")) == datetime.fromisoformat(
        f"{slot}+00:00"
    )
