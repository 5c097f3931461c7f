"""Statements as files, one a day: JSON Lines, or Parquet for analytics.

Streamed by the server's cursor, so that memory does not grow with the store; each file is written
under another name first, so that what has a day's name is whole.
"""

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.xapi.models import Statement

Format = Literal["jsonl", "parquet"]
CHUNK = 1_000
COLUMNS = (
    *("statement_id", "stored", "timestamp", "actor", "verb", "activity"),
    *("registration", "authority", "raw"),
)
"""What a row of a Parquet file has; `id` there is the statement's."""

_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
Write = Callable[[Sequence[Any]], None]


class NoParquetError(Exception):
    """The library that writes Parquet is not installed."""


def export(
    session: Session,
    institution_id: int,
    folder: Path,
    *,
    zone: str,
    since: date | None = None,
    until: date | None = None,
    form: Format = "jsonl",
    told: Callable[[Path, int], object] = lambda _path, _count: None,
) -> int:
    """Write the statements that were stored from `since` to `until`, local days both included.

    One query; a file for each day on which something was stored. `told` hears of each with its
    number of statements. Returns the number of all. Raises NoParquetError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    opened, ending = _WRITERS[form]
    wanted = [Statement.institution_id == institution_id]
    if since is not None:
        wanted.append(Statement.stored >= clock.start_of_day(since, zone))
    if until is not None:
        wanted.append(Statement.stored < clock.end_of_day(until, zone))
    query = select(*(getattr(Statement, name) for name in COLUMNS)).where(*wanted)
    query = query.order_by(Statement.stored, Statement.id)
    number = 0
    streamed = {"yield_per": CHUNK}
    with session.connection().execute(query, execution_options=streamed) as found:
        for day, rows in groupby(found, key=lambda row: clock.local_day(row.stored, zone)):
            path = folder / f"statements-{day:%Y-%m-%d}.{ending}"
            with _whole(path) as part, opened(part) as write:
                count = _write_all(rows, write)
            number += count
            told(path, count)
    return number


def _write_all(rows: Iterator[Any], write: Write) -> int:
    count = 0
    while some := list(islice(rows, CHUNK)):
        write(some)
        count += len(some)
    return count


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A name to write under; the file gets its own when all is on the disk."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _lines(path: Path) -> Iterator[Write]:
    # No time in the head: the same statements make the same bytes.
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:

        def write(rows: Sequence[Any]) -> None:
            # A line break can only stand between JSON's tokens, where a blank says the same.
            packed.write(b"".join(row.raw.translate(_ONE_LINE) + b"\n" for row in rows))

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise NoParquetError("Parquet needs pyarrow: pip install 'ieum[parquet]'") from error
    instant = pyarrow.timestamp("us", tz="UTC")
    types: dict[str, Any] = {"stored": instant, "timestamp": instant, "raw": pyarrow.binary()}
    schema = pyarrow.schema(
        [
            ("id" if name == "statement_id" else name, types.get(name, pyarrow.string()))
            for name in COLUMNS
        ]
    )
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:

        def write(rows: Sequence[Any]) -> None:
            columns = [
                pyarrow.array([getattr(row, name) for row in rows], field.type)
                for name, field in zip(COLUMNS, schema, strict=True)
            ]
            writer.write_table(pyarrow.table(columns, schema=schema))

        yield write


_WRITERS: dict[Format, tuple[Callable[[Path], AbstractContextManager[Write]], str]] = {
    "jsonl": (_lines, "jsonl.gz"),
    "parquet": (_parquet, "parquet"),
}
