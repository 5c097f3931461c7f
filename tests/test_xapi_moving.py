"""Statements brought in from files and written to files: nothing lost, nothing twice."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from pyarrow import parquet
from sqlalchemy import select

from lms.db import Database
from lms.edge import State
from lms.xapi import exporting, files, store, vocabulary
from lms.xapi.models import Statement
from lms.xapi.moving_commands import record_store
from tests import factories, xapi_world
from tests.factories import NOW
from tests.xapi_world import STATEMENT


def said(number: int, **more: Any) -> dict[str, Any]:
    id_ = f"00000000-0000-4000-8000-{number:012}"
    return {**STATEMENT, "id": id_, "timestamp": "2020-02-02T00:00:00.123Z", **more}


def encoded(value: Any, **how: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **how).encode()


FORMS: dict[str, Callable[[list[Any]], bytes]] = {
    "list": encoded,
    "pretty list": lambda all_: b"\xef\xbb\xbf" + encoded(all_, indent=2),
    "object": lambda all_: encoded({"statements": all_, "more": ""}),
    "object, more first": lambda all_: encoded({"more": "", "statements": all_}, indent=1),
    "lines": lambda all_: b"\r\n".join(map(encoded, all_)),
    "lines with gaps": lambda all_: b"\n\n" + b"\n\n".join(map(encoded, all_)) + b"\n",
    "one after another": lambda all_: b"".join(encoded(one, indent=2) for one in all_),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("form", "piece"),
    # What a file is must be seen in its first piece.
    [*((form, 1 << 20) for form in FORMS), ("list", 7), ("one after another", 7)],
)
def test_every_form_of_a_file(
    form: str, packed: bool, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", piece)
    all_ = [said(one, result={"response": '가]}\\"' * one}) for one in range(5)]
    data = FORMS[form](all_)
    data = gzip.compress(data) if packed else data
    read: list[int] = []
    rows = list(files.rows(io.BytesIO(data), read.append))
    assert [json.loads(row.raw or b"") for row in rows] == all_
    assert [row.error for row in rows] == [""] * 5
    assert sum(read) == len(data)
    if form == "list":
        assert [row.raw for row in rows] == [encoded(one) for one in all_]


def test_what_cannot_be_read_is_told_with_its_place() -> None:
    def places(data: bytes) -> list[tuple[str, bool]]:
        return [(row.place, row.raw is None) for row in files.rows(io.BytesIO(data))]

    assert places(b"") == places(b"  \n") == places(b"[]") == []
    good = encoded(said(1))
    assert places(good + b"\n{oops\n" + good) == [
        ("line 1", False),
        ("line 2", False),
        ("line 3", False),
    ]
    assert places(b"[" + good + b",{oops," + good) == [("[0]", False), ("[1]", True)]
    assert places(b"[" + good) == [("[0]", False)]
    cut = gzip.compress(good * 1000)[:-20]
    assert places(cut)[-1] == ("end", True)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.write(b"[" + encoded(said(0)))
        for _ in range(60_000):
            file.write(b"," + encoded(said(1)))
        file.write(b"]")
    assert path.stat().st_size > 10 << 20
    with path.open("rb") as file:
        tracemalloc.start()
        count = sum(row.raw is not None for row in files.rows(file))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 60_001
    assert peak < 12 << 20


def asked(state: State, *told: str, code: int = 0) -> Result:
    done = CliRunner().invoke(record_store, told, obj=state)
    assert (done.exit_code, type(done.exception)) in {(code, type(None)), (code, SystemExit)}, done
    return done


def kept(db: Database) -> list[Any]:
    with db.reading() as session:
        return list(session.execute(select(Statement).order_by(Statement.id)).scalars())


@pytest.fixture
def home(db: Database) -> int:
    with db.transaction() as session:
        return factories.institution(session).id


def test_good_ones_come_in_bad_ones_are_told_and_again_is_nothing(
    state: State, db: Database, home: int, tmp_path: Path
) -> None:
    nameless = {**STATEMENT, "timestamp": "2020-02-02T00:00:00Z"}
    rows = [
        said(1),
        {**said(2), "verb": {}},
        nameless,
        said(1),
        {**said(1), "verb": {"id": "http://example.kr/other"}},
        {**said(3), "authority": {"mbox": "mailto:lrs@example.kr"}, "version": "1.0.2"},
        {**said(4), "version": "2.0.0", "context": {"contextAgents": []}},
    ]
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(map(encoded, rows)) + b"\n{broken\n")
    done = asked(state, "import", str(path), code=1)
    assert "new: 4\nknown: 1\nrefused: 3\n" in done.output
    refused = tmp_path / "in.jsonl.refused.jsonl"
    told = [json.loads(line) for line in refused.read_bytes().splitlines()]
    assert [(one["place"], one["path"]) for one in told] == [
        ("line 2", "$.verb.id"),
        ("line 8", "$"),
        ("line 5", "$"),
    ]
    assert "line 2  $.verb.id  " in done.output
    first = kept(db)
    assert [one.statement_id for one in first if one.statement_id == rows[0]["id"]] != []
    assert {one.authority for one in first} == {"import"}
    raws = [json.loads(one.raw) for one in first]
    assert raws[0]["timestamp"] == "2020-02-02T00:00:00.123Z"
    assert raws[0]["authority"]["account"]["name"] == "import"
    by_id = {raw["id"]: raw for raw in raws}
    assert by_id[rows[5]["id"]]["authority"] == {"mbox": "mailto:lrs@example.kr"}
    assert by_id[rows[6]["id"]]["version"] == "2.0.0"
    done = asked(state, "import", str(path), code=1)
    assert "new: 0\nknown: 5\nrefused: 3\n" in done.output
    assert [one.id for one in kept(db)] == [one.id for one in first]


def test_all_or_nothing(state: State, db: Database, home: int, tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_bytes(encoded([said(1), {**said(2), "verb": {}}, said(3)]))
    done = asked(state, "import", str(path), "--all-or-nothing", code=1)
    assert "new: 0\nknown: 0\nrefused: 1\n" in done.output
    assert kept(db) == []
    path.write_bytes(encoded([said(one) for one in range(1_500)]))
    done = asked(state, "import", str(path), "--all-or-nothing", "--authority", "old LRS")
    assert "new: 1500\n" in done.output
    assert not (tmp_path / "in.json.refused.jsonl").exists()
    rows = kept(db)
    assert [one.statement_id for one in rows] == [said(one)["id"] for one in range(1_500)]
    assert json.loads(rows[0].raw)["authority"]["account"]["name"] == "old LRS"


def test_what_comes_in_voids_nothing_of_others(
    app: Flask, state: State, db: Database, tmp_path: Path
) -> None:
    system = xapi_world.system(app, "all")
    [theirs] = system.post(said(1)).get_json()
    path = tmp_path / "in.json"
    void = {"verb": {"id": vocabulary.VOIDED}}
    void["object"] = {"objectType": "StatementRef", "id": theirs}
    path.write_bytes(encoded([said(2, **void)]))
    done = asked(state, "import", str(path), code=1)
    assert "refused: 1" in done.output
    assert system.found() == [theirs]


def stored(db: Database, home: int) -> None:
    """Two on the first day in Seoul, one on the next."""
    with db.transaction() as session:
        for number, hours in ((1, 0), (2, 1), (3, 12)):
            raw = encoded(said(number, result={"response": "첫\n줄"}), indent=1)
            store.add(
                session.connection(),
                home,
                [raw],
                authority=store.Authority("x", "http://example.kr"),
                now=NOW + timedelta(hours=hours),
            )


def test_export_as_lines_by_day(
    state: State, db: Database, home: int, tmp_path: Path, app: Flask
) -> None:
    stored(db, home)
    done = asked(state, "export", str(tmp_path))
    assert done.output.endswith("3 statements\n")
    names = ["statements-2026-11-23.jsonl.gz", "statements-2026-11-24.jsonl.gz"]
    assert sorted(path.name for path in tmp_path.glob("*statements*")) == names
    lines = [gzip.decompress((tmp_path / name).read_bytes()).splitlines() for name in names]
    assert [len(some) for some in lines] == [2, 1]
    raws = [one.raw for one in kept(db)]
    assert [json.loads(line) for some in lines for line in some] == list(map(json.loads, raws))
    again = tmp_path / "again"
    asked(state, "export", str(again), "--from", "2026-11-24", "--until", "2026-11-24")
    assert [path.name for path in again.iterdir()] == names[1:]
    assert (again / names[1]).read_bytes() == (tmp_path / names[1]).read_bytes()
    # What was exported comes in elsewhere, and here changes nothing.
    done = asked(state, "import", str(tmp_path / names[0]), "--authority", "x")
    assert "new: 0\nknown: 2\nrefused: 0\n" in done.output


def test_export_as_parquet(state: State, db: Database, home: int, tmp_path: Path) -> None:
    stored(db, home)
    asked(state, "export", str(tmp_path), "--format", "parquet")
    table = parquet.read_table(tmp_path / "statements-2026-11-23.parquet")
    assert table.column_names == [
        *("id", "stored", "timestamp", "actor", "verb", "activity"),
        *("registration", "authority", "raw"),
    ]
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == [said(1)["id"], said(2)["id"]]
    first = kept(db)[0]
    assert rows[0]["raw"] == first.raw
    assert rows[0]["stored"] == first.stored
    assert (rows[0]["verb"], rows[0]["registration"]) == (first.verb, None)


def test_a_file_that_is_not_whole_has_no_days_name(
    db: Database, home: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(db, home)

    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(exporting, "_write_all", fail)
    with db.reading() as session, pytest.raises(OSError, match="full"):
        exporting.export(session, home, tmp_path, zone="Asia/Seoul", since=date(2026, 1, 1))
    assert list(tmp_path.glob("*statements*")) == []


def test_without_the_library_parquet_is_refused_in_words(
    state: State, db: Database, home: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(db, home)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    done = asked(state, "export", str(tmp_path), "--format", "parquet", code=1)
    assert "pip install 'ieum[parquet]'" in done.output
