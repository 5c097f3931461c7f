"""How often and how long; one place, so that a test can be quick."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Pace:
    """Seconds, except where the type says otherwise."""

    lease: timedelta = timedelta(seconds=10)
    """How long a leader that says nothing more is believed in."""

    renewal: float = 3.0
    tick: float = 1.0
    """How often each job is asked whether a slot has begun; it costs no query until one has."""

    poll: float = 1.0
    """How often the outbox is looked at while it is empty."""

    claim: timedelta = timedelta(minutes=2)
    """How long a task is one scheduler's; longer than any handler may take."""

    batch: int = 10
    drains: int = 2
    """Threads that keep tasks: one mail server that hangs must not hold up everything."""
