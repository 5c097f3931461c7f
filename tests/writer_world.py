"""A writer that is held while jobs gather behind it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, event, insert, select

from lms.db import Database, Writer
from lms.people.models import Tries


def opened(database_url: str) -> Iterator[Database]:
    database = Database(database_url, threads=4)
    yield database
    database.dispose()


def commits_of(database: Database) -> list[float]:
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


def wait_for(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool
