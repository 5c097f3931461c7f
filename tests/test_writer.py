"""The group-commit writer: many in one commit, nobody harmed by another, no answer too early."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError, OperationalError

from lms.db import Database, Writer
from lms.errors import BusyError, ClosedError
from lms.people.models import Tries
from tests.writer_world import Held, add, commits_of, keys, opened, threads, wait_for


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    yield from opened(database_url)


@pytest.fixture
def commits(database: Database) -> list[float]:
    return commits_of(database)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    yield from threads()


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
    assert [one.result(60) for one in behind] == [f"{n:02}" for n in range(30)]
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
        one.result(60)
    writer.stop()
    assert sizes == [1, 4, 4, 2]


def test_one_refusal_harms_no_neighbour(database: Database, pool: ThreadPoolExecutor) -> None:
    def refuse(connection: Connection) -> None:
        add("half")(connection)
        raise ClosedError("닫혔습니다.")

    held = Held(database.writer, pool)
    before, refused, twice, after = held.behind(add("same"), refuse, add("same"), add("after"))
    held.go()
    assert (before.result(60), after.result(60)) == ("same", "after")
    with pytest.raises(ClosedError):
        refused.result(60)
    with pytest.raises(IntegrityError):  # on PostgreSQL this would doom the whole transaction
        twice.result(60)
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
    assert second.result(60) == "after"
    if database.is_sqlite:
        assert first.result(60) == "went on"
    else:  # its savepoint is lost: it must not be told that it was saved
        with pytest.raises(Exception, match="aborted"):
            first.result(60)
    assert keys(database) == ["after"]


def test_jobs_of_a_commit_run_in_the_order_of_their_keys(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    held = Held(database.writer, pool)
    behind = [held.behind(add(f"k{key}"), key=key)[0] for key in (3, 1, 2)]
    held.go()
    for one in behind:
        one.result(60)
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
    assert [one.result(60) for one in (*first, between, rest[1], rest[2])] == ["a", "b", "c", "d"]
    with pytest.raises(ClosedError):
        rest[0].result(60)
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
    assert (before.result(60), after.result(60)) == ("before", "after")
    with pytest.raises((ZeroDivisionError, ValueError)):
        faulty.result(60)
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
    assert one.result(60) == "one"
    with pytest.raises(ClosedError):
        refused.result(60)
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
    assert time.monotonic() - begun < 5  # half its patience: nobody waits to be refused
    assert busy.value.retry_after == 2
    writer.later(add("nobody waits for this"))  # forgotten, not raised
    held.go()
    assert [one.result(60) for one in taken] == ["a", "b"]
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
    writer._patience = 60
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
    stopping.result(60)
    assert keys(database) == ["0", "1", "2", "3", "4"]
    assert [one.result(1) for one in behind] == ["0", "1", "2", "3", "4"]
    assert database.writer.do(add("again")) == "again"
