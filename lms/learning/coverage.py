"""What of a video was really watched, and how much of what a player claims is believed. Pure.

Intervals are disjoint, sorted [from, until) pairs in whole milliseconds. Belief is bounded by time
that really passed: see `credit`.
"""

from collections.abc import Sequence

import msgspec

Interval = tuple[int, int]

GRACE_MS = 2000
"""A claim this much over what can have been played is cut to size; one further over is refused."""

END_MS = 1000
"""Players often report no more of a last second; whoever has all but this has the whole."""

CLOSED_MS = 500
"""A gap shorter than this is not shown as one. It is never credited."""

TOO_FAST = (
    "실제로 흐른 시간보다 긴 재생 기록이라 더하지 않았습니다. 그 구간은 다시 보시면 더해집니다."
)

SKIPPED = (
    "아직 안 본 곳을 건너뛰어 재생한 기록이라 더하지 않았습니다. "
    "앞에서부터 차례로 보시면 더해집니다."
)


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one report."""

    intervals: list[Interval]
    """All that is covered now."""

    claimed_ms: int
    """How long the player says it played, playing again included."""

    spent_ms: int
    """How much of that was believed; it uses up allowed time."""

    credited_ms: int
    """How much of that was new."""

    refusal: str | None = None
    """A sentence (msgid) when nothing of it was believed."""


def merge(intervals: Sequence[Sequence[int]]) -> list[Interval]:
    """The same milliseconds, disjoint and in order; what touches becomes one."""
    merged: list[Interval] = []
    for start, until in sorted((one[0], one[1]) for one in intervals if one[0] < one[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((start, until))
    return merged


def total(intervals: Sequence[Sequence[int]]) -> int:
    """Milliseconds in disjoint intervals."""
    return sum(until - start for start, until in intervals)


def gaps(intervals: Sequence[Sequence[int]], duration_ms: int) -> list[Interval]:
    """What is worth showing as not yet watched: not a missing blink, nor the very end alone."""
    found: list[Interval] = []
    at = 0
    for start, until in merge(intervals):
        if start - at >= CLOSED_MS:
            found.append((at, start))
        at = max(at, until)
    if duration_ms - at > end_tolerance(duration_ms):
        found.append((at, duration_ms))
    return found


def permille(covered_ms: int, duration_ms: int) -> int:
    """Progress in whole thousandths, never rounded up but for the tolerance at the end."""
    if covered_ms >= duration_ms - end_tolerance(duration_ms):
        return 1000
    return covered_ms * 1000 // duration_ms


def reach_ms(threshold_permille: int, duration_ms: int) -> int:
    """The fewest covered milliseconds whose `permille` is at least the threshold."""
    exact = -(-threshold_permille * duration_ms // 1000)
    return max(0, min(exact, duration_ms - end_tolerance(duration_ms)))


def end_tolerance(duration_ms: int) -> int:
    """How much may be missing of a whole: a second, of a very short video a twentieth."""
    return min(END_MS, duration_ms // 20)


def credit(
    segments: Sequence[Sequence[int]],
    covered: Sequence[Sequence[int]],
    *,
    allowed_ms: int,
    duration_ms: int,
    free_skip: bool = True,
) -> Credit:
    """Believe of the played `segments` no more than `allowed_ms` in all.

    Segments stand in the order they were played; what was played twice counts twice against
    `allowed_ms` and once in the coverage. A claim of more than GRACE_MS over is not a slow network
    but another clock: nothing of it is believed. Within the grace the end of the claim is cut, so
    that the grace itself is never credited and cannot be gathered by asking often.

    Without `free_skip` nothing is believed of a report that jumps ahead of all that is covered by
    more than could have been played meanwhile, so that reports may come late or in another order.
    """
    before = merge(covered)
    played = _clipped(segments, duration_ms)
    claimed = total(played)
    refusal = None
    if claimed > allowed_ms + GRACE_MS:
        refusal = TOO_FAST
    elif not free_skip and _jumps(played, before, allowed_ms + GRACE_MS):
        refusal = SKIPPED
    if refusal is not None:
        return Credit(
            intervals=before, claimed_ms=claimed, spent_ms=0, credited_ms=0, refusal=refusal
        )
    believed = _first(played, max(0, allowed_ms))
    after = merge([*before, *believed])
    return Credit(
        intervals=after,
        claimed_ms=claimed,
        spent_ms=total(believed),
        credited_ms=total(after) - total(before),
    )


def wall_ms(played_ms: int, speed_percent: int) -> int:
    """The least time in which so much can be played; rounded up, so that no fraction is free."""
    return -(-played_ms * 100 // speed_percent)


def _clipped(segments: Sequence[Sequence[int]], duration_ms: int) -> list[Interval]:
    inside = ((max(0, one[0]), min(duration_ms, one[1])) for one in segments)
    return [(start, until) for start, until in inside if start < until]


def _jumps(played: Sequence[Interval], covered: Sequence[Interval], most_ms: int) -> bool:
    reached = covered[-1][1] if covered else 0
    for start, until in played:
        if start > reached + most_ms:
            return True
        reached = max(reached, until)
    return False


def _first(played: Sequence[Interval], most_ms: int) -> list[Interval]:
    kept: list[Interval] = []
    for start, until in played:
        take = min(until - start, most_ms)
        if take <= 0:
            break
        kept.append((start, start + take))
        most_ms -= take
    return kept


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """How much wall time is left to be spent on credit, and by which clock it is measured."""

    at_ms: int
    """Wall clock up to which time is spent, in milliseconds since 1970."""

    mono_ms: int
    """The same instant on the monotonic clock of `boot`."""

    boot: str


LONGEST_MS = 2 * 3600 * 1000
"""Unspent time beyond this is gone: nobody's network is away that long in one lesson."""

UNSURE_MS = 15_000
"""Believed between two readings that no monotonic clock joins (another machine, a reboot)."""


def unspent_ms(ledger: Ledger, *, now_ms: int, mono_ms: int, boot: str) -> int:
    """Wall milliseconds that passed and were not yet spent on credit.

    By the monotonic clock wherever it can tell: a wall clock that was set gives nothing and takes
    nothing.
    """
    if boot == ledger.boot:
        return max(0, min(mono_ms - ledger.mono_ms, LONGEST_MS))
    return max(0, min(now_ms - ledger.at_ms, UNSURE_MS))


def settled(*, left_ms: int, now_ms: int, mono_ms: int, boot: str) -> Ledger:
    """The ledger after spending, with `left_ms` still to spend at this instant."""
    return Ledger(at_ms=now_ms - left_ms, mono_ms=mono_ms - left_ms, boot=boot)
