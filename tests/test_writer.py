"""The group-commit writer: many in one commit, nobody harmed by another, no answer too early."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from lms.db import Database, Writer, insert_for
from lms.errors import BusyError, ClosedError
from lms.people.models import Tries

HERE = Path(__file__).parent


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, threads=4)
    yield opened
    opened.dispose()


@pytest.fixture
def commits(database: Database) -> list[float]:
    """When the writing pool committed."""
    seen: list[float] = []
    event.listen(database.engine, "commit", lambda _connection: seen.append(time.monotonic()))
    return seen


def add(key: str) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.execute(insert(Tries), {"key": key, "window": 1, "count": 1})
        return key

    return work


def keys(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Tries.key).order_by(Tries.id)))


class Held:
    """A job that keeps the writer busy until `go()`, so that others gather behind it."""

    def __init__(self, writer: Writer, pool: ThreadPoolExecutor) -> None:
        self.writer, self.pool = writer, pool
        self._begun, self._go = threading.Event(), threading.Event()
        self.first = pool.submit(writer.do, self._wait)
        assert self._begun.wait(5)

    def _wait(self, _connection: Connection) -> str:
        self._begun.set()
        self._go.wait(10)
        return "held"

    def behind(self, *jobs: Callable[[Connection], Any], **more: Any) -> list[Future[Any]]:
        """Hand the jobs over in their order, each from a thread of its own."""
        handed = []
        for job in jobs:
            before = self.writer._waiting.qsize()
            handed.append(self.pool.submit(self.writer.do, job, **more))
            wait_for(lambda before=before: self.writer._waiting.qsize() > before)
        return handed

    def go(self) -> None:
        self._go.set()


def wait_for(true: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as threads:
        yield threads


def test_the_answer_comes_after_the_commit(database: Database, commits: list[float]) -> None:
    assert database.writer.do(add("one")) == "one"
    assert len(commits) == 1
    assert keys(database) == ["one"]


def test_what_has_gathered_is_one_commit(
    database: Database, commits: list[float], pool: ThreadPoolExecutor
) -> None:
    held = Held(database.writer, pool)
    behind = held.behind(*(add(f"{n:02}") for n in range(30)))
    held.go()
    assert [one.result(5) for one in behind] == [f"{n:02}" for n in range(30)]
    assert len(commits) == 2  # the held one's, then one for all thirty
    assert keys(database) == [f"{n:02}" for n in range(30)]


def test_a_commit_has_a_largest_size(database: Database, pool: ThreadPoolExecutor) -> None:
    sizes: list[int] = []
    writer = Writer(database.engine, gate=database.gate, most=4)
    real = writer._commit
    writer._commit = lambda jobs: (sizes.append(len(jobs)), real(jobs))[1]  # type: ignore[method-assign]
    held = Held(writer, pool)
    behind = held.behind(*(add(str(n)) for n in range(10)))
    held.go()
    for one in behind:
        one.result(5)
    writer.stop()
    assert sizes == [1, 4, 4, 2]


def test_one_refusal_harms_no_neighbour(database: Database, pool: ThreadPoolExecutor) -> None:
    def refuse(connection: Connection) -> None:
        add("half")(connection)
        raise ClosedError("닫혔습니다.")

    held = Held(database.writer, pool)
    before, refused, twice, after = held.behind(add("same"), refuse, add("same"), add("after"))
    held.go()
    assert (before.result(5), after.result(5)) == ("same", "after")
    with pytest.raises(ClosedError):
        refused.result(5)
    with pytest.raises(IntegrityError):  # on PostgreSQL this would doom the whole transaction
        twice.result(5)
    assert keys(database) == ["same", "after"]


def test_a_swallowed_database_error_does_not_doom_the_others(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    def careless(connection: Connection) -> str:
        with pytest.raises(IntegrityError):
            connection.execute(insert(Tries), {"key": None, "window": 1, "count": 1})
        return "went on"

    held = Held(database.writer, pool)
    first, second = held.behind(careless, add("after"))
    held.go()
    assert second.result(5) == "after"
    if database.is_sqlite:
        assert first.result(5) == "went on"
    else:  # its savepoint is lost: it must not be told that it was saved
        with pytest.raises(Exception, match="aborted"):
            first.result(5)
    assert keys(database) == ["after"]


def test_jobs_of_a_commit_run_in_the_order_of_their_keys(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    held = Held(database.writer, pool)
    behind = [held.behind(add(f"k{key}"), key=key)[0] for key in (3, 1, 2)]
    held.go()
    for one in behind:
        one.result(5)
    assert keys(database) == ["k1", "k2", "k3"]


class Together:
    """Work for many items: notes which came in one call, and does with each what its name says."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, connection: Connection, items: Sequence[str]) -> list[str | Exception]:
        self.calls.append(list(items))
        answers: list[str | Exception] = []
        for item in items:
            if item.startswith("refused"):
                answers.append(ClosedError("닫혔습니다."))
            else:
                answers.append(add(item)(connection))
            if item.startswith("broken"):
                raise ZeroDivisionError
        return answers[:-1] if "one too few" in items else answers


def share(held: Held, work: Together, *items: str) -> list[Future[str]]:
    """Hand the items over in their order, each from a thread of its own."""
    handed = []
    for item in items:
        before = held.writer._waiting.qsize()
        handed.append(held.pool.submit(held.writer.do_together, work, item))
        wait_for(lambda before=before: held.writer._waiting.qsize() > before)
    return handed


def test_items_of_one_commit_are_answered_in_one_call(
    database: Database, commits: list[float], pool: ThreadPoolExecutor
) -> None:
    work, other = Together(), Together()
    held = Held(database.writer, pool)
    first = share(held, work, "a")
    [between] = held.behind(add("b"))
    rest = share(held, work, "refused", "c") + share(held, other, "d")
    held.go()
    assert [one.result(5) for one in (*first, between, rest[1], rest[2])] == ["a", "b", "c", "d"]
    with pytest.raises(ClosedError):
        rest[0].result(5)
    assert (work.calls, other.calls) == ([["a", "refused", "c"]], [["d"]])
    assert len(commits) == 2  # the held one's, then one for all
    assert keys(database) == ["a", "c", "b", "d"]


@pytest.mark.parametrize("fault", ["broken", "one too few"])
def test_nobody_fails_for_another_item_of_the_same_call(
    database: Database, pool: ThreadPoolExecutor, fault: str
) -> None:
    work = Together()
    held = Held(database.writer, pool)
    before, faulty, after = share(held, work, "before", fault, "after")
    held.go()
    assert (before.result(5), after.result(5)) == ("before", "after")
    with pytest.raises((ZeroDivisionError, ValueError)):
        faulty.result(5)
    assert work.calls == [["before", fault, "after"], ["before"], [fault], ["after"]]
    assert keys(database) == ["before", "after"]


def test_items_are_tried_alone_after_a_deadlock(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    alone: list[bool] = []

    def work(connection: Connection, items: Sequence[str]) -> list[str | Exception]:
        for item in items:
            add(item)(connection)
        alone.append(len(items) == 1)
        if not alone[-1]:
            raise OperationalError("deadlock detected", None, Exception("deadlock detected"))
        return [ClosedError("닫혔습니다.") if item == "refused" else item for item in items]

    held = Held(database.writer, pool)
    one, refused = share(held, work, "one", "refused")  # type: ignore[arg-type]
    held.go()
    assert one.result(5) == "one"
    with pytest.raises(ClosedError):
        refused.result(5)
    assert alone == [False, True, True]


def test_a_full_queue_refuses_and_keeps_what_it_took(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    writer = Writer(database.engine, gate=database.gate, room=2)
    held = Held(writer, pool)
    taken = held.behind(add("a"), add("b"))
    begun = time.monotonic()
    with pytest.raises(BusyError) as busy:
        writer.do(add("too much"))
    assert time.monotonic() - begun < 1  # at once: nobody waits to be refused
    assert busy.value.retry_after == 2
    writer.later(add("nobody waits for this"))  # forgotten, not raised
    held.go()
    assert [one.result(5) for one in taken] == ["a", "b"]
    writer.stop()
    assert keys(database) == ["a", "b"]


def test_who_was_told_that_nothing_was_saved_is_not_saved_later(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    writer = Writer(database.engine, gate=database.gate, patience=0.2)
    held = Held(writer, pool)
    with pytest.raises(BusyError):
        writer.do(add("given up"))
    held.go()
    wait_for(writer._waiting.empty)
    assert writer.do(add("next")) == "next"
    writer.stop()
    assert keys(database) == ["next"]


def test_a_commit_that_has_begun_is_waited_for(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    writer = Writer(database.engine, gate=database.gate, patience=0.3)

    def slow(connection: Connection) -> str:
        time.sleep(0.4)
        return add("slow")(connection)

    assert writer.do(slow) == "slow"
    writer.stop()
    assert keys(database) == ["slow"]


def test_later_is_done_in_time_and_its_failure_harms_nobody(database: Database) -> None:
    database.writer.later(add("left behind"))
    database.writer.later(lambda _connection: 1 // 0)
    database.writer.stop()
    assert keys(database) == ["left behind"]


def test_stopping_commits_what_waits_and_the_next_job_starts_it_anew(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    held = Held(database.writer, pool)
    behind = held.behind(*(add(str(n)) for n in range(5)))
    stopping = pool.submit(database.writer.stop)
    held.go()
    stopping.result(5)
    assert keys(database) == ["0", "1", "2", "3", "4"]
    assert [one.result(1) for one in behind] == ["0", "1", "2", "3", "4"]
    assert database.writer.do(add("again")) == "again"


@pytest.mark.parametrize("alone", [True, False])
def test_what_a_deadlock_broke_off_is_tried_again_by_itself(
    database: Database, commits: list[float], pool: ThreadPoolExecutor, alone: bool
) -> None:
    tries: list[str] = []

    def unlucky(connection: Connection) -> str:
        tries.append("unlucky")
        add("unlucky")(connection)
        if len(tries) == 1:
            raise OperationalError("UPDATE …", {}, Exception("deadlock detected"))
        return "unlucky"

    held = Held(database.writer, pool)
    behind = held.behind(*([unlucky] if alone else [add("a"), unlucky, add("b")]))
    held.go()
    expected = ["unlucky"] if alone else ["a", "unlucky", "b"]
    assert [one.result(5) for one in behind] == expected
    assert keys(database) == expected  # each once, though two of them ran twice
    assert len(tries) == 2
    assert len(commits) == 1 + len(expected)


def test_a_deadlock_that_stays_is_told(database: Database) -> None:
    tries: list[int] = []

    def stuck(_connection: Connection) -> None:
        tries.append(1)
        raise OperationalError("UPDATE …", {}, Exception("deadlock detected"))

    with pytest.raises(OperationalError):
        database.writer.do(stuck)
    assert len(tries) == 4
    assert database.writer.do(add("next")) == "next"


def test_a_database_that_is_away_is_asked_once(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    tries: list[int] = []

    def away(_connection: Connection) -> None:
        tries.append(1)
        raise OperationalError("UPDATE …", {}, Exception("server closed the connection"))

    held = Held(database.writer, pool)
    behind = held.behind(away, away, away)
    held.go()
    for one in behind:
        with pytest.raises(OperationalError):
            one.result(5)
    assert len(tries) == 1
    assert database.writer.do(add("back")) == "back"


@pytest.mark.parametrize(
    # SQLite has one writer: no two can wait for each other.
    "database_url",
    [pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_a_real_deadlock_with_another_connection(database: Database) -> None:
    """Two rows taken in opposite orders: PostgreSQL breaks one off, and both are done."""
    database.writer.do(add("first"))
    database.writer.do(add("second"))
    mine, theirs = threading.Event(), threading.Event()

    def take(connection: Connection, key: str) -> None:
        connection.execute(update(Tries).where(Tries.key == key).values(count=Tries.count + 1))

    def job(connection: Connection) -> str:
        connection.execute(text("SET LOCAL deadlock_timeout = '200ms'"))
        take(connection, "first")
        mine.set()
        theirs.wait(5)
        take(connection, "second")
        return "done"

    def other() -> None:
        with database.engine.begin() as connection:
            # The writer's side notices first, and is the one broken off.
            connection.execute(text("SET LOCAL deadlock_timeout = '9s'"))
            mine.wait(5)
            take(connection, "second")
            theirs.set()
            take(connection, "first")

    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(other)
        assert database.writer.do(job) == "done"
        waiting.result(5)
    with database.reading() as session:
        assert dict(session.execute(select(Tries.key, Tries.count)).all()) == {
            "first": 3,
            "second": 3,
        }


def test_many_threads_count_one_row_without_a_loss(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    def count(connection: Connection) -> None:
        made = insert_for(connection, Tries).values(key="k", window=1, count=1)
        connection.execute(
            made.on_conflict_do_update(
                index_elements=["key", "window"], set_={"count": Tries.count + 1}
            )
        )

    for one in [pool.submit(database.writer.do, count) for _ in range(200)]:
        one.result(10)
    with database.reading() as session:
        assert session.scalars(select(Tries.count)).all() == [200]


def test_a_killed_process_leaves_everything_that_it_acknowledged(
    database: Database, database_url: str
) -> None:
    command = [sys.executable, "-c", _KILLED, database_url]
    root = str(HERE.parent)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "PYTHONPATH": root}
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(40)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read().split("\n")[:-1]
    assert process.returncode == -signal.SIGKILL
    assert len(told) >= 40
    assert set(told) <= set(keys(database))


_KILLED = """
import sys, threading
from sqlalchemy import insert
from lms.db import Database
from lms.people.models import Tries

database = Database(sys.argv[1])
out = threading.Lock()

def go(thread):
    for number in range(10_000):
        key = f"{thread}-{number}"
        row = {"key": key, "window": 1, "count": 1}
        database.writer.do(lambda connection: connection.execute(insert(Tries), row) and None)
        with out:
            print(key, flush=True)

for thread in range(8):
    threading.Thread(target=go, args=(thread,)).start()
"""
