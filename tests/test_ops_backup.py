"""A backup is whole or refused, and is read back on either database, alike to the byte."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from lms import migrations
from lms.cli import main
from lms.cli.dumping import dump, stored
from lms.cli.restoring import Refusal, refuse_unless_empty, restore, verify
from lms.db import Base, Database
from lms.files import Storage
from lms.files.models import StoredFile
from lms.outbox import promise
from lms.people.models import Organisation, Person
from lms.plugins import plugin_manager
from lms.xapi.models import Statement
from tests import factories
from tests.conftest import _fresh

NOW = factories.NOW
RAW = '{"id": "한글", "n": 1.50}'.encode()


@contextmanager
def database(request: pytest.FixtureRequest, folder: Path, backend: str) -> Iterator[Database]:
    folder.mkdir()
    fresh = _fresh(request, folder, backend)
    db = Database(next(fresh))
    plugin_manager()
    yield db
    db.dispose()
    assert next(fresh, None) is None


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with database(request, tmp_path / "source", request.param) as db:
        yield db


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with database(request, tmp_path / "target", request.param) as db:
        yield db


def fill(db: Database, storage: Storage) -> None:
    """A little of everything: dates, bytes, JSON in no order, a row that refers to a later one."""
    sha256, size = storage.put("그림".encode())
    with db.transaction() as session:
        home = factories.institution(session, settings={"z": [1, {"y": None, "b": 2.5}], "a": "ㄱ"})
        school = factories.organisation(session, home)
        office = factories.organisation(session, home, "교육지원청")
        session.get_one(Organisation, school.id).parent_id = office.id
        person = factories.person(session, home)
        session.get_one(Person, person.id).first_appointed_on = date(2001, 3, 1)
        session.add(
            StoredFile(
                institution_id=home.id,
                sha256=sha256,
                size=size,
                media_type="image/png",
                name="그림.png",
                created_at=NOW,
            )
        )
        session.add(
            Statement(
                institution_id=home.id,
                statement_id="0" * 8,
                stored=NOW,
                timestamp=NOW,
                actor="account:home|x",
                verb="v",
                authority="lms",
                version="1.0.3",
                mark="m",
                raw=RAW,
            )
        )
        promise(session, "mail.send", key="k", now=NOW, to="a@b", subject="제목", body="글")


def test_restored_on_either_database_alike(
    source: Database, target: Database, tmp_path: Path
) -> None:
    files, there = Storage(tmp_path / "files"), Storage(tmp_path / "there" / "files")
    fill(source, files)
    first = dump(source, files, tmp_path / "one.tar.gz", keys={}, now=NOW)
    assert first.complaints == []
    restore(tmp_path / "one.tar.gz", verify(tmp_path / "one.tar.gz"), target, there)
    second = dump(target, there, tmp_path / "two.tar.gz", keys={}, now=NOW)
    assert second == first
    assert set(stored(there)) == set(stored(files)) != set()
    with target.transaction() as session:  # ids go on where they were
        assert session.scalar(sa.select(Statement.raw)) == RAW
        fresh = factories.institution(session)
        assert fresh.id == session.scalar(sa.select(sa.func.max(type(fresh).id)))
    # Foreign keys are kept at once again, as before.
    with pytest.raises(sa.exc.IntegrityError), target.transaction() as session:
        session.execute(sa.update(Organisation).values(parent_id=999_999))


def flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


def edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Repacks the archive with one member changed, so that only our own hashes can tell."""

    def repack(data: bytes) -> bytes:
        out = io.BytesIO()
        with (
            tarfile.open(fileobj=io.BytesIO(data)) as old,
            tarfile.open(fileobj=out, mode="w:gz") as new,
        ):
            for member in old:
                content = old.extractfile(member)
                assert content is not None
                body = content.read()
                if member.name == name:
                    body = change(body)
                member.size = len(body)
                new.addfile(member, io.BytesIO(body))
        return out.getvalue()

    return repack


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data[: len(data) // 2], "cut short"),
        (lambda data: data[:-12], "cut short"),
        (lambda _: b"", "cut short"),
        (lambda _: b"PK no tar at all", "cut short"),
        (flip, "cut short"),
        (edit("database/lms_institution.jsonl", lambda b: b.replace(b"Asia", b"Asie")), "changed"),
        (edit("manifest.json", lambda b: b.replace(b'"rows":1', b'"rows":2')), "changed"),
    ],
    ids=["half", "tail", "empty", "foreign", "flipped", "edited", "manifest"],
)
def test_spoilt_backup_is_refused(
    sqlite_url: str, tmp_path: Path, spoil: Callable[[bytes], bytes], said: str
) -> None:
    db, files, path = Database(sqlite_url), Storage(tmp_path / "files"), tmp_path / "b.tar.gz"
    plugin_manager()
    fill(db, files)
    dump(db, files, path, keys={}, now=NOW)
    db.dispose()
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(Refusal, match=said) as refusal:
        verify(path)
    assert "Nothing was restored" in refusal.value.message


def sealed(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Repacks the archive as one who knows how: with hashes that fit."""
    with tarfile.open(fileobj=io.BytesIO(data)) as old:
        members = {one.name: (old.extractfile(one) or io.BytesIO()).read() for one in old}
    change(members)
    manifest = json.loads(members["manifest.json"])
    for table in manifest["tables"]:
        rows = members[f"database/{table['name']}.jsonl"]
        table |= {"sha256": hashlib.sha256(rows).hexdigest(), "rows": rows.count(b"\n")}
    text = json.dumps(manifest).encode()
    members |= {
        "manifest.json": text,
        "manifest.sha256": hashlib.sha256(text).hexdigest().encode(),
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as new:
        for name, body in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            new.addfile(member, io.BytesIO(body))
    return out.getvalue()


def test_backup_of_a_newer_ieum_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    def newer(members: dict[str, bytes]) -> None:
        text = json.loads(members["manifest.json"]) | {"revision": "9999"}
        members["manifest.json"] = json.dumps(text).encode()

    db, path = Database(sqlite_url), tmp_path / "b.tar.gz"
    plugin_manager()
    dump(db, Storage(tmp_path / "files"), path, keys={}, now=NOW)
    db.dispose()
    path.write_bytes(sealed(path.read_bytes(), newer))
    with pytest.raises(Refusal, match="made by a newer Ieum"):
        verify(path)


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        ("tables", {"name": "users", "columns": [["id", "int"]], "rows": 0, "sha256": ""}),
        ("keys", {"name": "../../root", "sha256": hashlib.sha256(b"").hexdigest()}),
    ],
)
def test_backup_that_writes_elsewhere_is_refused(
    sqlite_url: str, tmp_path: Path, part: str, entry: dict[str, Any]
) -> None:
    """Made by one who knows how: a host's table, a path out of LMS_VAR."""

    def smuggle(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        manifest[part].append(entry)
        members["manifest.json"] = json.dumps(manifest).encode()
        members["database/users.jsonl" if part == "tables" else f"keys/{entry['name']}"] = b""

    db, path = Database(sqlite_url), tmp_path / "b.tar.gz"
    plugin_manager()
    dump(db, Storage(tmp_path / "files"), path, keys={}, now=NOW)
    db.dispose()
    path.write_bytes(sealed(path.read_bytes(), smuggle))
    with pytest.raises(Refusal, match="none of Ieum's"):
        verify(path)


def test_rows_that_do_not_fit_leave_nothing_behind(target: Database, tmp_path: Path) -> None:
    """Refused by the database in the middle: no row, no file, and it can be tried again."""

    def orphan(members: dict[str, bytes]) -> None:
        del members["database/lms_person.jsonl"]
        members["database/lms_person.jsonl"] = b""
        members["database/lms_role_grant.jsonl"] = b'[1,77,"learner",null,"%s",null,1]\n' % stamp

    stamp = NOW.isoformat().replace("+00:00", "Z").encode()
    files, there = Storage(tmp_path / "files"), Storage(tmp_path / "there" / "files")
    fill(target, files)
    path, good = tmp_path / "b.tar.gz", tmp_path / "good.tar.gz"
    dump(target, files, good, keys={}, now=NOW)
    path.write_bytes(sealed(good.read_bytes(), orphan))
    empty(target)
    with pytest.raises(Refusal, match="do not fit together"):
        restore(path, verify(path), target, there)
    assert list((tmp_path / "there").iterdir()) == []
    refuse_unless_empty(target, there)
    restore(good, verify(good), target, there)


def empty(db: Database) -> None:
    migrations.downgrade(db.url, "base")
    migrations.upgrade(db.url)


def test_what_could_not_be_saved_is_said(sqlite_url: str, tmp_path: Path) -> None:
    var, db = tmp_path / "var", Database(sqlite_url)
    files = Storage(var / "files")
    fill(db, files)
    db.dispose()
    damaged, _ = files.put(b"whole")
    files.path(damaged).write_bytes(b"half")
    files.path(hashlib.sha256("그림".encode()).hexdigest()).unlink()
    said = run(["backup", str(tmp_path / "b.tar.gz")], sqlite_url, var)
    assert said.exit_code == 1
    assert f"{files.path(damaged)} is damaged and is left out" in said.output
    assert "is named in the database and missing in" in said.output
    assert verify(tmp_path / "b.tar.gz").files == []


def test_no_backup_of_tables_that_are_behind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    said = run(["backup", str(tmp_path / "b.tar.gz")], url, tmp_path / "var")
    assert (said.exit_code, "run `lms migrate`" in said.output) == (1, True)
    assert not (tmp_path / "b.tar.gz").exists()


def run(arguments: list[str], url: str, var: Path) -> Result:
    return CliRunner().invoke(
        main,
        arguments,
        env={"LMS_DATABASE_URL": url, "LMS_VAR": str(var), "LMS_BASE_URL": "http://localhost"},
    )


def test_commands_overwrite_nothing(
    request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path
) -> None:
    var, file = tmp_path / "var", tmp_path / "b.tar.gz"
    db = Database(sqlite_url)
    fill(db, Storage(var / "files"))
    db.dispose()
    said = run(["backup", str(file)], sqlite_url, var)
    assert (said.exit_code, "data.key" in said.output) == (0, True)
    with tarfile.open(file) as tar:
        names = tar.getnames()
    assert names[-2:] == ["manifest.json", "manifest.sha256"]
    assert not [name for name in names if name.startswith("keys/")]
    again = run(["backup", str(file)], sqlite_url, var)
    assert (again.exit_code, "there already" in again.output) == (1, True)
    onto = run(["restore", str(file)], sqlite_url, tmp_path / "other")
    assert (onto.exit_code, "has rows" in onto.output) == (1, True)
    empty = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    beside = run(["restore", str(file)], empty, var)
    assert (beside.exit_code, "There are files" in beside.output) == (1, True)
    good = run(["restore", str(file)], empty, tmp_path / "other")
    assert (good.exit_code, "hash equal" in good.output) == (0, True), good.output


def test_keys_come_only_when_asked_for(sqlite_url: str, tmp_path: Path) -> None:
    var, file, there = tmp_path / "var", tmp_path / "b.tar.gz", tmp_path / "there"
    empty = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    assert run(["backup", str(file), "--with-keys"], sqlite_url, var).exit_code == 0
    assert run(["restore", str(file)], empty, there).exit_code == 0
    assert (there / "data.key").read_text() == (var / "data.key").read_text().strip()
    assert (there / "data.key").stat().st_mode & 0o077 == 0
    assert Base.metadata.tables.keys() <= set(sa.inspect(sa.create_engine(empty)).get_table_names())
