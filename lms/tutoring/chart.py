"""Where bars stand: the chart of units, in the units of its own picture."""

from collections.abc import Sequence

import msgspec

from lms.tutoring.learners import UnitLine

WIDTH, FLOOR, TALL = 640, 116, 97
_LABELS = 16
"""With more units than these, not each has its number under it."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One unit's bar; `value` and `label` are empty where there is no room for them."""

    x: float
    middle: float
    y: float
    width: float
    height: float
    hot: bool
    value: str
    label: str


def bars(lines: Sequence[UnitLine]) -> list[Bar]:
    """A bar a unit; the tallest stands out, and the few tallest say their number."""
    if not lines:
        return []
    step = WIDTH / len(lines)
    width = min(26.0, round(step * 0.62, 1))
    most = max(line.stuck for line in lines)
    told = set(sorted({line.stuck for line in lines if line.stuck}, reverse=True)[:3])
    every = -(-len(lines) // _LABELS)
    made = []
    for number, line in enumerate(lines):
        height = round(TALL * line.stuck / most, 1) if most else 0.0
        middle = round(24 + step * (number + 0.5), 1)
        made.append(
            Bar(
                x=round(middle - width / 2, 1),
                middle=middle,
                y=FLOOR - max(height, 2.0),
                width=width,
                height=max(height, 2.0),
                hot=bool(most) and line.stuck == most,
                value=str(line.stuck) if line.stuck in told else "",
                label=str(line.position) if number % every == 0 else "",
            )
        )
    return made
