"""Statements as a query wants them given out: exact, ids or canonical (Communication 2.1.3)."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import Connection

from lms.xapi import canon
from lms.xapi.actors import find_key

_AGENT = ("objectType", "mbox", "mbox_sha1sum", "openid", "account")
_IDENTIFIERS = _AGENT[1:]
_COMPONENTS = ("choices", "scale", "source", "target", "steps")
_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?\Z"
)
_decode = msgspec.json.Decoder().decode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode

Value = dict[str, Any]


def present(
    connection: Connection,
    institution_id: int,
    statements: Sequence[bytes],
    form: str,
    languages: str,
) -> Sequence[bytes]:
    """Stored statements in the format `form`; `languages` is the Accept-Language of the request.

    Exact ones are the very bytes that are kept. One query for the definitions of canonical ones.
    """
    if form == "exact" or not statements:
        return statements
    read = [_Read(raw) for raw in statements]
    if form == "ids":
        return [one.written(_shorten) for one in read]
    keys = {find_key(activity["id"]) for one in read for activity in _activities(one.value)}
    known = canon.definitions(connection, institution_id, keys)
    choose = Chooser(languages)
    return [one.written(lambda value: _canonical(value, known, choose)) for one in read]


class _Read:
    """A statement of which only these parts are read and written anew; the rest keeps its bytes."""

    _PARTS = ("actor", "verb", "object", "context", "authority")

    def __init__(self, raw: bytes) -> None:
        self.members = _decode_members(raw)
        self.value: Value = {
            name: _decode(self.members[name]) for name in self._PARTS if name in self.members
        }

    def written(self, change: Callable[[Value], Value]) -> bytes:
        changed = change(self.value)
        new = {
            name: Raw(_encode(value))
            for name, value in changed.items()
            if value is not self.value[name]
        }
        return _encode({**self.members, **new})


class Chooser:
    """Picks one language of a map, by an Accept-Language header (2.1.3.s4.b5).

    A tag is worth what the longest range says that it begins with (RFC 2616 14.4). Where none fits,
    a range is cut short from its end (RFC 4647 3.4); and one language is always given.
    """

    def __init__(self, header: str) -> None:
        found = [_RANGE.match(part) for part in header.split(",")]
        self._ranges = [
            (told.group(1).lower(), float(told.group(2) or 1), -place)
            for place, told in enumerate(found)
            if told
        ]

    def __call__(self, texts: dict[str, str]) -> dict[str, str]:
        if len(texts) < 2:
            return texts
        best = max(texts, key=self._worth)  # of several alike the first
        return {best: texts[best]}

    def _worth(self, tag: str) -> tuple[float, float, int, bool, int]:
        """What says more comes first: quality, quality of a range cut short, how much of it."""
        low = tag.lower()
        fitting = [(len(name), told, at) for name, told, at in self._ranges if _fits(name, low)]
        if fitting:
            length, quality, place = max(fitting)
            # What is named as not wanted is worth less than what is not named.
            return quality or -1, 0, 0, length == len(low), place
        shorter = max((self._cut(one, low) for one in self._ranges), default=(0.0, 0))
        rest = max((told for name, told, _ in self._ranges if name == "*"), default=0.0)
        return rest, *shorter, False, -len(self._ranges)

    @staticmethod
    def _cut(one: tuple[str, float, int], tag: str) -> tuple[float, int]:
        name, quality, _ = one
        parts = name.split("-")
        for length in range(len(parts) - 1, 0, -1):
            if _fits("-".join(parts[:length]), tag):
                return quality, length
        return 0.0, 0


def _fits(name: str, tag: str) -> bool:
    return tag == name or tag.startswith(f"{name}-")


def _activities(value: Value) -> Iterator[Value]:
    """The object and the context activities, of a sub-statement too."""
    thing = value["object"]
    kind = thing.get("objectType", "Activity")
    if kind == "Activity":
        yield thing
    elif kind == "SubStatement":
        yield from _activities(thing)
    for given in value.get("context", {}).get("contextActivities", {}).values():
        yield from given


def _shorten(value: Value) -> Value:
    """No more than identifies agents, groups, verbs and activities."""
    short = {
        **value,
        "actor": _agent(value["actor"]),
        "verb": {"id": value["verb"]["id"]},
        "object": _object(value["object"]),
    }
    if "authority" in value:
        short["authority"] = _agent(value["authority"])
    if "context" in value:
        short["context"] = _context(value["context"])
    return short


def _agent(value: Value) -> Value:
    short = {name: value[name] for name in _AGENT if name in value}
    if "member" in value and not any(name in value for name in _IDENTIFIERS):
        short["member"] = [_agent(one) for one in value["member"]]
    return short


def _object(value: Value) -> Value:
    kind = value.get("objectType", "Activity")
    if kind == "Activity":
        return _activity(value)
    if kind == "StatementRef":
        return value
    return _shorten(value) if kind == "SubStatement" else _agent(value)


def _activity(value: Value) -> Value:
    return {name: part for name, part in value.items() if name != "definition"}


def _context(value: Value) -> Value:
    short = dict(value)
    for name in ("instructor", "team"):
        if name in value:
            short[name] = _agent(value[name])
    for name, part in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in value:
            short[name] = [{**one, part: _agent(one[part])} for one in value[name]]
    if "contextActivities" in value:
        short["contextActivities"] = {
            role: [_activity(one) for one in given]
            for role, given in value["contextActivities"].items()
        }
    return short


def _canonical(value: Value, known: dict[str, Value], choose: Chooser) -> Value:
    """Activities as they are known here, and displays of verbs, each map in one language."""

    def defined(activity: Value) -> Value:
        definition = known.get(find_key(activity["id"]), activity.get("definition"))
        if definition is None:
            return activity
        return {**activity, "definition": _definition(definition, choose)}

    thing = value["object"]
    kind = thing.get("objectType", "Activity")
    if kind == "Activity":
        thing = defined(thing)
    elif kind == "SubStatement":
        thing = _canonical(thing, known, choose)
    changed = {**value, "object": thing}
    if "display" in value["verb"]:
        changed["verb"] = {**value["verb"], "display": choose(value["verb"]["display"])}
    around = value.get("context", {}).get("contextActivities")
    if around:
        listed = {role: [defined(one) for one in given] for role, given in around.items()}
        changed["context"] = {**value["context"], "contextActivities": listed}
    return changed


def _definition(value: Value, choose: Chooser) -> Value:
    told = dict(value)
    for name in ("name", "description"):
        if name in value:
            told[name] = choose(value[name])
    for name in _COMPONENTS:
        if name in value:
            told[name] = [
                {**one, "description": choose(one["description"])} if "description" in one else one
                for one in value[name]
            ]
    return told
