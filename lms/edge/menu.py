"""What stands in the main menu, given by each room."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """`label` is a msgid; shown to people with any of `roles` (everybody signed in when empty)."""

    label: str
    icon: str
    endpoint: str
    order: int
    roles: frozenset[str] = frozenset()
