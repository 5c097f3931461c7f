"""Composing a mail from its task, and handing it to a server or a folder."""

import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from lms.config import SettingError, Settings
from lms.outbox import Task

_TIMEOUT = 20.0
"""Seconds for each answer of the server; well under a task's claim."""

_PORTS = {"smtp": 587, "smtps": 465}
_OURSELVES = frozenset({"localhost", "127.0.0.1", "::1"})


class Mail(msgspec.Struct):
    """What a `mail.send` task promises: plain text to one address."""

    to: str
    subject: str
    body: str
    unsubscribe: str = ""
    """Address that stops such mails at one press (RFC 8058); empty for mails that one asked for."""


def send(state: Any, task: Task, _now: datetime) -> None:
    """Keep a `mail.send` task. Twice is harmless: the same task has the same Message-ID and date.

    Raises OSError or smtplib.SMTPException when the server does not take it: tried again later.
    """
    settings: Settings = state.settings
    message = compose(settings, task)
    if settings.smtp_url:
        with _server(urlsplit(settings.smtp_url)) as server:
            server.send_message(message)
    else:
        _write(settings.folder / "mail", message)


def compose(settings: Settings, task: Task) -> EmailMessage:
    """The message of a task. Raises ValueError on a line break in an address or subject."""
    mail = msgspec.convert(task.payload, Mail)
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.mail_from
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(task.made_at)
    message["Message-ID"] = f"<{_mark(task.key)}@{domain}>"
    # RFC 3834: keeps out-of-office answers from coming back.
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.body)
    return message


@contextmanager
def _server(url: SplitResult) -> Iterator[smtplib.SMTP]:
    if url.scheme not in _PORTS or not url.hostname:
        raise SettingError("LMS_SMTP_URL: write it as smtp://user:password@host:587.")
    port = url.port or _PORTS[url.scheme]
    trust = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(url.hostname, port, timeout=_TIMEOUT, context=trust)
        if url.scheme == "smtps"
        else smtplib.SMTP(url.hostname, port, timeout=_TIMEOUT)
    ) as server:
        server.ehlo_or_helo_if_needed()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=trust)
            server.ehlo()
        elif url.scheme == "smtp" and url.username and url.hostname not in _OURSELVES:
            # RFC 4954 section 4: no password in the clear.
            raise smtplib.SMTPNotSupportedError(
                "The mail server offers no STARTTLS, so it is not told the password. "
                "Use smtps://, or a server with STARTTLS."
            )
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        yield server


def _write(folder: Path, message: EmailMessage) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
    half = path.with_suffix(".half")
    half.write_bytes(message.as_bytes())
    half.replace(path)


def _mark(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
