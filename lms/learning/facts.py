"""What is known of an enrolment: one small value an activity, made by statements alone."""

from datetime import datetime

import msgspec


class ActivityFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How an enrolment stands with one activity of its course version."""

    activity_id: int
    unit: int
    """Position of its unit, from 1."""

    kind: str
    role: str
    """progress · score"""

    title: str
    weight_ms: int
    progress_permille: int = 0
    done: bool = False
    score: int | None = None
    """Best so far, hundredths of a point."""

    passed: bool | None = None
    statements: tuple[str, ...] = ()
    """Ids of the statements that made this state, oldest first."""

    first_at: datetime | None = None
    done_at: datetime | None = None

    @property
    def finished(self) -> bool:
        """Nothing more to do here: a test that was handed in and not passed is not finished."""
        return self.done and self.passed is not False


class UnitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A unit with its activities, in their order."""

    position: int
    unit_id: int
    title: str
    activities: tuple[ActivityFacts, ...]

    @property
    def done(self) -> bool:
        return all(activity.finished for activity in self.activities)

    @property
    def done_at(self) -> datetime | None:
        times = [activity.done_at for activity in self.activities]
        return max((at for at in times if at), default=None) if self.done else None
