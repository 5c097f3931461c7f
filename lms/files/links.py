"""Links to content: signed, short-lived, on the content host, each naming one file."""

import base64
import hmac
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

LIFE = timedelta(hours=6)
_STEP = 3600


class Link(NamedTuple):
    file_id: int
    institution_id: int
    until: int
    """Seconds since 1970."""


def content_url(state: Any, file_id: int, *, institution_id: int, now: datetime, name: str) -> str:
    """An absolute URL on the content host, good for 6 to 7 hours.

    The end is rounded to the hour, so that a page opened twice names the same URL and the browser
    keeps what it has.
    """
    until = (int((now + LIFE).timestamp()) // _STEP + 1) * _STEP
    token = seal(state.secret, Link(file_id, institution_id, until))
    base = state.settings.content_base
    return f"{base}{state.prefix.rstrip('/')}/content/{token}/{quote(name)}"


def seal(secret: str, link: Link) -> str:
    text = f"{link.file_id:x}.{link.institution_id:x}.{link.until:x}"
    return f"{text}.{_sign(secret, text)}"


def open_link(secret: str, token: str, *, now: datetime) -> Link | None:
    """What the token names; None when it was changed or its time is over."""
    text, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _sign(secret, text).encode()):
        return None
    file_id, institution_id, until = (int(part, 16) for part in text.split("."))
    return Link(file_id, institution_id, until) if now.timestamp() < until else None


def _sign(secret: str, text: str) -> str:
    digest = hmac.digest(secret.encode(), b"lms-content:" + text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:18]).decode()
