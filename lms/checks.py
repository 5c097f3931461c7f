"""What must hold before Ieum may serve: asked by `lms check`, `/readyz` and every start."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lms import clock, migrations
from lms.config import Settings
from lms.db import Database
from lms.db.engine import read_back
from lms.outbox import Task
from lms.outbox.leases import database_now

LEAST_FREE = 500 << 20
MOST_APART = timedelta(seconds=5)
_SQLITE_FULL = 2


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `text` says what was seen or, when not `ok`, what to do."""

    name: str
    ok: bool
    text: str
    fatal: bool = True
    """Whether the start is refused; else it is only pointed at."""


def ready(db: Database) -> list[Finding]:
    """What is cheap to ask at any time: the database answers, durably, with our tables at head."""
    return _ask(db, {"durability": durability, "migrations": at_head})


def every(settings: Settings, db: Database) -> list[Finding]:
    """Everything that is checked before a start, in the order of docs/settings.md."""
    findings = _ask(db, {"durability": durability, "migrations": at_head, "clock": same_time})
    if all(finding.ok for finding in findings):  # else its table may not be there to be asked
        findings += _ask(db, {"outbox": nothing_given_up})
    return [*findings, processes(settings), hosts(settings), secret(settings), disk(settings)]


def durability(connection: Connection) -> Finding:
    """Whether an acknowledged write survives a power cut, as the database itself tells it."""
    seen = read_back(connection)
    said = ", ".join(f"{name}={value}" for name, value in seen.items())
    if connection.dialect.name == "sqlite":
        wanted = (
            str(seen["journal_mode"]).lower() == "wal"
            and int(seen["synchronous"]) >= _SQLITE_FULL
            and int(seen["foreign_keys"]) == 1
        )
        remedy = "put the file on a local disk, where SQLite's WAL works with synchronous=FULL."
    else:
        wanted = (
            seen["fsync"] == "on"
            and seen["full_page_writes"] == "on"
            and seen["synchronous_commit"] not in {"off", "local"}
        )
        remedy = "set fsync, full_page_writes and synchronous_commit to on in postgresql.conf."
    return Finding("durability", wanted, said if wanted else f"{said}: {remedy}")


def at_head(connection: Connection) -> Finding:
    """Whether the tables are those that this code knows."""
    stands, newest = migrations.current(connection), migrations.head()
    if stands == newest:
        return Finding("migrations", True, f"at {newest}")
    text = f"the database is at {stands}, this code at {newest}: run `lms migrate`."
    return Finding("migrations", False, text)


def same_time(connection: Connection) -> Finding:
    """Whether our clock and the database's agree."""
    before = clock.now()
    theirs = database_now(connection)
    apart = max(before - theirs, theirs - clock.now(), timedelta(0))
    if apart < MOST_APART:
        return Finding("clock", True, f"{apart.total_seconds():.3f} s from the database's")
    text = f"{apart.total_seconds():.0f} s from the database's: let NTP set both machines."
    return Finding("clock", False, text)


def nothing_given_up(connection: Connection) -> Finding:
    """Whether a promised task was given up, which a person has to look at."""
    count = connection.scalar(
        select(func.count()).select_from(Task).where(Task.failed_at.is_not(None))
    )
    if not count:
        return Finding("outbox", True, "no task was given up", fatal=False)
    text = f"{count} tasks were given up: see `lms outbox`, then `lms outbox --again KEY`."
    return Finding("outbox", False, text, fatal=False)


def processes(settings: Settings) -> Finding:
    """Whether the web processes fit the database."""
    sqlite = settings.database.startswith("sqlite")
    if sqlite and settings.workers > 1:
        text = (
            f"LMS_WORKERS={settings.workers} on SQLite: one web process has the write gate; "
            "set LMS_WORKERS=1 or take PostgreSQL (LMS_DATABASE_URL)."
        )
        return Finding("processes", False, text)
    return Finding("processes", True, f"{workers(settings)} with {settings.threads} threads")


def workers(settings: Settings) -> int:
    """How many web processes to start."""
    if settings.database.startswith("sqlite"):
        return 1
    return settings.workers or os.cpu_count() or 1


def hosts(settings: Settings) -> Finding:
    """Whether uploaded content has a host name of its own, where no cookie of ours goes."""
    site, content = urlsplit(settings.base_url).hostname, urlsplit(settings.content_base).hostname
    if site != content:
        return Finding("hosts", True, f"site {site}, content {content}")
    text = f"site and content are both {site}: set LMS_CONTENT_URL to another host name."
    return Finding("hosts", False, text)


def secret(settings: Settings) -> Finding:
    """Whether cookies and links are signed, and sealed columns sealed, with a real key."""
    try:
        keys = settings.signing_secret(), settings.encryption_key()
    except OSError as error:
        return Finding("secret", False, f"cannot be kept: {error}. Make LMS_VAR writable.")
    if min(map(len, keys)) < 16:
        text = "LMS_SECRET or LMS_DATA_KEY is shorter than 16 characters: write longer ones."
        return Finding("secret", False, text)
    return Finding("secret", True, "set")


def disk(settings: Settings) -> Finding:
    """Whether LMS_VAR can be written and has room."""
    folder = settings.folder
    probe = folder / f".probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", False, f"{folder} cannot be written ({error}): make it writable.")
    if free < LEAST_FREE:
        text = f"{free >> 20} MB free under {folder}: make it {LEAST_FREE >> 20} MB or more."
        return Finding("disk", False, text)
    return Finding("disk", True, f"{free >> 20} MB free under {folder}")


def _ask(db: Database, asked: dict[str, Callable[[Connection], Finding]]) -> list[Finding]:
    findings = []
    for name, question in asked.items():
        try:
            # The reader has the same pragmas, and asking must not wait for the write lock.
            with db.reader.connect() as connection:
                findings.append(question(connection))
        except (DBAPIError, PoolTimeoutError) as error:
            text = f"the database does not answer ({type(error).__name__}): see LMS_DATABASE_URL."
            findings.append(Finding(name, False, text))
    return findings
