"""A statement as it is given out: what came, but for what the standard has a store write anew.

All else keeps its bytes (Data 2.2.s2.b5).
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from lms.xapi.formats import in_utc, read_timestamp

_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


def members(raw: bytes | Raw, value: dict[str, Any], timestamp: datetime | None) -> dict[str, Raw]:
    """The top-level properties of a valid statement with the bytes of their values.

    `value`: the same decoded. `timestamp`: its own, if it has one. Lone context activities become
    lists (Data 2.4.6.2.s4.b3) and timestamps UTC (4.5.s1.b6), in a sub-statement as well.
    """
    found = _decode_members(raw)
    _write_anew(found, value, timestamp)
    inner = value["object"]
    if inner.get("objectType") == "SubStatement" and (
        "timestamp" in inner or _has_lone_activity(inner)
    ):
        parts = _decode_members(found["object"])
        before = dict(parts)
        at = read_timestamp(inner["timestamp"]) if "timestamp" in inner else None
        _write_anew(parts, inner, at)
        if parts != before:
            found["object"] = Raw(_encode(parts))
    return found


def _write_anew(parts: dict[str, Raw], value: dict[str, Any], timestamp: datetime | None) -> None:
    if timestamp is not None:
        text = value["timestamp"]
        if (utc := in_utc(text, timestamp)) != text:
            parts["timestamp"] = Raw(_encode(utc))
    if _has_lone_activity(value):
        parts["context"] = _listed(parts["context"])


def _has_lone_activity(statement: dict[str, Any]) -> bool:
    around = statement.get("context", {}).get("contextActivities", {})
    return any(isinstance(one, dict) for one in around.values())


def _listed(context: Raw) -> Raw:
    parts = _decode_members(context)
    around = _decode_members(parts["contextActivities"])
    parts["contextActivities"] = Raw(
        _encode(
            {
                role: given if bytes(given).startswith(b"[") else Raw(b"[" + bytes(given) + b"]")
                for role, given in around.items()
            }
        )
    )
    return Raw(_encode(parts))
