"""The rules of a run, frozen when it opens. Nothing here is a constant of the law but the floor."""

import hashlib
from typing import Any

import msgspec

from lms.errors import InvalidError

LAW_SCORE_MIN = 6000
"""A score below 60.00 never completes (decree on teacher training)."""


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """What completes a run, and how it may be learnt. Permille and hundredths, never floats."""

    progress_permille: int = 900
    score_min: int | None = LAW_SCORE_MIN
    """Hundredths of a point; None for a course without a score."""

    units_per_day: int = 0
    ordered: bool = True
    speed_percent: int = 150
    free_skip: bool = False
    score_opens_permille: int = 0
    """Progress from which scored activities open; 0 opens them with their unit."""

    def __post_init__(self) -> None:
        if not 0 < self.progress_permille <= 1000:
            raise InvalidError("진도 기준은 0%보다 크고 100% 이하여야 합니다.")
        if self.score_min is not None and not LAW_SCORE_MIN <= self.score_min <= 10000:
            raise InvalidError("이수 점수는 60점 이상 100점 이하여야 합니다.")
        if not 100 <= self.speed_percent <= 300:
            raise InvalidError("재생 속도는 1배에서 3배 사이여야 합니다.")


def parse(rule: dict[str, Any]) -> RuleSet:
    """The typed rules of a run. Raises msgspec.ValidationError."""
    return msgspec.convert(rule, RuleSet)


def frozen(rule: RuleSet) -> dict[str, Any]:
    """The rules as a run keeps them."""
    kept: dict[str, Any] = msgspec.to_builtins(rule)
    return kept


def mark(rule: RuleSet) -> str:
    """SHA-256 that names these rules in a proof."""
    return hashlib.sha256(msgspec.json.encode(rule, order="sorted")).hexdigest()
