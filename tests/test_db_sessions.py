"""What reads cannot write, what fails is undone, and who reads sees one moment."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lms.db import Database, Insert, insert_or_ignore, is_disconnect, session_on
from lms.db.engine import read_back
from lms.outbox import Lease
from lms.people.models import Institution, Tries
from tests import factories


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, threads=4)
    yield opened
    opened.dispose()


def codes(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Institution.code).order_by(Institution.code)))


def test_both_pools_are_durable_and_say_so(database: Database) -> None:
    expected = (
        {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        if database.is_sqlite
        else {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    )
    for engine in (database.engine, database.reader):
        with engine.connect() as connection:
            assert read_back(connection) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lms_lease (name, holder, until) VALUES ('a', 'b', '2026-01-01')",
        "UPDATE lms_lease SET holder = 'c'",
        "DELETE FROM lms_lease",
        "CREATE TABLE lms_more (id integer)",
        "DROP TABLE lms_lease",
    ],
)
def test_a_reading_session_cannot_write(database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError) as refused, database.reading() as session:
        session.execute(text(statement))
    assert any(word in str(refused.value.orig) for word in ("readonly", "read-only"))


def test_a_reading_session_cannot_write_rows_of_the_orm(database: Database) -> None:
    with pytest.raises(DBAPIError), database.reading() as session:
        factories.institution(session, "LATE")
    assert codes(database) == []


def test_returning_commits_and_raising_undoes(database: Database) -> None:
    with database.transaction() as session:
        factories.institution(session, "KEPT")

    def fail() -> None:
        with database.transaction() as session:
            factories.institution(session, "LOST")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert codes(database) == ["KEPT"]


def test_the_gate_opens_again_after_a_failure(database: Database) -> None:
    for _ in range(3):
        with pytest.raises(IntegrityError), database.transaction() as session:
            session.add(Tries(key=None, window=1, count=1))
    with database.transaction() as session:
        factories.institution(session, "AFTER")
    assert codes(database) == ["AFTER"]


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.transaction() as session:
        factories.institution(session, "FIRST")
    count = select(func.count()).select_from(Institution)
    with database.reading() as reader:
        seen = [reader.scalar(count)]
        with database.transaction() as session:  # does not wait for the reader either
            factories.institution(session, "SECOND")
        seen.append(reader.scalar(count))
    assert seen == [1, 1]
    assert codes(database) == ["FIRST", "SECOND"]


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.transaction() as session:
        factories.institution(session, "HELD")
        assert codes(database) == []


def test_transactions_that_count_together_lose_nothing(database: Database) -> None:
    with database.transaction() as session:
        session.add(Tries(key="k", window=1, count=0))

    def raise_by_one() -> None:
        for _ in range(5):
            with database.transaction() as session:
                row = session.scalars(select(Tries).with_for_update()).one()
                row.count += 1

    threads = [threading.Thread(target=raise_by_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.scalar(select(Tries.count)) == 20


def test_an_orm_session_within_a_connection_undoes_only_its_part(database: Database) -> None:
    with database.transaction() as session:
        connection = session.connection()
        connection.execute(Tries.__table__.insert(), {"key": "k", "window": 1, "count": 1})

        def fail() -> None:
            with session_on(connection) as own:
                factories.institution(own, "LOST")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with session_on(connection) as own:
            factories.institution(own, "KEPT")
    with database.reading() as session:
        assert session.scalars(select(Tries.count)).all() == [1]
    assert codes(database) == ["KEPT"]


def test_a_row_needs_its_parent(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        factories.organisation(session, Institution(id=999, code="NONE"))


def test_the_same_key_again_is_ignored(database: Database) -> None:
    row = {"key": "k", "window": 1, "count": 1}
    with database.transaction() as session:
        connection = session.connection()
        insert = insert_or_ignore(connection, Tries).returning(Tries.key)
        made = [connection.execute(insert, row).first() for _ in range(2)]
    assert made == [("k",), None]


def test_a_prepared_insert_gives_the_id_or_the_object_as_the_database_has_it(
    database: Database,
) -> None:
    insert, lenient = Insert(Tries), Insert(Tries, or_ignore=True)
    with database.transaction() as session:
        held = insert.held(session, key="held", window=1, count=2)
        assert held in session
        assert not session.dirty
        assert session.get(Tries, held.id) is held
        held.count = 3  # changed like any other object
        made = [lenient.row(session, key=key, window=1, count=1) for key in ("new", "new")]
        with pytest.raises(KeyError):
            insert.row(session, key="half")
    with database.reading() as session:
        found = session.execute(select(Tries.id, Tries.key, Tries.count).order_by(Tries.id)).all()
    assert found == [(held.id, "held", 3), (made[0], "new", 1)]
    assert made[1] is None


def test_instants_come_back_aware_and_in_utc(database: Database) -> None:
    seoul = timezone(timedelta(hours=9))
    with database.transaction() as session:
        session.add(Lease(name="n", holder="h", until=datetime(2026, 3, 1, 8, 30, tzinfo=seoul)))
    with database.reading() as session:
        until = session.scalars(select(Lease.until)).one()
    assert (until, until.tzinfo) == (datetime(2026, 2, 28, 23, 30, tzinfo=UTC), UTC)


def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001  what is refused
    with pytest.raises(StatementError, match="naive datetime"), database.transaction() as session:
        session.execute(update(Lease).values(until=naive))


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (OperationalError("q", {}, Exception("database is locked")), True),
        (OperationalError("q", {}, Exception("database or disk is full")), True),
        (OperationalError("q", {}, Exception("connection refused")), True),
        (OperationalError("q", {}, Exception("FATAL: the database system is starting up")), True),
        (ProgrammingError("q", {}, Exception("gone"), connection_invalidated=True), True),
        (PoolTimeoutError("QueuePool limit of size 4 overflow 4 reached"), True),
        (OperationalError("q", {}, Exception("deadlock detected")), False),
        (IntegrityError("q", {}, Exception("UNIQUE constraint failed")), False),
        (ValueError("database is locked"), False),
    ],
)
def test_a_database_that_is_away_is_told_from_one_that_refuses(
    error: Exception, away: bool
) -> None:
    assert is_disconnect(error) is away
