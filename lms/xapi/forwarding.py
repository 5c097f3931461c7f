"""Sending statements on: in the order in which they were stored, as the bytes that they are.

At least once: what was taken is noted after the answer, so that a process that dies in between
sends it again, under the same ids, and the other store takes it as the same (Data 2.3.1). One
sender at a time for each store, by a lease; and the note is only made by who began where it stood.
"""

import base64
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pluggy
import structlog
from sqlalchemy import Connection, or_, select, update
from sqlalchemy.orm import Session

from lms.checks import Finding
from lms.db import insert_or_ignore
from lms.files import Storage
from lms.outbox import Task, leases, promise
from lms.outbox.leases import database_now
from lms.people.sealing import SealedError, Sealer
from lms.xapi import attachments, forwards, reaching
from lms.xapi.models import Forward, ForwardRefusal, Statement
from lms.xapi.objects import Held
from lms.xapi.reaching import Answer
from lms.xapi.resources import multipart

MOST = 50
MOST_BYTES = 4 << 20
"""Of one request: statements, and octets of them unless one alone is larger."""

SPELL = 40.0
"""Seconds that one task sends for, well under its claim; then it promises the next."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)

_LEASE = timedelta(minutes=3)
_LOOKED_AT = 5_000
_MOST_SAID = 300
_REFUSED = frozenset({400, 409, 413, 415, 422})
"""What says that the statements are at fault, and not the way there or who asks."""

_THERE = 409
"""Of one statement: the id is there already. If with other content, that is theirs to keep."""

_NOT_ALONE = "another sender was here"

log = structlog.get_logger("lms.xapi")


@dataclass(frozen=True)
class Line:
    """A statement that is to be sent."""

    row: int
    statement_id: str
    stored: datetime
    raw: bytes


@dataclass(frozen=True)
class Batch:
    """What one look found to send; `until`: the row that all of it, and what is passed over,
    reaches to."""

    forward: Forward
    lines: Sequence[Line]
    files: Mapping[str, Sequence[Held]]
    until: int


class PutOffError(Exception):
    """The other store is away, or lets us not in: later."""

    def __init__(self, said: str, wait: timedelta | None = None) -> None:
        super().__init__(said)
        self.wait = wait


def every_minute(state: Any, slot: datetime) -> None:
    """Promise a task for each store that something may have to be sent to."""
    with state.db.transaction() as session:
        connection = session.connection()
        now = database_now(connection)
        due = select(Forward.id, Forward.institution_id).where(
            Forward.removed_at.is_(None),
            Forward.paused_at.is_(None),
            or_(Forward.retry_at.is_(None), Forward.retry_at <= now),
            select(Statement.id).where(Statement.id > Forward.cursor).exists(),
        )
        for forward_id, institution_id in connection.execute(due).all():
            _promise(session, forward_id, institution_id, f"{slot:%Y-%m-%dT%H:%M}", slot)


def send(state: Any, task: Task, now: datetime) -> None:
    """Keep a task «xapi.forward»: send until nothing is left, it is put off, or time is up."""
    forward_id, holder = int(task.payload["forward"]), f"{task.id}:{task.attempts}"
    name, begun, more = f"xapi.forward:{forward_id}", time.monotonic(), True
    while more and time.monotonic() - begun < SPELL:
        with state.db.transaction() as session:
            if not leases.take(session.connection(), name, holder=holder, life=_LEASE):
                return
        more = send_next(state, forward_id)
    with state.db.transaction() as session:
        leases.give_back(session.connection(), name, holder=holder)
        if more:
            key = f"{task.id}:{task.attempts}"
            _promise(session, forward_id, task.institution_id, key, now)


def send_next(state: Any, forward_id: int) -> bool:
    """Send one batch to a store; whether it may go on at once."""
    with state.db.reading() as session:
        batch = look(session, state.hook, forward_id)
    if batch is None:
        return False
    outbound = Outbound(state, batch.forward)
    try:
        for part in _parts(batch):
            outbound.send(part, batch.files)
    except PutOffError as error:
        outbound.put_off(error)
        return False
    return outbound.note(batch.until, 0) and batch.until > batch.forward.cursor


def look(session: Session, hook: pluggy.HookRelay, forward_id: int) -> Batch | None:
    """What is to be sent next; None where the store is paused, removed, waited for or has all."""
    connection = session.connection()
    forward = session.get(Forward, forward_id)
    now = database_now(connection)
    if forward is None or forward.removed_at is not None or forward.paused_at is not None:
        return None
    if forward.retry_at is not None and forward.retry_at > now:
        return None
    top = forwards.settled(connection, forward.cursor, most=_LOOKED_AT)
    if top == forward.cursor:
        return None
    rows = connection.execute(
        select(Statement.id, Statement.statement_id, Statement.stored, Statement.raw)
        .where(*forwards.wanted(forward, hook), Statement.id > forward.cursor, Statement.id <= top)
        .order_by(Statement.id)
        .limit(MOST)
    ).all()
    lines = [Line(*row) for row in rows]
    files = _files(connection, forward.institution_id, [one.statement_id for one in lines])
    return Batch(forward, lines, files, lines[-1].row if len(lines) == MOST else top)


class Outbound:
    """One look's way to a store: what it takes is noted as it is taken."""

    def __init__(self, state: Any, forward: Forward) -> None:
        self._state = state
        self._forward = forward
        self._cursor = forward.cursor
        self._is_trusted = forward.last_success_at is not None
        self._doubted: list[tuple[Line, Answer]] = []
        self._sealer = Sealer(state.settings.encryption_key())

    def send(self, lines: Sequence[Line], files: Mapping[str, Sequence[Held]]) -> None:
        """Send them together or, where they are refused so, each alone. Raises PutOffError."""
        self._pass_over(lines[0])
        answer = self._ask(lines, files)
        if answer.status in _REFUSED and len(lines) > 1:
            for one in lines:
                self._send_alone(one, files)
            if self._doubted:
                raise PutOffError(f"HTTP {answer.status}: nothing that was sent is taken")
        elif answer.status in _REFUSED:
            self._judge(lines[0], answer)
            if self._doubted:
                raise PutOffError(f"HTTP {answer.status}: the first statement is not taken")
        else:
            self._took(lines)

    def note(self, until: int, sent: int) -> bool:
        """Write that all up to a row is done; False where somebody else has written meanwhile."""
        return self._write(until, sent=Forward.sent + sent, success=sent > 0)

    def put_off(self, error: PutOffError) -> None:
        """Write what went wrong, and when to try again."""
        failures = self._forward.failures + 1
        wait = error.wait or FIRST_WAIT * 2 ** min(failures - 1, 10)
        with self._state.db.transaction() as session:
            connection = session.connection()
            now = database_now(connection)
            connection.execute(
                update(Forward)
                .where(Forward.id == self._forward.id, Forward.cursor == self._cursor)
                .values(
                    failures=failures,
                    retry_at=now + min(wait, LONGEST_WAIT),
                    last_error=str(error)[:_MOST_SAID],
                    last_error_at=now,
                )
            )
        log.warning("forward_put_off", forward=self._forward.id, failures=failures)

    def _send_alone(self, one: Line, files: Mapping[str, Sequence[Held]]) -> None:
        answer = self._ask([one], files)
        if answer.status in _REFUSED:
            self._judge(one, answer)
        else:
            self._took([one])

    def _judge(self, one: Line, answer: Answer) -> None:
        """What is there already is as good as taken; what is refused is noted and passed over.

        A store that has taken nothing yet may refuse everything, since it is set up wrongly: only
        once it takes something is what it refused before believed to be the statements' fault.
        """
        if answer.status == _THERE:
            self._took([one])
        elif self._is_trusted:
            self._refuse(one, answer)
        else:
            self._doubted.append((one, answer))

    def _took(self, lines: Sequence[Line]) -> None:
        self._is_trusted = True
        doubted, self._doubted = self._doubted, []
        for one, answer in doubted:
            self._refuse(one, answer)
        if not self.note(lines[-1].row, len(lines)):
            raise PutOffError(_NOT_ALONE)

    def _pass_over(self, first: Line) -> None:
        """What stands before and is not wanted is done with, so that the first unsent is near."""
        if first.row - 1 > self._cursor and not self.note(first.row - 1, 0):
            raise PutOffError(_NOT_ALONE)

    def _ask(self, lines: Sequence[Line], files: Mapping[str, Sequence[Held]]) -> Answer:
        """The answer, if it is about the statements. Raises PutOffError for every other."""
        forward, settings = self._forward, self._state.settings
        ids = [one.statement_id for one in lines]
        held = [file for id_ in ids for file in files.get(id_, ())]
        body, headers = _body(b"[" + b",".join(one.raw for one in lines) + b"]", held, self._state)
        headers |= {
            "Authorization": f"Basic {self._credential()}",
            "X-Experience-API-Version": forward.version,
            "Accept": "application/json",
            "User-Agent": "Ieum",
        }
        try:
            answer = reaching.post(
                f"{forward.url}/statements", body, headers, private=settings.forward_private
            )
        except OSError as error:
            raise PutOffError(f"{type(error).__name__}: {error}") from error
        if answer.status in _REFUSED:
            return answer
        if answer.status != 200 or not _names(answer.body, ids):
            raise PutOffError(f"HTTP {answer.status}", _asked_wait(answer))
        return answer

    def _credential(self) -> str:
        try:
            return base64.b64encode(self._sealer.open(self._forward.sealed).encode()).decode()
        except SealedError as error:
            raise PutOffError("the secret was sealed with another key") from error

    def _refuse(self, line: Line, answer: Answer) -> None:
        said = answer.body[:_MOST_SAID].decode(errors="replace").replace("\x00", "")
        row = {
            "institution_id": self._forward.institution_id,
            "forward_id": self._forward.id,
            "statement_id": line.statement_id,
            "status": answer.status,
            "error": said,
        }
        if not self._write(line.row, refused=Forward.refused + 1, refusal=row):
            raise PutOffError(_NOT_ALONE)
        log.warning("forward_refused", forward=self._forward.id, status=answer.status)

    def _write(
        self,
        until: int,
        *,
        success: bool = False,
        refusal: dict[str, Any] | None = None,
        **values: Any,
    ) -> bool:
        with self._state.db.transaction() as session:
            connection = session.connection()
            now = database_now(connection)
            told: dict[str, Any] = {"cursor": until, **values}
            if success:
                told |= {"failures": 0, "retry_at": None, "last_success_at": now}
            moved = connection.execute(
                update(Forward)
                .where(Forward.id == self._forward.id, Forward.cursor == self._cursor)
                .values(told)
            ).rowcount
            if moved and refusal is not None:
                connection.execute(
                    insert_or_ignore(connection, ForwardRefusal), {**refusal, "at": now}
                )
        if moved:
            self._cursor = until
        return bool(moved)


def finding(connection: Connection, hook: pluggy.HookRelay, now: datetime) -> Finding:
    """For `lms check`: whether a store waits for something older than an hour."""
    with Session(connection) as session:
        rows = session.scalars(
            select(Forward).where(Forward.removed_at.is_(None), Forward.paused_at.is_(None))
        ).all()
        oldest = forwards.oldest_unsent(connection, rows, hook)
    late = [one for one in rows if one.id in oldest and now - oldest[one.id] > forwards.LATE]
    if not late:
        return Finding("forwarding", True, f"{len(rows)} stores, none late", fatal=False)
    said = "; ".join(
        f"{one.url} since {oldest[one.id]:%Y-%m-%d %H:%M} UTC ({one.last_error or 'not tried'})"
        for one in late
    )
    text = f"unsent: {said}. See `lms record-store forwards`; the scheduler sends."
    return Finding("forwarding", False, text, fatal=False)


def _promise(
    session: Session, forward_id: int, institution_id: int | None, key: str, now: datetime
) -> None:
    promise(
        session,
        "xapi.forward",
        key=f"xapi.forward:{forward_id}:{key}",
        now=now,
        institution_id=institution_id,
        forward=forward_id,
    )


def _parts(batch: Batch) -> Iterator[list[Line]]:
    """Statements that go together; one with files goes alone, with them beside it."""
    part: list[Line] = []
    size = 0
    for one in batch.lines:
        alone = one.statement_id in batch.files
        if part and (alone or size + len(one.raw) > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += len(one.raw)
        if alone:
            yield part
            part, size = [], 0
    if part:
        yield part


def _files(
    connection: Connection, institution_id: int, ids: Sequence[str]
) -> dict[str, list[Held]]:
    """The files of those that have any."""
    if not ids or not attachments.of_statements(connection, institution_id, ids):
        return {}
    found = {id_: attachments.of_statements(connection, institution_id, [id_]) for id_ in ids}
    return {id_: files for id_, files in found.items() if files}


def _body(
    listed: bytes, held: Sequence[Held], state: Any
) -> tuple[bytes | Iterable[bytes], dict[str, str]]:
    if not held:
        return listed, {"Content-Type": "application/json"}
    storage: Storage = state.storage
    made = multipart.answer(listed, held, storage)
    headers = {"Content-Type": made.content_type or "", "Content-Length": str(made.content_length)}
    return made.iter_encoded(), headers


def _names(body: bytes, ids: Sequence[str]) -> bool:
    """Whether an answer gives the ids (Communication 2.1.2.s2.b1), so that a page of something
    else under the address is not taken for a record store."""
    try:
        told = msgspec.json.decode(body, type=list[str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return [one.lower() for one in told] == list(ids)


def _asked_wait(answer: Answer) -> timedelta | None:
    asked = answer.headers.get("retry-after", "")
    if not asked.isascii() or not asked.isdigit() or len(asked) > 9:
        return None
    return timedelta(seconds=max(1, int(asked)))
