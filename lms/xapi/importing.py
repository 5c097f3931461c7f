"""Bringing statements in from files: what is good is kept, what is not is told, again is nothing.

Under an authority of its own, never the LMS's: what was brought in moves no progress here.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from lms.db import Database
from lms.errors import LMSError
from lms.i18n import words
from lms.xapi import statement, store
from lms.xapi.files import Row
from lms.xapi.statement import Received
from lms.xapi.store import Authority

BATCH = 1_000
"""Statements in one transaction: others write in between."""

IMPORTED = Authority("import")
"""Trusts what each statement says of its authority, and names itself where it says nothing."""

_NAMELESS = uuid.UUID("6f1c6d0e-6a0e-5b62-9a53-0c1d4a5f3c9e")


class _Version(msgspec.Struct):
    version: str = "1.0.0"


@dataclass
class Problem:
    """A row that was not taken."""

    place: str
    path: str
    error: str


@dataclass
class Result:
    """What became of a file's rows."""

    new: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)
    """The first MOST_TOLD; `bad` counts all."""

    bad: int = 0


MOST_TOLD = 20


class _UndoneError(Exception):
    """Nothing is to be kept."""


def bring_in(
    db: Database,
    hook: Any,
    institution_id: int,
    rows: Iterable[Row],
    *,
    now: Callable[[], datetime],
    authority: Authority = IMPORTED,
    all_or_nothing: bool = False,
    tell: Callable[[Problem], object] = lambda _problem: None,
) -> Result:
    """Keep the statements of a file. A statement without an id gets one from its content, so that
    the same file again changes nothing.

    `tell` hears of every row that is not taken. `all_or_nothing`: one transaction, and nothing is
    kept if one row is bad; others cannot write on SQLite meanwhile.
    """
    result = Result()

    def bad(problem: Problem) -> None:
        result.bad += 1
        if len(result.problems) < MOST_TOLD:
            result.problems.append(problem)
        tell(problem)

    def keep(session: Session, batch: list[tuple[str, Received]]) -> None:
        for place, error in _keep(session, hook, institution_id, batch, authority, now(), result):
            bad(_problem(place, error))

    batches = _batches(_read(rows, bad))
    if not all_or_nothing:
        for batch in batches:
            with db.transaction() as session:
                keep(session, batch)
        return result
    try:
        with db.transaction() as session:
            for batch in batches:
                keep(session, batch)
            _check(result)
    except _UndoneError:
        result.new = result.known = 0
    return result


def _check(result: Result) -> None:
    if result.bad:
        raise _UndoneError


def _read(rows: Iterable[Row], bad: Callable[[Problem], object]) -> Iterator[tuple[str, Received]]:
    for row in rows:
        if row.raw is None:
            bad(Problem(row.place, "$", row.error))
            continue
        try:
            found = statement.read(row.raw, version=_version(row.raw))
        except LMSError as error:
            bad(_problem(row.place, error))
            continue
        if found.statement_id is None:
            digest = hashlib.sha256(row.raw).hexdigest()
            found = found.under(str(uuid.uuid5(_NAMELESS, digest)))
        yield row.place, found


def _batches(
    found: Iterable[tuple[str, Received]],
) -> Iterator[list[tuple[str, Received]]]:
    """An id stands in a batch once: the second one begins another."""
    while batch := list(islice(found, BATCH)):
        part: list[tuple[str, Received]] = []
        seen: set[str | None] = set()
        for place, one in batch:
            if one.statement_id in seen:
                yield part
                part, seen = [], set()
            part.append((place, one))
            seen.add(one.statement_id)
        yield part


def _keep(
    session: Session,
    hook: Any,
    institution_id: int,
    batch: list[tuple[str, Received]],
    authority: Authority,
    now: datetime,
    result: Result,
) -> Iterator[tuple[str, LMSError]]:
    """All at once; where one is refused, each by itself."""

    def take(received: list[Received]) -> None:
        with session.begin_nested():
            kept = store.keep(
                session.connection(),
                institution_id,
                received,
                authority=authority,
                now=now,
                hook=hook,
            )
        fresh = sum(one.is_new for one in kept)
        result.new += fresh
        result.known += len(kept) - fresh

    try:
        take([one for _, one in batch])
    except LMSError:
        for place, one in batch:
            try:
                take([one])
            except LMSError as error:
                yield place, error


def _version(raw: bytes) -> str:
    """The version whose rules count: the statement's own, else 1.0.3's."""
    try:
        named = msgspec.json.decode(raw, type=_Version).version
    except (msgspec.DecodeError, RecursionError):
        return "1.0.3"
    return "2.0.0" if named.startswith("2.") else "1.0.3"


def _problem(place: str, error: LMSError) -> Problem:
    path = getattr(error, "field", None) or "$"
    return Problem(place, path, words("en").text(error.message, **error.params))
