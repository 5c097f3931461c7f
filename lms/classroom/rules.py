"""How attendance is judged, frozen into a meeting when it is planned. Permille and minutes."""

from typing import Any

import msgspec

from lms.errors import InvalidError


class AttendanceRule(msgspec.Struct, frozen=True, kw_only=True):
    """Presence is of the scheduled minutes, breaks left out of both."""

    present_permille: int = 800
    """Who was there for so much of the scheduled time attended it."""

    grace_minutes: int = 10
    """Who comes so late, or leaves so early, counts as there from the start, or until the end."""

    check_out: bool = True
    """Whether one must check out; else who checked in is there until the end."""

    checks: int = 0
    """How many checks are drawn by chance in the middle."""

    check_minutes: int = 5
    """How long a check in the middle may be answered."""

    def __post_init__(self) -> None:
        if not 0 < self.present_permille <= 1000:
            raise InvalidError(
                "출석 기준은 0%보다 크고 100% 이하여야 합니다.", field="present_permille"
            )
        if not 0 <= self.grace_minutes <= 120:
            raise InvalidError(
                "지각으로 보지 않는 시간은 0분에서 120분 사이여야 합니다.", field="grace_minutes"
            )
        if not 0 <= self.checks <= 10:
            raise InvalidError("중간 확인은 0번에서 10번 사이여야 합니다.", field="checks")
        if not 1 <= self.check_minutes <= 60:
            raise InvalidError(
                "중간 확인에 답할 시간은 1분에서 60분 사이여야 합니다.", field="check_minutes"
            )


def parse(rule: dict[str, Any]) -> AttendanceRule:
    """The typed rule of a meeting. Raises msgspec.ValidationError."""
    return msgspec.convert(rule, AttendanceRule)


def frozen(rule: AttendanceRule) -> dict[str, Any]:
    """The rule as a meeting keeps it."""
    kept: dict[str, Any] = msgspec.to_builtins(rule)
    return kept
