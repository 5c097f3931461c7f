"""Sheets of thousands of people: written by a task, in chunks, resumed where it was cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from lms import clock
from lms.db import Database
from lms.outbox.models import Task
from lms.people import hr_import, intake
from lms.people.models import Institution, Intake, Organisation, Person, Post
from tests.sheets_world import GOOD, SEALER, confirm, counts, csv_of, officer, people, schools


@pytest.fixture
def home(db: Database) -> Institution:
    return schools(db)


@pytest.fixture
def browser(app: Flask, home: Institution) -> FlaskClient:
    return officer(app, home)


def many(n: int, *, rank: str = "교사") -> bytes:
    first = date(1970, 1, 1)
    rows = (
        (f"B10{1000000 + i}", f"김하{i % 7}", first + timedelta(i), "S1", "교원", rank, "")
        for i in range(n)
    )
    return csv_of(*rows)


def large(db: Database, home: Institution, data: bytes) -> Intake:
    """A sheet that was uploaded and confirmed for the task."""
    now = clock.now()
    with db.transaction() as session:
        actor = session.scalars(select(Person).where(Person.name == "한담당")).one()
        on = clock.local_day(now, home.zone)
        rows = hr_import.rows_of("큰.csv", data, on)
        told = intake.summary(hr_import.planned(session, SEALER, home.id, rows, on))
        kept = intake.keep(
            session,
            SEALER,
            institution_id=home.id,
            actor_id=actor.id,
            purpose="people",
            name="큰.csv",
            data=data,
            rows=told,
            now=now,
        )
        intake.confirm(session, kept, mark=told.mark, rows=told, now=now, keep_file=True)
        hr_import.promise_it(session, kept, now)
        return kept


def turns(app: Flask, *, most: int = 20) -> int:
    """Keep every promise of the task, as the scheduler does; how many turns it took."""
    state = app.extensions["lms"]
    for turn in range(most):
        with state.db.reading() as session:
            task = session.scalars(
                select(Task).where(Task.name == hr_import.TASK, Task.done_at.is_(None))
            ).first()
        if task is None:
            return turn
        hr_import.keep_promise(state, task, clock.now())
        with state.db.transaction() as session:
            session.get_one(Task, task.id).done_at = clock.now()
    raise AssertionError("it never ends")


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(*told: Any) -> None:
        asked.append(told[2])

    for engine in {db.engine, db.reader}:
        event.listen(engine, "before_cursor_execute", note)
    yield asked
    for engine in {db.engine, db.reader}:
        event.remove(engine, "before_cursor_execute", note)


def test_five_thousand_rows_cost_statements_by_the_chunk_and_never_by_the_row(
    app: Flask, browser: FlaskClient, db: Database, home: Institution
) -> None:
    large(db, home, many(5000))
    with statements(db) as asked:
        assert turns(app) == 1
    assert len(asked) <= 25 * 10
    assert counts(db) == {
        "error": 0,
        "check": 0,
        "new": 5000,
        "change": 0,
        "same": 0,
        "left_out": [],
        "applied": 5000,
        "finished": True,
    }
    with db.reading() as session:
        assert session.scalar(select(func.count(Post.id))) == 5000
    # The same sheet again: looked at, and nothing written.
    large(db, home, many(5000))
    assert turns(app) == 1
    assert (counts(db)["same"], counts(db)["applied"]) == (5000, 0)


def test_a_large_sheet_goes_on_where_it_was_cut(
    app: Flask,
    browser: FlaskClient,
    db: Database,
    home: Institution,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hr_import, "A_TURN", 500)
    large(db, home, many(1600))
    calls = 0
    apply = hr_import.apply

    def cut(*told: Any, **more: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("the power went")
        return apply(*told, **more)

    monkeypatch.setattr(hr_import, "apply", cut)
    with pytest.raises(RuntimeError):
        turns(app)
    assert len(people(db)) == 500
    assert turns(app) == 3
    assert len(people(db)) == 1600
    assert (counts(db)["applied"], counts(db)["finished"]) == (1600, True)
    with db.reading() as session:
        assert session.scalar(select(func.count(func.distinct(Person.neis_mark)))) == 1600


def test_a_large_sheet_is_promised_and_shows_how_far_it_is(
    app: Flask,
    browser: FlaskClient,
    db: Database,
    home: Institution,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hr_import, "AT_ONCE", 5)
    text = confirm(browser, many(8))
    assert "나누어 반영하고 있습니다" in text
    assert people(db) == []
    turns(app)
    with db.reading() as session:
        kept = session.scalars(select(Intake)).one()
    assert "8줄을 반영했습니다." in browser.get(f"/people/sheets/{kept.id}").text


def test_a_row_that_was_left_out_stays_left_out(
    app: Flask, browser: FlaskClient, db: Database, home: Institution
) -> None:
    """A school that is added after the preview must not let in rows that nobody agreed to."""
    kept = large(
        db, home, csv_of(GOOD[0], ("B101234569", "최나중", "1990-01-05", "S9", "교원", "", ""))
    )
    with db.transaction() as session:
        session.add(Organisation(institution_id=home.id, code="S9", name="새학교", kind="school"))
    turns(app)
    assert people(db) == [("김하나", "S1", "교사", "active")]
    assert counts(db)["left_out"] == [3]
    assert kept.id
