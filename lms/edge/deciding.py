"""What waits for a decision, told by each room for the start page of those who run an institute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

FIRST = 5
"""Items that a room tells; the page says how many more there are and where."""


@dataclass(frozen=True)
class Item:
    """One thing to decide; `text` and `href` are ready, `note` is a msgid with its params."""

    text: str
    href: str
    note: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    since: datetime | None = None


@dataclass(frozen=True)
class Waits:
    """One kind of thing that waits: how many, the first few, where all of them are."""

    order: int
    title: str
    """A msgid with {n}."""

    count: int
    icon: str
    action: str
    """A msgid: what its button says."""

    href: str | None
    """The page with all of them; None where only the items lead on."""

    items: tuple[Item, ...] = ()
    hint: str = ""
    """A msgid: what to do, where no page does it."""
