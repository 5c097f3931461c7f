"""Finding statements: the query of the standard (Communication 2.1.3), page by page.

A page goes on where the last one ended, by stored instant and row, so that statements which come
meanwhile neither repeat nor hide anything.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, literal, select, tuple_

from lms.db import UTCDateTime
from lms.errors import InvalidError
from lms.xapi import formats
from lms.xapi.actors import Actor, find_key, identifier
from lms.xapi.models import Statement
from lms.xapi.statement import explain
from lms.xapi.store import is_voided

MOST = 500
"""Statements in one answer."""

_KNOWN = frozenset(
    {
        "agent",
        "verb",
        "activity",
        "registration",
        "related_activities",
        "related_agents",
        "since",
        "until",
        "limit",
        "format",
        "attachments",
        "ascending",
    }
)
_REFUSAL = "요청의 {name} 값을 쓸 수 없습니다: {rule}"
_STRANGE = "not an address that was given out"
_LIMIT_DIGITS = 9
_MARK_BYTES = 16
_decode_actor = msgspec.json.Decoder(Actor).decode


class Query(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What is looked for. Parameters that the standard compares loosely are normalised."""

    agent: str | None = None
    verb: str | None = None
    activity: str | None = None
    registration: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = MOST
    ascending: bool = False
    after: tuple[datetime, int] | None = None
    """The last row that was given out: its stored instant and its id."""


@dataclass(frozen=True)
class Page:
    """Statements as they are given out, and the query of the next page; None at the end."""

    statements: list[bytes]
    more: Query | None


def refuse(name: str, rule: str) -> InvalidError:
    """The error for a parameter that cannot be used."""
    return InvalidError(_REFUSAL, field=name, name=name, rule=rule)


def read_query(given: Mapping[str, str]) -> Query:
    """The query in a request's parameters, each checked as in statements (Data 2.2.s4.b4).

    Raises InvalidError, whose field is the parameter.
    """
    for name in given:
        if name not in _KNOWN:
            raise refuse(name, "not a parameter of this resource (Communication 3.2.s3.b7)")
    for name, taken in (
        ("related_activities", "false"),
        ("related_agents", "false"),
        ("attachments", "false"),
        ("format", "exact"),
    ):
        if given.get(name, taken) != taken:
            raise refuse(name, f"only {taken} is answered")
    return Query(
        agent=_agent(given["agent"]) if "agent" in given else None,
        verb=_iri("verb", given),
        activity=_iri("activity", given),
        registration=_registration(given),
        since=_instant("since", given),
        until=_instant("until", given),
        limit=_limit(given.get("limit", "0")),
        ascending=_flag("ascending", given),
    )


def read_more(text: str, secret: str) -> Query:
    """The query that `write_more` wrote. Raises InvalidError for any other text."""
    try:
        told = base64.urlsafe_b64decode(text.encode())
        mark, said = told[:_MARK_BYTES], told[_MARK_BYTES:]
        if not hmac.compare_digest(mark, _mark(said, secret)):
            raise refuse("more", _STRANGE)
        return msgspec.msgpack.decode(said, type=Query)
    except (msgspec.DecodeError, binascii.Error, UnicodeError):
        raise refuse("more", _STRANGE) from None


def write_more(query: Query, secret: str) -> str:
    """A query as an opaque word for an address, good for as long as `secret` (Data 2.5.s3.b1)."""
    said = msgspec.msgpack.encode(query)
    return base64.urlsafe_b64encode(_mark(said, secret) + said).decode()


def find(
    connection: Connection, institution_id: int, query: Query, *, authority: str | None = None
) -> Page:
    """One page, without voided statements. `authority`: only what this one vouches for."""
    wanted = select(Statement.id, Statement.stored, Statement.raw).where(
        Statement.institution_id == institution_id, ~is_voided()
    )
    if authority is not None:
        wanted = wanted.where(Statement.authority == authority)
    rows = connection.execute(_matching(wanted, query)).all()
    page = rows[: query.limit]
    more = None
    if len(rows) > query.limit:
        more = msgspec.structs.replace(query, after=(page[-1].stored, page[-1].id))
    return Page([row.raw for row in page], more)


def find_one(
    connection: Connection,
    institution_id: int,
    statement_id: str,
    *,
    voided: bool = False,
    authority: str | None = None,
) -> tuple[bytes, datetime] | None:
    """A statement and when it was stored; `voided` finds only voided ones, else only others."""
    wanted = select(Statement.raw, Statement.stored).where(
        Statement.institution_id == institution_id,
        Statement.statement_id == statement_id.lower(),
        is_voided() if voided else ~is_voided(),
    )
    if authority is not None:
        wanted = wanted.where(Statement.authority == authority)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else (row.raw, row.stored)


def _matching(wanted: Any, query: Query) -> Any:
    for column, value in (
        (Statement.actor, query.agent),
        (Statement.verb, query.verb),
        (Statement.activity, query.activity),
        (Statement.registration, query.registration),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.since is not None:
        wanted = wanted.where(Statement.stored > query.since)
    if query.until is not None:
        wanted = wanted.where(Statement.stored <= query.until)
    place = tuple_(Statement.stored, Statement.id)
    if query.after is not None:
        stored, id_ = query.after
        last = tuple_(literal(stored, UTCDateTime()), literal(id_))
        wanted = wanted.where(place > last if query.ascending else place < last)
    order = (Statement.stored, Statement.id)
    return wanted.order_by(
        *(order if query.ascending else [column.desc() for column in order])
    ).limit(query.limit + 1)


def _agent(text: str) -> str:
    try:
        found = identifier(_decode_actor(text))
    except msgspec.DecodeError as error:
        raise refuse("agent", " ".join(explain(error))) from None
    except (UnicodeError, RecursionError):
        raise refuse("agent", "an Agent or a Group as JSON") from None
    if not found:
        raise refuse("agent", "an Agent or an identified Group (Communication 2.1.3)")
    return found


def _iri(name: str, given: Mapping[str, str]) -> str | None:
    if name not in given:
        return None
    if not formats.is_iri(given[name]):
        raise refuse(name, "an IRI with a scheme (Data 4.3)")
    return find_key(given[name])


def _registration(given: Mapping[str, str]) -> str | None:
    if "registration" not in given:
        return None
    if not formats.is_uuid(given["registration"]):
        raise refuse("registration", "a UUID (Data 4.4)")
    return given["registration"].lower()


def _instant(name: str, given: Mapping[str, str]) -> datetime | None:
    if name not in given:
        return None
    try:
        return formats.read_timestamp(given[name])
    except ValueError as error:
        raise refuse(name, str(error)) from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise refuse("limit", "a whole number, 0 or more (Communication 2.1.3)")
    if len(text) > _LIMIT_DIGITS:
        return MOST
    return min(int(text) or MOST, MOST)


def _flag(name: str, given: Mapping[str, str]) -> bool:
    if given.get(name, "false") not in {"true", "false"}:
        raise refuse(name, "true or false (Communication 2.1.3)")
    return given.get(name) == "true"


def _mark(said: bytes, secret: str) -> bytes:
    keyed = hmac.new(secret.encode(), b"lms.xapi.more:" + said, hashlib.sha256)
    return keyed.digest()[:_MARK_BYTES]
