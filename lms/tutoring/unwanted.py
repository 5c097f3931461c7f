"""Not wanting to be nudged: on one's own page, or by the signed link in a message."""

import base64
import hmac
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from lms.people import audit
from lms.people.models import Person
from lms.tutoring.words import CHANNELS


def token(secret: str, person_id: int, channel: str) -> str:
    """What the link in a message holds: whose and what, signed. It does not lapse."""
    text = f"{person_id:x}.{channel}"
    return f"{text}.{_sign(secret, text)}"


def read_token(secret: str, told: str) -> tuple[int, str] | None:
    """Whose and what a link stops; None when it was changed."""
    text, _, signature = told.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _sign(secret, text).encode()):
        return None
    person, _, channel = text.partition(".")
    return int(person, 16), channel


def link(state: Any, person_id: int, channel: str) -> str:
    """The absolute address that stops messages by this channel."""
    path = f"{state.prefix.rstrip('/')}/notices/stop/{token(state.secret, person_id, channel)}"
    return str(state.settings.base_url.rstrip("/") + path)


def choose(
    session: Session,
    person: Person,
    unwanted: Collection[str],
    *,
    actor_id: int | None,
    now: datetime,
    reason: str,
) -> bool:
    """Set the channels that the person does not want; False if nothing changes."""
    before, after = list(person.unwanted or ()), [one for one in CHANNELS if one in unwanted]
    if before == after:
        return False
    person.unwanted = after
    audit.write(
        session,
        institution_id=person.institution_id,
        actor_id=actor_id,
        act="person.unwanted",
        subject="person",
        subject_id=person.id,
        reason=reason,
        now=now,
        before=before,
        after=after,
    )
    return True


def _sign(secret: str, text: str) -> str:
    digest = hmac.digest(secret.encode(), b"lms-stop:" + text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:18]).decode()
