"""When people are left in peace: 21:00 to 08:00 on the institution's wall. Pure."""

from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

BEGINS, ENDS = time(21), time(8)
AFTERNOON, MORNING = time(16, 30), time(8, 30)
"""Times that a sender may choose: when people look at their post."""

When = Literal["now", "afternoon", "morning"]


def next_open(at: datetime, zone: str) -> datetime:
    """`at` itself, or the end of the quiet hours that it lies in."""
    here = at.astimezone(ZoneInfo(zone))
    if ENDS <= here.time() < BEGINS:
        return at
    day = here.date() + timedelta(days=here.time() >= BEGINS)
    return datetime.combine(day, ENDS, ZoneInfo(zone)).astimezone(at.tzinfo)


def choices(now: datetime, zone: str) -> dict[When, datetime]:
    """When a message written now may go, by what it is called; in the order to be shown."""
    here = now.astimezone(ZoneInfo(zone))
    told: dict[When, datetime] = {"now": next_open(now, zone)}
    if ENDS <= here.time() < AFTERNOON:
        told["afternoon"] = _on(here, 0, AFTERNOON)
    told["morning"] = _on(here, 1, MORNING)
    return told


def _on(here: datetime, days: int, clock: time) -> datetime:
    day = here.date() + timedelta(days=days)
    return datetime.combine(day, clock, here.tzinfo).astimezone(ZoneInfo("UTC"))
