"""Keeping statements: once, all or nothing, append-only; and giving them back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import uuid_utils
from msgspec import Raw
from sqlalchemy import Connection, select

from lms.db import InsertMany, insert_or_ignore
from lms.errors import ConflictError, ForbiddenError
from lms.people.models import Institution
from lms.xapi import attachments, canon, echoes
from lms.xapi.authorities import LMS, Authority, vouching
from lms.xapi.formats import write_timestamp
from lms.xapi.models import Statement, Voiding
from lms.xapi.statement import Received, read_all, refusal
from lms.xapi.vocabulary import VOIDED
from lms.xapi.voiding import Voided, is_voided

__all__ = [
    "LMS",
    "Authority",
    "Sent",
    "Stored",
    "add",
    "keep",
    "keep_together",
    "of_registration",
    "of_registrations",
]

_encode = msgspec.json.Encoder().encode
_VERSION_1, _VERSION_2 = Raw(b'"1.0.0"'), Raw(b'"2.0.0"')
_MOST_IDS = 500
_CONFLICT = "id가 {id}인 다른 문장이 이미 있습니다. 고친 문장이라면 새 id로 보내 주십시오."
_NOT_YOURS = "다른 곳에서 보낸 문장은 이 자격으로 무효로 할 수 없습니다. 기관에 문의해 주십시오."


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


_NAMES = (*(column.key for column in _COLUMNS), "institution_id", "version", "mark")
_KEEP = InsertMany(Statement, _NAMES, or_ignore=True)


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


@dataclass(frozen=True, slots=True)
class Sent:
    """The statements of one request, read already."""

    institution_id: int
    received: Sequence[Received]
    authority: Authority
    hook: Any = None


class _ApartError(Exception):
    """These requests cannot be answered together; each alone can."""


def keep(
    connection: Connection,
    institution_id: int,
    received: Sequence[Received],
    *,
    authority: Authority,
    now: datetime,
    hook: Any = None,
) -> list[Stored]:
    """Keep statements that were read already, so that reading needs no lock: see `add`."""
    sent = Sent(institution_id, received, authority, hook)
    return _keep(connection, institution_id, [sent], now=now)[0]


def keep_together(
    connection: Connection, sent: Sequence[Sent], *, now: datetime
) -> list[list[Stored]]:
    """Keep the statements of many requests, each of `sent` as `keep` would, in few statements.

    For the writer's `do_together`: where one of them is to be refused it raises, and each is then
    kept, or refused, alone.
    """
    answers: dict[int, list[Stored]] = {}
    by_home: dict[int, list[int]] = {}
    for place, one in enumerate(sent):
        by_home.setdefault(one.institution_id, []).append(place)
    for institution_id, places in by_home.items():
        kept = _keep(connection, institution_id, [sent[place] for place in places], now=now)
        answers.update(zip(places, kept, strict=True))
    return [answers[place] for place in range(len(sent))]


def _keep(
    connection: Connection, institution_id: int, sent: Sequence[Sent], *, now: datetime
) -> list[list[Stored]]:
    """Inserted first and looked for only where an id was there before: most ids are new."""
    # A UUID of RFC 4122 (Data 2.4.1): clients refuse version 7, which came later.
    ids = [[one.statement_id or str(uuid_utils.uuid4()) for one in each.received] for each in sent]
    rows = {
        id_: row
        for each, named in zip(sent, ids, strict=True)
        for id_, row in zip(named, _rows(connection, each, named, now), strict=True)
    }
    if len(sent) > 1 and len(rows) < sum(map(len, ids)):
        raise _ApartError("two requests have the same id")
    fresh = _KEEP.ids(connection, list(rows.values()), key="statement_id") if rows else {}
    before = _find(connection, institution_id, sorted(rows.keys() - fresh.keys()))
    new: dict[str, tuple[Received, Authority]] = {}
    for each, named in zip(sent, ids, strict=True):
        for id_, one in zip(named, each.received, strict=True):
            if id_ in fresh:
                new[id_] = one, each.authority
            elif id_ in before:
                _check_same(one, before[id_])
    told = [
        (each, voided)
        for each, named in zip(sent, ids, strict=True)
        if (voided := _void(connection, institution_id, each, named, fresh))
    ]
    _keep_beside(connection, institution_id, new, fresh, now)
    for each, voided in told:
        if each.hook is not None:
            each.hook.lms_after_voiding(
                connection=connection,
                institution_id=institution_id,
                voided=voided,
                by=each.authority.name,
                now=now,
            )
    return [
        [_stored_now(rows[id_]) if id_ in fresh else _stored(before[id_]) for id_ in named]
        for named in ids
    ]


def _keep_beside(
    connection: Connection,
    institution_id: int,
    new: Mapping[str, tuple[Received, Authority]],
    fresh: Mapping[str, int],
    now: datetime,
) -> None:
    """What is kept beside new statements: links, files, and what they say of activities."""
    _link(connection, institution_id, new, fresh, now)
    attachments.keep(connection, institution_id, ((id_, one) for id_, (one, _) in new.items()))
    for ours in (True, False):
        defining = [
            one
            for one, authority in new.values()
            if authority.defines and (authority == LMS) is ours
        ]
        if defining:
            canon.learn(connection, institution_id, defining, ours=ours, now=now)


def of_registration(
    connection: Connection, institution_id: int, registration: str, *, authority: str = "lms"
) -> Iterator[Stored]:
    """The statements of a registration that `authority` vouches for, in stored order.

    Voided ones are left out.
    """
    return of_registrations(connection, institution_id, [registration], authority=authority)


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
            ~is_voided(),
        )
        .order_by(Statement.registration, Statement.stored, Statement.id)
    )
    for row in found:
        # Not asked of the database: SQLite would walk the authority's index, which has all of ours.
        if row.authority == authority:
            yield Stored(*row)


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


def _rows(
    connection: Connection, sent: Sent, ids: Sequence[str], now: datetime
) -> list[tuple[Any, ...]]:
    authority = sent.authority
    agent = _agent(connection, sent.institution_id, sent.received, authority)
    stored = Raw(_encode(write_timestamp(now)))
    return [
        _row(one, id_, sent.institution_id, authority, agent, now, stored)
        for one, id_ in zip(sent.received, ids, strict=True)
    ]


def _row(
    received: Received,
    statement_id: str,
    institution_id: int,
    authority: Authority,
    agent: Raw | None,
    now: datetime,
    stored: Raw,
) -> tuple[Any, ...]:
    """What is kept of a statement, in the order of _NAMES."""
    members = dict(received.members)
    if "id" not in members:
        members["id"] = Raw(_encode(statement_id))
    members.setdefault("timestamp", stored)
    members["stored"] = stored
    if agent is not None and (authority.home_page is not None or "authority" not in members):
        members["authority"] = agent
    # Data 2.4.10.s3.b3; a statement of 2.0 says so.
    members.setdefault("version", _VERSION_2 if received.version.startswith("2.") else _VERSION_1)
    return (
        statement_id,
        now,
        received.timestamp or now,
        received.actor,
        received.verb,
        received.activity,
        received.registration,
        authority.name,
        _encode(members),
        institution_id,
        received.version,
        received.mark,
    )


def _link(
    connection: Connection,
    institution_id: int,
    new: Mapping[str, tuple[Received, Authority]],
    fresh: Mapping[str, int],
    now: datetime,
) -> None:
    """Keep what the new statements are found by beside their columns."""
    terms = [
        (number, fresh[id_])
        for id_, (one, authority) in new.items()
        for number in dict.fromkeys((*one.links, *vouching(one, authority)))
    ]
    echoes.write_links(connection, institution_id, terms, now=now)
    # Nobody can have known an id of ours, or one that was made just now.
    arrived = {
        id_
        for id_, (one, authority) in new.items()
        if one.statement_id is not None and authority != LMS
    }
    made = {fresh[id_]: one.refers_to for id_, (one, _) in new.items() if one.refers_to is not None}
    echoes.follow(connection, institution_id, made=made, arrived=arrived, now=now)


def _void(
    connection: Connection,
    institution_id: int,
    sent: Sent,
    ids: Sequence[str],
    fresh: Mapping[str, int],
) -> list[Voided]:
    """Note what the new statements void. One that is here and is voided, or voids, is refused."""
    received, authority = sent.received, sent.authority
    done = []
    for number, (one, statement_id) in enumerate(zip(received, ids, strict=True)):
        if one.voids is None or statement_id not in fresh:
            continue
        path = "$.object.id" if len(received) == 1 else f"$[{number}].object.id"
        target = _find(connection, institution_id, [one.voids]).get(one.voids)
        if target is not None and authority.name != target.authority and not authority.voids_others:
            raise ForbiddenError(_NOT_YOURS)
        if target is not None and target.verb == VOIDED:
            raise refusal(path, "a voiding statement cannot be voided (Data 2.3.2)")
        noted = connection.execute(
            insert_or_ignore(connection, Voiding).returning(Voiding.id),
            {"institution_id": institution_id, "target": one.voids, "statement_id": statement_id},
        ).scalar()
        # One that is not here is not voided yet, however often that was asked for (2.3.2.s2.b3).
        if noted is None and target is not None:
            raise refusal(path, "the statement is voided already (Data 2.3.2)")
        if target is not None:
            vouched = target.registration, target.authority
            done.append(Voided(one.voids, *vouched, statement_id))
    return done


def _stored(row: Any) -> Stored:
    return Stored(*row[: len(_COLUMNS)])


def _stored_now(row: Sequence[Any]) -> Stored:
    told = dict(zip(_NAMES, row[: len(_COLUMNS)], strict=False))
    return Stored(**told, is_new=True)
