"""Two real schedulers, one paused past its lease and one killed: nothing is lost, no slot twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from lms import clock
from lms.db import Database
from lms.outbox import Handler, Job, JobRun, Lease, Task, promise

ROOT = Path(__file__).parent.parent
TASKS = 150
PATIENCE = 90.0


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def test_paused_and_killed_schedulers_lose_nothing(db: Database, tmp_path: Path) -> None:
    promise_many(db, TASKS)
    with schedulers(db, tmp_path, 2) as processes:
        first = leader(db, processes)
        pause(db, first)
        second = leader(db, processes, but=first)
        at_pause = len(lines(tmp_path, "slots"))
        until(lambda: len(lines(tmp_path, "slots")) > at_pause + 2, "the second leads")
        os.kill(first.pid, signal.SIGCONT)
        promise_many(db, TASKS, prefix="late")
        until(lambda: len(lines(tmp_path, "slots")) > at_pause + 6, "both are awake")
        second.kill()
        until(lambda: kept(db) == 2 * TASKS, "all tasks are kept")
        assert leader(db, processes, but=second).pid == first.pid
        first.terminate()
        assert first.wait(PATIENCE) == 0
    effects = Counter(lines(tmp_path, "effects"))
    assert set(effects) == {f"{kind}:{n}" for kind in ("task", "late") for n in range(TASKS)}
    slots = Counter(lines(tmp_path, "slots"))
    assert [slot for slot, times in slots.items() if times > 1] == []
    with db.reading() as session:
        runs = session.scalars(select(JobRun).where(JobRun.holder != "first sight")).all()
    assert {run.slot.isoformat() for run in runs} >= set(slots)
    assert all(run.finished_at or run.error for run in runs)


def test_leader_that_does_not_know_it_is_none_runs_nothing_twice(
    db: Database, tmp_path: Path
) -> None:
    """The first neither renews its lease nor hears that it is over: two believe that they lead."""
    with schedulers(db, tmp_path, 1, renewal=600.0) as (first,):
        assert leader(db, [first]).pid == first.pid
        with schedulers(db, tmp_path, 1) as (second,):
            assert leader(db, [second]).pid == second.pid
            led = len(lines(tmp_path, "slots"))
            until(lambda: len(lines(tmp_path, "slots")) > led + 6, "slots go on")
    assert [slot for slot, times in Counter(lines(tmp_path, "slots")).items() if times > 1] == []


def promise_many(db: Database, count: int, prefix: str = "task") -> None:
    with db.transaction() as session:
        for number in range(count):
            promise(session, "test.write", key=f"{prefix}:{number}", now=clock.now())


def kept(db: Database) -> int:
    with db.reading() as session:
        query = select(func.count()).select_from(Task).where(Task.done_at.is_not(None))
        return session.scalar(query) or 0


def lines(folder: Path, name: str) -> list[str]:
    path = folder / name
    return path.read_text().split() if path.exists() else []


def leader(
    db: Database,
    processes: list[subprocess.Popen[bytes]],
    but: subprocess.Popen[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """The process whose lease it is, once that is not `but`'s."""

    def found() -> list[subprocess.Popen[bytes]]:
        with db.reading() as session:
            holder = session.scalar(select(Lease.holder)) or ""
        return [one for one in processes if f":{one.pid}:" in holder and one is not but]

    return until(found, "somebody leads")[0]


def pause(db: Database, process: subprocess.Popen[bytes]) -> None:
    """Stop a process outside its transactions: SQLite's lock would be held by one that sleeps.

    One thread takes the signal and stops the others, so until the kernel says that all of them
    stand, one may still begin a transaction.
    """
    for _ in range(200):
        os.kill(process.pid, signal.SIGSTOP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "the process ended"
        if not db.is_sqlite or is_free(str(db.url.database)):
            return
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError("the process was always writing")


def is_free(path: str) -> bool:
    connection = sqlite3.connect(path, timeout=0.3, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def until(true: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = true()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not in {PATIENCE} s: {what}")


@contextmanager
def schedulers(
    db: Database, folder: Path, count: int, renewal: float = 0.3
) -> Iterator[list[subprocess.Popen[bytes]]]:
    url = db.url.render_as_string(hide_password=False)
    command = [sys.executable, __file__, url, str(folder), str(renewal)]
    log = (folder / "log").open("ab")
    started = [subprocess.Popen(command, cwd=ROOT, stderr=log) for _ in range(count)]
    try:
        yield started
    finally:
        log.close()
        for process in started:
            process.kill()
            process.wait()


def main(url: str, folder: Path, renewal: float) -> None:
    """One scheduler in its own process, with a job every second and a slow handler."""
    import pluggy

    from lms import hooks
    from scheduler.pace import Pace
    from scheduler.process import run

    def append(name: str, line: str) -> None:
        handle = os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{line}\n".encode())
        os.close(handle)

    def write(_state: Any, task: Task, _now: datetime) -> None:
        append("effects", task.key)
        time.sleep(0.004)

    def note(_state: Any, slot: datetime) -> None:
        append("slots", slot.isoformat())

    class Given:
        @hooks.hookimpl
        def lms_jobs(self) -> list[Job]:
            return [
                Job(
                    "slot",
                    lambda _, slot: append("slots", slot.isoformat()),
                    timedelta(seconds=0.25),
                )
            ]

        @hooks.hookimpl
        def lms_tasks(self) -> dict[str, Handler]:
            return {"test.write": write}

    manager = pluggy.PluginManager("lms")
    manager.add_hookspecs(hooks)
    manager.register(Given())
    state: Any = SimpleNamespace(db=Database(url, threads=8), hook=manager.hook)
    quick = Pace(
        lease=timedelta(seconds=1.2),
        renewal=renewal,
        tick=0.05,
        poll=0.05,
        claim=timedelta(seconds=1.5),
        batch=5,
    )
    run(state, pace=quick)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
