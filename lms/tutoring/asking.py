"""What a list of learners is asked for: parsed once from the address, and written back into it."""

import base64
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

Show = Literal[
    "all", "care", "fresh", "pace", "done", "stalled", "failed", "untested", "behind",
    "devices", "stuck",
]  # fmt: skip
Sort = Literal["risk", "name", "progress", "score", "last"]
_SHOWS, _SORTS = get_args(Show), get_args(Sort)

DESCENDS: dict[str, bool] = {
    "risk": True,
    "name": False,
    "progress": False,
    "score": False,
    "last": False,
}
"""Which way each column is sorted when it is first asked for."""

Key = tuple[int | str, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Filter, search and order; where in the list one is stands apart (`Place`)."""

    show: Show = "care"
    unit: int | None = None
    """With «stuck»: the position of the unit."""

    q: str = ""
    sort: Sort = "risk"
    turned: bool = False
    """Sorted the other way than the column's own."""

    @property
    def descends(self) -> bool:
        return DESCENDS[self.sort] != self.turned

    def query(self, **more: Any) -> dict[str, str]:
        """The address's values, without those that say nothing."""
        told = {
            "show": self.show if self.show != "care" else "",
            "unit": str(self.unit) if self.unit is not None else "",
            "q": self.q,
            "sort": self.sort if self.sort != "risk" else "",
            "turned": "1" if self.turned else "",
        }
        return {key: str(value) for key, value in (told | more).items() if value not in {"", None}}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the list: after or before a row's key, and the number of the first row."""

    key: Key | None = None
    back: bool = False
    first: int = 1


def read(values: Mapping[str, str]) -> Asked:
    """What the address or a form asks for; what it does not know is as if it were not there."""
    show: Any = values.get("show", "")
    sort: Any = values.get("sort", "")
    unit = values.get("unit", "")
    place = int(unit) if unit.isascii() and unit.isdigit() and len(unit) < 6 else None
    if show == "stuck" and place is None:
        show = ""
    return Asked(
        show=show if show in _SHOWS else "care",
        unit=place if show == "stuck" else None,
        q=values.get("q", "").strip()[:80],
        sort=sort if sort in _SORTS else "risk",
        turned=values.get("turned") == "1",
    )


def read_place(values: Mapping[str, str]) -> Place:
    """The place that `write_key()` and the pager wrote; the beginning for anything else."""
    back = "before" in values
    key = _read_key(values.get("before" if back else "after", ""))
    number = values.get("n", "")
    first = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1
    return Place(key=key, back=back and key is not None, first=max(1, first) if key else 1)


def write_key(key: Key) -> str:
    """A row's place, for an address."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _read_key(text: str) -> Key | None:
    try:
        told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return tuple(msgspec.json.decode(told, type=list[int | str])) or None
    except (ValueError, msgspec.MsgspecError):
        return None
