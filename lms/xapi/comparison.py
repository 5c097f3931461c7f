"""When two statements with one id are the same statement (Data 2.3.1)."""

import hashlib
import re
from typing import Any

import msgspec

from lms.xapi.actors import mailbox
from lms.xapi.formats import read_timestamp, write_timestamp

_encode = msgspec.json.Encoder(order="sorted").encode
_SET_BY_STORE = frozenset({"id", "stored", "authority", "version", "timestamp"})
# Attachments are no part of a statement (2.3.1.b6): a signature comes after what it signs.
_IGNORED = frozenset({"attachments", "verb", "actor", "object", "context", "result"})
_CENTISECONDS = re.compile(r"([.,]\d\d)\d+(?=S\Z)")


def mark(statement: dict[str, Any]) -> str:
    """SHA-256 (hex) of all that counts in a comparison of valid statements, decoded.

    Left out: what a store sets (its timestamp is compared as an instant, by the store), displays
    and definitions, the order of keys and of group members, the case of what knows no case.
    """
    counted = {key: value for key, value in statement.items() if key not in _SET_BY_STORE}
    return hashlib.sha256(_encode(_statement(counted))).hexdigest()


def _statement(value: dict[str, Any]) -> dict[str, Any]:
    out = {key: part for key, part in value.items() if key not in _IGNORED}
    out["actor"] = _actor(value["actor"])
    out["verb"] = value["verb"]["id"]
    out["object"] = _object(value["object"])
    if "context" in value:
        out["context"] = _context(value["context"])
    if "result" in value:
        out["result"] = _result(value["result"])
    if "timestamp" in out:
        out["timestamp"] = write_timestamp(read_timestamp(out["timestamp"]))
    return out


def _actor(value: dict[str, Any]) -> dict[str, Any]:
    out = dict(value)
    if "mbox" in out:
        out["mbox"] = mailbox(out["mbox"])
    if "mbox_sha1sum" in out:
        out["mbox_sha1sum"] = out["mbox_sha1sum"].lower()
    if "member" in out:
        # A set of agents (2.3.1.b5); written out they can be put into one order.
        out["member"] = sorted(_encode(_actor(one)).decode() for one in out["member"])
    return out


def _object(value: dict[str, Any]) -> dict[str, Any]:
    kind = value.get("objectType", "Activity")
    if kind == "Activity":
        return _activity(value)
    if kind == "StatementRef":
        return {**value, "id": value["id"].lower()}
    if kind == "SubStatement":
        return _statement(value)
    return _actor(value)


def _activity(value: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if key != "definition"}


def _context(value: dict[str, Any]) -> dict[str, Any]:
    out = dict(value)
    for name in ("instructor", "team"):
        if name in out:
            out[name] = _actor(out[name])
    if "registration" in out:
        out["registration"] = out["registration"].lower()
    if "language" in out:
        out["language"] = out["language"].lower()
    if "statement" in out:
        out["statement"] = _object(out["statement"])
    if "contextActivities" in out:
        # One activity and a list of it are the same (2.4.6.2.s4.b4).
        out["contextActivities"] = {
            role: [_activity(one) for one in (given if isinstance(given, list) else [given])]
            for role, given in out["contextActivities"].items()
        }
    for name, part in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in out:
            out[name] = [{**one, part: _actor(one[part])} for one in out[name]]
    return out


def _result(value: dict[str, Any]) -> dict[str, Any]:
    if "duration" not in value:
        return value
    # A duration is compared as a string, but not beyond hundredths of a second (4.6.s1.b5).
    return {**value, "duration": _CENTISECONDS.sub(r"\1", value["duration"])}
