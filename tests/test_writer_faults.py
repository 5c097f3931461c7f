"""The writer when the database breaks off, is away, or the process is killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import OperationalError

from lms.db import Database, insert_for
from lms.people.models import Tries
from tests.writer_world import Held, add, commits_of, keys, opened, threads


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    yield from opened(database_url)


@pytest.fixture
def commits(database: Database) -> list[float]:
    return commits_of(database)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    yield from threads()


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
    assert [one.result(60) for one in behind] == expected
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
            one.result(60)
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
        theirs.wait(60)
        take(connection, "second")
        return "done"

    def other() -> None:
        with database.engine.begin() as connection:
            # The writer's side notices first, and is the one broken off.
            connection.execute(text("SET LOCAL deadlock_timeout = '9s'"))
            mine.wait(60)
            take(connection, "second")
            theirs.set()
            take(connection, "first")

    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(other)
        assert database.writer.do(job) == "done"
        waiting.result(60)
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
    root = str(Path(__file__).parent.parent)
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
