"""The start is refused where something would be lost, with a sentence that says what to do."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lms import checks, clock, migrations
from lms.config import Settings
from lms.db import Database
from lms.outbox import promise

KEYS = {"secret": "s" * 32, "data_key": "k" * 32}


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def settings(db: Database, tmp_path: Path) -> Settings:
    url = db.url.render_as_string(hide_password=False)
    return Settings(database_url=url, var=str(tmp_path / "var"), **KEYS)


def wrong(findings: list[checks.Finding]) -> dict[str, str]:
    return {finding.name: finding.text for finding in findings if not finding.ok}


def test_sound_installation(settings: Settings, db: Database) -> None:
    findings = checks.every(settings, db)
    assert wrong(findings) == {}
    names = ["durability", "migrations", "clock", "outbox", "processes", "hosts", "secret", "disk"]
    assert [finding.name for finding in findings] == names


def test_tables_behind_the_code(settings: Settings, db: Database) -> None:
    migrations.downgrade(settings.database, "base")
    assert wrong(checks.every(settings, db)) == {
        "migrations": f"the database is at None, this code at {migrations.head()}: "
        "run `lms migrate`."
    }


def test_settings_that_do_not_go_together(settings: Settings, db: Database) -> None:
    odd = replace(
        settings,
        content_url="http://localhost:9000",
        secret="short",
        workers=2,
        database_url="sqlite:///x",
    )
    assert set(wrong(checks.every(odd, db))) == {"hosts", "secret", "processes"}


def test_folder_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    finding = checks.disk(replace(settings, var=str(tmp_path / "file" / "var")))
    assert (finding.ok, "cannot be written" in finding.text) == (False, True)


def test_little_room(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=499 << 20)
    monkeypatch.setattr("lms.checks.shutil.disk_usage", lambda _: usage)
    assert checks.disk(settings).text.startswith("499 MB free")


def test_clocks_apart(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = clock.now() + timedelta(hours=1)
    monkeypatch.setattr("lms.checks.clock.now", lambda: ahead)
    with db.engine.connect() as connection:
        finding = checks.same_time(connection)
    assert (finding.ok, "let NTP set both machines" in finding.text) == (False, True)


def test_weak_database_is_refused(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every weaker setting of both databases, as the database would tell it."""
    good = {
        "sqlite": {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1},
        "postgresql": {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"},
    }
    weak = {
        "sqlite": {
            "journal_mode": ["delete", "memory"],
            "synchronous": [0, 1],
            "foreign_keys": [0],
        },
        "postgresql": {
            "fsync": ["off"],
            "synchronous_commit": ["off", "local"],
            "full_page_writes": ["off"],
        },
    }
    with db.engine.connect() as connection:
        name = connection.dialect.name
        for setting, values in weak[name].items():
            for value in values:
                told = {**good[name], setting: value}
                monkeypatch.setattr(checks, "read_back", lambda _, told=told: told)
                assert not checks.durability(connection).ok, told
        monkeypatch.setattr(checks, "read_back", lambda _: good[name])
        assert checks.durability(connection).ok


def test_really_weak_sqlite_is_seen(sqlite_url: str) -> None:
    """Not only as told: a connection whose pragma was turned down is read back."""
    db = Database(sqlite_url)
    with db.reader.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute("PRAGMA synchronous=NORMAL")
    assert set(wrong(checks.ready(db))) == {"durability"}
    db.dispose()


def test_task_given_up_is_pointed_at_and_stops_nothing(settings: Settings, db: Database) -> None:
    from lms.outbox import Task

    with db.transaction() as session:
        promise(session, "x", key="k", now=clock.now())
        session.flush()
        session.query(Task).update({"failed_at": clock.now()})
    (finding,) = [one for one in checks.every(settings, db) if not one.ok]
    assert (finding.name, finding.fatal) == ("outbox", False)


def test_health_answers(client: FlaskClient, app: Flask) -> None:
    assert client.get("/healthz").json == {"up": True}
    ready = client.get("/readyz")
    body = {"ready": True, "checks": {"durability": True, "migrations": True}}
    assert (ready.status_code, ready.json) == (200, body)


def test_not_ready_says_which_and_no_more(app: Flask, client: FlaskClient) -> None:
    database = app.extensions["lms"].db
    migrations.downgrade(database.url, "base")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (
        503,
        {"ready": False, "checks": {"durability": True, "migrations": False}},
    )


def test_healthy_without_a_database(
    sqlite_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = sqlite_app.extensions["lms"].db
    gone = Database(f"sqlite:///{tmp_path / 'nowhere' / 'x.sqlite'}")
    monkeypatch.setattr(database, "reader", gone.reader)
    client = sqlite_app.test_client()
    assert client.get("/healthz", base_url="http://localhost").status_code == 200
    answer = client.get("/readyz", base_url="http://localhost")
    assert (answer.status_code, answer.json) == (
        503,
        {"ready": False, "checks": {"durability": False, "migrations": False}},
    )
    gone.dispose()
