"""An engine for each database that Ieum knows, and the one way to use it: inside a transaction."""

import select
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from lms.db.writer import Writer

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # FULL, not NORMAL: with power cuts NORMAL lost acknowledged writes in 17 of 30 cuts, FULL none.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA mmap_size=268435456",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32768",
    # Pages that many commits change are carried over into the file once for all of them: at 4,000
    # pages (16 MB) half as much is written there as at SQLite's own 1,000.
    "PRAGMA wal_autocheckpoint=4000",
)

_QUIET = 30.0
"""Seconds after which a connection to PostgreSQL that lay idle is asked whether it still lives."""

_MOST_PREPARED = 300
"""Statements that one connection to PostgreSQL keeps planned: more than Ieum has hot ones."""

_TCP = {
    # A server that vanished without a word is noticed within the minute; a Unix socket ignores it.
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class Database:
    """Two pools over one database: one that may write, one that cannot.

    On SQLite at most one transaction of this process writes at a time, behind a gate of our own
    (`gate`), since SQLite's retry sleeps while others overtake.
    """

    def __init__(self, url: str | URL, *, threads: int = 16) -> None:
        self.url = make_url(url)
        self.engine = connect(self.url, threads=threads)
        self.reader = connect(self.url, threads=threads, read_only=True)
        self.gate: threading.Lock | None = threading.Lock() if self.is_sqlite else None
        self.writer = Writer(self.engine, gate=self.gate)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commit on return, roll back on an exception."""
        if self.gate is not None:
            self.gate.acquire()
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        finally:
            if self.gate is not None:
                self.gate.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one moment and cannot write."""
        with Session(self.reader, expire_on_commit=False, autoflush=False) as session:
            yield session
            if session.in_transaction():
                _leave_snapshot(session.connection())

    def reading_when_asked(self) -> "Reading":
        """As `reading`, begun only when its session is first asked for."""
        return Reading(self)

    def dispose(self) -> None:
        """Stop the writer after what it holds, and close every connection."""
        self.writer.stop()
        self.engine.dispose()
        self.reader.dispose()


class Reading:
    """A reading session of a request that may never need one: most that write by the writer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened: AbstractContextManager[Session] | None = None
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        if self._session is None:
            self._opened = self._database.reading()
            self._session = self._opened.__enter__()
        return self._session

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *raised: Any) -> None:
        if self._opened is not None:
            self._opened.__exit__(*raised)


def _leave_snapshot(connection: Connection) -> None:
    # There is nothing to keep; but at a ROLLBACK psycopg forgets every statement that it has
    # prepared, and PostgreSQL would plan each page's queries anew.
    transaction = connection.get_transaction()
    if transaction is not None and not connection.invalidated:
        transaction.commit()


@contextmanager
def session_on(connection: Connection) -> Iterator[Session]:
    """An ORM session inside a transaction that somebody else commits; an exception undoes its part.

    For the writer's jobs that turn out to be more than a row or two.
    """
    with Session(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    ) as session:
        yield session
        session.commit()  # releases the savepoint; the writer commits


def connect(url: URL | str, *, threads: int = 16, read_only: bool = False) -> Engine:
    """An engine with Ieum's settings. `threads`: how many connections it may hold."""
    url = make_url(url)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            pool_size=threads,
            max_overflow=threads,
            pool_use_lifo=True,  # few connections, each with its page cache warm
            json_deserializer=msgspec.json.decode,
            hide_parameters=True,  # an error's text goes to logs; what people wrote does not
            connect_args={"check_same_thread": False, "timeout": 5, "cached_statements": 400},
        )
        event.listen(engine, "connect", _prepare_reader if read_only else _prepare_writer)
        event.listen(engine, "begin", _begin_deferred if read_only else _begin_immediate)
        return engine
    engine = create_engine(
        url,
        pool_size=threads,
        max_overflow=4,
        pool_timeout=5,
        pool_use_lifo=True,  # few connections, each with its statements planned and its caches warm
        json_deserializer=msgspec.json.decode,
        hide_parameters=True,
        connect_args=_TCP,
    )
    event.listen(engine, "connect", _prepare_snapshots if read_only else _prepare_changes)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _refuse_dead)
    return engine


def _prepare_writer(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    # We begin transactions ourselves: the driver's way begins too late to hold the write lock.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _prepare_reader(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    _prepare_writer(connection, record)
    connection.execute("PRAGMA query_only=ON")
    # As many of these as threads: what they share is the system's cache, by mmap.
    connection.execute("PRAGMA cache_size=-4096")


def _prepare_changes(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.prepared_max = _MOST_PREPARED


def _prepare_snapshots(connection: Any, record: ConnectionPoolEntry) -> None:
    _prepare_changes(connection, record)
    # One moment for a whole page, as on SQLite: what two queries say fits together.
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True


def _note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _refuse_dead(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Have the pool open another connection where this one was closed by the server.

    A server that goes away closes what it holds, so an idle connection on which something waits to
    be read is dead or has news: only then, and after a long silence, a round-trip asks.
    """
    used_at = record.info.get("used_at")
    if used_at is None:  # new
        return
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        if poll.poll(0) or time.monotonic() - used_at > _QUIET:
            connection.autocommit = True
            connection.execute("SELECT 1")
            connection.autocommit = False
    except psycopg.Error as error:
        raise DisconnectionError(str(error)) from error


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    # To the driver itself: this touches no file yet, so there is no error to put into words.
    connection.connection.execute("BEGIN")


def read_back(connection: Connection) -> dict[str, Any]:
    """The settings that durability rests on, as the database itself reports them."""
    if connection.dialect.name == "sqlite":
        names = ("journal_mode", "synchronous", "foreign_keys")
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
    names = ("fsync", "synchronous_commit", "full_page_writes")
    return {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names}
