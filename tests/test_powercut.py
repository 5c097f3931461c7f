"""The power is cut under load: what was acknowledged is on the disk, and no batch by half."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from tests.powercut import disk
from tests.test_xapi_kills import Sender, free_port, served
from tests.xapi_samples import encoded
from tests.xapi_world import STATEMENT, System, system

CUTS = int(os.environ.get("POWERCUT_CUTS", "20"))
SENDERS = 4
BATCH = 5
ENOUGH = 150
needs_cc = pytest.mark.skipif(
    disk.compiler() is None, reason="no C compiler: power cuts were not simulated"
)


class Acknowledged(NamedTuple):
    ids: list[str]
    at: int
    """How long the journal was when the answer was here."""


class Batches(Sender):
    """Sends batches, and notes with each answer how far the journal was."""

    def __init__(self, port: int, vendor: System, stop: threading.Event, journal: Path) -> None:
        super().__init__(port, vendor, stop)
        self.heard: list[Acknowledged] = []
        self.sent: list[list[str]] = []
        self._journal = journal

    def run(self) -> None:
        while not self._stop_sending.is_set():
            ids = [str(uuid.uuid4()) for _ in range(BATCH)]
            self.sent.append(ids)
            if self._sent(encoded([{**STATEMENT, "id": one} for one in ids])):
                self.heard.append(Acknowledged(ids, self._journal.stat().st_size))
                self.acknowledged += ids


@pytest.fixture
def preloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Have what is started from now on keep a journal of a folder; returns the journal."""

    def begin(folder: Path) -> Path:
        journal = tmp_path / "journal"
        journal.touch()
        monkeypatch.setenv("POWERCUT_FOLDER", str(folder))
        monkeypatch.setenv("POWERCUT_JOURNAL", str(journal))
        monkeypatch.setenv("LD_PRELOAD", str(disk.library(tmp_path)))
        return journal

    return begin


@needs_cc
def test_no_cut_loses_what_was_acknowledged(
    sqlite_app: Flask, sqlite_url: str, tmp_path: Path, preloaded: Callable[[Path], Path]
) -> None:
    vendor = system(sqlite_app, "all")
    sqlite_app.extensions["lms"].db.dispose()
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    folder = tmp_path / "machine"
    folder.mkdir()
    shutil.move(file, folder / file.name)
    before = tmp_path / "before"
    shutil.copytree(folder, before)
    journal = preloaded(folder)
    senders = load(f"sqlite:///{folder / file.name}", tmp_path, vendor, journal)
    heard = [one for sender in senders for one in sender.heard]
    batches = [ids for sender in senders for ids in sender.sent]
    assert len(heard) * BATCH >= ENOUGH
    end = journal.stat().st_size
    chance = random.Random(7)  # noqa: S311  chance, not a secret
    cuts = sorted(chance.randrange(end // 10, end) for _ in range(CUTS))
    felt = 0
    for seed, until in enumerate(cuts):
        found = after(journal, before, folder, tmp_path / f"cut{seed}", until, seed, file.name)
        promised = {one for each in heard if each.at <= until for one in each.ids}
        assert promised <= found, f"{len(promised - found)} lost by the cut at {until}"
        assert all(found.issuperset(ids) or found.isdisjoint(ids) for ids in batches)
        felt += len(promised) < len(heard) * BATCH
    assert felt > CUTS // 2  # most cuts came before the end of the work


@needs_cc
@pytest.mark.parametrize(("level", "loses"), [("OFF", True), ("FULL", False)])
def test_the_simulation_finds_what_a_weaker_setting_loses(
    tmp_path: Path, preloaded: Callable[[Path], Path], level: str, *, loses: bool
) -> None:
    folder, before = tmp_path / "machine", tmp_path / "before"
    folder.mkdir()
    before.mkdir()
    journal = preloaded(folder)
    acknowledged = tmp_path / "acknowledged"
    program = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA journal_mode=WAL')\n"
        "c.execute('PRAGMA synchronous=' + sys.argv[4])\n"
        "c.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, told BLOB)')\n"
        "for n in range(60):\n"
        "    c.execute('INSERT INTO t VALUES (?, ?)', (n, os.urandom(3000)))\n"
        "    with open(sys.argv[2], 'a') as said:\n"
        "        said.write(f'{n} {os.stat(sys.argv[3]).st_size}\\n')\n"
        "os._exit(0)\n"
    )
    told = [str(folder / "x.sqlite"), str(acknowledged), str(journal), level]
    subprocess.run([sys.executable, "-c", program, *told], check=True)
    heard = [tuple(map(int, line.split())) for line in acknowledged.read_text().splitlines()]
    lost = 0
    for seed, (number, until) in enumerate(heard[5::6]):
        to = tmp_path / f"cut{seed}"
        disk.rebuild(journal, before, folder, to, until=until, seed=seed)
        try:
            rows = sqlite3.connect(to / "x.sqlite").execute("SELECT id FROM t").fetchall()
        except sqlite3.DatabaseError:
            rows = []
        lost += not {(n,) for n in range(number + 1)} <= set(rows)
    assert (lost > 0) is loses


def load(url: str, folder: Path, vendor: System, journal: Path) -> list[Batches]:
    """Statements are sent until enough came through; then the machine stops."""
    stop, port = threading.Event(), free_port()
    senders = [Batches(port, vendor, stop, journal) for _ in range(SENDERS)]
    with served(url, folder, port):
        for sender in senders:
            sender.start()
        end = time.monotonic() + 60
        while sum(len(sender.acknowledged) for sender in senders) < ENOUGH:
            assert time.monotonic() < end, "no statement came through"
            time.sleep(0.02)
    stop.set()
    for sender in senders:
        sender.join()
    return senders


def after(
    journal: Path, before: Path, folder: Path, to: Path, until: int, seed: int, name: str
) -> set[str]:
    """The ids of the statements that are there after the cut; the database is sound."""
    disk.rebuild(journal, before, folder, to, until=until, seed=seed)
    (to / f"{name}-shm").unlink(missing_ok=True)  # memory, which nothing is expected of
    connection = sqlite3.connect(to / name)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT statement_id, raw FROM lms_statement").fetchall()
    finally:
        connection.close()
    shutil.rmtree(to)
    assert all(id_.encode() in raw for id_, raw in rows)
    return {id_ for id_, _ in rows}


@pytest.fixture(autouse=True)
def _no_preload_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    monkeypatch.undo()
