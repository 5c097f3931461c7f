"""A sheet is looked at before anything is changed: kept sealed, previewed, confirmed by its plan.

What a room adds is how its rows are planned and how they are kept; see lms.people.hr_sheet.
"""

import hashlib
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.orm import Session

from lms.errors import ClosedError, ConflictError
from lms.people.models import Intake
from lms.people.sealing import Sealer
from lms.sheets import writing

GOOD_FOR = timedelta(days=1)
"""How long an unconfirmed sheet is kept."""

Outcome = Literal["new", "same", "change", "error", "check"]
OUTCOMES: tuple[Outcome, ...] = ("error", "check", "new", "change", "same")
"""In the order in which a preview shows them: what a person must mend comes first."""

OUTCOME_WORDS: dict[str, str] = {
    "error": "고쳐야 함",
    "check": "확인 필요",
    "new": "새로 더함",
    "change": "바꿈",
    "same": "그대로",
}
SHOWN = 200
"""Rows of each outcome that a preview shows; the rest is in the sheet of results."""

APPLIED: frozenset[Outcome] = frozenset({"new", "change"})
"""Outcomes that confirming brings about; the others leave everything as it is."""


@dataclass(frozen=True)
class Planned:
    """What would become of a row. `number`: as a spreadsheet shows it."""

    number: int
    outcome: Outcome
    what: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Sentences: (msgid, params)."""

    shown: dict[str, str] = field(default_factory=dict)
    """What the preview shows of the row, masked, by heading (a msgid)."""


@dataclass(frozen=True)
class Summary:
    """A whole plan in little room: its mark, its counts, and the rows to be shown."""

    mark: str
    counts: dict[str, int]
    """Each of OUTCOMES → number of rows."""

    shown: list[Planned]
    """What a person must mend first; at most SHOWN of each outcome."""

    left_out: list[int]
    """Numbers of the rows that would change something and must not: errors and checks."""


def summary(rows: Iterable[Planned]) -> Summary:
    """What a preview needs of a plan, however long, in one pass."""
    mark = hashlib.sha256()
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    shown: dict[str, list[Planned]] = {outcome: [] for outcome in OUTCOMES}
    left_out = []
    for row in rows:
        what = [(text, sorted(params.items())) for text, params in row.what]
        mark.update(msgspec.json.encode((row.number, row.outcome, what), enc_hook=str))
        counts[row.outcome] += 1
        if counts[row.outcome] <= SHOWN:
            shown[row.outcome].append(row)
        if row.outcome in ("error", "check"):
            left_out.append(row.number)
    in_order = [row for outcome in OUTCOMES for row in shown[outcome]]
    return Summary(mark.hexdigest(), counts, in_order, left_out)


def plan_mark(rows: Iterable[Planned]) -> str:
    """SHA-256 over what would change: equal for two plans that say the same."""
    return summary(rows).mark


def counted(rows: Iterable[Planned]) -> dict[str, int]:
    """Outcome → number of rows, each of OUTCOMES."""
    return summary(rows).counts


def in_order(rows: Sequence[Planned]) -> list[Planned]:
    """All of them as a preview shows them: what must be mended first, else as in the sheet."""
    return sorted(rows, key=lambda row: (OUTCOMES.index(row.outcome), row.number))


def keep(
    session: Session,
    sealer: Sealer,
    *,
    institution_id: int,
    actor_id: int,
    purpose: str,
    subject_id: int | None = None,
    name: str,
    data: bytes,
    rows: Sequence[Planned] | Summary,
    now: datetime,
) -> Intake:
    """Keep an uploaded sheet, sealed, until it is confirmed or a day old."""
    told = rows if isinstance(rows, Summary) else summary(rows)
    intake = Intake(
        institution_id=institution_id,
        actor_id=actor_id,
        purpose=purpose,
        subject_id=subject_id,
        name=name[:200],
        sha256=hashlib.sha256(data).hexdigest(),
        sealed=sealer.seal(b64encode(zlib.compress(data)).decode()),
        plan=told.mark,
        uploaded_at=now,
        confirmed_at=None,
        counts=dict(told.counts),
    )
    session.add(intake)
    session.flush()  # the page that follows is named by its id
    return intake


def opened(sealer: Sealer, intake: Intake) -> bytes:
    """The sheet's bytes. Raises ClosedError when they are gone: confirmed, or too old."""
    if intake.sealed is None:
        raise ClosedError(
            "이미 반영했거나 하루가 지나 지운 파일입니다. 더 반영할 것이 있으면 다시 올려 주십시오."
        )
    return zlib.decompress(b64decode(sealer.open(intake.sealed)))


def confirm(
    session: Session,
    intake: Intake,
    *,
    mark: str,
    rows: Sequence[Planned] | Summary,
    now: datetime,
    keep_file: bool = False,
) -> bool:
    """Mark the sheet confirmed; True if its rows are to be kept now, in this transaction.

    `mark`: of the plan that the person saw; `rows`: the plan made again. False when it was
    confirmed before. Raises ConflictError when the two plans differ, since nobody has seen what
    would happen now. `keep_file`: for a task that works through it and calls `done_with()`.
    """
    session.refresh(intake, with_for_update=True)
    if intake.confirmed_at is not None:
        return False
    told = rows if isinstance(rows, Summary) else summary(rows)
    if told.mark != mark:
        raise ConflictError(
            "미리 본 뒤에 등록된 내용이 바뀌어 결과가 달라졌습니다. 아무것도 반영하지 않았습니다. "
            "새로 만든 미리 보기를 확인하고 다시 반영해 주십시오."
        )
    intake.plan = mark
    intake.counts = told.counts | {"left_out": told.left_out}
    intake.confirmed_at = now
    if not keep_file:
        intake.sealed = None
    return True


def done_with(session: Session, intake: Intake) -> None:
    """The sheet's bytes are no longer needed."""
    intake.sealed = None


def recent(
    session: Session, institution_id: int, purpose: str, *, most: int = 10
) -> Sequence[Intake]:
    """The sheets that were uploaded for a purpose, newest first, without their bytes."""
    query = (
        select(Intake)
        .where(Intake.institution_id == institution_id, Intake.purpose == purpose)
        .order_by(Intake.id.desc())
        .limit(most)
    )
    return session.scalars(query).all()


def prune(connection: Connection, *, now: datetime) -> int:
    """Forget sheets that nobody confirmed within a day; how many."""
    gone = connection.execute(
        delete(Intake)
        .where(Intake.confirmed_at.is_(None), Intake.uploaded_at < now - GOOD_FOR)
        .returning(Intake.id)
    )
    return len(gone.all())


def result_lines(rows: Sequence[Planned], *, words: Callable[..., str]) -> Iterator[bytes]:
    """The result row by row as CSV: number, outcome, what it says, what is shown of it.

    `words(msgid, **params)`: in the reader's language. Every row shows the first one's headings.
    """
    every = iter(rows)
    first = next(every, None)
    shown = list(first.shown) if first else []
    head = [words(text) for text in ("줄", "결과", "설명", *shown)]
    lines = (
        [
            row.number,
            words(OUTCOME_WORDS[row.outcome]),
            " ".join(words(text, **params) for text, params in row.what),
            *(row.shown.get(heading, "") for heading in shown),
        ]
        for row in chain([first] if first else [], every)
    )
    return writing.csv_lines(head, lines)
