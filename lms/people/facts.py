"""Facts about people in periods, as plain values: what was told, and what it says of a day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

REASONS = ("joined", "transfer", "promotion", "leave", "return", "retirement", "correction")
STATUSES = ("active", "leave", "retired")
BEGINS_A_POST = ("joined", "transfer", "promotion")
"""Reasons after which somebody is new in a post; leave and its end are not among them."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Facts:
    """What the personnel system says of a person in a period."""

    organisation_id: int | None
    staff_category: str
    rank: str | None
    occupation: str | None
    status: str


@dataclass(frozen=True)
class Told:
    """A fact to be recorded: these facts from this day on."""

    from_on: date
    facts: Facts
    reason: str


def fold(told: Iterable[Told], on: date) -> Facts | None:
    """The facts at a day: those of the last `Told` that had begun; None before the first.

    Of two that begin on one day the later in order holds.
    """
    found: Told | None = None
    for one in told:
        if one.from_on <= on and (found is None or one.from_on >= found.from_on):
            found = one
    return found.facts if found else None


def why_of(before: Facts | None, after: Facts) -> str:
    """The reason that the difference itself tells: one of REASONS."""
    if before is None:
        return "joined"
    if after.status != before.status:
        return {"leave": "leave", "retired": "retirement", "active": "return"}[after.status]
    if after.organisation_id != before.organisation_id:
        return "transfer"
    return "promotion" if after.rank != before.rank else "correction"


def of_person(person: Any) -> Facts:
    """What `Person` itself says: for those of whom no post is recorded."""
    return Facts(
        person.organisation_id,
        person.staff_category,
        person.rank,
        person.occupation,
        person.status,
    )


def merged(old: Sequence[Told], news: Sequence[Told], base: Told | None) -> list[Told]:
    """All that is known, oldest first. A day that says the same already keeps its reason."""
    by_day = {one.from_on: one for one in old}
    if base is not None and base.from_on < min(one.from_on for one in news):
        by_day[base.from_on] = base
    for one in news:
        known = by_day.get(one.from_on)
        if known is None or known.facts != one.facts:
            by_day[one.from_on] = one
    return [by_day[day] for day in sorted(by_day)]


def periods(told: Sequence[Told]) -> dict[date, tuple[Told, date | None]]:
    """Each fact with the last day that it holds, by its first."""
    ends = [*(one.from_on - _DAY for one in told[1:]), None]
    return {one.from_on: (one, end) for one, end in zip(told, ends, strict=False)}
