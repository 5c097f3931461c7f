"""The two shapes of later work that plugins give."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lms.outbox.models import Task

Handler = Callable[[Any, Task, datetime], None]
"""Keeps one promised task: (state, task, now). Runs outside any transaction, since it may talk to
the world; running it twice must be harmless. An exception means: try again later."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Job:
    """A function run every so often, once per slot whatever the number of schedulers.

    `run(state, slot)`: the slot is the instant that the run stands for. Slots are the whole
    multiples of `every` since 1970 in UTC, shifted by `offset`. Of several slots that passed while
    no scheduler ran, the latest alone is run.
    """

    name: str
    run: Callable[[Any, datetime], None]
    every: timedelta
    offset: timedelta = timedelta(0)
    """Shift of the slots from midnight UTC, e.g. 18 h 10 min for 03:10 in Seoul."""

    def slot(self, at: datetime) -> datetime:
        """The latest slot that has begun at `at`."""
        first = _EPOCH + self.offset
        return first + (at - first) // self.every * self.every
