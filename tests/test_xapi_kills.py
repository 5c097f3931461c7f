"""The server is killed at any moment under load: what was acknowledged is there afterwards."""

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select

from lms.xapi.models import Statement
from tests.xapi_samples import encoded
from tests.xapi_world import STATEMENT, System, system

ROOT = Path(__file__).parent.parent
SERVE = (
    "from lms.cli import environment, serving; import sys; environment.prepare(); "
    "serving._serve(environment.settings(), '127.0.0.1', int(sys.argv[1]))"
)
KILLS = 3
SENDERS = 8
PATIENCE = 60.0


class Sender(threading.Thread):
    """Sends statement after statement; one that was not acknowledged is sent again."""

    def __init__(self, port: int, vendor: System, stop: threading.Event) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self.interrupted = 0
        self._port, self._stop_sending = port, stop
        told = b64encode(f"{vendor.username}:{vendor.secret}".encode()).decode()
        self._headers = {
            "Host": f"localhost:{port}",  # by its number our content host would answer
            "Authorization": f"Basic {told}",
            "X-Experience-API-Version": "1.0.3",
            "Content-Type": "application/json",
        }

    def run(self) -> None:
        while not self._stop_sending.is_set():
            id_ = str(uuid.uuid4())
            body = encoded({**STATEMENT, "id": id_})
            while not self._sent(body) and not self._stop_sending.is_set():
                self.interrupted += 1
                time.sleep(0.1)
            if not self._stop_sending.is_set():
                self.acknowledged.append(id_)

    def _sent(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("POST", "/xapi/statements", body, self._headers)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    app: Flask, database_url: str, tmp_path: Path
) -> None:
    vendor = system(app, "all")
    stop = threading.Event()
    port = free_port()
    senders = [Sender(port, vendor, stop) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(KILLS):
            with served(database_url, tmp_path, port):
                wait_for_more(senders)
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    acknowledged = [one for sender in senders for one in sender.acknowledged]
    assert sum(sender.interrupted for sender in senders) > 0  # the kills were felt
    assert kept(app, acknowledged) == len(acknowledged) == len(set(acknowledged))


def wait_for_more(senders: list[Sender]) -> None:
    """Until statements came through, and then to no particular point of the work."""
    seen = sum(len(sender.acknowledged) for sender in senders)
    end = time.monotonic() + PATIENCE
    while sum(len(sender.acknowledged) for sender in senders) < seen + 60:
        assert time.monotonic() < end, "no statement came through"
        time.sleep(random.uniform(0.005, 0.02))  # noqa: S311  chance, not a secret


def kept(app: Flask, ids: list[str]) -> int:
    with app.extensions["lms"].db.reading() as session:
        return sum(
            session.scalar(
                select(func.count())
                .select_from(Statement)
                .where(Statement.statement_id.in_(ids[start : start + 500]))
            )
            or 0
            for start in range(0, len(ids), 500)
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    url: str, folder: Path, port: int, more: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The server and its workers, killed at the end as a machine that is switched off."""
    environment = {
        **os.environ,
        "LMS_DATABASE_URL": url,
        "LMS_VAR": str(folder / "var"),
        "LMS_BASE_URL": f"http://localhost:{port}",
        "LMS_SECRET": "x" * 40,
        **(more or {}),
    }
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(PATIENCE)
