"""Reading a backup into an empty installation, on the same kind of database or the other.

Nothing is written before every member has been read and its hash compared; the rows are written
in one transaction, which reads them back and compares once more before it commits.
"""

import gzip
import hashlib
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from lms import migrations
from lms.cli.dumping import rows_of, stored
from lms.cli.manifest import (
    FORMAT,
    MANIFEST,
    SEAL,
    Manifest,
    Refusal,
    TableEntry,
    batches,
    row_decoder,
    table_of,
)
from lms.config import Settings
from lms.db import Database
from lms.files import Storage

_UNREADABLE = (tarfile.TarError, EOFError, OSError, zlib.error, msgspec.DecodeError, UnicodeError)
_OURS = re.compile(r"lms_[a-z0-9_]+")
_BATCH = 1000
_CHUNK = 1 << 20


def verify(source: Path) -> Manifest:
    """The manifest of a backup whose every member is as it was written.

    Raises Refusal with a sentence for one that is cut short, edited or no backup at all.
    """
    try:
        names, found, texts = _read_through(source)
        manifest_text, seal = texts[MANIFEST], texts[SEAL].decode()
        if hashlib.sha256(manifest_text).hexdigest() != seal:
            raise Refusal(f"{source}: its list of contents was changed. Nothing was restored.")
        manifest = msgspec.json.decode(manifest_text, type=Manifest)
    except FileNotFoundError:
        raise Refusal(f"There is no file {source}.") from None
    except (*_UNREADABLE, KeyError) as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        raise Refusal(
            f"{source} is cut short, damaged or no backup of Ieum ({said}). "
            "Nothing was restored; take another copy of it."
        ) from error
    if manifest.format != FORMAT:
        raise Refusal(f"{source} was made by a newer Ieum: restore it with that one.")
    _compare(source, names, found, manifest)
    return manifest


def refuse_unless_empty(db: Database, storage: Storage) -> None:
    """Raises Refusal where a row or a file of ours stands already."""
    with db.engine.connect() as connection:
        for name in sa.inspect(connection).get_table_names():
            if name.startswith("lms_") and name != migrations.VERSION_TABLE:
                row = connection.execute(sa.select(sa.literal(1)).select_from(sa.table(name)))
                if row.first() is not None:
                    raise Refusal(
                        f"The table {name} has rows. A backup is restored into an empty database "
                        "only: name another by LMS_DATABASE_URL."
                    )
    if storage.folder.exists() and any(storage.folder.iterdir()):
        raise Refusal(
            f"There are files in {storage.folder}. A backup is restored into an empty LMS_VAR "
            "only: name another."
        )


def restore(source: Path, manifest: Manifest, db: Database, storage: Storage) -> None:
    """Fill the empty installation. Raises Refusal when what stands there afterwards differs."""
    _prepare_tables(db, manifest.revision)
    staged = Storage(storage.folder.with_name(f"{storage.folder.name}.restoring"))
    shutil.rmtree(staged.folder, ignore_errors=True)
    staged.folder.mkdir(parents=True)
    written = staged.folder
    try:
        with db.engine.begin() as connection:
            with _deferred(connection, manifest):
                _read_in(source, manifest, connection, staged)
                _compare_rows(connection, manifest)
                _go_on_counting(connection, manifest)
            if storage.folder.exists():
                storage.folder.rmdir()
            written = staged.folder.rename(storage.folder)
    except BaseException as error:
        shutil.rmtree(written, ignore_errors=True)  # the commit itself may have been refused
        if isinstance(error, (DBAPIError, msgspec.DecodeError)):
            raise Refusal(
                f"{source}: its rows do not fit together ({type(error).__name__}). "
                "Nothing was restored."
            ) from error
        raise
    migrations.upgrade(db.url)


def restore_keys(source: Path, manifest: Manifest, settings: Settings) -> None:
    """Put the backup's keys where LMS_VAR keeps them. Raises Refusal where others stand."""
    given = {"secret": settings.secret, "data.key": settings.data_key}
    with tarfile.open(source, "r:gz") as tar:
        for entry in manifest.keys:
            with _opened(tar, tar.getmember(entry.member)) as file:
                value, path = file.read().decode(), settings.folder / entry.name
            stands = given.get(entry.name) or (path.read_text().strip() if path.exists() else "")
            if stands and stands != value:
                raise Refusal(
                    f"Another {entry.name} stands here than in the backup: "
                    f"take {path} or the setting away first."
                )
            if not stands:
                path.touch(mode=0o600)
                path.write_text(value)


def report(manifest: Manifest, db: Database, storage: Storage) -> list[str]:
    """What stands there now beside what the backup said, a line each; read anew."""
    lines = []
    with db.engine.connect() as connection:
        for entry in manifest.tables:
            query = sa.select(sa.func.count()).select_from(sa.table(entry.name))
            count = connection.execute(query).scalar_one()
            if count != entry.rows:
                raise Refusal(f"{entry.name}: {count} rows instead of {entry.rows}.")
            if count:
                lines.append(f"{entry.name:<28} {count:>9} rows, hash equal")
    have = set(stored(storage))
    for file in manifest.files:
        with storage.path(file.sha256).open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
                raise Refusal(f"The file {file.sha256} is not as it was.")
    lines.append(f"{'files':<28} {len(have):>9} files, hash equal")
    return lines


def _compare(source: Path, names: list[str], found: dict[str, str], manifest: Manifest) -> None:
    wanted = manifest.members
    if sorted(names) != sorted([*wanted, MANIFEST, SEAL]):
        odd = ", ".join(sorted(set(names) ^ {*wanted, MANIFEST, SEAL})[:3]) or "one is there twice"
        raise Refusal(f"{source}: parts were added or taken away ({odd}). Nothing was restored.")
    for name, sha256 in wanted.items():
        if found[name] != sha256:
            raise Refusal(f"{source}: {name} was changed. Nothing was restored.")
    # Hashes can be made to fit by whoever edits; names decide where things are written.
    strange = [table.name for table in manifest.tables if not _OURS.fullmatch(table.name)]
    strange += [key.name for key in manifest.keys if key.name not in {"secret", "data.key"}]
    if strange:
        raise Refusal(f"{source}: {strange[0]!r} is none of Ieum's. Nothing was restored.")
    if not migrations.knows(manifest.revision):
        raise Refusal(
            f"{source} was made by a newer Ieum (tables at {manifest.revision}): "
            "restore it with that one."
        )


def _prepare_tables(db: Database, revision: str) -> None:
    """The empty tables as they were when the backup was made."""
    if migrations.current(db.url) not in {None, revision}:
        migrations.downgrade(db.url, "base")
    migrations.upgrade(db.url, revision)


def _fill(connection: sa.Connection, entry: TableEntry, lines: IO[bytes]) -> None:
    decode, insert = row_decoder(entry), table_of(entry).insert()
    names = [name for name, _ in entry.columns]
    for some in batches(lines, _BATCH):
        rows = [dict(zip(names, decode(line), strict=True)) for line in some]
        connection.execute(insert, rows)


def _compare_rows(connection: sa.Connection, manifest: Manifest) -> None:
    for entry in manifest.tables:
        digest = hashlib.sha256()
        for line in rows_of(connection, entry):
            digest.update(line)
        if digest.hexdigest() != entry.sha256:
            raise Refusal(
                f"{entry.name} reads otherwise here than in the backup. Nothing was restored."
            )


@contextmanager
def _deferred(connection: sa.Connection, manifest: Manifest) -> Iterator[None]:
    """Foreign keys are looked at once all rows are there: rows may refer forward."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        yield
        return
    keys = [
        (entry.name, key["name"])
        for entry in manifest.tables
        for key in sa.inspect(connection).get_foreign_keys(entry.name)
    ]
    quote = connection.dialect.identifier_preparer.quote
    change = "ALTER TABLE {} ALTER CONSTRAINT {} {}"
    for table, key in keys:
        connection.exec_driver_sql(
            change.format(quote(table), quote(str(key)), "DEFERRABLE INITIALLY DEFERRED")
        )
    yield
    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for table, key in keys:
        connection.exec_driver_sql(change.format(quote(table), quote(str(key)), "NOT DEFERRABLE"))


def _go_on_counting(connection: sa.Connection, manifest: Manifest) -> None:
    """PostgreSQL's counters do not see ids that were given; SQLite's do."""
    if connection.dialect.name == "sqlite":
        return
    for entry in manifest.tables:
        if entry.rows and "id" in dict(entry.columns):
            connection.execute(
                sa.text(
                    "SELECT setval(pg_get_serial_sequence(:name, 'id'), max(id)) "  # noqa: S608
                    f"FROM {entry.name}"
                ),
                {"name": entry.name},
            )


def _read_through(source: Path) -> tuple[list[str], dict[str, str], dict[str, bytes]]:
    """Each member's name and hash, and the last two as they are; to the archive's last byte."""
    names, found, texts = [], {}, {}
    with gzip.open(source) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                names.append(member.name)
                with _opened(tar, member) as file:
                    if member.name in {MANIFEST, SEAL}:
                        texts[member.name] = file.read()
                    else:
                        found[member.name] = _digest(file)
        while stream.read(_CHUNK):  # the checksum of the whole stands at its end
            pass
    return names, found, texts


def _read_in(source: Path, manifest: Manifest, connection: sa.Connection, staged: Storage) -> None:
    """Rows into the tables and files into the folder, in the order in which they come."""
    tables = {entry.member: entry for entry in manifest.tables}
    with tarfile.open(source, "r|gz") as tar:
        for member in tar:
            with _opened(tar, member) as file:
                if member.name in tables:
                    _fill(connection, tables[member.name], file)
                elif member.name.startswith("files/"):
                    staged.put(cast("BinaryIO", file))


@contextmanager
def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[IO[bytes]]:
    file = tar.extractfile(member)
    if file is None:
        raise tarfile.TarError(f"{member.name} is no file")
    with file:
        yield file


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
