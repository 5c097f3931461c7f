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
from typing import Any, Literal, cast, get_args

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from lms.db import Prepared
from lms.errors import InvalidError
from lms.people.models import Institution
from lms.xapi import formats, searching
from lms.xapi.actors import Actor, find_key, identifier
from lms.xapi.links import term
from lms.xapi.searching import Found, Near, Shape
from lms.xapi.statement import explain

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
_MOST_LANGUAGES = 1_000
"""Characters of an Accept-Language that are looked at."""

_ACCOUNT = "account:"
_HOME = Prepared(
    select(Institution.home_page).where(Institution.id == bindparam("institution_id")), str
)
_decode_actor = msgspec.json.Decoder(Actor).decode
Format = Literal["ids", "exact", "canonical"]


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

    related_agents: bool = False
    related_activities: bool = False
    format: Format = "exact"
    attachments: bool = False
    languages: str = ""
    """The Accept-Language that canonical statements are given out by, on every page."""


@dataclass(frozen=True)
class Page:
    """Statements as they are kept, and the query of the next page; None at the end."""

    found: list[Found]
    more: Query | None

    @property
    def statements(self) -> list[bytes]:
        return [one.raw for one in self.found]


def refuse(name: str, rule: str) -> InvalidError:
    """The error for a parameter that cannot be used."""
    return InvalidError(_REFUSAL, field=name, name=name, rule=rule)


def read_query(given: Mapping[str, str], *, languages: str = "", strict: bool = False) -> Query:
    """The query in a request's parameters, each checked as in statements (Data 2.2.s4.b4).

    `languages`: the request's Accept-Language. `strict`: instants of RFC 3339, as 2.0 asks.
    Raises InvalidError, whose field is the parameter.
    """
    for name in given:
        if name not in _KNOWN:
            raise refuse(name, "not a parameter of this resource (Communication 3.2.s3.b7)")
    form = _format(given.get("format", "exact"))
    return Query(
        agent=_agent(given["agent"]) if "agent" in given else None,
        verb=_iri("verb", given),
        activity=_iri("activity", given),
        registration=_registration(given),
        since=_instant("since", given, strict=strict),
        until=_instant("until", given, strict=strict),
        limit=_limit(given.get("limit", "0")),
        ascending=_flag("ascending", given),
        related_agents=_flag("related_agents", given),
        related_activities=_flag("related_activities", given),
        format=form,
        attachments=_flag("attachments", given),
        languages=languages[:_MOST_LANGUAGES] if form == "canonical" else "",
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
    vouching = _vouching(connection, institution_id, query)
    shape = _shape(connection.dialect.name, query, vouching, authority)
    values: dict[str, Any] = {
        "institution_id": institution_id,
        "most": query.limit + 1,
        "agent": query.agent,
        "vouching": vouching,
        "verb": query.verb,
        "activity": query.activity,
        "registration": query.registration,
        "authority": authority,
        "since": query.since,
        "until": query.until,
    }
    for name, (kind, whose) in searching.terms_of(shape).items():
        values[name] = term(kind, values[whose])
    if query.after is not None:
        values["after_stored"], values["after_id"] = query.after
    rows = searching.statement_for(shape).all(connection, **values)
    page = rows[: query.limit]
    more = None
    if len(rows) > query.limit:
        more = msgspec.structs.replace(query, after=(page[-1].stored, page[-1].row))
    return Page(page, more)


def find_one(
    connection: Connection,
    institution_id: int,
    statement_id: str,
    *,
    voided: bool = False,
    authority: str | None = None,
) -> Found | None:
    """A statement by its id; `voided` finds only voided ones, else only others."""
    return searching.statement_of_one(voided=voided, mine=authority is not None).first(
        connection,
        institution_id=institution_id,
        statement_id=statement_id.lower(),
        authority=authority,
    )


def _shape(dialect: str, query: Query, vouching: str | None, authority: str | None) -> Shape:
    near: Near = "near" if query.related_agents else "own"
    around: Near = "near" if query.related_activities else "own"
    return Shape(
        dialect=dialect,
        agent="" if query.agent is None else near,
        vouching=vouching is not None,
        activity="" if query.activity is None else around,
        verb=query.verb is not None,
        registration=query.registration is not None,
        authority=authority is not None,
        since=query.since is not None,
        until=query.until is not None,
        after=query.after is not None,
        ascending=query.ascending,
    )


def _vouching(connection: Connection, institution_id: int, query: Query) -> str | None:
    """The name of the authority that the agent may be: an account under our own home page."""
    if not query.related_agents or not (query.agent or "").startswith(_ACCOUNT):
        return None
    home, _, name = (query.agent or "").removeprefix(_ACCOUNT).partition("|")
    ours = _HOME.first(connection, institution_id=institution_id)
    return name if home == ours else None


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


def _instant(name: str, given: Mapping[str, str], *, strict: bool) -> datetime | None:
    if name not in given:
        return None
    try:
        return formats.read_timestamp(given[name], strict=strict)
    except ValueError as error:
        raise refuse(name, str(error)) from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise refuse("limit", "a whole number, 0 or more (Communication 2.1.3)")
    if len(text) > _LIMIT_DIGITS:
        return MOST
    return min(int(text) or MOST, MOST)


def _format(text: str) -> Format:
    for known in get_args(Format):
        if text == known:
            return cast(Format, known)
    raise refuse("format", "ids, exact or canonical (Communication 2.1.3)")


def _flag(name: str, given: Mapping[str, str]) -> bool:
    if given.get(name, "false") not in {"true", "false"}:
        raise refuse(name, "true or false (Communication 2.1.3)")
    return given.get(name) == "true"


def _mark(said: bytes, secret: str) -> bytes:
    keyed = hmac.new(secret.encode(), b"lms.xapi.more:" + said, hashlib.sha256)
    return keyed.digest()[:_MARK_BYTES]
