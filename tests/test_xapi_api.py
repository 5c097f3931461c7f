"""The statement resource over HTTP: credentials, versions, writing, reading, paging, voiding."""

import base64
import json
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from lms.db import Database
from lms.errors import InvalidError, NotFoundError
from lms.people.models import AuditRow
from lms.xapi import commands, credentials, querying, store, vocabulary
from lms.xapi.models import Credential, Statement
from lms.xapi.statement import read
from tests import factories
from tests.factories import NOW
from tests.test_xapi_statement import ID, VALID, WRONG, encoded

STATEMENT: dict[str, Any] = {
    "actor": {"mbox": "mailto:a@example.kr"},
    "verb": {"id": "http://example.kr/did"},
    "object": {"id": "http://example.kr/a"},
}


@dataclass
class System:
    """A system with credentials that speaks to the record store."""

    app: Flask
    institution_id: int
    username: str
    secret: str
    version: str | None = "1.0.3"

    def ask(self, method: str, path: str = "statements", **more: Any) -> TestResponse:
        headers = {
            "Authorization": "Basic "
            + base64.b64encode(f"{self.username}:{self.secret}".encode()).decode(),
            **({"X-Experience-API-Version": self.version} if self.version else {}),
            **more.pop("headers", {}),
        }
        headers = {key: value for key, value in headers.items() if value is not None}
        address = path if path.startswith("/") else f"/xapi/{path}"
        return self.app.test_client().open(address, method=method, headers=headers, **more)

    def post(self, value: Any, **more: Any) -> TestResponse:
        data = value if isinstance(value, bytes) else encoded(value)
        return self.ask("POST", data=data, content_type="application/json", **more)

    def put(self, id_: str | None, value: Any) -> TestResponse:
        query = {} if id_ is None else {"statementId": id_}
        return self.ask(
            "PUT", data=encoded(value), content_type="application/json", query_string=query
        )

    def get(self, **query: Any) -> TestResponse:
        return self.ask("GET", query_string=query)

    def found(self, **query: Any) -> list[str]:
        return [one["id"] for one in self.get(**query).get_json()["statements"]]


def system(app: Flask, *scopes: str, institution_id: int | None = None) -> System:
    db: Database = app.extensions["lms"].db
    with db.transaction() as session:
        home = institution_id or factories.institution(session).id
        made, secret = credentials.make(session, home, "시험", scopes or ["all"], now=NOW)
        return System(app, home, made.username, secret)


def number(app: Flask, model: type = Statement) -> int:
    with app.extensions["lms"].db.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def vendor(app: Flask) -> System:
    return system(app)


@pytest.fixture
def quick(sqlite_app: Flask) -> System:
    """On SQLite only, for what no database changes."""
    return system(sqlite_app)


def test_about_is_told_to_everybody(sqlite_app: Flask) -> None:
    answer = sqlite_app.test_client().get("/xapi/about")
    assert answer.status_code == 200
    assert answer.get_json() == {"version": ["2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0"]}
    assert answer.headers["X-Experience-API-Version"] == "2.0.0"


@pytest.mark.parametrize("version", [None, "", "0.95", "1.1.0", "2.1.0", "3.0.0", "1.0.3\t2", "x"])
def test_a_request_without_a_known_version_is_refused(quick: System, version: str | None) -> None:
    quick.version = version
    for answer in (quick.get(), quick.post(STATEMENT), quick.put(ID, STATEMENT)):
        assert answer.status_code == 400
        assert answer.headers["X-Experience-API-Version"] == "2.0.0"
        assert answer.get_json()["error"]["path"] == "X-Experience-API-Version"
    assert number(quick.app) == 0


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("1.0", "1.0.3"),
        ("1.0.0", "1.0.3"),
        ("1.0.3", "1.0.3"),
        ("2.0.0", "2.0.0"),
        ("2.0.1", "2.0.0"),
    ],
)
def test_both_versions_are_spoken_over_one_store(quick: System, version: str, told: str) -> None:
    quick.version = version
    answer = quick.post({**STATEMENT, "id": ID})
    assert answer.get_json() == [ID]
    assert answer.headers["X-Experience-API-Version"] == told
    kept = quick.get(statementId=ID).get_json()
    assert kept["version"] == ("1.0.0" if version.startswith("1") else "2.0.0")


def test_context_agents_are_refused_in_a_request_of_1_0(quick: System) -> None:
    agent = {"objectType": "contextAgent", "agent": STATEMENT["actor"]}
    value = {**STATEMENT, "context": {"contextAgents": [agent]}}
    refused = quick.post(value)
    assert (refused.status_code, refused.get_json()["error"]["path"]) == (
        400,
        "$.context.contextAgents",
    )
    quick.version = "2.0.0"
    assert quick.post(value).status_code == 200


def test_post_and_put_store_and_get_gives_back(vendor: System) -> None:
    [id_] = vendor.post(STATEMENT).get_json()
    answer = vendor.get(statementId=id_)
    stored = answer.get_json()["stored"]
    assert answer.get_json() == {
        **STATEMENT,
        "id": id_,
        "stored": stored,
        "timestamp": stored,
        "authority": {
            "objectType": "Agent",
            "account": {"homePage": answer.get_json()["authority"]["account"]["homePage"]}
            | {"name": vendor.username},
        },
        "version": "1.0.0",
    }
    assert answer.last_modified == datetime.fromisoformat(stored).replace(microsecond=0)
    settled = datetime.fromisoformat(answer.headers["X-Experience-API-Consistent-Through"])
    assert timedelta(0) < datetime.now(UTC) - settled < timedelta(seconds=30)
    put = vendor.put(ID.upper(), STATEMENT)
    assert (put.status_code, put.data) == (204, b"")
    assert vendor.get(statementId=ID).get_json()["id"] == ID.upper()
    assert vendor.found() == [ID.upper(), id_]
    batch = vendor.post([STATEMENT, {**STATEMENT, "id": ID}, STATEMENT])
    assert len(batch.get_json()) == 3
    assert batch.get_json()[1] == ID
    assert vendor.post([]).get_json() == []


def test_nested_parts_come_back_byte_for_byte(quick: System) -> None:
    result = (
        b'{"score":{"raw":1.0,"max":1E2},  "duration":"PT1.123456789S",'
        b'"extensions":{"http://a/b":null,"http://a/n":1.10,"http://a/\xea\xb0\x80":"\\uac00"}}'
    )
    stamp = b'"2026-01-02T03:04:05.123456789Z"'
    raw = encoded(STATEMENT)[:-1] + b',"result":' + result + b',"timestamp":' + stamp + b"}"
    [id_] = quick.post(raw).get_json()
    assert b'"result":' + result in quick.get(statementId=id_).data
    assert b'"timestamp":' + stamp in quick.get().data


def test_every_valid_statement_is_taken(vendor: System) -> None:
    for version in ("1.0.3", "2.0.0"):
        vendor.version = version
        codes = {name: vendor.post(value).status_code for name, value in VALID.items()}
        # Of two that void the same, 2.0 refuses the second.
        again = {"voiding": 400} if version == "2.0.0" else {}
        assert codes == dict.fromkeys(VALID, 200) | again


def test_every_wrong_statement_is_400_with_its_path_and_nothing_is_kept(quick: System) -> None:
    for version in ("1.0.3", "2.0.0"):
        quick.version = version
        for name, (value, path) in WRONG.items():
            if isinstance(value, list):
                continue
            answer = quick.post(value)
            error = answer.get_json()["error"]
            assert (name, answer.status_code, error["code"]) == (name, 400, "invalid")
            assert error["path"].startswith(path)
            assert path in error["message"]
            batch = quick.post([STATEMENT, value])
            assert batch.status_code == 400
            assert batch.get_json()["error"]["path"].startswith("$[1]" + path[1:])
    assert number(quick.app) == 0


@pytest.mark.parametrize(
    ("id_", "value", "path"),
    [
        (None, STATEMENT, "statementId"),
        ("1", STATEMENT, "statementId"),
        (ID, {**STATEMENT, "id": str(uuid.uuid4())}, "$.id"),
        (ID, [STATEMENT], "$"),
    ],
)
def test_put_takes_one_statement_under_its_id(
    quick: System, id_: str | None, value: Any, path: str
) -> None:
    answer = quick.put(id_, value)
    assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, path)
    assert number(quick.app) == 0


def test_another_statement_under_an_id_is_409(vendor: System) -> None:
    assert vendor.put(ID, STATEMENT).status_code == 204
    assert vendor.put(ID, {**STATEMENT, "id": ID.upper()}).status_code == 204
    other = {**STATEMENT, "id": ID, "result": {"success": True}}
    assert [vendor.put(ID, other).status_code, vendor.post(other).status_code] == [409, 409]
    assert vendor.post([STATEMENT, other]).status_code == 409
    assert (number(vendor.app), vendor.found()) == (1, [ID])


def test_what_is_no_json_request_is_400(quick: System) -> None:
    for data, kind in (
        (b"{}", "text/plain"),
        (b"{}", None),
        (b"method=GET", "application/x-www-form-urlencoded"),
        (b"--a\r\n\r\n--a--", "multipart/mixed; boundary=a"),
        (b"", "application/json"),
        (b"[", "application/json"),
        (b"\x1f\x8b", "application/json"),
        (b"[" * 100_000, "application/json"),
    ):
        answer = quick.ask("POST", data=data, content_type=kind)
        assert (kind, answer.status_code) == (kind, 400)
    assert quick.ask("POST", "statements?method=PUT", data=b"content=1").status_code == 400
    assert quick.ask("DELETE").status_code == 405
    assert number(quick.app) == 0


def test_too_much_at_once_is_413(quick: System) -> None:
    assert quick.post(b"[" + b"1," * 5_000 + b"1]").status_code == 413
    answer = quick.post(b" " * (17 << 20))
    assert answer.status_code == 413
    assert answer.get_json()["error"]["code"] == "request_entity_too_large"


def test_head_answers_as_get_without_a_body(quick: System) -> None:
    quick.post({**STATEMENT, "id": ID})
    for query in ({}, {"statementId": ID}, {"statementId": str(uuid.uuid4())}, {"limit": "x"}):
        head, get = quick.ask("HEAD", query_string=query), quick.get(**query)
        assert (head.status_code, head.data) == (get.status_code, b"")
        assert head.headers.get("Last-Modified") == get.headers.get("Last-Modified")
        assert "X-Experience-API-Consistent-Through" in head.headers


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"statementId": ID, "voidedStatementId": ID}, "statementId"),
        ({"statementId": ID, "limit": 1}, "limit"),
        ({"statementId": "1"}, "statementId"),
        ({"StatementId": ID}, "StatementId"),
        ({"unknown": 1}, "unknown"),
        ({"agent": "a"}, "agent"),
        ({"agent": "{}"}, "agent"),
        ({"agent": '{"objectType":"Group","member":[{"mbox":"mailto:a@b.kr"}]}'}, "agent"),
        ({"verb": "did"}, "verb"),
        ({"activity": "a b"}, "activity"),
        ({"registration": "1"}, "registration"),
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-02-30T00:00:00Z"}, "until"),
        ({"limit": -1}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"ascending": "yes"}, "ascending"),
        ({"format": "Exact"}, "format"),
        ({"attachments": "true"}, "attachments"),
        ({"related_agents": "true"}, "related_agents"),
        ({"limit": [1, 2]}, "limit"),
        ({"more": "abc"}, "more"),
        ({"more": "가"}, "more"),
        ({"more": "abc", "limit": 1}, "limit"),
    ],
)
def test_a_wrong_parameter_is_named(quick: System, query: dict[str, Any], path: str) -> None:
    answer = quick.get(**query)
    assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, path)


def test_statements_are_found_by_each_parameter(vendor: System) -> None:
    registration = str(uuid.uuid4())
    account = {"account": {"homePage": "http://a.kr", "name": "가"}}
    each: dict[str, dict[str, Any]] = {
        "agent": {"actor": account},
        "verb": {"verb": {"id": "http://example.kr/saw"}},
        "activity": {"object": {"id": "http://example.kr/b"}},
        "registration": {"context": {"registration": registration}},
    }
    ids = {key: vendor.post({**STATEMENT, **more}).get_json()[0] for key, more in each.items()}
    asked = {
        "agent": json.dumps({"name": "다른 이름", **account}),
        "verb": "http://example.kr/saw",
        "activity": "http://example.kr/b",
        "registration": registration.upper(),
    }
    for name, value in asked.items():
        assert vendor.found(**{name: value}) == [ids[name]]
    assert vendor.found(agent='{"mbox":"mailto:a@EXAMPLE.kr"}', verb=asked["verb"]) == [ids["verb"]]
    assert vendor.found(activity="http://example.kr/c") == []
    order = list(ids.values())
    assert vendor.found() == order[::-1]
    assert vendor.found(ascending="true") == order
    assert vendor.found(limit=2) == order[:1:-1]
    second = vendor.get(statementId=order[1]).get_json()["stored"]
    assert vendor.found(since=second) == order[:1:-1]
    assert vendor.found(until=second) == order[1::-1]
    local = datetime.fromisoformat(second) + timedelta(hours=9)
    assert vendor.found(until=local.isoformat().replace("+00:00", "+09:00")) == order[1::-1]
    assert vendor.get(activity="http://example.kr/c").get_json() == {"statements": [], "more": ""}


def test_paging_is_stable_while_statements_come(vendor: System) -> None:
    # Ten with one and the same stored instant, and then one more for each page.
    ids = vendor.post([STATEMENT] * 10).get_json()
    for query, expected in (({}, ids[::-1]), ({"ascending": "true"}, ids)):
        seen, answer = [], vendor.get(limit=3, verb="http://example.kr/did", **query).get_json()
        while True:
            seen += [one["id"] for one in answer["statements"]]
            if not answer["more"]:
                break
            assert answer["more"].startswith("/xapi/statements?more=")
            assert len(answer["statements"]) == 3
            vendor.post({**STATEMENT, "verb": {"id": "http://example.kr/saw"}})
            if not query:
                vendor.post(STATEMENT)
            answer = vendor.ask("GET", answer["more"]).get_json()
        assert seen[:10] == expected[:10] if not query else seen[:10] == ids
        assert len(seen) == len(set(seen))


def test_a_page_of_another_system_shows_nothing_of_ours(vendor: System) -> None:
    vendor.post([STATEMENT] * 3)
    more = vendor.get(limit=1).get_json()["more"]
    stranger = system(vendor.app)
    assert stranger.ask("GET", more).get_json() == {"statements": [], "more": ""}
    assert stranger.found() == []
    id_ = vendor.found()[0]
    assert stranger.get(statementId=id_).status_code == 404


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
    codes = [liar.get().status_code for _ in range(12)]
    assert (codes[0], codes[-1]) == (401, 429)
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


def test_a_voided_statement_is_hidden_but_by_its_own_parameter(vendor: System) -> None:
    [one] = vendor.post(STATEMENT).get_json()
    assert vendor.get(voidedStatementId=one).status_code == 404
    reference = {"objectType": "StatementRef", "id": one}
    void = {**STATEMENT, "verb": {"id": vocabulary.VOIDED}, "object": reference}
    [by] = vendor.post(void).get_json()
    assert vendor.get(statementId=one).status_code == 404
    assert vendor.get(voidedStatementId=one).get_json()["id"] == one
    assert vendor.found() == [by]
    assert vendor.get(voidedStatementId=by).status_code == 404
    # A voiding one stays, whatever comes for it.
    again = {**void, "object": {**reference, "id": by}}
    [third] = vendor.post(again).get_json()
    assert vendor.get(statementId=by).status_code == 200
    assert vendor.found() == [third, by]
    vendor.version = "2.0.0"
    refused = vendor.post(again)
    assert (refused.status_code, refused.get_json()["error"]["path"]) == (400, "$.object.id")
    other = system(vendor.app, "statements/write", institution_id=vendor.institution_id)
    [fresh] = vendor.post(STATEMENT).get_json()
    assert other.post({**void, "object": {**reference, "id": fresh}}).status_code == 403
    assert vendor.get(statementId=fresh).status_code == 200


def test_eight_clients_post_the_same_and_it_is_stored_once(vendor: System) -> None:
    ids = [str(uuid.uuid4()) for _ in range(10)]
    codes: list[int] = []

    def client() -> None:
        codes.extend(vendor.post({**STATEMENT, "id": one}).status_code for one in ids)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (codes, number(vendor.app)) == ([200] * 80, 10)


def test_a_page_costs_two_queries_whatever_its_size(quick: System) -> None:
    asked: list[str] = []
    reader = quick.app.extensions["lms"].db.reader
    event.listen(reader, "before_cursor_execute", lambda *told: asked.append(told[2]))
    counts = []
    for more in (1, 2):
        quick.post([STATEMENT] * more)
        asked.clear()
        quick.get()
        counts.append(len([sql for sql in asked if sql.startswith("SELECT")]))
    assert counts == [2, 2]


def test_the_word_for_more_is_ours_alone() -> None:
    query = querying.Query(verb="http://a/", limit=3, after=(NOW, 7))
    assert querying.read_more(querying.write_more(query, "s"), "s") == query
    with pytest.raises(InvalidError):
        querying.read_more(querying.write_more(query, "s"), "other")


_KEYS = (
    *("actor", "verb", "object", "result", "context", "id", "mbox", "account", "name", "member"),
    *("objectType", "definition", "extensions", "score", "raw", "timestamp", "registration"),
    *("contextActivities", "parent", "http://a/"),
)
_json = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=8)
    | some.sampled_from([ID, "http://a/", "Agent", "Group", "PT1S", "2026-01-01T00:00:00Z"]),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from(_KEYS) | some.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
_changed = some.builds(
    lambda base, key, value: {**base, key: value},
    some.sampled_from(list(VALID.values())),
    some.sampled_from(["actor", "verb", "object", "result", "context", "timestamp", "id", "x"]),
    _json,
)
_told = some.builds(
    lambda name, path, response, extension: {
        "actor": {"account": {"homePage": "http://a/" + path, "name": name}},
        "verb": {"id": "http://v/" + path, "display": {"ko": name}},
        "object": {"id": "http://o/" + path},
        "result": {"response": response, "extensions": {"http://e/" + path: extension}},
    },
    some.text(),
    some.text(max_size=8) | some.just(""),
    some.text(),
    _json,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    value=_json | _changed | _told | some.lists(_changed | _told, max_size=3),
    raw=some.binary(max_size=30),
)
def test_whatever_comes_is_answered_and_only_what_was_acknowledged_is_kept(
    vendor: System, value: Any, raw: bytes
) -> None:
    before = number(vendor.app)
    for version in ("1.0.3", "2.0.0"):
        vendor.version = version
        for data in (encoded(value), raw):
            answer = vendor.post(data)
            assert answer.status_code in {200, 400, 409}
            kept = number(vendor.app)
            if answer.status_code == 200:
                assert before <= kept <= before + len(answer.get_json())
            else:
                assert kept == before
            before = kept
    # Whatever was kept can be read back whole.
    msgspec.json.decode(vendor.get().data)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(value=_told)
def test_a_statement_keeps_its_meaning_and_its_mark_on_the_way(value: Any) -> None:
    try:
        received = read(encoded(value), version="1.0.3")
    except InvalidError:
        return
    again = read(msgspec.json.encode(received.members), version="1.0.3")
    assert msgspec.json.decode(msgspec.json.encode(received.members)) == value
    assert again.mark == received.mark


def test_the_command_line_makes_lists_and_revokes(quick: System) -> None:
    from click.testing import CliRunner

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


def test_the_lms_statements_are_read_by_the_whole_scope(vendor: System) -> None:
    db: Database = vendor.app.extensions["lms"].db
    [ours] = db.writer.do(
        lambda to: store.add(
            to, vendor.institution_id, [encoded(STATEMENT)], authority=store.LMS, now=NOW
        )
    )
    assert vendor.found() == [ours.statement_id]
