"""What differs between two states of a course's content, in words. Pure."""

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any, NamedTuple

from lms.learning.making.drafts import DraftActivity, DraftUnit

ROLE_WORDS = {"progress": "진도", "score": "점수"}
_BLOCK = re.compile(
    r"</?(?:p|h[1-6]|li|tr|div|blockquote|br|hr|pre|dt|dd|figcaption)\b[^>]*>", re.I
)
_TAG = re.compile(r"<[^>]*>")
_MOST_LINES = 1_500
_LONG = 80

Said = tuple[str, dict[str, Any]]
"""A msgid and its parameters."""


class Line(NamedTuple):
    """A line of a long text: kept, added or taken out."""

    mark: str
    """"" · "+" · "-" """

    text: str


class Field(NamedTuple):
    """A field that differs: its name (a msgid), what it was and what it is."""

    name: str
    before: str
    after: str
    lines: tuple[Line, ...] = ()
    """Of a long text instead: what was added and taken out, with a line around it."""

    words: bool = False
    """Whether before and after are msgids."""


class Change(NamedTuple):
    """Something that differs. `kind`: added · removed · moved · changed."""

    kind: str
    said: Said
    fields: tuple[Field, ...] = ()


class Naming(NamedTuple):
    """How to speak of kinds and of what is in their configs."""

    kinds: Mapping[str, str]
    """Kind → what people call it (a msgid)."""

    words: Mapping[str, Mapping[str, str]]
    """Kind → key of its config → what people call that (a msgid)."""

    files: Mapping[int, str]
    """Stored file's id → SHA-256: the same bytes under another id are no change."""


class _Place(NamedTuple):
    unit: int
    """Number of the unit, from 1."""

    unit_key: str
    number: int
    activity: DraftActivity


def compare(
    before: Sequence[DraftUnit], after: Sequence[DraftUnit], naming: Naming
) -> list[Change]:
    """Every difference, in the order of the newer state; what was taken out stands last."""
    old_units = {unit.key: (number, unit) for number, unit in enumerate(before, 1)}
    new_units = {unit.key: (number, unit) for number, unit in enumerate(after, 1)}
    old, new = _places(before), _places(after)
    moved_units = _out_of_order([one.key for one in before], [one.key for one in after])
    moved = _moved(old, new, before, after)
    found: list[Change] = []
    for number, unit in enumerate(after, 1):
        found += _unit(old_units.get(unit.key), number, unit, is_moved=unit.key in moved_units)
        for activity in unit.activities:
            was, place = old.get(activity.key), new[activity.key]
            found += _activity(was, place, unit, naming, is_moved=activity.key in moved)
    found += _removed(old_units, new_units, old, new, naming)
    return found


def _unit(
    was: tuple[int, DraftUnit] | None, number: int, unit: DraftUnit, *, is_moved: bool
) -> Iterator[Change]:
    told = {"n": number, "title": unit.title}
    if was is None:
        yield Change("added", ("{n}차시 「{title}」을(를) 더했습니다.", told))
        return
    if is_moved:
        yield Change(
            "moved",
            (
                "「{title}」 차시를 {before}차시에서 {n}차시로 옮겼습니다.",
                {**told, "before": was[0]},
            ),
        )
    if was[1].title != unit.title:
        field = Field("이름", was[1].title, unit.title)
        yield Change("changed", ("{n}차시의 이름을 바꾸었습니다.", told), (field,))


def _activity(
    was: _Place | None, place: _Place, unit: DraftUnit, naming: Naming, *, is_moved: bool
) -> Iterator[Change]:
    activity = place.activity
    told = {
        "unit": place.unit,
        "title": activity.title,
        "kind": naming.kinds.get(activity.kind, activity.kind),
    }
    if was is None:
        yield Change("added", ("{unit}차시에 {kind} 「{title}」을(를) 더했습니다.", told))
        return
    if is_moved and was.unit_key != unit.key:
        said = "{kind} 「{title}」을(를) {before}차시에서 {unit}차시로 옮겼습니다."
        yield Change("moved", (said, {**told, "before": was.unit}))
    elif is_moved:
        said = (
            "{unit}차시 안에서 {kind} 「{title}」의 차례를 {before}번째에서 {n}번째로 옮겼습니다."
        )
        yield Change("moved", (said, {**told, "before": was.number, "n": place.number}))
    fields = tuple(fields_of(was.activity, activity, naming))
    if fields:
        yield Change("changed", ("{unit}차시 {kind} 「{title}」을(를) 고쳤습니다.", told), fields)


def _removed(
    old_units: Mapping[str, tuple[int, DraftUnit]],
    new_units: Mapping[str, Any],
    old: Mapping[str, _Place],
    new: Mapping[str, _Place],
    naming: Naming,
) -> Iterator[Change]:
    for key, (number, unit) in old_units.items():
        if key not in new_units:
            told = {"n": number, "title": unit.title}
            yield Change("removed", ("{n}차시 「{title}」을(를) 뺐습니다.", told))
    for key, place in old.items():
        if key not in new:
            kind = naming.kinds.get(place.activity.kind, place.activity.kind)
            told = {"unit": place.unit, "title": place.activity.title, "kind": kind}
            yield Change("removed", ("{unit}차시에서 {kind} 「{title}」을(를) 뺐습니다.", told))


def fields_of(was: DraftActivity, now: DraftActivity, naming: Naming) -> Iterator[Field]:
    """What differs between two states of one activity."""
    if was.title != now.title:
        yield Field("이름", was.title, now.title)
    if was.role != now.role:
        roles = ROLE_WORDS.get(was.role, was.role), ROLE_WORDS.get(now.role, now.role)
        yield Field("쓰임", roles[0], roles[1], words=True)
    if was.kind != now.kind:
        names = naming.kinds.get(was.kind, was.kind), naming.kinds.get(now.kind, now.kind)
        yield Field("종류", names[0], names[1], words=True)
    words = naming.words.get(now.kind, {})
    keys = dict.fromkeys([*words, *was.config, *now.config])
    for key in keys:
        if key.endswith("_file") or (words and key not in words):
            continue
        before, after = was.config.get(key), now.config.get(key)
        name = words.get(key, key)
        if before != after:
            yield _field(name, before, after)
        elif _bytes(was, key, naming) != _bytes(now, key, naming):
            yield Field(name, str(before), "같은 이름의 다른 파일", words=True)


def _bytes(activity: DraftActivity, key: str, naming: Naming) -> str | None:
    file_id = activity.config.get(f"{key}_file")
    return naming.files.get(file_id, str(file_id)) if isinstance(file_id, int) else None


def _field(name: str, before: Any, after: Any) -> Field:
    old, new = _text(before), _text(after)
    if max(len(old), len(new)) <= _LONG and "\n" not in old + new:
        return Field(name, old, new)
    return Field(name, "", "", tuple(_lines(old.split("\n"), new.split("\n"))))


def _text(value: Any) -> str:
    """A config's value as lines that a person can compare."""
    if value is None:
        return ""
    if isinstance(value, str):
        if "<" not in value:
            return value
        plain = unescape(_TAG.sub("", _BLOCK.sub("\n", value)))
        return "\n".join(line.strip() for line in plain.split("\n") if line.strip())
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(one)}" for key, one in value.items() if one != "")
    if isinstance(value, list | tuple):
        return "\n".join(_text(one) for one in value)
    return str(value)


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    if max(len(old), len(new)) > _MOST_LINES:
        # Comparing takes the square of it; who wrote a book here finds the place without us.
        yield Line("", f"{len(old)} → {len(new)}")
        return
    for told in difflib.unified_diff(old, new, lineterm="", n=1):
        if told.startswith(("---", "+++")):
            continue
        if told.startswith("@@"):
            yield Line("", "…")
        else:
            yield Line(told[0].strip(), told[1:])


def _places(units: Sequence[DraftUnit]) -> dict[str, _Place]:
    return {
        activity.key: _Place(number, unit.key, place, activity)
        for number, unit in enumerate(units, 1)
        for place, activity in enumerate(unit.activities, 1)
    }


def _moved(
    old: Mapping[str, _Place],
    new: Mapping[str, _Place],
    before: Sequence[DraftUnit],
    after: Sequence[DraftUnit],
) -> set[str]:
    found = {key for key in old.keys() & new.keys() if old[key].unit_key != new[key].unit_key}
    orders = {unit.key: [one.key for one in unit.activities] for unit in before}
    for unit in after:
        found |= _out_of_order(orders.get(unit.key, []), [one.key for one in unit.activities])
    return found


def _out_of_order(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """The fewest keys of both lists whose moving turns one order into the other."""
    place = {key: at for at, key in enumerate(before)}
    both = [key for key in after if key in place]
    # The longest run that is in order stays where it is (patience sorting); the rest has moved.
    tails: list[int] = []
    last: list[str] = []
    earlier: dict[str, str | None] = {}
    for key in both:
        at = bisect_left(tails, place[key])
        earlier[key] = last[at - 1] if at else None
        tails[at : at + 1] = [place[key]]
        last[at : at + 1] = [key]
    kept: set[str] = set()
    step = last[-1] if last else None
    while step is not None:
        kept.add(step)
        step = earlier[step]
    return set(both) - kept
