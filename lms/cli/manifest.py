"""What a backup is made of: `manifest.json`, and rows that read alike from either database.

A backup is one .tar.gz: `database/TABLE.jsonl` (a row a line, as an array), `files/SHA256`, then
`manifest.json` with the SHA-256 of each, and `manifest.sha256` last of all, so that a tail that
was cut off is missed.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

import click
import msgspec
import sqlalchemy as sa

from lms.db.base import Json, UTCDateTime

FORMAT = 1
MANIFEST, SEAL = "manifest.json", "manifest.sha256"

Item = TypeVar("Item")


class Refusal(click.ClickException):
    """A backup that is not restored, and why."""


class TableEntry(msgspec.Struct):
    """One table: its columns as (name, kind) pairs, and what its rows come to."""

    name: str
    columns: list[tuple[str, str]]
    rows: int
    sha256: str

    @property
    def member(self) -> str:
        return f"database/{self.name}.jsonl"


class FileEntry(msgspec.Struct):
    """One uploaded file: its name is the hash of what is in it."""

    sha256: str
    size: int

    @property
    def member(self) -> str:
        return f"files/{self.sha256}"


class KeyEntry(msgspec.Struct):
    """One secret, when it was asked for."""

    name: str
    sha256: str

    @property
    def member(self) -> str:
        return f"keys/{self.name}"


class Manifest(msgspec.Struct):
    """What a backup holds; tables stand in an order in which they can be filled."""

    format: int
    made_at: datetime
    revision: str
    tables: list[TableEntry]
    files: list[FileEntry]
    keys: list[KeyEntry]

    @property
    def members(self) -> dict[str, str]:
        """The SHA-256 of each member but the last two."""
        return {
            **{entry.member: entry.sha256 for entry in self.tables},
            **{entry.member: entry.sha256 for entry in self.files},
            **{entry.member: entry.sha256 for entry in self.keys},
        }


# From the narrower type to the wider: the first that fits is the column's kind.
_KINDS: tuple[tuple[str, type[sa.types.TypeEngine[Any]], Any, Any], ...] = (
    ("bool", sa.Boolean, bool, sa.Boolean()),
    ("datetime", UTCDateTime, datetime, UTCDateTime()),
    ("date", sa.Date, date, sa.Date()),
    ("json", sa.JSON, Any, Json),
    ("bytes", sa.LargeBinary, bytes, sa.LargeBinary()),
    ("float", sa.Float, float, sa.Float()),
    ("decimal", sa.Numeric, Decimal, sa.Numeric()),
    ("int", sa.Integer, int, sa.BigInteger()),
    ("text", sa.String, str, sa.Text()),
)
_PYTHON = {kind: python for kind, _, python, _ in _KINDS}
_SQL = {kind: sql for kind, _, _, sql in _KINDS}

encode = msgspec.json.Encoder(order="sorted").encode
"""Sorted, since PostgreSQL's JSONB gives keys back in an order of its own."""


def kind_of(column: sa.Column[Any]) -> str:
    """How the column's values are written. Raises TypeError for a type that backups cannot hold."""
    for kind, wide, _, _ in _KINDS:
        if isinstance(column.type, wide):
            return kind
    raise TypeError(f"{column.table.name}.{column.name}: no backup for {column.type!r}")


def table_of(entry: TableEntry) -> sa.TableClause:
    """The table as it was when the backup was made, whatever the models say today."""
    return sa.table(entry.name, *(sa.column(name, _SQL[kind]) for name, kind in entry.columns))


def row_decoder(entry: TableEntry) -> Callable[[bytes], tuple[Any, ...]]:
    """Reads a line of the table's member. Raises msgspec.ValidationError."""
    shapes = tuple(
        _PYTHON[kind] if kind == "json" else _PYTHON[kind] | None for _, kind in entry.columns
    )
    return msgspec.json.Decoder(tuple[shapes]).decode  # type: ignore[valid-type]


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of up to `size`."""
    source = iter(items)
    while some := list(islice(source, size)):
        yield some
