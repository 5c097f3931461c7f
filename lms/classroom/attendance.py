"""How long somebody was there, and whether that is enough. Pure; whole milliseconds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from lms.classroom.blocks import Block, Span, scheduled_ms, taught
from lms.classroom.rules import AttendanceRule

Verdict = Literal["attended", "partly", "absent"]
_MS = timedelta(milliseconds=1)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's presence at a meeting comes to."""

    scheduled_ms: int
    present_ms: int
    """Of the scheduled, breaks left out of both."""

    late_ms: int
    """How long after the start they came; 0 within the grace that the rule gives."""

    early_ms: int
    """How long before the end they went; 0 within the grace."""

    verdict: Verdict


def judge(blocks: Sequence[Block], there: Sequence[Span], rule: AttendanceRule) -> Judged:
    """What these spans of presence come to. They may overlap and lie outside: each moment counts
    once, and only while something is taught."""
    spans = taught(blocks)
    whole = scheduled_ms(blocks)
    if not spans or not (merged := _merged(there)):
        return Judged(scheduled_ms=whole, present_ms=0, late_ms=0, early_ms=0, verdict="absent")
    start, end = spans[0][0], spans[-1][1]
    grace = timedelta(minutes=rule.grace_minutes)
    came, went = merged[0][0], merged[-1][1]
    late = came - start if came - start > grace else timedelta()
    early = end - went if end - went > grace else timedelta()
    if not late:
        merged[0] = (min(start, came), merged[0][1])
    if not early:
        merged[-1] = (merged[-1][0], max(end, went))
    present = sum(_common(one, span) for one in merged for span in spans)
    enough = present * 1000 >= rule.present_permille * whole
    return Judged(
        scheduled_ms=whole,
        present_ms=present,
        late_ms=late // _MS,
        early_ms=early // _MS,
        verdict="attended" if enough else "partly" if present else "absent",
    )


def _merged(spans: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in sorted(one for one in spans if one[0] < one[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _common(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> int:
    return max(timedelta(), min(one[1], other[1]) - max(one[0], other[0])) // _MS
