"""When people are together: blocks with breaks, and the time that counts. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from lms.learning.running.planning import Trouble

MOST_BLOCKS = 40
LONGEST = timedelta(hours=14)
_MINUTE = timedelta(minutes=1)
Span = tuple[datetime, datetime]


class Block(msgspec.Struct, frozen=True):
    """A stretch of time in which people are there."""

    starts_at: datetime
    ends_at: datetime
    breaks: tuple[tuple[int, int], ...] = ()
    """Whole minutes: how long after the start, and how long."""

    @property
    def pauses(self) -> list[Span]:
        """The breaks as instants."""
        return [
            (self.starts_at + after * _MINUTE, self.starts_at + (after + long) * _MINUTE)
            for after, long in sorted(self.breaks)
        ]


def of_rows(rows: Sequence[Any]) -> tuple[Block, ...]:
    """The blocks of a meeting's rows (lms.classroom.models.MeetingBlock), in their order."""
    made = [
        Block(row.starts_at, row.ends_at, tuple((one[0], one[1]) for one in row.breaks))
        for row in rows
    ]
    return tuple(sorted(made, key=lambda one: one.starts_at))


def troubles(blocks: Sequence[Block]) -> list[Trouble]:
    """What cannot be, each with the number of the block as people count."""
    if not blocks:
        return [Trouble("blocks", "모이는 날과 시각을 적어 주십시오.", {})]
    if len(blocks) > MOST_BLOCKS:
        return [Trouble("blocks", "시간은 {most}개까지 적을 수 있습니다.", {"most": MOST_BLOCKS})]
    found = [one for n, block in enumerate(blocks, 1) for one in _of_block(n, block)]
    order = sorted(enumerate(blocks, 1), key=lambda one: one[1].starts_at)
    found += [
        Trouble(
            "blocks",
            "{a}번째 시간과 {b}번째 시간이 겹칩니다. 한쪽의 시각을 고쳐 주십시오.",
            {"a": min(a, b), "b": max(a, b)},
        )
        for (a, first), (b, second) in pairwise(order)
        if second.starts_at < first.ends_at
    ]
    return found


def taught(blocks: Sequence[Block]) -> list[Span]:
    """The spans that count, breaks left out, in order."""
    spans: list[Span] = []
    for block in sorted(blocks, key=lambda one: one.starts_at):
        at = block.starts_at
        for start, end in block.pauses:
            if start > at:
                spans.append((at, start))
            at = max(at, end)
        if at < block.ends_at:
            spans.append((at, block.ends_at))
    return spans


def scheduled_ms(blocks: Sequence[Block]) -> int:
    """The whole of what counts, in milliseconds."""
    return sum((end - start) // timedelta(milliseconds=1) for start, end in taught(blocks))


def shifted(blocks: Sequence[Block], by: timedelta) -> tuple[Block, ...]:
    """The same blocks at another time."""
    return tuple(
        msgspec.structs.replace(one, starts_at=one.starts_at + by, ends_at=one.ends_at + by)
        for one in blocks
    )


def _of_block(number: int, block: Block) -> list[Trouble]:
    told = {"n": number}
    if block.starts_at >= block.ends_at:
        return [Trouble("blocks", "{n}번째 시간의 끝을 시작보다 뒤로 적어 주십시오.", told)]
    if block.ends_at - block.starts_at > LONGEST:
        return [
            Trouble("blocks", "{n}번째 시간이 14시간을 넘습니다. 날을 나누어 적어 주십시오.", told)
        ]
    pauses = block.pauses
    inside = all(block.starts_at < start < end < block.ends_at for start, end in pauses) and all(
        first[1] <= second[0] for first, second in pairwise(pauses)
    )
    if not inside:
        return [
            Trouble(
                "blocks",
                "{n}번째 시간의 쉬는 시간이 그 시간 밖에 있거나 서로 겹칩니다. "
                "쉬는 시간을 고쳐 주십시오.",
                told,
            )
        ]
    return []
