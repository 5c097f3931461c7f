"""A backup is whole or refused, and is read back on either database, alike to the byte."""

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from lms.cli import main
from lms.cli.dumping import dump, stored
from lms.cli.restoring import Refusal, restore, verify
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
