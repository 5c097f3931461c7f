"""Asking whoever may refuse or warn before somebody gets a seat or checks in; telling after."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pluggy
from sqlalchemy.orm import Session

from lms.errors import ClosedError


@dataclass(frozen=True)
class Warn:
    """An answer to lms_before_meeting that says something and lets the person through."""

    reason: str
    """A msgid or a sentence that a person can read."""


def refusal(
    session: Session, hook: pluggy.HookRelay, meeting: Any, seat: Any, *, moment: str, now: datetime
) -> tuple[str | None, list[str]]:
    """The first reason against it, if any, and what else should be said."""
    answers = hook.lms_before_meeting(
        session=session, meeting=meeting, seat=seat, moment=moment, now=now
    )
    against = [one for one in answers if isinstance(one, str)]
    return (against[0] if against else None), [
        one.reason for one in answers if isinstance(one, Warn)
    ]


def let_through(
    session: Session, hook: pluggy.HookRelay, meeting: Any, seat: Any, *, moment: str, now: datetime
) -> list[str]:
    """What should be said all the same. Raises ClosedError with the first reason against it.

    `moment`: seat (it is about to be confirmed) · check_in
    """
    against, warnings = refusal(session, hook, meeting, seat, moment=moment, now=now)
    if against is not None:
        raise ClosedError(against)
    return warnings


def settled(
    session: Session, hook: pluggy.HookRelay, meeting: Any, attendance: Any, *, now: datetime
) -> None:
    """Tell everybody that a person's attendance was settled; an exception undoes the settling."""
    hook.lms_after_meeting(session=session, meeting=meeting, attendance=attendance, now=now)
