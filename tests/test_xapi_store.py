"""Keeping statements: once, whole, append-only, and safe under a race, on both databases."""

import json
import re
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select
from sqlalchemy.exc import DBAPIError

from lms.db import Database, append_only
from lms.errors import ConflictError, ForbiddenError, InvalidError
from lms.people.models import AuditRow
from lms.xapi import store, vocabulary
from lms.xapi.models import Statement, Voiding
from lms.xapi.statement import read_all
from lms.xapi.store import LMS, Authority, Stored
from tests import factories
from tests.factories import NOW

REGISTRATION = "ec531277-b57b-4c15-8d91-d292c5b2b8f7"
VENDOR = Authority("rs-1", "https://home.example")
LMS_AGENT = {"account": {"homePage": "https://home.example", "name": "lms"}}
OTHER = Authority("rs-2", "https://home.example")
CHIEF = Authority("rs-3", "https://home.example", voids_others=True)


def statement(**more: Any) -> bytes:
    value = {
        "actor": {"account": {"homePage": "https://home.example", "name": "account-1"}},
        "verb": {"id": "http://example.kr/did"},
        "object": {"id": "http://example.kr/a"},
        "context": {"registration": REGISTRATION},
    }
    return json.dumps({**value, **more}, ensure_ascii=False).encode()


def voiding(target: str, **more: Any) -> bytes:
    reference = {"objectType": "StatementRef", "id": target}
    return statement(verb={"id": vocabulary.VOIDED}, object=reference, **more)


@pytest.fixture
def home(db: Database) -> int:
    with db.transaction() as session:
        return factories.institution(session, home_page="https://home.example").id


@pytest.fixture
def add(db: Database, home: int) -> Callable[..., list[Stored]]:
    """Adds through the writer, as requests do."""

    def add_(*statements: bytes, authority: Authority = VENDOR, **more: Any) -> list[Stored]:
        told = {"now": NOW, "authority": authority, **more}
        return db.writer.do(lambda to: store.add(to, home, statements, **told))

    return add_


def number(db: Database, model: type = Statement) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_statement_is_kept_as_it_came_with_what_the_store_sets(
    db: Database, add: Callable[..., list[Stored]]
) -> None:
    parts = {
        b'"actor"': b'{ "account" : {"name": "account-1", "homePage": "https://home.example"} }',
        b'"verb"': b'{"id":"http://example.kr/did","display":{"ko":"\\ud588\\ub2e4"}}',
        b'"object"': b'{"id": "http://example.kr/a"}',
        b'"result"': b'{"score": {"raw": 1.0, "max": 1E2}, "duration":"PT1.123456789S",'
        b' "extensions":{"http://a/b":null, "http://a/c":1.10, "http://a/d":12345678901234567890123}}',
        b'"timestamp"': b'"2026-01-02T03:04:05.123456789Z"',
    }
    raw = b"{" + b" , ".join(key + b" : " + value for key, value in parts.items()) + b"}"
    [kept] = add(raw)
    for key, value in parts.items():
        assert key + b":" + value in kept.raw
    told = json.loads(kept.raw)
    assert {key: told[key] for key in ("id", "stored", "authority", "version")} == {
        "id": kept.statement_id,
        "stored": "2026-11-23T05:03:12.000000Z",
        "authority": {
            "objectType": "Agent",
            "account": {"homePage": "https://home.example", "name": "rs-1"},
        },
        "version": "1.0.0",
    }
    assert kept == Stored(
        statement_id=kept.statement_id,
        stored=NOW,
        timestamp=datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
        actor="account:https://home.example|account-1",
        verb="http://example.kr/did",
        activity="http://example.kr/a",
        registration=None,
        authority="rs-1",
        raw=kept.raw,
        is_new=True,
    )
    with db.reading() as session:
        row = session.scalars(select(Statement)).one()
        assert (row.raw, row.timestamp, row.stored) == (kept.raw, kept.timestamp, NOW)


def test_without_a_timestamp_the_stored_instant_is_it(add: Callable[..., list[Stored]]) -> None:
    [kept] = add(statement())
    assert kept.timestamp == NOW
    assert json.loads(kept.raw)["timestamp"] == "2026-11-23T05:03:12.000000Z"


def test_the_lms_is_trusted_with_its_authority(add: Callable[..., list[Stored]]) -> None:
    named = {"objectType": "Agent", "account": {"homePage": "https://a.example", "name": "lms"}}
    one, other = add(statement(authority=named), statement(), authority=LMS)
    assert json.loads(one.raw)["authority"] == named
    assert json.loads(other.raw)["authority"]["account"] == {
        "homePage": "https://home.example",
        "name": "lms",
    }
    [foreign] = add(statement(authority=named))
    assert json.loads(foreign.raw)["authority"]["account"]["name"] == "rs-1"


def test_a_statement_of_2_0_says_so(add: Callable[..., list[Stored]]) -> None:
    [kept] = add(statement(), version="2.0.0")
    assert json.loads(kept.raw)["version"] == "2.0.0"


def test_the_same_again_is_one_and_another_is_refused(
    db: Database, add: Callable[..., list[Stored]]
) -> None:
    id_ = str(uuid.uuid4())
    [first] = add(statement(id=id_))
    later = NOW + timedelta(hours=1)
    [again] = add(statement(id=id_.upper()), now=later)
    assert (again.is_new, again.raw, again.stored) == (False, first.raw, NOW)
    [whole] = add(first.raw, now=later)
    assert not whole.is_new
    with pytest.raises(ConflictError):
        add(statement(id=id_, result={"success": True}))
    with pytest.raises(ConflictError):
        add(statement(id=id_, timestamp="2026-01-01T00:00:00Z"))
    assert number(db) == 1


def test_another_institution_may_use_the_same_id(
    db: Database, add: Callable[..., list[Stored]]
) -> None:
    with db.transaction() as session:
        elsewhere = factories.institution(session).id
    id_ = str(uuid.uuid4())
    add(statement(id=id_))
    other = statement(id=id_, result={"success": True})
    [kept] = db.writer.do(lambda to: store.add(to, elsewhere, [other], authority=VENDOR, now=NOW))
    assert kept.is_new
    assert number(db) == 2


def test_a_batch_is_kept_whole_or_not_at_all(
    db: Database, add: Callable[..., list[Stored]]
) -> None:
    id_ = str(uuid.uuid4())
    add(statement(id=id_))
    for wrong, error in (
        (statement(verb={"id": "did"}), InvalidError),
        (statement(id=id_, result={"success": False}), ConflictError),
    ):
        with pytest.raises(error):
            add(statement(), wrong, statement())
    assert number(db) == 1
    mixed = add(statement(), statement(id=id_), statement(), statement())
    assert [one.is_new for one in mixed] == [True, False, True, True]
    assert mixed[1].statement_id == id_
    assert number(db) == 4


def test_long_and_odd_values_are_found_by_a_hash(add: Callable[..., list[Stored]]) -> None:
    nul = {"account": {"homePage": "https://home.example", "name": "a\x00b"}}
    long = {"id": "http://example.kr/" + "가" * 3000}
    [kept] = add(statement(actor=nul, object=long, verb={"id": "http://example.kr/" + "d" * 9000}))
    assert [part.split(":")[0] for part in (kept.actor, str(kept.activity), kept.verb)] == [
        "sha256"
    ] * 3
    assert json.loads(kept.raw)["actor"] == nul


def test_eight_threads_with_the_same_ids_store_each_once(
    db: Database, home: int, add: Callable[..., list[Stored]]
) -> None:
    ids = [str(uuid.uuid4()) for _ in range(10)]
    batch = read_all([statement(id=one) for one in ids], version="1.0.3")
    barrier, answers = threading.Barrier(8), []

    def alone() -> None:
        # Each in a transaction of its own, as other processes would.
        barrier.wait()
        for one in batch:
            with db.transaction() as session:
                kept = store.keep(session.connection(), home, [one], authority=VENDOR, now=NOW)
            answers.extend(kept)

    threads = [threading.Thread(target=alone) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    new = [one.statement_id for one in answers if one.is_new]
    assert (sorted(new), len(answers), number(db)) == (sorted(ids), 80, 10)


def test_of_two_that_race_with_different_contents_one_wins(db: Database, home: int) -> None:
    id_ = str(uuid.uuid4())
    barrier, won, lost = threading.Barrier(8), [], []

    def alone(raw: bytes) -> None:
        barrier.wait()
        try:
            with db.transaction() as session:
                to = session.connection()
                won.extend(store.add(to, home, [raw], authority=VENDOR, now=NOW))
        except ConflictError as error:
            lost.append(error)

    raws = [statement(id=id_, result={"response": str(one)}) for one in range(8)]
    threads = [threading.Thread(target=alone, args=(raw,)) for raw in raws]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost), number(db)) == (1, 7, 1)


def test_a_registration_is_told_in_stored_order_without_others_and_voided_ones(
    db: Database, home: int, add: Callable[..., list[Stored]]
) -> None:
    second = NOW + timedelta(seconds=1)
    [late] = add(statement(result={"response": "2"}), authority=LMS, now=second)
    early = add(statement(result={"response": "0"}), statement(), authority=LMS)
    add(statement(), authority=VENDOR)
    other = {"registration": str(uuid.uuid4())}
    add(statement(context=other), authority=LMS)
    [void] = add(voiding(early[1].statement_id, context=other), authority=LMS)

    def told(to: Connection) -> list[str]:
        found = store.of_registration(to, home, REGISTRATION.upper())
        return [one.statement_id for one in found]

    with db.reading() as session:
        assert told(session.connection()) == [early[0].statement_id, late.statement_id]
    assert void.activity is None


def test_a_voided_statement_is_noted_and_no_voiding_one_can_be(
    db: Database, add: Callable[..., list[Stored]]
) -> None:
    [one] = add(statement())
    [void] = add(voiding(one.statement_id.upper()))
    with db.reading() as session:
        noted = session.execute(select(Voiding.target, Voiding.statement_id)).all()
    assert noted == [(one.statement_id, void.statement_id)]
    for target in (one.statement_id, void.statement_id):
        for version in ("1.0.3", "2.0.0"):
            with pytest.raises(InvalidError) as refused:
                add(voiding(target), version=version)
            assert refused.value.field == "$.object.id"
    assert number(db) == 2
    # The same voiding statement again is the same statement, not a second voiding.
    assert not add(void.raw, version="2.0.0")[0].is_new


def test_what_is_not_here_yet_is_voided_as_often_as_one_likes(
    db: Database, add: Callable[..., list[Stored]]
) -> None:
    """Data 2.3.2.s2.b3, b5: it is not voided before it is here."""
    awaited = str(uuid.uuid4())
    for version in ("2.0.0", "1.0.3", "2.0.0"):
        assert add(voiding(awaited), version=version)[0].is_new
    assert (number(db), number(db, Voiding)) == (3, 1)
    [one] = add(statement(id=awaited))
    assert one.is_new
    with pytest.raises(InvalidError):
        add(voiding(awaited))


def test_what_others_vouch_for_is_voided_with_every_scope_only(
    db: Database, add: Callable[..., list[Stored]]
) -> None:
    [ours] = add(statement(), authority=LMS)
    [theirs] = add(statement(), authority=OTHER)
    for one in (ours, theirs):
        with pytest.raises(ForbiddenError):
            add(voiding(one.statement_id))
    assert number(db) == 2
    add(voiding(ours.statement_id), voiding(theirs.statement_id), authority=CHIEF)
    assert number(db, Voiding) == 2


def test_statements_and_the_audit_trail_are_append_only(
    db: Database, home: int, add: Callable[..., list[Stored]]
) -> None:
    add(statement())
    with db.transaction() as session:
        row = {"institution_id": home, "at": NOW, "act": "a", "subject": "s", "subject_id": 1}
        session.add(AuditRow(**row, actor_id=None, reason="", detail={}))
    for change in (
        "UPDATE lms_statement SET verb = 'x'",
        "DELETE FROM lms_statement",
        "UPDATE lms_audit SET reason = 'x'",
        "DELETE FROM lms_audit",
    ):
        with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
            session.connection().exec_driver_sql(change)
    assert (number(db), number(db, AuditRow)) == (1, 1)


def test_the_triggers_can_be_taken_away_and_set_again(
    db: Database, add: Callable[..., list[Stored]]
) -> None:
    add(statement())
    name = db.engine.dialect.name
    with db.transaction() as session:
        to = session.connection()
        for sql in append_only.drop_statements(name):
            to.exec_driver_sql(sql)
        to.exec_driver_sql("UPDATE lms_statement SET verb = 'x'")
        for sql in append_only.statements(name):
            to.exec_driver_sql(sql)
    with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM lms_statement")


def test_a_batch_costs_one_insert_and_a_look_where_something_was_there(
    db: Database, add: Callable[..., list[Stored]], home: int
) -> None:
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
        # Which ids are free is SQLite's way to give them: see lms.db.bulk.
        if "lms_" in sql and "SAVEPOINT" not in sql and not re.match("SELECT (max.)?id", sql):
            asked.append(" ".join(re.findall(r"^[A-Z]+|lms_\w+\b(?=\W)", sql)[:2]))

    def told() -> list[str]:
        heard = asked.copy()
        asked.clear()
        return heard

    event.listen(db.engine, "before_cursor_execute", note)
    batch = [statement(id=str(uuid.uuid4())) for _ in range(50)]
    # Whether a reference waits for the ids that a sender chose is asked once for all.
    add(*batch)
    assert told() == ["INSERT lms_statement", "SELECT lms_statement_reference"]
    add(*batch[:25], statement())
    assert told() == ["INSERT lms_statement", "SELECT lms_statement"]
    # Nobody can have known ids that were made here.
    add(statement(), statement())
    add(statement(id=str(uuid.uuid4()), authority=LMS_AGENT), authority=LMS)
    assert told() == ["INSERT lms_statement"] * 2
    # Links cost one INSERT, however many they are.
    around = {"category": [{"id": "http://a/"}, {"id": "http://b/"}]}
    linked = statement(context={"contextActivities": around}, authority=LMS_AGENT)
    add(*[linked] * 10, authority=LMS)
    assert told() == ["INSERT lms_statement", "INSERT lms_statement_link"]
