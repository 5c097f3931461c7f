"""What is known of activities: the canonical definition of each (Data 2.4.4.1), kept as statements
are. Language maps are united, and of two values the later one stands."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial, reduce
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from msgspec import UNSET, Raw, UnsetType
from sqlalchemy import Connection, Engine, bindparam, select, update

from lms.db import insert_or_ignore
from lms.xapi.actors import find_key
from lms.xapi.models import KnownActivity
from lms.xapi.statement import Received

MOST_BYTES = 256 << 10
"""Of one canonical definition. What grows beyond is replaced by the later one alone."""

_MOST_KEYS = 5_000
_MOST_SEEN = 20_000
"""Activities of which a process remembers the last definition, of some 200 bytes each."""

_MOST_PLAIN, _MOST_PLAIN_BYTES = 2_000, 2_000
"""Objects, as bytes, of which a process remembers what they define."""

_LANGUAGE_MAPS = frozenset({"name", "description"})
_COMPONENTS = frozenset({"choices", "scale", "source", "target", "steps"})
_INTERACTION = frozenset({"interactionType", "correctResponsesPattern"}) | _COMPONENTS
_WRITTEN = "lms_canon_written"

Members = Mapping[str, Raw]


class _Thing(msgspec.Struct, rename="camel"):
    """Of an object no more than is looked for here."""

    object_type: str = "Activity"
    id: str | UnsetType = UNSET
    definition: Raw | UnsetType = UNSET
    object: Raw | UnsetType = UNSET
    context: Raw | UnsetType = UNSET


class _Around(msgspec.Struct, rename="camel"):
    context_activities: dict[str, list[_Thing] | _Thing] | UnsetType = UNSET


_decode_thing = msgspec.json.Decoder(_Thing).decode
_decode_around = msgspec.json.Decoder(_Around).decode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_map = msgspec.json.Decoder(dict[str, str]).decode
_decode_components = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_decode_any = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class _Seen:
    """Each activity's last definition, of those that stand in the database."""

    def __init__(self) -> None:
        self._digests: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, key: tuple[Any, ...], digest: bytes) -> bool:
        with self._lock:
            if self._digests.get(key) != digest:
                return False
            self._digests.move_to_end(key)
            return True

    def note(self, key: tuple[Any, ...], digest: bytes) -> None:
        with self._lock:
            self._digests[key] = digest
            self._digests.move_to_end(key)
            if len(self._digests) > _MOST_SEEN:
                self._digests.popitem(last=False)

    def drop(self, institution_id: int, key: str) -> None:
        with self._lock:
            for is_ours in (True, False):
                self._digests.pop((institution_id, key, is_ours), None)


_seen: WeakKeyDictionary[Engine, _Seen] = WeakKeyDictionary()


class _Told(msgspec.Struct):
    """What statements say of one activity, in their order."""

    iri: str
    definitions: list[Raw]

    @property
    def digest(self) -> bytes:
        return hashlib.blake2b(self.definitions[-1], digest_size=16).digest()


def definitions(
    connection: Connection, institution_id: int, keys: Collection[str]
) -> dict[str, dict[str, Any]]:
    """The canonical definitions of activities, by `lms.xapi.actors.find_key` of their IRIs.

    Those of which nothing is known are left out. One query for every 5,000.
    """
    wanted = sorted(set(keys))
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), _MOST_KEYS):
        rows = connection.execute(_rows(institution_id, wanted[start : start + _MOST_KEYS]))
        found.update((row.key, _decode_any(row.definition)) for row in rows)
    return found


def learn(
    connection: Connection,
    institution_id: int,
    received: Sequence[Received],
    *,
    ours: bool,
    now: datetime,
) -> None:
    """Bring the canonical definitions up to date with statements that were just stored.

    `ours`: whether the LMS itself says so; others do not change what it defined, nor what answers
    are right (Data 2.4.4.1.s4.b3 to b5).
    A definition that this process knows to stand already costs no SQL.
    """
    seen = _seen.get(connection.engine) or _seen.setdefault(connection.engine, _Seen())
    told = {
        key: one
        for key, one in sorted(_told(received).items())
        if len(one.definitions) > 1 or not seen.holds((institution_id, key, ours), one.digest)
    }
    if not told:
        return
    known = _known(connection, institution_id, list(told))
    changed = {key: one for key, one in told.items() if _merged(known.get(key), one, ours=ours)}
    written = _written(connection)
    for key in told.keys() - changed.keys() - written:
        # Only what was found and not written by this transaction: that may yet be rolled back.
        seen.note((institution_id, key, ours), told[key].digest)
    if changed:
        written.update(changed)
        for key in changed:
            seen.drop(institution_id, key)
        _write(connection, institution_id, changed, known, ours=ours, now=now)


def merge(old: Members, new: Members, *, ours: bool = False) -> dict[str, Raw]:
    """The definition that stands when `new` comes after `old`; values keep their digits.

    Unless it is `ours`, an interaction stays of its kind, and so do its right answers.
    """
    if "interactionType" in old:
        other_kind = old["interactionType"] != new.get("interactionType", old["interactionType"])
        if other_kind and ours:
            old = _without(old, _INTERACTION)
        elif not ours:
            new = _without(new, _INTERACTION if other_kind else _INTERACTION - _COMPONENTS)
    return {**old, **{name: _later(name, old.get(name), value) for name, value in new.items()}}


def _without(members: Members, names: Collection[str]) -> dict[str, Raw]:
    return {name: value for name, value in members.items() if name not in names}


def _later(name: str, old: Raw | None, new: Raw) -> Raw:
    if name in _LANGUAGE_MAPS:
        return Raw(_encode({**(_decode_map(old) if old else {}), **_decode_map(new)}))
    if name == "extensions":
        return Raw(_encode({**(_decode_members(old) if old else {}), **_decode_members(new)}))
    if name in _COMPONENTS:
        before = {bytes(one["id"]): one for one in (_decode_components(old) if old else [])}
        parts = [merge(before.get(bytes(one["id"]), {}), one) for one in _decode_components(new)]
        return Raw(_encode(parts))
    return new


def _told(received: Sequence[Received]) -> dict[str, _Told]:
    found: dict[str, _Told] = {}
    for one in received:
        for iri, definition in _defined(one.members["object"], one.members.get("context")):
            told = found.setdefault(find_key(iri), _Told(iri, []))
            if not told.definitions or bytes(told.definitions[-1]) != bytes(definition):
                told.definitions.append(definition)
    return found


def _defined(thing: Raw, context: Raw | UnsetType | None) -> Iterator[tuple[str, Raw]]:
    """IRI and definition of every activity in a statement that has one."""
    around: list[_Thing] = []
    # What does not name the word has none, and a context seldom does.
    if isinstance(context, Raw) and _may_define(bytes(context)):
        activities = _decode_around(context).context_activities
        for given in {} if isinstance(activities, UnsetType) else activities.values():
            around += given if isinstance(given, list) else [given]
    if not around and _is_plain(told := bytes(thing)):
        yield from _defined_by(told)
        return
    acted_on = _decode_thing(thing)
    if acted_on.object_type == "SubStatement" and isinstance(acted_on.object, Raw):
        yield from _defined(acted_on.object, acted_on.context)
    yield from _with_definition((*around, acted_on))


def _may_define(told: bytes) -> bool:
    return b"definition" in told or b"\\u" in told


def _is_plain(told: bytes) -> bool:
    return len(told) < _MOST_PLAIN_BYTES and b"SubStatement" not in told and b"\\u" not in told


@lru_cache(maxsize=_MOST_PLAIN)
def _defined_by(told: bytes) -> tuple[tuple[str, Raw], ...]:
    """What `_defined` gives, of an object that is no SubStatement: courses send the same again."""
    return tuple(_with_definition([_decode_thing(told)])) if _may_define(told) else ()


def _with_definition(things: Iterable[_Thing]) -> Iterator[tuple[str, Raw]]:
    for one in things:
        is_activity = one.object_type == "Activity" and isinstance(one.id, str)
        if is_activity and isinstance(one.definition, Raw) and bytes(one.definition) != b"{}":
            yield str(one.id), one.definition


def _merged(row: Any, told: _Told, *, ours: bool) -> bytes | None:
    """What is to be written for an activity; None where nothing changes."""
    before = None if row is None else row.definition
    if row is not None and row.is_ours and not ours:
        return None
    takes_over = ours and row is not None and not row.is_ours
    old = {} if before is None or takes_over else _decode_members(before)
    later = [_decode_members(one) for one in told.definitions]
    made = _encode(reduce(partial(merge, ours=ours), later, old))
    if len(made) > MOST_BYTES:
        made = _encode(merge({}, later[-1]))
    if (made == before and not takes_over) or len(made) > MOST_BYTES:
        return None
    return made


def _rows(institution_id: int, keys: Collection[str]) -> Any:
    return select(KnownActivity.key, KnownActivity.definition, KnownActivity.is_ours).where(
        KnownActivity.institution_id == institution_id, KnownActivity.key.in_(keys)
    )


def _known(
    connection: Connection, institution_id: int, keys: Sequence[str], *, lock: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for start in range(0, len(keys), _MOST_KEYS):
        wanted = _rows(institution_id, keys[start : start + _MOST_KEYS])
        if lock:
            # In one order, so that two transactions never wait for each other.
            wanted = wanted.order_by(KnownActivity.key).with_for_update()
        found.update((row.key, row) for row in connection.execute(wanted))
    return found


def _write(
    connection: Connection,
    institution_id: int,
    changed: Mapping[str, _Told],
    known: Mapping[str, Any],
    *,
    ours: bool,
    now: datetime,
) -> None:
    """Insert what is new; merge what is there, or came meanwhile, with its rows held."""
    new = [
        {
            "institution_id": institution_id,
            "key": key,
            "iri": told.iri,
            "definition": _merged(None, told, ours=ours),
            "is_ours": ours,
            "updated_at": now,
        }
        for key, told in changed.items()
        if key not in known
    ]
    made: set[str] = set()
    if new:
        insert = insert_or_ignore(connection, KnownActivity).returning(KnownActivity.key)
        made = set(connection.execute(insert, new).scalars())
    there = [key for key in changed if key not in made]
    rows = _known(connection, institution_id, there, lock=True) if there else {}
    values = [
        {"at": key, "made": definition, "now": now}
        for key, row in rows.items()
        if (definition := _merged(row, changed[key], ours=ours)) is not None
    ]
    if values:
        connection.execute(
            update(KnownActivity)
            .where(
                KnownActivity.institution_id == institution_id,
                KnownActivity.key == bindparam("at"),
            )
            .values(definition=bindparam("made"), is_ours=ours, updated_at=bindparam("now")),
            values,
        )


def _written(connection: Connection) -> set[str]:
    """The activities that this transaction wrote; to hold it is to know it from the next one."""
    transaction = connection.get_transaction()
    held = connection.info.get(_WRITTEN)
    if held is None or held[0] is not transaction:
        held = connection.info[_WRITTEN] = (transaction, set())
    found: set[str] = held[1]
    return found
