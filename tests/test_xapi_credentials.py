"""Who may write and read: credentials, scopes, the limiter, the command line."""

import base64
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from lms import clock
from lms.db import Database
from lms.errors import ClosedError, InvalidError, NotFoundError
from lms.people.models import AuditRow
from lms.xapi import commands, credentials
from lms.xapi.models import Credential
from tests.factories import NOW
from tests.xapi_samples import ID
from tests.xapi_world import STATEMENT, System, system


@pytest.fixture
def vendor(app: Flask) -> System:
    return system(app)


@pytest.fixture
def quick(sqlite_app: Flask) -> System:
    """On SQLite only, for what no database changes."""
    return system(sqlite_app)


def test_scopes_let_through_what_they_say(vendor: System) -> None:
    def of(*scopes: str) -> System:
        return system(vendor.app, *scopes, institution_id=vendor.institution_id)

    writer, mine, reader = of("statements/write"), of("statements/read/mine"), of("statements/read")
    both = of("statements/write", "statements/read/mine")
    [theirs], [own] = vendor.post(STATEMENT).get_json(), both.post(STATEMENT).get_json()
    assert [writer.post(STATEMENT).status_code, writer.get().status_code] == [200, 403]
    assert [mine.post(STATEMENT).status_code, reader.put(ID, STATEMENT).status_code] == [403, 403]
    assert (mine.found(), both.found(), len(reader.found())) == ([], [own], 3)
    assert both.get(statementId=theirs).status_code == 404
    assert both.get(statementId=own).status_code == 200
    assert reader.get(statementId=theirs).status_code == 200


def test_wrong_credentials_are_401_then_429_and_right_ones_go_on(quick: System) -> None:
    for headers in (
        {"Authorization": None},
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic !"},
        {"Authorization": "Basic " + base64.b64encode(b"\x00:\xff").decode()},
        {"Authorization": "Basic " + base64.b64encode(b":").decode()},
    ):
        answer = quick.ask("GET", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.get_json()["error"]["code"] == "credentials"
    liar = System(quick.app, 0, quick.username, "wrong")
    # As often as an address may be wrong (LMS_ADDRESS_TRIES).
    codes = [liar.get().status_code for _ in range(102)]
    assert codes == [401] * 100 + [429] * 2
    assert int(liar.get().headers["Retry-After"]) > 0
    assert quick.get().status_code == 200


def test_revoked_credentials_open_nothing(vendor: System) -> None:
    db: Database = vendor.app.extensions["lms"].db
    with db.transaction() as session:
        for _ in range(2):
            credentials.revoke(session, vendor.institution_id, vendor.username, now=NOW)
    assert vendor.get().status_code == 401
    with db.reading() as session:
        rows = session.execute(select(AuditRow.act, AuditRow.detail).order_by(AuditRow.id)).all()
        kept = session.scalars(select(Credential)).one()
    assert rows == [
        ("credential.made", {"username": vendor.username, "scopes": ["all"]}),
        ("credential.revoked", {"username": vendor.username}),
    ]
    assert vendor.secret not in kept.secret_hash
    with pytest.raises(NotFoundError), db.transaction() as session:
        credentials.revoke(session, vendor.institution_id + 1, vendor.username, now=NOW)
    for name, scopes in (("이름", ["statements"]), ("이름", []), (" ", ["all"])):
        with pytest.raises(InvalidError), db.transaction() as session:
            credentials.make(session, vendor.institution_id, name, scopes, now=NOW)


def test_the_command_line_makes_lists_and_revokes(quick: System) -> None:

    state = quick.app.extensions["lms"]

    def run(*words: str) -> str:
        answer = CliRunner().invoke(commands.record_store, words, obj=state)
        assert answer.exit_code == 0, answer.output
        return answer.output

    told = run("add-credential", "--name", "외부 콘텐츠", "--scope", "all", "--reason", "시험")
    username, secret = (line.split()[-1] for line in told.splitlines())
    made = System(quick.app, quick.institution_id, username, secret)
    assert made.post(STATEMENT).status_code == 200
    run("revoke", username, "--reason", "시험")
    assert made.post(STATEMENT).status_code == 401
    assert run("list").splitlines() == [
        f"{quick.username}\tin use\tall\t시험",
        f"{username}\trevoked\tall\t외부 콘텐츠",
    ]


def test_a_new_secret_goes_beside_the_old_one_for_a_while(
    vendor: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    db: Database = vendor.app.extensions["lms"].db
    monkeypatch.setattr(clock, "now", lambda: NOW)

    def renewed(hours: float) -> System:
        with db.transaction() as session:
            made, told = credentials.rotate(
                session,
                vendor.institution_id,
                vendor.username,
                overlap=timedelta(hours=hours),
                now=NOW,
                reason="해마다",
            )
            return System(vendor.app, vendor.institution_id, made.username, told)

    second = renewed(24)
    assert [one.get().status_code for one in (vendor, second)] == [200, 200]
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=24))
    assert [one.get().status_code for one in (vendor, second)] == [401, 200]
    monkeypatch.setattr(clock, "now", lambda: NOW)
    third = renewed(24)
    assert [one.get().status_code for one in (vendor, second, third)] == [401, 200, 200]
    fourth = renewed(0)
    assert [one.get().status_code for one in (second, third, fourth)] == [401, 401, 200]
    with db.reading() as session:
        rows = session.execute(
            select(AuditRow.act, AuditRow.reason, AuditRow.detail).order_by(AuditRow.id)
        ).all()
        kept = session.scalars(select(Credential)).one()
    same = {"username": vendor.username}
    assert rows[1:] == [
        ("credential.rotated", "해마다", same | {"hours": hours}) for hours in (24, 24, 0)
    ]
    assert (kept.old_secret_hash, kept.old_until) == (None, None)
    for hours in (-1, 24 * 30 + 1):
        with pytest.raises(InvalidError):
            renewed(hours)
    with db.transaction() as session:
        credentials.revoke(session, vendor.institution_id, vendor.username, now=NOW)
    with pytest.raises(ClosedError):
        renewed(24)
    assert fourth.get().status_code == 401


def test_the_old_secret_ends_with_the_credentials(quick: System) -> None:
    db: Database = quick.app.extensions["lms"].db
    with db.transaction() as session:
        _, told = credentials.rotate(
            session, quick.institution_id, quick.username, now=clock.now(), reason="바꿈"
        )
        credentials.revoke(session, quick.institution_id, quick.username, now=clock.now())
    new = System(quick.app, quick.institution_id, quick.username, told)
    assert [quick.get().status_code, new.get().status_code] == [401, 401]


def test_use_is_noted_once_an_hour(vendor: System, monkeypatch: pytest.MonkeyPatch) -> None:
    db: Database = vendor.app.extensions["lms"].db

    def used_at(at: datetime) -> datetime | None:
        monkeypatch.setattr(clock, "now", lambda: at)
        assert vendor.get().status_code == 200
        db.writer.do(lambda _connection: None)  # what was left for later stood before this
        with db.reading() as session:
            return session.scalars(select(Credential.last_used_at)).one()

    assert used_at(NOW) == NOW
    assert used_at(NOW + timedelta(minutes=59)) == NOW
    assert used_at(NOW + timedelta(minutes=60)) == NOW + timedelta(minutes=60)


def test_reading_everything_is_a_scope_and_writing_is_not_in_it(quick: System) -> None:
    reader = system(quick.app, "all/read", institution_id=quick.institution_id)
    [kept] = quick.post(STATEMENT).get_json()
    assert reader.found() == [kept]
    assert reader.post(STATEMENT).status_code == 403
    state = {"activityId": "http://example.kr/a", "agent": '{"mbox": "mailto:a@example.kr"}'}
    got = reader.ask("GET", "activities/state", query_string=state)
    put = reader.ask("PUT", "activities/state", query_string=state | {"stateId": "a"}, data=b"1")
    assert [got.status_code, put.status_code] == [200, 403]


def test_the_command_line_renews_a_secret(quick: System) -> None:
    state = quick.app.extensions["lms"]
    words = ("rotate", quick.username, "--hours", "0", "--reason", "시험")
    answer = CliRunner().invoke(commands.record_store, words, obj=state)
    assert answer.exit_code == 0, answer.output
    username, secret = (line.split()[-1] for line in answer.output.splitlines())
    new = System(quick.app, quick.institution_id, username, secret)
    assert [quick.get().status_code, new.get().status_code] == [401, 200]
