"""What time it is. Asked at the edge only; everything below takes the time as an argument."""

import time
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def now() -> datetime:
    """The instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic_ms() -> int:
    """Milliseconds of a clock that nobody can set; comparable only where `boot()` is equal."""
    return time.monotonic_ns() // 1_000_000


def boot() -> str:
    """Names the machine's current run, so that two monotonic readings can be told apart."""
    return _BOOT


def local_day(at: datetime, zone: str) -> date:
    """The date that the calendar on an institution's wall shows at `at`."""
    return at.astimezone(ZoneInfo(zone)).date()


def end_of_day(day: date, zone: str) -> datetime:
    """The first instant after a local day: «until 31 December» holds up to here, not included."""
    following = date.fromordinal(day.toordinal() + 1)
    return datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone))


def start_of_day(day: date, zone: str) -> datetime:
    """The first instant of a local day."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def _read_boot() -> str:
    # Where the kernel names no boot, a process is as long as its own clock can be trusted.
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else f"process-{time.time_ns()}"


_BOOT = _read_boot()
