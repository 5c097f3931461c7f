"""A statement as it comes in: checked against every rule of the standard, and read for the store.

The bytes are parsed into structs that carry the rules and never turned back: what is kept are the
bytes that came (Data 2.2.s2.b5).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from lms.errors import InvalidError
from lms.xapi import comparison, links, rendition
from lms.xapi.actors import Actor, Strict, find_key, identifier
from lms.xapi.contexts import Context, Result
from lms.xapi.formats import RULES, Timestamp, Uuid, Version, read_timestamp
from lms.xapi.objects import Activity, Attachment, Held, Named, StatementRef, Verb
from lms.xapi.vocabulary import VOIDED

REFUSAL = "보낸 문장이 xAPI 규격에 맞지 않습니다. {path}: {rule}"


class _Body(Strict):
    """What statements and sub-statements share (Data 2.4)."""

    actor: Actor
    verb: Verb
    object: Raw
    result: Result | UnsetType = UNSET
    context: Context | UnsetType = UNSET
    timestamp: Timestamp | UnsetType = UNSET
    attachments: list[Attachment] | UnsetType = UNSET


class Statement(_Body):
    """Data 2.4."""

    id: Uuid | UnsetType = UNSET
    stored: Timestamp | UnsetType = UNSET
    authority: Actor | UnsetType = UNSET
    version: Version | UnsetType = UNSET


class SubStatement(_Body, kw_only=True):
    """A statement inside another: no id, stored, authority or version (Data 2.4.4.3.s8)."""

    object_type: Literal["SubStatement"]


_Thing = Activity | Actor | StatementRef | SubStatement


@dataclass(frozen=True, slots=True)
class Received:
    """A valid statement, and what the store finds it by."""

    members: dict[str, Raw]
    """The top-level properties with the bytes of their values, as they are to be given out."""

    statement_id: str | None
    """Lower-case UUID; None if the store is to give one."""

    timestamp: datetime | None
    actor: str
    verb: str
    activity: str | None
    registration: str | None
    voids: str | None
    """Lower-case id of the statement that this one voids."""

    version: str
    mark: str
    links: tuple[int, ...] = ()
    """Terms that it is found by beside its own columns: see lms.xapi.links."""

    refers_to: str | None = None
    """Lower-case id of the statement that is its object."""

    vouched_by: tuple[str, ...] = ()
    """Keys of the authority that it brought."""

    attachments: tuple[tuple[str, Attachment], ...] = ()
    """Its own and its sub-statement's, each with its path from «$»."""

    held: tuple[Held, ...] = ()
    """Files that came with it: see lms.xapi.attachments."""

    def under(self, statement_id: str) -> "Received":
        """The same with the id that a request's address gives, if it has none of its own."""
        if self.statement_id is not None:
            return self
        members = {"id": Raw(_encode(statement_id)), **self.members}
        return replace(self, members=members, statement_id=statement_id.lower())


_decode_statement = msgspec.json.Decoder(Statement).decode
_decode_any = msgspec.json.Decoder().decode
_decode_name = msgspec.json.Decoder(Named).decode
_decode_thing: dict[str, Any] = {
    "Activity": msgspec.json.Decoder(Activity).decode,
    "Agent": msgspec.json.Decoder(Actor).decode,
    "Group": msgspec.json.Decoder(Actor).decode,
    "StatementRef": msgspec.json.Decoder(StatementRef).decode,
    "SubStatement": msgspec.json.Decoder(SubStatement).decode,
}
_encode = msgspec.json.Encoder().encode


class _RuleError(ValueError):
    """A broken rule, and where."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(rule)
        self.path = path
        self.rule = rule


def read_all(
    statements: Sequence[bytes | Raw], *, version: str, with_files: bool = False
) -> list[Received]:
    """Every statement read. Raises InvalidError, whose field is the path, for the first bad one.

    `version`: the version that the request speaks; statements that name their own keep it.
    `with_files`: whether attachments may come beside the statements: each has a fileUrl otherwise.
    """
    alone = len(statements) == 1
    found = [
        read(raw, version=version, path="$" if alone else f"$[{number}]", with_files=with_files)
        for number, raw in enumerate(statements)
    ]
    seen: set[str] = set()
    for number, one in enumerate(found):
        if one.statement_id in seen:
            rule = "an id stands in a batch once (Communication 2.1.2.s2.b6)"
            raise refusal(f"$[{number}].id", rule)
        if one.statement_id is not None:
            seen.add(one.statement_id)
    return found


def read(raw: bytes | Raw, *, version: str, path: str = "$", with_files: bool = False) -> Received:
    """One statement read. Raises InvalidError, whose field is the path of what is wrong."""
    try:
        statement = _decode_statement(raw)
        spoken = _version(statement, version)
        thing = _thing(statement, "$", spoken)
        _check_statement(statement, thing)
        if not with_files:
            _check_addresses(statement, thing)
        value = _decode_any(raw)
        _check_each_key_once(bytes(raw), value)
        return _received(statement, thing, raw, value, spoken)
    except _RuleError as error:
        raise refusal(path + error.path[1:], error.rule) from None
    except msgspec.DecodeError as error:
        where, rule = explain(error)
        raise refusal(path + where[1:], rule) from None
    except UnicodeDecodeError:
        raise refusal(path, "JSON is UTF-8 (Communication 1.4)") from None
    except RecursionError:
        raise refusal(path, "nested deeper than can be read") from None


def refusal(path: str, rule: str) -> InvalidError:
    """The error for a broken rule at a path."""
    return InvalidError(REFUSAL, field=path, path=path, rule=rule)


def explain(error: msgspec.DecodeError) -> tuple[str, str]:
    """Path and rule of what the decoder says: «Expected `str`, got `null` - at `$.actor.name`»."""
    text, _, place = str(error).partition(" - at ")
    path = place.split("`")[-2] if place else "$"
    if place.startswith("`key`"):
        text = f"a key: {text}"
    named = re.search(r"(?:unknown|missing required) field `([^`]*)`", text)
    if named:
        path = f"{path}.{named.group(1)}"
    for pattern, rule in RULES.items():
        if "matching regex" in text and repr(pattern) in text:
            text = f"a key is {rule}" if text.startswith("a key") else rule
            break
    return path, text


def _version(statement: Statement, spoken: str) -> str:
    given = statement.version
    if isinstance(given, UnsetType):
        return spoken
    if given.startswith("2.") and spoken.startswith("1."):
        raise _RuleError(
            "$.version", "a request of 1.0.x takes statements of 1.0.x (Data 2.4.10.s3.b2)"
        )
    return given


def _thing(statement: _Body, path: str, version: str) -> _Thing:
    """The object, with the rules that go across it and its statement checked."""
    try:
        kind = _decode_name(statement.object).object_type
        if kind == "SubStatement" and isinstance(statement, SubStatement):
            raise _RuleError(f"{path}.object", "a SubStatement holds no other (Data 2.4.4.3.s8.b4)")
        thing: _Thing = _decode_thing[kind](statement.object)
    except msgspec.DecodeError as error:
        where, rule = explain(error)
        raise _RuleError(f"{path}.object{where[1:]}", rule) from None
    _check_context(statement, thing, path, version)
    _check_rest(statement, thing, path, version)
    if isinstance(thing, SubStatement):
        _thing(thing, f"{path}.object", version)
    return thing


def _check_context(statement: _Body, thing: _Thing, path: str, version: str) -> None:
    context = statement.context
    if isinstance(context, UnsetType):
        return
    if not isinstance(thing, Activity):
        for name in ("revision", "platform"):
            if getattr(context, name) is not UNSET:
                raise _RuleError(f"{path}.context.{name}", "only with an Activity (Data 2.4.6.s4)")
    if version.startswith("1."):
        for name, told in (
            ("contextAgents", context.context_agents),
            ("contextGroups", context.context_groups),
        ):
            if told is not UNSET:
                raise _RuleError(f"{path}.context.{name}", "not before 2.0")


def _check_rest(statement: _Body, thing: _Thing, path: str, version: str) -> None:
    if statement.verb.id == VOIDED and not isinstance(thing, StatementRef):
        raise _RuleError(
            f"{path}.object.objectType", "a voiding statement names a StatementRef (2.3.2)"
        )
    if not isinstance(statement.timestamp, UnsetType):
        _instant(statement.timestamp, f"{path}.timestamp", version)


def _check_addresses(statement: Statement, thing: _Thing) -> None:
    for path, attachment in _attachments(statement, thing):
        if attachment.file_url is UNSET:
            rule = "an attachment sent as JSON has a fileUrl (Communication 1.5.2.s2.b1)"
            raise _RuleError(f"{path}.fileUrl", rule)


def _attachments(statement: Statement, thing: _Thing) -> tuple[tuple[str, Attachment], ...]:
    bodies: list[tuple[str, _Body]] = [("$", statement)]
    if isinstance(thing, SubStatement):
        bodies.append(("$.object", thing))
    return tuple(
        (f"{path}.attachments[{number}]", one)
        for path, body in bodies
        if not isinstance(body.attachments, UnsetType)
        for number, one in enumerate(body.attachments)
    )


def _check_statement(statement: Statement, thing: _Thing) -> None:
    stored = statement.stored
    if not isinstance(stored, UnsetType):
        _instant(stored, "$.stored", "1")
    authority = statement.authority
    if isinstance(authority, UnsetType) or authority.object_type != "Group":
        return
    if (
        authority.identifiers()
        or isinstance(authority.member, UnsetType)
        or len(authority.member) != 2
    ):
        raise _RuleError("$.authority", "an Agent, or a Group of two Agents (Data 2.4.9.s3.b1)")


def _instant(text: str, path: str, version: str) -> datetime:
    try:
        return read_timestamp(text, strict=version.startswith("2."))
    except ValueError as error:
        raise _RuleError(path, str(error)) from None


def _check_each_key_once(raw: bytes, value: Any) -> None:
    """Data 2.2.s2.b2. A key given twice was dropped in decoding, and a colon with it."""
    if raw.count(b":") == _encode(value).count(b":") and b"\\u003" not in raw:
        return
    # Colons written as escapes inside strings count otherwise: look closely.
    json.loads(raw, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise _RuleError("$", f"the property {key[:80]!r} stands twice (Data 2.2.s2.b2)")
        seen.add(key)


def _received(
    statement: Statement, thing: _Thing, raw: bytes | Raw, value: dict[str, Any], version: str
) -> Received:
    said = statement.timestamp
    # As strictly as it was checked: it is remembered from there.
    strict = version.startswith("2.")
    at = None if isinstance(said, UnsetType) else read_timestamp(said, strict=strict)
    context = statement.context
    registration = UNSET if isinstance(context, UnsetType) else context.registration
    voids = statement.verb.id == VOIDED and isinstance(thing, StatementRef)
    return Received(
        members=rendition.members(raw, value, at),
        statement_id=None if isinstance(statement.id, UnsetType) else statement.id.lower(),
        timestamp=at,
        actor=identifier(statement.actor),
        verb=find_key(statement.verb.id),
        activity=find_key(thing.id) if isinstance(thing, Activity) else None,
        registration=None if isinstance(registration, UnsetType) else registration.lower(),
        voids=thing.id.lower() if voids and isinstance(thing, StatementRef) else None,
        version=version,
        mark=comparison.mark(value),
        links=links.links_of(value),
        refers_to=thing.id.lower() if isinstance(thing, StatementRef) else None,
        vouched_by=tuple(links.people(value["authority"])) if "authority" in value else (),
        attachments=_attachments(statement, thing),
    )
