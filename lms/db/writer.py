"""Many requests' small writes in one durable commit of one thread.

Each request hands over a function and waits; the writer runs what has gathered in one transaction,
each in a savepoint so that one refusal never fails its neighbours, and answers all after the
fsync. Measured on the house's sketch: three to four times the requests of a transaction each.
What comes most often is handed over as an item instead: one call answers all items of a commit.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeVar

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from lms.db.faults import is_disconnect
from lms.errors import BusyError

Answer = TypeVar("Answer")
Item = TypeVar("Item")
_LOST = TransactionStatus.INERROR
BUSY = (
    "지금 저장할 것이 많아 받지 못했습니다. 보낸 것은 그대로 있으니 잠시 뒤에 다시 보내 주십시오."
)


class _Job:
    """`work` answers `items` in their order; an exception among the answers is its item's own.

    Lighter than a Future, of which each has a condition of its own: a lock that is held until the
    answer is there, and a claim that either the writer takes or whoever gives up waiting.
    """

    __slots__ = ("_claim", "_told", "answer", "item", "key", "shared", "work")

    def __init__(
        self,
        work: Callable[[Connection, Sequence[Any]], Sequence[Any]],
        item: Any,
        key: int,
        *,
        shared: bool = False,
    ) -> None:
        self.work = work
        self.item = item
        self.key = key
        self.shared = shared
        """Whether one call of `work` may answer several jobs."""
        self.answer: Any = None
        self._claim = [True]
        self._told = threading.Lock()
        self._told.acquire()

    def claim(self) -> bool:
        """Whether it is the caller's to do, or to give up; one of all who ask hears yes."""
        try:
            return self._claim.pop()
        except IndexError:
            return False

    def tell(self) -> None:
        self._told.release()

    def wait(self, seconds: float) -> bool:
        """Whether the answer came in time."""
        return self._told.acquire(timeout=seconds)

    def result(self) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def _each(connection: Connection, items: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    return [work(connection) for work in items]


class Writer:
    """One thread that commits for many. `most`: jobs in one commit; `room`: jobs that may wait."""

    def __init__(
        self,
        engine: Engine,
        *,
        gate: "threading.Lock | None",  # a factory until Python 3.13, not a type
        most: int = 200,
        room: int = 2000,
        patience: float = 10.0,
    ) -> None:
        self._engine = engine
        self._gate = gate
        self._most = most
        self._patience = patience
        self._room = room
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def do(self, work: Callable[[Connection], Answer], *, key: int = 0) -> Answer:
        """Run `work` in the next commit and return its answer once that is on disk.

        `key`: jobs of one commit run in its order, so that two processes lock rows in one order.
        Raises what `work` raised; BusyError when the queue is full or the wait too long.
        """
        answer: Answer = self._wait(_Job(_each, work, key))
        return answer

    def do_together(
        self,
        work: Callable[[Connection, Sequence[Item]], Sequence[Answer | Exception]],
        item: Item,
        *,
        key: int = 0,
    ) -> Answer:
        """As `do`, but one call of `work` answers every item that one commit brings for it.

        `work` gets the items in the order of their keys and answers in that order, with an
        exception for an item that it refuses before it has written anything for it. When it raises
        instead, all is undone and each item is tried alone, so that nobody fails for another.
        """
        answer: Answer = self._wait(_Job(work, item, key, shared=True))
        return answer

    def _wait(self, job: _Job) -> Any:
        self._put(job)
        # Who was told that nothing was saved must not find it saved later: a commit that has begun
        # is waited for.
        if job.wait(self._patience) or (not job.claim() and job.wait(self._patience)):
            return job.result()
        raise BusyError(BUSY)

    def _put(self, job: _Job) -> None:
        """Have the job done in a commit to come. Raises BusyError when the queue is full."""
        self._start()
        if self._waiting.qsize() >= self._room:
            raise BusyError(BUSY)
        self._waiting.put(job)

    def later(self, work: Callable[[Connection], Any]) -> None:
        """Have `work` done in a commit to come; forget it when the queue is full.

        For what a reading request leaves behind and nobody waits for.
        """
        with suppress(BusyError):
            self._put(_Job(_each, work, 0))

    def stop(self) -> None:
        """Commit what waits, then end the thread."""
        with self._starting:
            if self._thread is not None and self._thread.is_alive():
                self._waiting.put(None)
                self._thread.join(self._patience)
            self._thread = None

    def _start(self) -> None:
        # Begun at first use: a server that forks afterwards would lose the thread.
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(
                        target=self._run, daemon=True, name="lms-writer"
                    )
                    self._thread.start()

    def _run(self) -> None:
        while True:
            jobs, go_on = self._gather()
            wanted = [job for job in jobs if job.claim()]
            if wanted:
                self._commit(sorted(wanted, key=lambda job: job.key))
            if not go_on:
                return

    def _gather(self) -> tuple[list[_Job], bool]:
        jobs: list[_Job] = []
        job = self._waiting.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) >= self._most:
                return jobs, True
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._run_together(jobs)
        except OperationalError as error:
            # A deadlock with another process, say: whoever is alone cannot be in a circle for long.
            # A database that is away is no better for being asked again by each.
            away = is_disconnect(error)
            for job in jobs:
                job.answer = error if away else self._run_alone(job)
        except Exception as error:  # the commit itself failed: nobody was saved
            for job in jobs:
                job.answer = error
        for job in jobs:
            job.tell()

    def _run_together(self, jobs: list[_Job]) -> None:
        calls = _calls(jobs)
        if len(calls) == 1:
            self._run_one_call(jobs)
            return
        with self._gate or nullcontext(), self._engine.begin() as connection:
            for call in calls:
                _run_call(connection, call)

    def _run_one_call(self, jobs: list[_Job]) -> None:
        """Where all share one call, the transaction is the savepoint."""
        try:
            with self._gate or nullcontext(), self._engine.begin() as connection:
                answers = jobs[0].work(connection, [job.item for job in jobs])
                _check_whole(connection)
                told = list(zip(jobs, answers, strict=True))
        except OperationalError:
            raise
        except Exception as error:
            for job in jobs:
                job.answer = error if len(jobs) == 1 else self._run_alone(job)
        else:
            for job, answer in told:
                job.answer = answer

    def _run_alone(self, job: _Job) -> Any:
        """The answer, or the exception, of a job in a transaction of its own."""
        error: Exception | None = None
        for attempt in range(3):
            try:
                with self._gate or nullcontext(), self._engine.begin() as connection:
                    [answer] = job.work(connection, [job.item])
                    _check_whole(connection)
                    return answer
            except OperationalError as failure:
                error = failure
                time.sleep(0.01 * (attempt + 1))
            except Exception as failure:
                return failure
        return error


def _calls(jobs: Sequence[_Job]) -> list[list[_Job]]:
    """Jobs that share their work stand together, where the first of them stood."""
    calls: dict[Any, list[_Job]] = {}
    for job in jobs:
        calls.setdefault(job.work if job.shared else job, []).append(job)
    return list(calls.values())


def _run_call(connection: Connection, jobs: list[_Job]) -> None:
    try:
        with _savepoint(connection):
            answers = jobs[0].work(connection, [job.item for job in jobs])
            for job, answer in zip(jobs, answers, strict=True):
                job.answer = answer
    except OperationalError:
        raise
    except Exception as error:
        if len(jobs) == 1:
            jobs[0].answer = error
            return
        for job in jobs:
            _run_call(connection, [job])


def _check_whole(connection: Connection) -> None:
    """Raises what PostgreSQL says where a job swallowed a database error: all is lost then.

    Its COMMIT would roll back without a word.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql" and driver.info.transaction_status == _LOST:
        connection.exec_driver_sql("SELECT 1")


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    # Plain SQL: a third of the time that begin_nested() spends in bookkeeping on this hot path.
    connection.exec_driver_sql("SAVEPOINT lms_job")
    try:
        yield
        # Fails on PostgreSQL where a job swallowed a database error: its savepoint is lost then.
        connection.exec_driver_sql("RELEASE SAVEPOINT lms_job")
    except OperationalError:
        raise
    except BaseException:
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT lms_job")
        connection.exec_driver_sql("RELEASE SAVEPOINT lms_job")
        raise
