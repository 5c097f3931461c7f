"""Keeping statements: once, all or nothing, append-only; and giving them back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import uuid_utils
from msgspec import Raw
from sqlalchemy import Connection, and_, select

from lms.db import Insert, insert_or_ignore
from lms.errors import ConflictError, ForbiddenError
from lms.people.models import Institution
from lms.xapi import attachments, canon, echoes, links
from lms.xapi.actors import find_key
from lms.xapi.formats import write_timestamp
from lms.xapi.links import term
from lms.xapi.models import Statement, Voiding
from lms.xapi.statement import Received, read_all, refusal
from lms.xapi.vocabulary import VOIDED
from lms.xapi.voiding import Voided

_encode = msgspec.json.Encoder().encode
_MOST_IDS = 500
_CONFLICT = "id가 {id}인 다른 문장이 이미 있습니다. 고친 문장이라면 새 id로 보내 주십시오."
_NOT_YOURS = "다른 곳에서 보낸 문장은 이 자격으로 무효로 할 수 없습니다. 기관에 문의해 주십시오."


@dataclass(frozen=True)
class Authority:
    """Who vouches for statements (Data 2.4.9).

    `name` is kept beside each statement. `home_page`: the account's home page; None trusts what
    the statement itself says, and names the institution's own LMS where it says nothing.
    """

    name: str
    home_page: str | None = None
    voids_others: bool = False
    """Whether it may void what others vouch for (Data 2.3.2.s2.b4)."""

    account: str | None = None
    """What the statement names it, where that is not `name`."""

    defines: bool = True
    """Whether what it says of activities counts for all (Communication 4.2: «define»)."""

    def agent(self, home_page: str) -> Raw:
        """The account that stands in the statement."""
        account = {"homePage": self.home_page or home_page, "name": self.account or self.name}
        return Raw(_encode({"objectType": "Agent", "account": account}))


LMS = Authority("lms", voids_others=True)
"""The LMS itself, whose statements move progress; its builder writes the authority in."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A statement as it is kept."""

    statement_id: str
    stored: datetime
    timestamp: datetime
    actor: str
    verb: str
    activity: str | None
    registration: str | None
    authority: str
    raw: bytes
    is_new: bool = False
    """Whether this very call stored it; False for one that was there before."""


_COLUMNS = (
    Statement.statement_id,
    Statement.stored,
    Statement.timestamp,
    Statement.actor,
    Statement.verb,
    Statement.activity,
    Statement.registration,
    Statement.authority,
    Statement.raw,
)


_NAMES = tuple(column.key for column in _COLUMNS)
_KEEP = Insert(Statement, or_ignore=True)


def add(
    connection: Connection,
    institution_id: int,
    statements: Sequence[bytes],
    *,
    authority: Authority,
    now: datetime,
    version: str = "1.0.3",
    hook: Any = None,
) -> list[Stored]:
    """Check and keep statements, all or none, and return them in their order.

    Raises InvalidError (its field is the path of what is wrong), ConflictError for an id that
    another statement has. The same statement again is returned as it stands, with is_new False.
    `hook`: the relay, told of what is voided (lms_after_voiding); the LMS itself voids nothing.
    """
    received = read_all(statements, version=version)
    return keep(connection, institution_id, received, authority=authority, now=now, hook=hook)


def keep(
    connection: Connection,
    institution_id: int,
    received: Sequence[Received],
    *,
    authority: Authority,
    now: datetime,
    hook: Any = None,
) -> list[Stored]:
    """Keep statements that were read already, so that reading needs no lock: see `add`.

    Inserted first and looked for only where an id was there before: most ids are new, and ours all.
    """
    agent = _agent(connection, institution_id, received, authority)
    # A UUID of RFC 4122 (Data 2.4.1): clients refuse version 7, which came later.
    ids = [one.statement_id or str(uuid_utils.uuid4()) for one in received]
    rows = {
        id_: _row(one, id_, institution_id, authority, agent, now)
        for one, id_ in zip(received, ids, strict=True)
    }
    fresh = _insert(connection, list(rows.values()))
    before = _find(connection, institution_id, sorted(rows.keys() - fresh.keys()))
    for one in received:
        if one.statement_id in before:
            _check_same(one, before[one.statement_id])
    voided = _void(connection, institution_id, received, ids, fresh, authority)
    new = {id_: one for id_, one in zip(ids, received, strict=True) if id_ in fresh}
    _link(connection, institution_id, new, fresh, authority, now)
    attachments.keep(connection, institution_id, new.items())
    if authority.defines:
        ours = authority == LMS
        canon.learn(connection, institution_id, list(new.values()), ours=ours, now=now)
    if voided and hook is not None:
        hook.lms_after_voiding(
            connection=connection,
            institution_id=institution_id,
            voided=voided,
            by=authority.name,
            now=now,
        )
    return [_stored_now(rows[id_]) if id_ in fresh else _stored(before[id_]) for id_ in ids]


def of_registration(
    connection: Connection, institution_id: int, registration: str, *, authority: str = "lms"
) -> Iterator[Stored]:
    """The statements of a registration that `authority` vouches for, in stored order.

    Voided ones are left out.
    """
    found = connection.execute(
        select(*_COLUMNS)
        .where(
            Statement.institution_id == institution_id,
            Statement.registration == registration.lower(),
            Statement.authority == authority,
            ~is_voided(),
        )
        .order_by(Statement.stored, Statement.id)
    )
    for row in found:
        yield Stored(*row)


def of_registrations(
    connection: Connection,
    institution_id: int,
    registrations: Sequence[str],
    *,
    authority: str = "lms",
) -> Iterator[Stored]:
    """What `of_registration` gives, of many registrations in one query (some hundreds at most).

    Of each, in stored order.
    """
    found = connection.execute(
        select(*_COLUMNS)
        .where(
            Statement.institution_id == institution_id,
            Statement.registration.in_([one.lower() for one in registrations]),
            Statement.authority == authority,
            ~is_voided(),
        )
        .order_by(Statement.registration, Statement.stored, Statement.id)
    )
    for row in found:
        yield Stored(*row)


def is_voided(statement: Any = Statement) -> Any:
    """Whether a row of `statement`, an alias of Statement, is voided.

    A voiding one never is (Data 2.3.2.s2.b3). Looked up for each row by itself: PostgreSQL would
    rather gather all that was ever voided, in every query.
    """
    voiding = (
        select(Voiding.id)
        .where(
            Voiding.institution_id == statement.institution_id,
            Voiding.target == statement.statement_id,
        )
        .limit(1)
        .correlate(statement)
        .scalar_subquery()
    )
    return and_(statement.verb != VOIDED, voiding.is_not(None))


def _find(connection: Connection, institution_id: int, ids: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for start in range(0, len(ids), _MOST_IDS):
        rows = connection.execute(
            select(*_COLUMNS, Statement.mark).where(
                Statement.institution_id == institution_id,
                Statement.statement_id.in_(ids[start : start + _MOST_IDS]),
            )
        )
        found.update((row.statement_id, row) for row in rows)
    return found


def _check_same(received: Received, kept: Any) -> None:
    """Data 2.3.1.s9. A timestamp that is not given may be the one that the store once set."""
    same = received.mark == kept.mark and received.timestamp in {None, kept.timestamp}
    if not same:
        raise ConflictError(_CONFLICT, id=kept.statement_id)


def _agent(
    connection: Connection,
    institution_id: int,
    received: Sequence[Received],
    authority: Authority,
) -> Raw | None:
    """The authority to write in; None where each statement brings its own and is trusted."""
    if authority.home_page is not None:
        return authority.agent(authority.home_page)
    if all("authority" in one.members for one in received):
        return None
    home = select(Institution.home_page).where(Institution.id == institution_id)
    return authority.agent(connection.execute(home).scalar_one())


def _row(
    received: Received,
    statement_id: str,
    institution_id: int,
    authority: Authority,
    agent: Raw | None,
    now: datetime,
) -> dict[str, Any]:
    members = dict(received.members)
    stored = Raw(_encode(write_timestamp(now)))
    members.setdefault("id", Raw(_encode(statement_id)))
    members.setdefault("timestamp", stored)
    members["stored"] = stored
    if agent is not None and (authority.home_page is not None or "authority" not in members):
        members["authority"] = agent
    # Data 2.4.10.s3.b3; a statement of 2.0 says so.
    default = "2.0.0" if received.version.startswith("2.") else "1.0.0"
    members.setdefault("version", Raw(_encode(default)))
    return {
        "institution_id": institution_id,
        "statement_id": statement_id,
        "stored": now,
        "timestamp": received.timestamp or now,
        "actor": received.actor,
        "verb": received.verb,
        "activity": received.activity,
        "registration": received.registration,
        "authority": authority.name,
        "version": received.version,
        "mark": received.mark,
        "raw": _encode(members),
    }


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Insert what is not there yet; the ids that were inserted, with their rows."""
    if len(rows) == 1:
        made = _KEEP.row(connection, **rows[0])
        return {} if made is None else {rows[0]["statement_id"]: made}
    if not rows:
        return {}
    insert = insert_or_ignore(connection, Statement).returning(Statement.statement_id, Statement.id)
    return {row.statement_id: row.id for row in connection.execute(insert, rows)}


def _link(
    connection: Connection,
    institution_id: int,
    new: dict[str, Received],
    fresh: dict[str, int],
    authority: Authority,
    now: datetime,
) -> None:
    """Keep what the new statements are found by beside their columns."""
    terms = [
        (number, fresh[id_])
        for id_, one in new.items()
        for number in dict.fromkeys((*one.links, *_vouching(one, authority)))
    ]
    echoes.write_links(connection, institution_id, terms, now=now)
    # Nobody can have known an id of ours, or one that was made just now.
    chosen = {id_ for id_, one in new.items() if one.statement_id is not None}
    arrived = set() if authority == LMS else chosen
    made = {fresh[id_]: one.refers_to for id_, one in new.items() if one.refers_to is not None}
    echoes.follow(connection, institution_id, made=made, arrived=arrived, now=now)


def _vouching(received: Received, authority: Authority) -> list[int]:
    """The links to whom the statement names as authority, where the column does not say it."""
    keys: tuple[str, ...] = ()
    if authority.account is not None:
        keys = (find_key(f"account:{authority.home_page}|{authority.account}"),)
    elif authority.home_page is None and received.vouched_by:
        ours = received.vouched_by[0].endswith(f"|{authority.name}")
        keys = () if ours else received.vouched_by
    return [term(links.AGENT_NEAR, key) for key in keys if key not in {"", received.actor}]


def _void(
    connection: Connection,
    institution_id: int,
    received: Sequence[Received],
    ids: Sequence[str],
    fresh: dict[str, int],
    authority: Authority,
) -> list[Voided]:
    """Note what the new statements void. 1.0.x takes a voiding without effect, 2.0 refuses it."""
    done = []
    for number, (one, statement_id) in enumerate(zip(received, ids, strict=True)):
        if one.voids is None or statement_id not in fresh:
            continue
        path = "$.object.id" if len(received) == 1 else f"$[{number}].object.id"
        target = _find(connection, institution_id, [one.voids]).get(one.voids)
        if target is not None and authority.name != target.authority and not authority.voids_others:
            raise ForbiddenError(_NOT_YOURS)
        strict = one.version.startswith("2.")
        if strict and target is not None and target.verb == VOIDED:
            raise refusal(path, "a voiding statement cannot be voided (Data 2.3.2)")
        noted = connection.execute(
            insert_or_ignore(connection, Voiding).returning(Voiding.id),
            {"institution_id": institution_id, "target": one.voids, "statement_id": statement_id},
        ).scalar()
        if strict and noted is None:
            raise refusal(path, "the statement is voided already (Data 2.3.2)")
        if noted is not None and target is not None and target.verb != VOIDED:
            vouched = target.registration, target.authority
            done.append(Voided(one.voids, *vouched, statement_id))
    return done


def _stored(row: Any) -> Stored:
    return Stored(*row[: len(_COLUMNS)])


def _stored_now(row: dict[str, Any]) -> Stored:
    return Stored(**{name: row[name] for name in _NAMES}, is_new=True)
