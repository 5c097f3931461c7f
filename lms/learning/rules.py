"""The rules of a run, frozen when it opens. Nothing here is a constant of the law but the floor."""

import hashlib
from typing import Any

import msgspec

from lms.errors import InvalidError

LAW_SCORE_MIN = 6000
"""A score below 60.00 never completes (decree on teacher training)."""


MOST_UNITS, MOST_YEARS = 100, 10

_CAME_LATER: dict[str, Any] = {"weights": None, "repeat_years": 2}
"""Rules that older runs do not name, with what their absence means: a proof made before they were
there must still be found the same."""


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

    weights: dict[str, int] | None = None
    """Kind of activity → its share of the score in percent, 100 together; None counts every scored
    activity alike."""

    repeat_years: int = 2
    """For so many years after a completion the same course is not taken again; 0 is no limit."""

    def __post_init__(self) -> None:
        if not 0 < self.progress_permille <= 1000:
            raise InvalidError("진도 기준은 0%보다 크고 100% 이하여야 합니다.")
        if self.score_min is not None and not LAW_SCORE_MIN <= self.score_min <= 10000:
            raise InvalidError("이수 점수는 60점 이상 100점 이하여야 합니다.")
        if not 100 <= self.speed_percent <= 300:
            raise InvalidError("재생 속도는 1배에서 3배 사이여야 합니다.")
        if not 0 <= self.units_per_day <= MOST_UNITS:
            raise InvalidError(
                "하루에 들을 차시 수는 0(제한 없음)에서 {most} 사이여야 합니다.", most=MOST_UNITS
            )
        if not 0 <= self.repeat_years <= MOST_YEARS:
            raise InvalidError(
                "다시 들을 수 없는 햇수는 0(제한 없음)에서 {most} 사이여야 합니다.", most=MOST_YEARS
            )
        if self.weights is not None:
            _check_weights(self.weights)


def parse(rule: dict[str, Any]) -> RuleSet:
    """The typed rules of a run. Raises msgspec.ValidationError."""
    return msgspec.convert(rule, RuleSet)


def frozen(rule: RuleSet) -> dict[str, Any]:
    """The rules as a run keeps them."""
    kept: dict[str, Any] = msgspec.to_builtins(rule)
    return kept


def mark(rule: RuleSet) -> str:
    """SHA-256 that names these rules in a proof."""
    told = frozen(rule)
    for name, absent in _CAME_LATER.items():
        if told[name] == absent:
            del told[name]
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def _check_weights(weights: dict[str, int]) -> None:
    if not weights or any(share <= 0 for share in weights.values()):
        raise InvalidError("점수 비중은 1 이상의 정수로 적어 주십시오.", field="weights")
    if sum(weights.values()) != 100:
        raise InvalidError(
            "점수 비중을 더하면 100이 되어야 합니다. 지금은 {sum}입니다.",
            field="weights",
            sum=sum(weights.values()),
        )
