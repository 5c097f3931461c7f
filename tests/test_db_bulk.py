"""Many rows at once are kept, passed over and changed as one by one, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from lms.db import Database, InsertMany, UpdateMany
from lms.people.models import AuditRow, Tries
from tests import factories

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
TRIES = InsertMany(Tries, ("key", "window", "count"))
NEW_TRIES = InsertMany(Tries, ("count", "key", "window"), or_ignore=True)
COUNTS = UpdateMany(Tries, ("count", "key"))
AUDIT = InsertMany(
    AuditRow,
    ("institution_id", "at", "actor_id", "act", "subject", "subject_id", "reason", "detail"),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, threads=2)
    yield opened
    opened.dispose()


def kept(database: Database) -> list[Any]:
    with database.reading() as session:
        query = select(Tries.key, Tries.window, Tries.count).order_by(Tries.key)
        return [tuple(row) for row in session.execute(query)]


@pytest.mark.parametrize("count", [1, 7, 250])
def test_as_many_rows_as_there_are(database: Database, count: int) -> None:
    rows = [(f"k{number:03}", 1, number) for number in range(count)]
    with database.transaction() as session:
        TRIES.run(session.connection(), rows)
    assert kept(database) == rows


def test_ids_are_told_of_what_was_made_alone(database: Database) -> None:
    with database.transaction() as session:
        TRIES.run(session.connection(), [("b", 1, 1), ("d", 1, 1)])
    wanted = [(2, key, 1) for key in "abcd"]
    with database.transaction() as session:
        made = NEW_TRIES.ids(session.connection(), wanted, key="key")
        again = NEW_TRIES.ids(session.connection(), wanted, key="key")
        rows = session.execute(select(Tries.key, Tries.id).where(Tries.count == 2))
        assert made == {row.key: row.id for row in rows}
    assert (sorted(made), again) == (["a", "c"], {})
    assert kept(database) == [("a", 1, 2), ("b", 1, 1), ("c", 1, 2), ("d", 1, 1)]


def test_a_broken_rule_is_sqlalchemys_error_and_keeps_nothing(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        TRIES.run(session.connection(), [("a", 1, 1), ("a", 1, 1)])
    assert kept(database) == []


def test_rows_are_changed_by_their_ids(database: Database) -> None:
    with database.transaction() as session:
        rows = [(1, key, 1) for key in "abc"]
        ids = NEW_TRIES.ids(session.connection(), rows, key="key")
        told = [(ids["a"], 5, "z"), (ids["c"], 6, "y"), (max(ids.values()) + 1, 7, "nobody")]
        COUNTS.run(session.connection(), told)
    assert kept(database) == [("b", 1, 1), ("y", 1, 6), ("z", 1, 5)]


def test_values_come_back_as_their_types_have_them(database: Database) -> None:
    with database.transaction() as session:
        home = factories.institution(session, "A")
        session.flush()
        shared = (home.id, AT, None, "test.act", "person")
        told: list[dict[str, Any]] = [{"가": [1, None]}, {"b": "\"'\\"}]
        AUDIT.run(
            session.connection(),
            [(*shared, number, "왜", one) for number, one in enumerate(told)],
        )
    with database.reading() as session:
        query = select(AuditRow.at, AuditRow.actor_id, AuditRow.subject_id, AuditRow.detail)
        found = [tuple(row) for row in session.execute(query.order_by(AuditRow.id))]
    assert found == [(AT, None, 0, told[0]), (AT, None, 1, told[1])]
