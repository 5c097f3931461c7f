"""Statements that refer to others are found by what those say too (Communication 2.1.3.s3).

A reference is followed when both ends are here, whichever came first: the links of the statement
that it leads to, and of all that this one leads to in turn, are written under the row and the
stored instant of the one that refers, and of all that refer to that one. It is rare, and nothing
of it weighs on other statements but one look whether somebody waits for an id that a sender chose.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, Connection, String, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from lms.db import Prepared, insert_or_ignore
from lms.xapi import links
from lms.xapi.links import term
from lms.xapi.models import LINK, Reference, Statement

MOST_STEPS = 32
"""How far a chain of references is followed: without an end, one statement could cost any time."""

_MOST_IDS = 500
_MOST_ROWS = 2_000
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
Item = TypeVar("Item")


def write_links(
    connection: Connection, institution_id: int, found: Sequence[tuple[int, int]], *, now: datetime
) -> None:
    """Keep the links of new statements: pairs of a term and its row."""
    if not found:
        return
    told = {"institution_id": institution_id, "now": now}
    if connection.dialect.name == "postgresql":
        terms, rows = zip(*found, strict=True)
        _UNNEST.run(connection, **told, terms=list(terms), rows=list(rows))
    else:
        _EACH.run(connection, **told, pairs=_encode(found).decode())


def follow(
    connection: Connection,
    institution_id: int,
    *,
    made: Mapping[int, str],
    arrived: Collection[str],
    now: datetime,
) -> None:
    """Follow references that are new, and those that waited for what is new.

    `made`: new rows and the id that each refers to. `arrived`: ids of new statements for which a
    reference may have waited; an id that we made ourselves nobody can have known.
    """
    if not made and not _is_waited_for(connection, institution_id, arrived):
        return
    _stand_in_line(connection, institution_id)
    if made:
        rows = [
            {"institution_id": institution_id, "row_id": row, "stored": now, "target": target}
            for row, target in made.items()
        ]
        connection.execute(insert(Reference), rows)
    edges: dict[int, int] = {}
    for column, ids in ((Reference.row_id, made), (Reference.target, arrived)):
        for some in _parts(ids, _MOST_IDS):
            found = connection.execute(_open(institution_id).where(column.in_(some)))
            edges.update((row.row_id, row.id) for row in found)
    _settle(connection, institution_id, edges)


def sweep(connection: Connection, *, since: datetime) -> int:
    """Follow references stored after `since` whose statement came in the very same moment.

    Of two transactions of two processes neither saw the other; on SQLite they follow each other.
    Returns how many were followed.
    """
    found = connection.execute(
        select(Reference.institution_id)
        .join(
            Statement,
            (Statement.institution_id == Reference.institution_id)
            & (Statement.statement_id == Reference.target),
        )
        .where(Reference.of_id.is_(None), Reference.stored > since)
        .distinct()
    )
    followed = 0
    for institution_id in sorted(found.scalars()):
        _stand_in_line(connection, institution_id)
        wanted = _open(institution_id).where(Reference.stored > since)
        edges = {row.row_id: row.id for row in connection.execute(wanted)}
        _settle(connection, institution_id, edges)
        followed += len(edges)
    return followed


def follow_late(state: Any, slot: datetime) -> None:
    """The job that sweeps: over a day, in case no scheduler ran for a while."""
    state.db.writer.do(lambda connection: sweep(connection, since=slot - timedelta(days=1)))


def link_anew(connection: Connection, *, after: int) -> int | None:
    """Make links and references of the next statements in the table, where they have none.

    Returns the row up to which that was done; None at the end. Then `sweep` follows the references.
    """
    rows = connection.execute(
        select(Statement.id, Statement.institution_id, Statement.stored, Statement.raw)
        .where(Statement.id > after)
        .order_by(Statement.id)
        .limit(_MOST_IDS)
    ).all()
    found: list[dict[str, Any]] = []
    references: list[dict[str, Any]] = []
    for row in rows:
        said = _decode(row.raw)
        told = {"institution_id": row.institution_id, "stored": row.stored, "row_id": row.id}
        found += ({**told, "term": one, "of_id": row.id} for one in links.links_of(said))
        if said["object"].get("objectType") == "StatementRef":
            references.append({**told, "target": said["object"]["id"].lower()})
    for model, made in ((LINK, found), (Reference, references)):
        if made:
            connection.execute(insert_or_ignore(connection, model), made)
    return rows[-1].id if rows else None


def _is_waited_for(connection: Connection, institution_id: int, ids: Collection[str]) -> bool:
    if not ids:
        return False
    if connection.dialect.name == "postgresql":
        found = _WAITING_ANY.first(connection, institution_id=institution_id, targets=list(ids))
    else:
        targets = _encode(list(ids)).decode()
        found = _WAITING_EACH.first(connection, institution_id=institution_id, targets=targets)
    return found is not None


def _stand_in_line(connection: Connection, institution_id: int) -> None:
    # Two that follow references at once would each miss the part of a chain that the other makes.
    if connection.dialect.name == "postgresql":
        digest = hashlib.sha256(f"lms.xapi.references:{institution_id}".encode()).digest()
        lock = int.from_bytes(digest[:8], signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(lock)))


def _open(institution_id: int) -> Any:
    """References that were not followed, and the row of the statement that each names."""
    return (
        select(Reference.row_id, Statement.id)
        .join(
            Statement,
            (Statement.institution_id == Reference.institution_id)
            & (Statement.statement_id == Reference.target),
        )
        .where(Reference.institution_id == institution_id, Reference.of_id.is_(None))
    )


def _settle(connection: Connection, institution_id: int, edges: Mapping[int, int]) -> None:
    """Note where references lead; then let each row before an edge be found by each behind it."""
    if not edges:
        return
    connection.execute(
        update(Reference).where(Reference.row_id == bindparam("row")).values(of_id=bindparam("of")),
        [{"row": row, "of": of} for row, of in edges.items()],
    )
    onward = _ways(connection, edges.values(), back=False)
    backward = _ways(connection, edges.keys(), back=True)
    pairs = {
        (row, of)
        for start, end in edges.items()
        for row in _reached(backward, start)
        for of in _reached(onward, end)
        if row != of
    }
    stored = _stored(connection, {row for row, _ in pairs})
    terms = _terms(connection, {of for _, of in pairs})
    echoes = (
        {
            "institution_id": institution_id,
            "term": number,
            "stored": stored[row],
            "row_id": row,
            "of_id": of,
        }
        for row, of in pairs
        for number in terms[of]
    )
    for some in _parts(echoes, _MOST_ROWS):
        connection.execute(insert_or_ignore(connection, LINK), some)


def _ways(connection: Connection, starts: Iterable[int], *, back: bool) -> dict[int, list[int]]:
    """Every step that can be taken from the starts on: where references lead, or who refers."""
    here: Any = Reference.row_id
    there: Any = Reference.of_id
    if back:
        here, there = there, here
    ways: dict[int, list[int]] = {}
    front = set(starts)
    for _ in range(MOST_STEPS - 1):
        front -= ways.keys()
        if not front:
            break
        ways.update((one, []) for one in front)
        ahead: set[int] = set()
        for some in _parts(front, _MOST_IDS):
            wanted = select(here, there).where(here.in_(some), there.is_not(None))
            for start, end in connection.execute(wanted):
                ways[start].append(end)
                ahead.add(end)
        front = ahead
    return ways


def _reached(ways: Mapping[int, list[int]], start: int) -> set[int]:
    """All that the steps lead to, the start as well."""
    found, front = {start}, [start]
    for _ in range(MOST_STEPS - 1):
        front = [end for one in front for end in ways.get(one, ()) if end not in found]
        found.update(front)
    return found


def _stored(connection: Connection, rows: Collection[int]) -> dict[int, datetime]:
    found: dict[int, datetime] = {}
    for some in _parts(rows, _MOST_IDS):
        wanted = select(Reference.row_id, Reference.stored).where(Reference.row_id.in_(some))
        found.update((row.row_id, row.stored) for row in connection.execute(wanted))
    return found


def _terms(connection: Connection, rows: Collection[int]) -> dict[int, tuple[int, ...]]:
    """All that each of the rows is found by, its own columns too."""
    found: dict[int, tuple[int, ...]] = {}
    for some in _parts(rows, _MOST_IDS):
        wanted = select(
            Statement.id,
            Statement.actor,
            Statement.activity,
            Statement.verb,
            Statement.registration,
            Statement.raw,
        ).where(Statement.id.in_(some))
        for id_, actor, activity, verb, registration, raw in connection.execute(wanted):
            said = _decode(raw)
            told = (
                (links.AGENT_IS, actor),
                (links.ACTIVITY_IS, activity),
                (links.VERB_IS, verb),
                (links.REGISTRATION_IS, registration),
                *((links.AGENT_NEAR, key) for key in links.people(said["authority"])),
            )
            found[id_] = tuple(
                {*links.links_of(said), *(term(kind, key) for kind, key in told if key)}
            )
    return found


def _parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source: Any = iter(items)
    while some := list(islice(source, size)):
        yield some


def _links_from(term_: Any, row: Any) -> Prepared[int]:
    told = select(
        bindparam("institution_id", type_=LINK.c.institution_id.type),
        term_,
        bindparam("now", type_=LINK.c.stored.type),
        row,
        row,
    )
    names = ["institution_id", "term", "stored", "row_id", "of_id"]
    return Prepared(insert(LINK).from_select(names, told), int)


def _waiting(targets: Any) -> Prepared[int]:
    return Prepared(
        select(Reference.row_id)
        .where(
            Reference.institution_id == bindparam("institution_id"),
            targets,
            Reference.of_id.is_(None),
        )
        .limit(1),
        int,
    )


# Any number of values in one statement, each database in its own way.
_WAITING_ANY = _waiting(Reference.target == func.any(bindparam("targets", type_=ARRAY(String))))
_target = func.json_each(bindparam("targets", type_=String)).table_valued("value").c.value
_WAITING_EACH = _waiting(Reference.target.in_(select(_target)))
_UNNEST = _links_from(
    func.unnest(bindparam("terms", type_=ARRAY(BigInteger))),
    func.unnest(bindparam("rows", type_=ARRAY(BigInteger))),
)
_pair = func.json_each(bindparam("pairs", type_=String)).table_valued("value").c.value
_EACH = _links_from(func.json_extract(_pair, "$[0]"), func.json_extract(_pair, "$[1]"))
