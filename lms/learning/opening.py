"""Which units are open to a learner now, and why not the others. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec

from lms.learning.facts import UnitFacts
from lms.learning.rules import RuleSet


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a unit stands: its state and, when closed, the sentence why and what opens it."""

    unit: UnitFacts
    state: Literal["done", "open", "closed"]
    reason: str = ""
    """A msgid."""

    params: Mapping[str, object] = {}
    left_today: int | None = None
    """How many more units may be begun today; None without a limit."""


def standings(
    rule: RuleSet,
    units: Sequence[UnitFacts],
    *,
    progress_permille: int,
    begun_on: Mapping[int, date],
    today: date,
) -> list[Standing]:
    """Each unit's standing, in order. `begun_on`: unit position → local day of its first act."""
    begun_today = sum(day == today for day in begun_on.values())
    left = max(0, rule.units_per_day - begun_today) if rule.units_per_day else None
    found: list[Standing] = []
    before: UnitFacts | None = None  # the first unit that holds up the rest
    for unit in units:
        closed = _closed(rule, unit, before, progress_permille, begun_on, left)
        if unit.done:
            found.append(Standing(unit=unit, state="done"))
        elif closed is not None:
            found.append(Standing(unit=unit, state="closed", reason=closed[0], params=closed[1]))
        else:
            found.append(Standing(unit=unit, state="open", left_today=left))
        # Only progress holds up the order: a test may be taken again after the units that follow.
        if before is None and not _progress_done(unit):
            before = unit
    return found


def _progress_done(unit: UnitFacts) -> bool:
    return all(one.done for one in unit.activities if one.role == "progress")


def _closed(
    rule: RuleSet,
    unit: UnitFacts,
    before: UnitFacts | None,
    progress_permille: int,
    begun_on: Mapping[int, date],
    left: int | None,
) -> tuple[str, dict[str, object]] | None:
    if rule.ordered and before is not None:
        return "{n}차시를 마치면 열립니다.", {"n": before.position}
    only_score = all(one.role == "score" for one in unit.activities)
    if only_score and progress_permille < rule.score_opens_permille:
        return "진도 {n}%가 되면 열립니다.", {"n": rule.score_opens_permille // 10}
    if left == 0 and unit.position not in begun_on:
        return "하루에 {n}차시까지 들을 수 있습니다. 내일 열립니다.", {"n": rule.units_per_day}
    return None
