"""One transaction around a view, on each database: whole or not at all, and closed afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from lms.db import Database
from lms.edge import json_body, session
from lms.people.models import Institution, Tries
from tests import factories
from tests.edge_world import app_with, room, view


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    yield from app_with(monkeypatch, database_url, tmp_path, room())
    view.clear()


def test_a_fault_undoes_what_was_written(client: FlaskClient, db: Database) -> None:
    def write_and_fail() -> Any:
        factories.institution(session(), "HALF")
        raise RuntimeError

    view["now"] = write_and_fail
    assert client.post("/room").status_code == 500
    with db.reading() as reader:
        assert reader.scalar(select(func.count()).select_from(Institution)) == 0


def test_a_reading_request_cannot_write(client: FlaskClient, db: Database) -> None:
    def write() -> Any:
        factories.institution(session(), "SLY")
        return "written"

    view["now"] = write
    assert client.get("/room").status_code == 500
    assert client.post("/room").text == "written"


def test_a_lost_race_is_looked_at_once_more(client: FlaskClient, db: Database) -> None:
    calls: list[int] = []

    def make() -> Any:
        """As two requests do that make one row: look, find nothing, insert."""
        calls.append(1)
        known = session().scalar(select(Tries.count).where(Tries.key == "k"))
        if known is None:
            if len(calls) == 1:  # the other one was quicker, between the look and the insert
                _insert_beside(db)
            session().execute(insert(Tries), {"key": "k", "window": 1, "count": 1})
        return f"known {known}"

    view["now"] = make
    if db.is_sqlite:  # nobody else can write while we do: the row is there when we look again
        view["now"] = lambda: _race_on_sqlite(calls)
    answer = client.post("/room")
    assert (answer.status_code, answer.text, len(calls)) == (200, "known 5", 2)


def _insert_beside(db: Database) -> None:
    with db.engine.begin() as connection:
        connection.execute(insert(Tries), {"key": "k", "window": 1, "count": 5})


def _race_on_sqlite(calls: list[int]) -> Any:
    calls.append(1)
    if len(calls) == 1:
        row = {"key": "k", "window": 1, "count": 5}
        session().execute(insert(Tries), row)
        session().execute(insert(Tries), row)
    # The first try was undone whole, its own row with it.
    assert session().scalar(select(Tries.count).where(Tries.key == "k")) is None
    return "known 5"


def test_the_session_is_closed_when_the_view_is_done(client: FlaskClient, db: Database) -> None:
    view["now"] = lambda: str(session().scalar(select(func.count()).select_from(Institution)))
    for _ in range(5):
        assert client.get("/room").text == "0"
        assert client.post("/room").text == "0"
    assert (db.reader.pool.checkedout(), db.engine.pool.checkedout()) == (0, 0)  # type: ignore[attr-defined]


def test_what_was_sent_is_still_there_when_it_is_looked_at_once_more(client: FlaskClient) -> None:
    seen: list[dict[str, int]] = []

    def take() -> Any:
        seen.append(json_body(dict[str, int]))
        if len(seen) == 1:
            raise IntegrityError("the other one was quicker", {}, Exception())
        return "taken"

    view["now"] = take
    assert client.post("/room", json={"n": 1}).text == "taken"
    assert seen == [{"n": 1}] * 2
