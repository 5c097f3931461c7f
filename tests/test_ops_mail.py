"""A mail is promised, kept when the server takes it, and the same mail when it is sent twice."""

import email
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select, update

from lms import clock, hooks, mail
from lms.config import Settings
from lms.db import Database
from lms.outbox import Task, promise
from scheduler import plugin
from scheduler.draining import Drain
from scheduler.pace import Pace

HOST = "127.0.0.2"  # not one of the names under which a password may go without TLS
MADE = datetime.fromisoformat("2026-11-20T05:03:12+00:00")


class Server:
    """Takes mails, unless told to refuse."""

    def __init__(self) -> None:
        self.refuses = True
        self.taken: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuses:
            return "451 try again later"
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        return "250 taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    handler, port = Server(), free_port()
    controller = Controller(handler, hostname=HOST, port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture
def db(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.dispose()


def state(db: Database, folder: Path, smtp_url: str = "") -> Any:
    manager = pluggy.PluginManager("lms")
    manager.add_hookspecs(hooks)
    manager.register(plugin)
    settings = Settings(
        var=str(folder), smtp_url=smtp_url, mail_from="이음 <no-reply@ieum.example>"
    )
    return SimpleNamespace(db=db, hook=manager.hook, settings=settings)


def promise_one(db: Database, **more: str) -> None:
    payload = {
        "to": "kim@school.example",
        "subject": "이수 안내",
        "body": "이수하셨습니다.",
        **more,
    }
    with db.transaction() as session:
        promise(session, "mail.send", key="completion:1:mail", now=MADE, **payload)


def task(db: Database) -> Task:
    with db.reading() as session:
        return session.scalars(select(Task)).one()


def make_due(db: Database) -> None:
    with db.transaction() as session:
        session.execute(update(Task).values(due=clock.now() - timedelta(seconds=1)))


def test_sent_once_the_server_takes_it(
    db: Database, tmp_path: Path, server: tuple[Server, int]
) -> None:
    handler, port = server
    promise_one(db)
    drain = Drain(state(db, tmp_path, f"smtp://{HOST}:{port}"), holder="me", pace=Pace())
    assert drain.once() == 1
    refused = task(db)
    assert (refused.done_at, refused.attempts, refused.claimed_until) == (None, 1, None)
    assert "451" in (refused.error or "")
    assert refused.due > clock.now() + timedelta(seconds=8)
    assert drain.once() == 0  # not before it is due again
    handler.refuses = False
    make_due(db)
    assert drain.once() == 1
    kept = task(db)
    assert (kept.attempts, kept.error, kept.payload) == (2, None, {})
    assert kept.done_at is not None
    (message,) = handler.taken
    assert message.get_content().strip() == "이수하셨습니다."
    assert {name: str(message[name]) for name in ("From", "To", "Subject", "Date")} == {
        "From": "이음 <no-reply@ieum.example>",
        "To": "kim@school.example",
        "Subject": "이수 안내",
        "Date": "Fri, 20 Nov 2026 05:03:12 +0000",
    }


def test_same_task_same_message(db: Database, tmp_path: Path) -> None:
    promise_one(db)
    here, one = state(db, tmp_path), task(db)
    assert (
        mail.compose(here.settings, one).as_bytes() == mail.compose(here.settings, one).as_bytes()
    )
    mail.send(here, one, clock.now())
    mail.send(here, one, clock.now())
    (path,) = (tmp_path / "mail").iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert message["Message-ID"] == f"<{path.stem}@ieum.example>"


def test_line_break_smuggles_no_header_in(db: Database, tmp_path: Path) -> None:
    promise_one(db, subject="x\r\nBcc: all@school.example")
    with pytest.raises(ValueError, match="linefeed"):
        mail.send(state(db, tmp_path), task(db), clock.now())
    assert not (tmp_path / "mail").exists()


def test_password_is_not_told_in_the_clear(
    db: Database, tmp_path: Path, server: tuple[Server, int]
) -> None:
    promise_one(db)
    url = f"smtp://user:secret@{HOST}:{server[1]}"
    Drain(state(db, tmp_path, url), holder="me", pace=Pace()).once()
    assert "offers no STARTTLS, so it is not told the password" in (task(db).error or "")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for the test server, with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def test_starttls_with_somebody_we_can_trust(
    db: Database, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise_one(db)
    handler = Server()
    handler.refuses = False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    port = free_port()
    controller = Controller(
        handler, hostname=HOST, port=port, tls_context=context, require_starttls=True
    )
    controller.start()
    try:
        drain = Drain(state(db, tmp_path, f"smtp://{HOST}:{port}"), holder="me", pace=Pace())
        drain.once()
        assert (len(handler.taken), "SSLCertVerificationError" in (task(db).error or "")) == (
            0,
            True,
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        make_due(db)
        drain.once()
        assert (len(handler.taken), task(db).error) == (1, None)
    finally:
        controller.stop()


def test_wrong_address_of_the_server_is_said(db: Database, tmp_path: Path) -> None:
    promise_one(db)
    Drain(state(db, tmp_path, "http://mail.example"), holder="me", pace=Pace()).once()
    assert "smtp://user:password@host:587" in (task(db).error or "")
