"""Writing a backup while people go on learning: one moment of the database, then its files."""

import hashlib
import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

import sqlalchemy as sa

from lms import migrations
from lms.cli.manifest import (
    FORMAT,
    MANIFEST,
    SEAL,
    FileEntry,
    KeyEntry,
    Manifest,
    TableEntry,
    encode,
    kind_of,
    table_of,
)
from lms.db import Base, Database
from lms.files import Storage

_CHUNK = 1 << 20


class Dumped(NamedTuple):
    """What was written, and what could not be, a sentence each."""

    manifest: Manifest
    complaints: list[str]


def dump(
    db: Database, storage: Storage, target: Path, *, keys: dict[str, str], now: datetime
) -> Dumped:
    """Write the backup to `target`, whole or not at all. Raises FileExistsError, OSError."""
    half = target.with_name(f"{target.name}.half")
    with half.open("xb") as raw:
        try:
            with (
                tarfile.open(fileobj=raw, mode="w:gz", compresslevel=3) as tar,
                snapshot(db, half.parent) as connection,
            ):
                dumped = _write(tar, connection, storage, half.parent, keys=keys, now=now)
            raw.flush()
            os.fsync(raw.fileno())
            # A link refuses where a rename would replace somebody's older backup.
            os.link(half, target)
        finally:
            half.unlink()
    return dumped


@contextmanager
def snapshot(db: Database, folder: Path) -> Iterator[sa.Connection]:
    """One moment of the whole database, to be read at leisure; nobody waits for it."""
    if not db.is_sqlite:
        with db.reader.connect() as connection:
            yield connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True, yield_per=1000
            )
        return
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".sqlite") as copy:
        source = sqlite3.connect(str(db.url.database))
        target = sqlite3.connect(copy.name)
        try:
            source.backup(target)
            sound = target.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            source.close()
            target.close()
        if sound != "ok":
            raise OSError(f"the database file is damaged ({sound}); restore an earlier backup")
        engine = sa.create_engine(f"sqlite:///{copy.name}")
        try:
            with engine.connect() as connection:
                yield connection.execution_options(yield_per=1000)
        finally:
            engine.dispose()


def rows_of(connection: sa.Connection, entry: TableEntry) -> Iterator[bytes]:
    """The table's rows as lines, by id: the same bytes from either database."""
    table = table_of(entry)
    order = [table.c.id] if "id" in table.c else list(table.c)
    for row in connection.execute(sa.select(table).order_by(*order)):
        yield encode(tuple(row)) + b"\n"


def entry_of(table: sa.Table) -> TableEntry:
    """The table's columns; its rows are counted when they are written."""
    columns = [(str(column.name), kind_of(column)) for column in table.columns]
    return TableEntry(str(table.name), columns, 0, "")


def _write(
    tar: tarfile.TarFile,
    connection: sa.Connection,
    storage: Storage,
    folder: Path,
    *,
    keys: dict[str, str],
    now: datetime,
) -> Dumped:
    there = {name for name in sa.inspect(connection).get_table_names() if name.startswith("lms_")}
    known = {name: table for name, table in Base.metadata.tables.items() if name in there}
    strangers = there - set(known) - {migrations.VERSION_TABLE}
    complaints = [
        f"The table {name} is no known plugin's and is left out." for name in sorted(strangers)
    ]
    tables = [
        _write_table(tar, connection, entry_of(table), folder)
        for table in Base.metadata.sorted_tables
        if table.name in known
    ]
    files, broken = _write_files(tar, connection, storage)
    revision = migrations.current(connection) or ""
    entries = [_write_key(tar, name, value) for name, value in sorted(keys.items())]
    manifest = Manifest(FORMAT, now, revision, tables, files, entries)
    text = encode(manifest)
    _add(tar, MANIFEST, text)
    _add(tar, SEAL, hashlib.sha256(text).hexdigest().encode())
    return Dumped(manifest, complaints + broken)


def _write_table(
    tar: tarfile.TarFile, connection: sa.Connection, entry: TableEntry, folder: Path
) -> TableEntry:
    digest = hashlib.sha256()
    with tempfile.TemporaryFile(dir=folder) as lines:
        for line in rows_of(connection, entry):
            lines.write(line)
            digest.update(line)
            entry.rows += 1
        size = lines.tell()
        lines.seek(0)
        _add(tar, entry.member, lines, size)
    entry.sha256 = digest.hexdigest()
    return entry


def _write_files(
    tar: tarfile.TarFile, connection: sa.Connection, storage: Storage
) -> tuple[list[FileEntry], list[str]]:
    """Every file in storage; complaints about those that rows name and nobody finds."""
    written, complaints = [], []
    for sha256 in sorted(stored(storage)):
        path = storage.path(sha256)
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                complaints.append(f"The file {path} is damaged and is left out.")
                continue
            size = file.tell()
            file.seek(0)
            _add(tar, f"files/{sha256}", file, size)
        written.append(FileEntry(sha256, size))
    have = {entry.sha256 for entry in written}
    named = connection.execute(sa.text("SELECT DISTINCT sha256 FROM lms_file")).scalars()
    complaints += [
        f"The file {sha256} is named in the database and missing in {storage.folder}."
        for sha256 in sorted(set(named) - have)
    ]
    return written, complaints


def stored(storage: Storage) -> Iterator[str]:
    """The hash of each file in storage."""
    for path in storage.folder.glob("??/*"):
        name = path.parent.name + path.name
        if len(name) == 64 and path.is_file():
            yield name


def _write_key(tar: tarfile.TarFile, name: str, value: str) -> KeyEntry:
    entry = KeyEntry(name, hashlib.sha256(value.encode()).hexdigest())
    _add(tar, entry.member, value.encode())
    return entry


def _add(tar: tarfile.TarFile, name: str, data: bytes | BinaryIO, size: int | None = None) -> None:
    member = tarfile.TarInfo(name)
    member.mode = 0o600
    if isinstance(data, bytes):
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    else:
        member.size = size or 0
        tar.addfile(member, data)
