"""The power is cut under load: what was acknowledged is on the disk, and no batch by half."""

import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms.files.storage import Storage
from tests.powercut import disk
from tests.powercut.machines import Machine, Postgres, Rows, Sqlite, journalled
from tests.test_xapi_kills import ROOT, Sender, free_port, served
from tests.xapi_samples import encoded
from tests.xapi_world import STATEMENT, System, system

CUTS = int(os.environ.get("POWERCUT_CUTS", "20"))
"""On SQLite; PostgreSQL is started on each disk, and gets a quarter of them."""

SENDERS = 4
BATCH = 25
PAD = "가" * 700

pytestmark = pytest.mark.skipif(
    disk.compiler() is None, reason="no C compiler: power cuts were NOT simulated"
)
Batch = dict[str, dict[str, Any]]


class Batches(Sender):
    """Sends batches, and notes with each answer how far the journal was."""

    def __init__(self, port: int, vendor: System, stop: threading.Event, journal: Path) -> None:
        super().__init__(port, vendor, stop)
        self.heard: list[tuple[int, Batch]] = []
        self.sent: list[Batch] = []
        self._journal = journal

    def run(self) -> None:
        while not self._stop_sending.is_set():
            ids = [str(uuid.uuid4()) for _ in range(BATCH)]
            batch = {one: {**STATEMENT, "id": one, "result": {"response": PAD}} for one in ids}
            self.sent.append(batch)
            if self._sent(encoded(list(batch.values()))):
                self.heard.append((self._journal.stat().st_size, batch))


@pytest.fixture
def machine(request: pytest.FixtureRequest, app: Flask, database_url: str, tmp_path: Path) -> Any:
    """Of the database at hand, with a system in it that may send."""
    vendor = system(app, "all")
    app.extensions["lms"].db.dispose()
    kind = Sqlite if database_url.startswith("sqlite") else Postgres
    return kind(database_url, tmp_path), vendor


def test_no_cut_loses_what_was_acknowledged(
    machine: tuple[Machine, System], tmp_path: Path
) -> None:
    database, vendor = machine
    number, enough = (CUTS, 3_000) if isinstance(database, Sqlite) else (max(2, CUTS // 4), 700)
    heard, sent = load(database, vendor, tmp_path, enough)
    points = moments(database.journal, heard, number)
    followed = disk.Disk(database.folder, database.before, still=database.still)
    promised = [
        intact(database.rows(found), point, heard, sent)
        for point, found in disk.cuts(followed, database.journal, points, tmp_path)
    ]
    assert len(promised) == number
    assert 0 < promised[number // 4] < promised[-1] <= len(heard) * BATCH
    assert carried_over(database, heard[0][0]) < points[-1]
    # Seen to fail: a disk that towards the end only pretends to sync the log loses some of it.
    tenth = heard[len(heard) * 9 // 10][0]
    pretending = disk.Disk(
        database.folder,
        database.before,
        still=database.still,
        deaf=lambda note: database.log in note.path and note.end > tenth,
    )
    end = database.journal.stat().st_size
    for point, found in disk.cuts(pretending, database.journal, [end], tmp_path):
        with pytest.raises(AssertionError, match="lost by the cut"):
            intact(database.rows(found), point, heard, sent)


PROGRAM = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1] + "/x.sqlite", isolation_level=None)
c.execute("PRAGMA journal_mode=" + sys.argv[3])
c.execute("PRAGMA synchronous=" + sys.argv[4])
c.execute("PRAGMA wal_autocheckpoint=20")
c.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, told BLOB)")
for n in range(60):
    c.execute("INSERT INTO t VALUES (?, ?)", (n, os.urandom(3000)))
    print(n, os.stat(sys.argv[2]).st_size, flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("mode", "level", "loses"),
    [
        ("WAL", "OFF", True),
        ("WAL", "NORMAL", True),
        ("WAL", "FULL", False),
        ("DELETE", "OFF", True),
        ("DELETE", "EXTRA", False),
    ],
)
def test_the_simulation_finds_what_a_weaker_setting_loses(
    tmp_path: Path, mode: str, level: str, *, loses: bool
) -> None:
    followed, journal, said = ran(tmp_path, PROGRAM, mode, level)
    heard = {int(until): int(number) for number, until in map(str.split, said)}
    lost = 0
    for point, found in disk.cuts(followed, journal, list(heard)[2::3], tmp_path):
        try:
            with closing(sqlite3.connect(found / "x.sqlite")) as connection:
                sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                rows = {n for (n,) in connection.execute("SELECT id FROM t")}
        except sqlite3.DatabaseError:
            sound, rows = False, set()
        lost += not sound or not rows.issuperset(range(heard[point] + 1))
    assert (lost > 0) is loses


NAMES = """
import os, sys
here = sys.argv[1]
def kept(name, folder):
    with open(f"{here}/{name}", "w") as file:
        file.write(name)
        file.flush()
        os.fsync(file.fileno())
    if folder:
        place = os.open(here, os.O_RDONLY)
        os.fsync(place)
        os.close(place)
kept("a", True)
os.rename(f"{here}/a", f"{here}/b")
kept("c", False)
"""


def test_a_name_is_kept_only_when_its_folder_is_synced(tmp_path: Path) -> None:
    followed, journal, _ = ran(tmp_path, NAMES)
    end = journal.stat().st_size
    found = [
        {path.name: path.read_text() for path in folder.iterdir()}
        for _, folder in disk.cuts(followed, journal, [end] * len(disk.CHANCES), tmp_path)
    ]
    assert found[0] == {"a": "a"}
    assert found[-1] == {"b": "a", "c": "c"}


FILES = """
import os, pathlib, runpy, sys
# The module alone: its package brings half of Ieum along.
storage = runpy.run_path("lms/files/storage.py")["Storage"](pathlib.Path(sys.argv[1]))
for n in range(10):
    sha256, _ = storage.put(os.urandom(3000))
    print(sha256, os.stat(sys.argv[2]).st_size, flush=True)
"""


def test_a_file_is_kept_once_storage_has_it(tmp_path: Path) -> None:
    """And would not be, were the file alone synced and not the folders of its name."""
    synced, journal, said = ran(tmp_path, FILES)
    unsynced = disk.Disk(synced.folder, tmp_path / "before", deaf=lambda note: "." not in note.path)
    heard = {int(until): sha256 for sha256, until in map(str.split, said)}
    lost = {synced: 0, unsynced: 0}
    for followed in lost:
        for point, found in disk.cuts(followed, journal, heard, tmp_path):
            for until, sha256 in heard.items():
                path = Storage(found).path(sha256)
                there = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
                lost[followed] += until <= point and not there
    assert lost[synced] == 0
    assert lost[unsynced] > 0


def test_what_cannot_be_followed_is_refused(tmp_path: Path) -> None:
    program = "import os, sys; os.symlink('x', sys.argv[1] + '/y')"
    followed, journal, _ = ran(tmp_path, program)
    with pytest.raises(disk.UnfollowedError, match="symlink"):
        list(disk.cuts(followed, journal, [journal.stat().st_size], tmp_path))


def ran(place: Path, program: str, *more: str) -> tuple[disk.Disk, Path, list[str]]:
    """A small program's journal of an empty folder, and what it said."""
    folder, before, journal = place / "machine", place / "before", place / "journal"
    folder.mkdir()
    before.mkdir()
    environment = {**os.environ, **journalled(folder, journal)}
    command = [sys.executable, "-c", program, str(folder), str(journal), *more]
    done = subprocess.run(
        command, check=True, env=environment, cwd=ROOT, capture_output=True, text=True
    )
    return disk.Disk(folder, before), journal, done.stdout.splitlines()


def load(
    database: Machine, vendor: System, place: Path, enough: int
) -> tuple[list[tuple[int, Batch]], list[Batch]]:
    """Statements are sent until enough came through; then the machine stops.

    On SQLite 2,100 fill its log of 4,000 pages, which is carried over and begun anew.
    """
    stop, port = threading.Event(), free_port()
    senders = [Batches(port, vendor, stop, database.journal) for _ in range(SENDERS)]
    with database.running() as (url, environment):
        with served(url, place, port, environment):
            for sender in senders:
                sender.start()
            wait(senders, enough // 2)
            database.carry_over(url)
            wait(senders, enough // 2)
        stop.set()
        for sender in senders:
            sender.join()
    heard = sorted((one for sender in senders for one in sender.heard), key=lambda one: one[0])
    return heard, [batch for sender in senders for batch in sender.sent]


def wait(senders: Iterable[Batches], more: int) -> None:
    """Until so many more statements were acknowledged."""
    enough = sum(len(sender.heard) for sender in senders) + more / BATCH
    end = time.monotonic() + 120
    while sum(len(sender.heard) for sender in senders) < enough:
        assert time.monotonic() < end, "no statement came through"
        time.sleep(0.02)


def moments(journal: Path, heard: list[tuple[int, Batch]], number: int) -> list[int]:
    """Half of them just after an answer, where least more was synced; the others anywhere."""
    chance = random.Random(7)  # noqa: S311  chance, not a secret
    first, end = heard[0][0], journal.stat().st_size
    answers = [chance.choice(heard)[0] for _ in range(number // 2)]
    return sorted([*answers, *(chance.randrange(first, end) for _ in range(number - len(answers)))])


def intact(rows: Rows, point: int, heard: list[tuple[int, Batch]], sent: list[Batch]) -> int:
    """How many statements were promised by then: all are there, whole, and no batch by half."""
    promised = {id_ for at, batch in heard if at <= point for id_ in batch}
    lost = promised - rows.keys()
    assert not lost, f"{len(lost)} of {len(promised)} lost by the cut at {point}"
    for batch in sent:
        there = batch.keys() & rows.keys()
        assert len(there) in {0, len(batch)}, f"half a batch after the cut at {point}"
        for id_ in there:
            kept = json.loads(rows[id_])
            assert {key: kept[key] for key in ("id", "result", "verb")} == {
                key: batch[id_][key] for key in ("id", "result", "verb")
            }
    return len(promised)


def carried_over(database: Machine, since: int) -> int:
    """Where in the journal, after `since`, the log had been carried over into the tables."""
    tables = ".sqlite" if isinstance(database, Sqlite) else "/base/"
    return next(
        note.end
        for note in disk.notes(database.journal)
        if note.what == disk.SYNCED and tables in note.path and note.end > since
        if database.log not in note.path
    )
