"""Prepared statements say what the ORM says; connections keep them, and a dead one is replaced."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from sqlalchemy import bindparam, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from lms.db import Database, Prepared
from lms.outbox import Lease
from lms.people.models import Institution, Tries
from tests import factories


class Told(NamedTuple):
    code: str
    settings: dict[str, Any]


BY_ZONE = Prepared(
    select(Institution.code, Institution.settings)
    .where(Institution.zone == bindparam("zone"), Institution.code.in_(("A", "B")))
    .order_by(Institution.code),
    Told,
)
UNTIL = Prepared(
    select(Lease.name, Lease.until).where(Lease.until > bindparam("after")), lambda *row: row
)
RAISE = Prepared(
    update(Tries).where(Tries.key == bindparam("which")).values(count=bindparam("to")), tuple
)
ADD = Prepared(
    insert(Tries).values(
        key=bindparam("its_key"), window=bindparam("its_window"), count=bindparam("its_count")
    ),
    tuple,
)


ON_POSTGRESQL = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, threads=2)
    yield opened
    opened.dispose()


def test_rows_come_as_the_types_have_them(database: Database) -> None:
    moment = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    with database.transaction() as session:
        for code in ("B", "A", "C"):
            factories.institution(session, code).settings = {"code": code, "more": [1, "가"]}
        session.add(Lease(name="n", holder="h", until=moment))
        session.flush()
        zone = session.scalars(select(Institution.zone).limit(1)).one()
    expected = [Told(code, {"code": code, "more": [1, "가"]}) for code in ("A", "B")]
    with database.reading() as session:
        assert [BY_ZONE.all(session, zone=zone) for _ in range(8)] == [expected] * 8
        assert BY_ZONE.first(session.connection(), zone=zone) == expected[0]
        assert BY_ZONE.first(session, zone="Nowhere") is None
        assert UNTIL.all(session, after=moment.replace(hour=7)) == [("n", moment)]
        assert UNTIL.all(session, after=moment) == []
        with pytest.raises(KeyError):
            BY_ZONE.all(session)


def test_what_writes_tells_how_many_rows_and_is_undone_with_its_transaction(
    database: Database,
) -> None:
    with database.transaction() as session:
        assert ADD.run(session, its_key="k", its_window=1, its_count=1) == 1

    def change_and_fail() -> None:
        with database.transaction() as session:
            assert RAISE.run(session, which="k", to=9) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    with database.engine.connect() as connection:  # begins its transaction by itself
        assert RAISE.run(connection, which="nobody", to=9) == 0
        assert connection.in_transaction()
    with database.reading() as session:
        assert session.scalars(select(Tries.count)).all() == [1]


def test_errors_are_those_of_sqlalchemy(database: Database) -> None:
    with database.transaction() as session:
        ADD.run(session, its_key="k", its_window=1, its_count=1)
    with pytest.raises(IntegrityError), database.transaction() as session:
        ADD.run(session, its_key="k", its_window=1, its_count=1)
    with pytest.raises(DBAPIError) as refused, database.reading() as session:
        RAISE.run(session, which="k", to=2)
    assert any(word in str(refused.value.orig) for word in ("readonly", "read-only"))


def test_a_python_default_is_not_left_out_in_silence(database: Database) -> None:
    half = Prepared(insert(Institution).values(code=bindparam("its_code")), tuple)
    with pytest.raises((TypeError, IntegrityError)), database.transaction() as session:
        half.run(session, its_code="A")


def test_who_listens_to_statements_hears_of_them(database: Database) -> None:
    heard: list[str] = []
    event.listen(database.reader, "before_cursor_execute", lambda *told: heard.append(told[2]))
    with database.reading() as session:
        BY_ZONE.all(session, zone="Asia/Seoul")
    assert [one.split()[0] for one in heard] == ["SELECT"]


@ON_POSTGRESQL
def test_postgresql_keeps_its_plans_from_page_to_page(database: Database) -> None:
    for _ in range(8):
        with database.reading() as session:
            BY_ZONE.all(session, zone="Asia/Seoul")
    with database.reading() as session:
        kept = session.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
        told = session.execute(
            text("SELECT current_setting('transaction_isolation'),"
                 " current_setting('transaction_read_only')")
        ).one()  # fmt: skip
    assert sum("lms_institution" in one for one in kept) == 1
    assert told == ("repeatable read", "on")


@ON_POSTGRESQL
def test_a_connection_that_the_server_closed_is_replaced_unnoticed(database: Database) -> None:
    with database.transaction() as session, database.reading() as reader:
        own = [one.scalar(text("SELECT pg_backend_pid()")) for one in (session, reader)]
    other = Database(database.url, threads=1)
    with other.transaction() as session:
        for pid in own:
            session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()
    with database.reading() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) not in own
    with database.transaction() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) not in own


@ON_POSTGRESQL
def test_a_connection_that_ends_in_the_middle_is_told_as_a_disconnect(database: Database) -> None:
    other = Database(database.url, threads=1)
    with database.reading() as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
        with other.transaction() as elsewhere:
            elsewhere.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(OperationalError) as lost:
            BY_ZONE.all(session, zone="Asia/Seoul")
    other.dispose()
    assert lost.value.connection_invalidated
    with database.reading() as session:
        assert BY_ZONE.all(session, zone="Asia/Seoul") == []
