"""Statements go on to other record stores: in order, at least once, never re-encoded."""

import hashlib
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.serving import make_server

from lms import clock
from lms.db import Database
from lms.edge import State
from lms.learning import stating
from lms.learning.models import Enrolment
from lms.outbox import Task, leases
from lms.people.models import AuditRow
from lms.xapi import forwarding, forwards, store, vocabulary
from lms.xapi.models import Forward, ForwardRefusal, Statement
from tests import factories, xapi_world
from tests.closing_world import reads, world
from tests.conftest import make_app
from tests.forwarding_world import app, here, made, name, post, row, run, there
from tests.xapi_elsewhere import SECRET, Elsewhere
from tests.xapi_world import STATEMENT, System

__all__ = ["app", "here", "there"]


def waited(db: Database) -> None:
    """The time to try again has come."""
    with db.transaction() as session:
        session.execute(update(Forward).values(retry_at=None))


def stored_bytes(db: Database, ids: list[str]) -> list[bytes]:
    with db.reading() as session:
        found = session.execute(
            select(Statement.statement_id, Statement.raw).where(Statement.statement_id.in_(ids))
        )
        raws = {one.statement_id: one.raw for one in found}
    return [raws[one] for one in ids]


def test_what_is_stored_is_sent_in_order_as_it_is_and_once(
    app: Flask, state: State, db: Database, here: System, there: Elsewhere
) -> None:
    post(here, 1)  # before: not sent
    forward = made(state, here, there.url)
    ids = post(here, *range(120, 60, -1))
    run(state)
    assert there.ids == [ids[:50], ids[50:]]
    assert [one for some in there.came for one in some] == stored_bytes(db, ids)
    told = there.headers[0]
    assert (told["content-type"], told["x-experience-api-version"]) == ("application/json", "1.0.3")
    run(state)
    assert len(there.came) == 2
    more = post(here, 2)
    run(state)
    assert there.ids[2:] == [more]
    kept = row(db, forward)
    assert (kept.sent, kept.refused, kept.failures, kept.last_error) == (61, 0, 0, None)
    assert kept.last_success_at is not None
    assert SECRET not in kept.sealed
    with db.reading() as session:
        acts = session.execute(select(AuditRow.act, AuditRow.detail)).all()
    assert [(one.act, one.detail) for one in acts if one.act.startswith("forward")] == [
        ("forward.made", {"name": "저쪽", "url": there.url})
    ]


def test_what_was_stored_before_goes_too_where_that_is_wanted(
    state: State, db: Database, here: System, there: Elsewhere
) -> None:
    ids = post(here, 3, 2, 1)
    made(state, here, there.url, with_past=True)
    run(state)
    assert there.ids == [ids]


def test_a_process_that_dies_before_it_noted_it_sends_the_same_again(
    state: State, db: Database, here: System, there: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = made(state, here, there.url)
    ids = post(here, 1, 2)

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> bool:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(forwarding.Outbound, "_took", die)
        with pytest.raises(Killed):
            run(state)
    assert row(db, forward).sent == 0
    # Whoever comes at once finds the lease of the dead, and leaves it to the next minute.
    forwarding.send(state, Task(id=99, attempts=1, payload={"forward": forward}), clock.now())
    assert there.ids == [ids]
    with db.transaction() as session:
        connection = session.connection()
        [held] = session.scalars(
            select(leases.Lease.holder).where(leases.Lease.name.startswith("xapi.forward"))
        )
        leases.give_back(connection, f"xapi.forward:{forward}", holder=held)
    task = Task(id=100, attempts=1, payload={"forward": forward})
    # The other store has them: one it takes as the same, of one it says that the id is there.
    there.answers = lambda said: (409 if any(one["id"] == name(2) for one in said) else 200, {})
    forwarding.send(state, task, clock.now())
    assert there.ids == [ids, ids, [name(1)], [name(2)]]
    kept = row(db, forward)
    assert (kept.sent, kept.refused) == (2, 0)


def test_two_senders_at_once_never_send_twice(
    state: State, db: Database, here: System, there: Elsewhere
) -> None:
    forward = made(state, here, there.url)
    ids = post(here, *range(60))
    tasks = [Task(id=one, attempts=1, payload={"forward": forward}) for one in (1, 2, 3)]
    threads = [
        threading.Thread(target=forwarding.send, args=(state, task, clock.now())) for task in tasks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one for some in there.ids for one in some] == ids
    assert row(db, forward).sent == 60


def test_one_bad_statement_stops_no_other(
    state: State, db: Database, here: System, there: Elsewhere
) -> None:
    forward = made(state, here, there.url)
    ids = post(here, 1, 2, 3, 4)
    bad = {name(1), name(3)}
    there.answers = lambda said: (400 if any(one["id"] in bad for one in said) else 200, {})
    run(state)
    assert there.ids == [ids, *([one] for one in ids)]
    kept = row(db, forward)
    assert (kept.sent, kept.refused) == (2, 2)
    with db.reading() as session:
        refused = session.execute(
            select(ForwardRefusal.statement_id, ForwardRefusal.status, ForwardRefusal.error)
        ).all()
    assert [tuple(one) for one in refused] == [(one, 400, '{"error":"no"}') for one in sorted(bad)]
    run(state)
    assert len(there.came) == 5


def test_a_store_that_takes_nothing_at_all_is_waited_for(
    state: State, db: Database, here: System, there: Elsewhere
) -> None:
    """It may speak another version: nothing is passed over until it takes something."""
    forward = made(state, here, there.url)
    ids = post(here, 1, 2)
    there.answers = lambda _said: (400, {})
    run(state)
    kept = row(db, forward)
    assert (kept.sent, kept.refused, kept.failures) == (0, 0, 1)
    assert kept.last_error == "HTTP 400: nothing that was sent is taken"
    waited(db)
    there.answers = lambda _said: (200, {})
    run(state)
    assert there.ids[-1] == ids


@pytest.mark.parametrize(
    ("answer", "wait", "said"),
    [
        ((503, {}), 30, "HTTP 503"),
        ((429, {"Retry-After": "7"}), 7, "HTTP 429"),
        ((503, {"Retry-After": "86400"}), 3600, "HTTP 503"),
        ((302, {"Location": "http://127.0.0.1/"}), 30, "HTTP 302"),
        ((204, {}), 30, "HTTP 204"),
        ((404, {}), 30, "HTTP 404"),
    ],
)
def test_a_store_that_is_away_is_tried_later_and_later(
    state: State,
    db: Database,
    here: System,
    there: Elsewhere,
    answer: tuple[int, dict[str, str]],
    wait: int,
    said: str,
) -> None:
    forward = made(state, here, there.url)
    ids = post(here, 1, 2)
    there.answers = lambda _said: answer
    run(state)
    kept = row(db, forward)
    assert (kept.failures, kept.sent, kept.last_error) == (1, 0, said)
    assert kept.retry_at is not None
    assert kept.last_error_at is not None
    assert kept.retry_at - kept.last_error_at == timedelta(seconds=wait)
    run(state)  # not yet
    assert len(there.came) == 1
    with db.reading() as session:
        oldest = forwards.oldest_unsent(session.connection(), [kept], state.hook)
        first = session.scalars(select(func.min(Statement.stored))).one()
    assert oldest == {forward: first}
    waited(db)
    run(state)
    assert row(db, forward).failures == 2
    waited(db)
    there.answers = lambda _said: (200, {})
    run(state)
    assert there.ids == [ids, ids, ids]
    kept = row(db, forward)
    assert (kept.failures, kept.retry_at, kept.sent) == (0, None, 2)


def test_nobody_listens_and_a_wrong_secret(
    state: State, db: Database, here: System, there: Elsewhere
) -> None:
    away = made(state, here, "http://127.0.0.1:9/xapi", name="없음")
    strange = made(state, here, there.url, secret="wrong")
    post(here, 1)
    run(state)
    assert (row(db, away).last_error or "").startswith("ConnectionRefusedError")
    assert row(db, strange).last_error == "HTTP 401"
    assert there.came == []


def test_the_wait_grows_to_an_hour(state: State, db: Database, here: System) -> None:
    forward = made(state, here, "http://127.0.0.1:9/xapi")
    post(here, 1)
    waits = []
    for _ in range(9):
        run(state)
        kept = row(db, forward)
        assert kept.retry_at is not None
        assert kept.last_error_at is not None
        waits.append(round((kept.retry_at - kept.last_error_at).total_seconds()))
        waited(db)
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_filters(state: State, db: Database, here: System, there: Elsewhere) -> None:
    registration = "11111111-0000-4000-8000-000000000000"
    asked: dict[str, dict[str, Any]] = {
        "verb": {"verb": "http://example.kr/did"},
        "activity": {"activity": "http://example.kr/A"},
        "registration": {"registration": registration.upper()},
        "both": {"verb": "http://example.kr/did", "activity": "http://example.kr/A"},
        "run of nobody": {"run_id": 99},
    }
    for key, told in asked.items():
        made(state, here, f"{there.url}/{key.split()[0]}", name=key, **told)
    [plain] = post(here, 1)
    [other] = post(here, 2, verb={"id": "http://example.kr/DID"})
    [deep] = post(here, 3, object={"id": "http://example.kr/A/b%20c"})
    [of_it] = post(here, 4, context={"registration": registration}, verb={"id": "http://x.kr/v"})
    void = {"verb": {"id": vocabulary.VOIDED}}
    [undo_it] = post(here, 5, object={"objectType": "StatementRef", "id": of_it}, **void)
    [undo_plain] = post(here, 6, object={"objectType": "StatementRef", "id": plain}, **void)
    got: dict[str, list[str]] = {}
    for one in list(asked):
        there.came.clear()
        with db.reading() as session:
            number = forwards.named(session, here.institution_id, one).id
            batch = forwarding.look(session, state.hook, number)
        assert batch is not None
        got[one] = [line.statement_id for line in batch.lines]
    assert other not in got["verb"]
    assert got == {
        "verb": [plain, deep, undo_plain],
        "activity": [deep],
        "registration": [of_it, undo_it],
        "both": [deep],
        "run of nobody": [],
    }


def test_a_runs_statements(state: State, db: Database, app: Flask, there: Elsewhere) -> None:
    with db.transaction() as session:
        home, _, run_of_it = world(session, state, [factories.PAGE])
        course = factories.course(session, state.kinds, home, [factories.PAGE])
        beside = factories.run(session, course)
        learners = [factories.person(session, home) for _ in range(2)]
        mine = factories.enrolment(session, state.hook, learners[0], run_of_it)
        theirs = factories.enrolment(session, state.hook, learners[1], beside)
    here = xapi_world.system(app, "all", institution_id=home.id)
    forward = made(state, here, there.url, run_id=run_of_it.id, with_past=True)
    with db.transaction() as session:
        for one in (theirs, mine):
            reads(session, state, session.get_one(Enrolment, one.id))
        registration = stating.setting_of(session, mine.id).registration
    run(state)
    with db.reading() as session:
        kept = session.scalars(
            select(Statement.statement_id)
            .where(Statement.registration == registration)
            .order_by(Statement.id)
        ).all()
    assert kept
    assert there.ids == [kept]
    # What is passed over is passed over for good.
    with db.reading() as session:
        assert forwarding.look(session, state.hook, forward) is None


@pytest.mark.postgres
def test_a_commit_that_comes_late_is_not_missed(
    state: State, db: Database, here: System, there: Elsewhere
) -> None:
    """On PostgreSQL a row with a lower number may be seen after one with a higher."""
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer")
    made(state, here, there.url)
    slow = name(1)
    with db.transaction() as session:
        raw = xapi_world.encoded({**STATEMENT, "id": slow})
        authority = store.Authority("slow", "http://example.kr")
        store.add(
            session.connection(),
            here.institution_id,
            [raw],
            authority=authority,
            now=clock.now(),
        )
        [fast] = post(here, 2)
        run(state)
        assert there.came == []
    run(state)
    assert [one for some in there.ids for one in some] == [slow, fast]


def test_files_go_with_their_statement(
    state: State, db: Database, here: System, there: Elsewhere
) -> None:
    made(state, here, there.url)
    data = b"certificate \x00\xff"
    sha2 = hashlib.sha256(data).hexdigest()
    attachment = {
        "usageType": "http://example.kr/usage",
        "display": {"ko": "증서"},
        "contentType": "application/octet-stream",
        "length": len(data),
        "sha2": sha2,
    }
    body = xapi_world.encoded({**STATEMENT, "id": name(2), "attachments": [attachment]})
    lines = [
        b"--b\r\nContent-Type: application/json\r\n\r\n" + body,
        b"\r\n--b\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"X-Experience-API-Hash: " + sha2.encode() + b"\r\n\r\n" + data,
        b"\r\n--b--\r\n",
    ]
    post(here, 1)
    answer = here.ask("POST", data=b"".join(lines), content_type="multipart/mixed; boundary=b")
    assert answer.status_code == 200, answer.text
    post(here, 3)
    run(state)
    assert there.ids == [[name(1)], [name(2)], [name(3)]]
    assert there.headers[1]["content-type"].startswith("multipart/mixed; boundary=")
    assert data in there.bodies[1]
    assert data not in there.bodies[0] + there.bodies[2]


def test_another_ieum_takes_it(
    app: Flask, state: State, here: System, tmp_path: Path, sqlite_template: Path
) -> None:
    """A real record store at the other end, over HTTP."""
    (tmp_path / "far").mkdir()
    file = tmp_path / "far" / "ieum.sqlite"
    file.write_bytes(sqlite_template.read_bytes())
    content = "http://content.test"
    far = make_app(f"sqlite:///{file}", tmp_path / "far", LMS_CONTENT_URL=content)
    system = xapi_world.system(far, "all")
    server = make_server("127.0.0.1", 0, far, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/xapi/1.0.3"
        forward = made(state, here, url, username=system.username, secret=system.secret)
        ids = post(here, 2, 1, 3)
        run(state)
        assert row(state.db, forward).last_error is None
        assert system.found(ascending="true") == ids
        assert row(state.db, forward).refused == 0
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        far.extensions["lms"].db.dispose()
