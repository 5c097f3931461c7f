"""How a nudge leaves: mail through the outbox, and gateways for text messages and 알림톡.

A plugin gives a gateway by the hook `lms_notifiers`. Until one does, a rehearsal stands in its
place: it sends nothing and writes down what it would send.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from lms.people.models import Person

MAIL = "mail"


class Notifier(Protocol):
    """A gateway to one channel. A real one takes the place of the rehearsal of its channel."""

    channel: str
    """sms · alimtalk"""

    rehearsal: bool
    """Whether nothing really leaves."""

    def send(
        self, state: Any, *, key: str, to: str, subject: str, body: str, now: datetime
    ) -> None:
        """Hand the message to the gateway. The same `key` may come again after a crash: the
        gateway must send it once. An exception means: try again later."""
        ...


@dataclass(frozen=True)
class Rehearsal:
    """Writes what it would send into LMS_VAR/rehearsal/<channel>/, a file a message."""

    channel: str
    rehearsal: bool = True

    def send(
        self, state: Any, *, key: str, to: str, subject: str, body: str, now: datetime
    ) -> None:
        folder = state.settings.folder / "rehearsal" / self.channel
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
        told = {"key": key, "to": to, "subject": subject, "body": body, "at": now.isoformat()}
        half = path.with_suffix(".half")
        half.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        half.replace(path)


def notifiers(state: Any) -> dict[str, Notifier]:
    """The gateway of each channel but mail; a real one before a rehearsal."""
    found: dict[str, Notifier] = {}
    given: Iterable[Notifier] = (one for some in state.hook.lms_notifiers() for one in some)
    for one in given:
        if one.channel not in found or found[one.channel].rehearsal:
            found[one.channel] = one
    return found


def address(person: Person | Any, channel: str) -> str | None:
    """Where the channel reaches somebody; None if we do not know."""
    return person.email if channel == MAIL else person.phone


def wants(person: Person | Any, channel: str) -> bool:
    """Whether somebody has not said that they want nothing by this channel."""
    return channel not in (person.unwanted or ())
