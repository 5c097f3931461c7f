"""What the LMS states of a video (xAPI Video profile 1.0.3), and when it is time to state it."""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import pluggy
from sqlalchemy.orm import Session

from lms.learning import coverage, service, stating
from lms.learning.coverage import Interval
from lms.learning.models import Activity
from lms.learning.rules import RuleSet
from lms.learning.service import Settled
from lms.xapi import vocabulary as say

_SPACE = uuid.UUID("7d0b6c1e-6b9a-5c43-9d0c-3f8f0f6d2a51")


class _Subject(NamedTuple):
    id: int
    title: str


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """How a video stands after a learner's reports."""

    covered: list[Interval]
    duration_ms: int
    position_ms: int
    ends_segment: bool
    """Whether playing stopped, jumped or ended."""

    rate: int = 100

    @property
    def covered_ms(self) -> int:
        return coverage.total(self.covered)

    @property
    def permille(self) -> int:
        return coverage.permille(self.covered_ms, self.duration_ms)


def due(row: Any, rule: RuleSet, watched: Watched) -> str | None:
    """The verb of the statement that must be made now; None while the last one tells enough.

    `row`: what lms.learning.pings read. A line is crossed when the video is enough watched, when a
    tenth more of it is, or when its progress may be the last that the enrolment needs.
    """
    stated = coverage.permille(row.stated_ms, watched.duration_ms)
    now = watched.permille
    if stated < rule.progress_permille <= now:
        return say.COMPLETED
    if watched.ends_segment and watched.covered_ms > row.stated_ms:
        return say.PAUSED
    gained = row.weight_ms * (now - stated) if row.role == "progress" else 0
    if now // 100 > stated // 100 or 0 < row.need_ms <= -(-gained // 1000):
        return say.PLAYED
    return None


def tell(
    session: Session,
    hook: pluggy.HookRelay,
    row: Any,
    rule: RuleSet,
    watched: Watched,
    *,
    verb: str,
    now: datetime,
) -> Settled:
    """Make the statement and settle what follows, in the transaction of the report."""
    statement = stating.about_activity(
        stating.setting_of(session, row.enrolment_id),
        _Subject(row.activity_id, row.title),
        verb,
        activity_type=say.TYPE_VIDEO,
        now=now,
        result=_result(watched, verb),
        extensions=extensions(
            row.token,
            duration_ms=watched.duration_ms,
            threshold=rule.progress_permille,
            rate=watched.rate,
        ),
        category=(say.PROFILE_VIDEO,),
    )
    return service.record(
        session,
        hook,
        row.enrolment_id,
        row.activity_id,
        [statement],
        now=now,
        position_ms=watched.position_ms,
    )


def initialized(
    setting: stating.Setting,
    activity: Activity,
    token: str,
    *,
    duration_ms: int,
    threshold: int,
    now: datetime,
) -> bytes:
    """The statement that a video was opened for the first time (Video profile, Initialized)."""
    return stating.about_activity(
        setting,
        activity,
        say.INITIALIZED,
        activity_type=say.TYPE_VIDEO,
        now=now,
        extensions=extensions(token, duration_ms=duration_ms, threshold=threshold),
        category=(say.PROFILE_VIDEO,),
    )


def extensions(
    token: str, *, duration_ms: int, threshold: int, rate: int | None = None
) -> dict[str, Any]:
    """Context extensions of the Video profile. The session id is made from the token, which
    stays a secret between a browser and us."""
    told: dict[str, Any] = {
        say.EXT_SESSION: str(uuid.uuid5(_SPACE, token)),
        say.EXT_LENGTH: duration_ms / 1000,
        say.EXT_THRESHOLD: threshold / 1000,
    }
    if rate is not None:
        told[say.EXT_SPEED] = f"{rate / 100:g}x"
    return told


def segments(covered: list[Interval]) -> str:
    """Watched intervals as the profile writes them: «0[.]12.5[,]20[.]31», in seconds."""
    return "[,]".join(f"{_seconds(start)}[.]{_seconds(until)}" for start, until in covered)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".")


def _result(watched: Watched, verb: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "extensions": {
            say.EXT_TIME: watched.position_ms / 1000,
            say.EXT_PROGRESS: watched.permille / 1000,
            say.EXT_SEGMENTS: segments(watched.covered),
        }
    }
    if verb == say.COMPLETED:
        told["completion"] = True
    return told
