"""The command line: what it reads from the environment, and what it says."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest
from click.testing import CliRunner, Result

from lms import migrations
from lms.cli import environment, main
from lms.cli.serving import Beside
from lms.db import Database
from lms.outbox import Task, promise
from lms.web import assets
from tests import factories

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LMS_DATABASE_URL", "LMS_BASE_URL", "LMS_DEMO", "PORT", "HOST"):
        monkeypatch.setenv(name, "")  # so that what a command sets is undone afterwards
    monkeypatch.setenv("LMS_VAR", str(tmp_path / "var"))


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env=environ)


@pytest.mark.parametrize("spelling", ["postgres://u:p@h/d", "postgresql://u:p@h/d"])
def test_usual_spellings_of_postgresql(spelling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_DATABASE_URL", spelling)
    environment.prepare()
    assert os.environ["LMS_DATABASE_URL"] == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(
    ("port", "base_url", "expected"),
    [
        ("", "", (8000, "http://localhost:8000")),
        ("9001", "", (9001, "http://localhost:9001")),
        ("9001", "https://ieum.example", (9001, "https://ieum.example")),
        ("", "https://ieum.example", (8000, "https://ieum.example")),
        ("", "http://localhost:7000", (7000, "http://localhost:7000")),
    ],
)
def test_port(
    port: str, base_url: str, expected: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", port)
    monkeypatch.setenv("LMS_BASE_URL", base_url)
    environment.prepare()
    assert (environment.port(), os.environ["LMS_BASE_URL"]) == expected


def test_wrong_port_and_setting_are_said() -> None:
    wrong = run("check", PORT="eighty")
    assert (wrong.exit_code, "write a number from 1 to 65535" in wrong.output) == (1, True)
    odd = run("check", LMS_THREADS="many")
    assert (odd.exit_code, "write a whole number" in odd.output) == (1, True)


def test_migrate_check_and_back() -> None:
    assert "no such" not in run("check").output
    assert run("check").exit_code == 1
    there = run("migrate")
    assert (there.exit_code, there.output) == (0, f"The database is at {migrations.head()}.\n")
    checked = run("check")
    assert (checked.exit_code, checked.output.count("ok  ")) == (0, 9)
    assert run("migrate", "--down", "base").output == "The database is at no revision.\n"


def test_serve_refuses_two_processes_on_sqlite() -> None:
    run("migrate")
    refused = run("serve", LMS_WORKERS="2")
    assert refused.exit_code == 1
    assert "one web process has the write gate" in refused.output


def test_serve_refuses_one_host_for_both() -> None:
    run("migrate")
    refused = run("serve", LMS_CONTENT_URL="http://localhost:8001")
    assert (refused.exit_code, "LMS_CONTENT_URL to another host" in refused.output) == (1, True)


def test_taken_port_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = run("up", PORT=str(port))
    assert (said.exit_code, f"PORT={port + 1} make run" in said.output) == (1, True)


def test_task_given_up_is_listed_and_tried_again(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    with db.transaction() as session:
        promise(session, "x", key="mail:1", now=factories.NOW)
        session.flush()
        session.query(Task).update({"failed_at": factories.NOW, "attempts": 12, "error": "why"})
    listed = run("outbox", LMS_DATABASE_URL=sqlite_url).output
    assert listed == "given up                 tries 12  mail:1  why\n1 tasks are open.\n"
    unknown = run("outbox", "--again", "mail:2", LMS_DATABASE_URL=sqlite_url)
    assert (unknown.exit_code, "'mail:2' was given up" in unknown.output) == (1, True)
    assert run("outbox", "--again", "mail:1", LMS_DATABASE_URL=sqlite_url).exit_code == 0
    with db.reading() as session:
        task = session.query(Task).one()
    assert (task.failed_at, task.attempts) == (None, 0)
    db.dispose()


def test_demo_is_built_in_an_empty_database_only(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    with db.transaction() as session:
        factories.institution(session)
    db.dispose()
    refused = run("demo", LMS_DATABASE_URL=sqlite_url)
    assert (refused.exit_code, "built only where there is none" in refused.output) == (1, True)


def test_plugins_commands_are_there() -> None:
    listed = run("--help").output
    for name in ("up", "serve", "scheduler", "migrate", "check", "backup", "explain"):
        assert f"\n  {name} " in listed, name


def test_plugins_command_works_on_the_state() -> None:
    run("migrate")
    said = run("verify", "없는 번호", PORT="8123")
    assert said.exit_code == 1
    assert not isinstance(said.exception, AttributeError), said.exception


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  our own server
        return answer.status, answer.read()


def encoding(url: str) -> str:
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "br"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  our own server
        return str(answer.headers["Content-Encoding"])


def until_up(url: str, process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    end = time.monotonic() + 120
    while True:
        try:
            return get(url)
        except (URLError, ConnectionError, TimeoutError):
            assert process.poll() is None, "it ended"
            assert time.monotonic() < end, "nothing answers"
            time.sleep(0.05)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def test_up_serves_and_stops_with_its_children(sqlite_url: str, tmp_path: Path) -> None:
    """With an institution of somebody's own in the database: no demo is built over it."""
    db = Database(sqlite_url)
    with db.transaction() as session:
        factories.institution(session)
    db.dispose()
    port = free_port()
    environ = {**os.environ, "LMS_DATABASE_URL": sqlite_url, "PORT": str(port)}
    command = [sys.executable, "-m", "lms.cli", "up"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        status, body = until_up(f"http://localhost:{port}/readyz", process)
        assert (status, json.loads(body)["ready"]) == (200, True)
        assert encoding(f"http://localhost:{port}{assets.base('')}ieum.css") == "br"
        beside = children(process)
        assert len(beside) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert [pid for pid in beside if Path(f"/proc/{pid}").exists()] == []
    assert not (tmp_path / "var" / "demo.json").exists()


def test_scheduler_that_ends_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Beside(pause=0.01)
    monkeypatch.setattr(beside, "command", [sys.executable, "-c", "import time; time.sleep(60)"])
    beside.start()
    first = beside.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    end = time.monotonic() + 60
    while beside.pid == first and time.monotonic() < end:
        time.sleep(0.01)
    second = beside.pid
    assert second not in {None, first}
    beside.stop()
    assert not Path(f"/proc/{second}").exists()
