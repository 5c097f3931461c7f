"""The statement resource over HTTP: versions, writing, voiding."""

import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from lms.db import Database
from lms.xapi import store, vocabulary
from tests.factories import NOW
from tests.xapi_samples import ID, VALID, WRONG, encoded
from tests.xapi_world import STATEMENT, System, number, system


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
        assert codes == dict.fromkeys(VALID, 200)


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
    for version in ("1.0.3", "2.0.0"):
        vendor.version = version
        for target in (one, by):  # voided already, and itself a voiding one
            refused = vendor.post({**void, "object": {**reference, "id": target}})
            assert refused.status_code == 400
            assert refused.get_json()["error"]["path"] == "$.object.id"
        assert vendor.get(statementId=by).status_code == 200
        assert vendor.found() == [by]
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


def test_the_lms_statements_are_read_by_the_whole_scope(vendor: System) -> None:
    db: Database = vendor.app.extensions["lms"].db
    [ours] = db.writer.do(
        lambda to: store.add(
            to, vendor.institution_id, [encoded(STATEMENT)], authority=store.LMS, now=NOW
        )
    )
    assert vendor.found() == [ours.statement_id]


def test_ids_are_those_that_were_sent_or_new_ones_of_rfc_4122(quick: System) -> None:
    ids = quick.post([{**STATEMENT, "id": ID.upper()}, STATEMENT, STATEMENT]).get_json()
    assert ids[0] == ID.upper()
    assert [uuid.UUID(one).version for one in ids[1:]] == [4, 4]
    assert len(set(ids)) == number(quick.app) == 3
    for one in (ID, ID.upper()):
        assert quick.get(statementId=one).get_json()["id"] == ID.upper()


def test_stored_and_authority_are_ours_and_timestamp_and_version_where_none_came(
    quick: System,
) -> None:
    told = {
        "stored": "2000-01-01T00:00:00Z",
        "authority": {"mbox": "mailto:somebody@example.kr"},
        "timestamp": "2999-01-02T03:04:05+09:00",
    }
    before = datetime.now(UTC)
    for version, default in (("1.0.3", "1.0.0"), ("2.0.0", "2.0.0")):
        quick.version = version
        [plain, whole, old] = quick.post(
            [STATEMENT, {**STATEMENT, **told}, {**STATEMENT, "version": "1.0.2"}]
        ).get_json()
        got = {
            name: quick.get(statementId=id_).get_json()
            for name, id_ in (("plain", plain), ("whole", whole), ("old", old))
        }
        for one in got.values():
            assert before <= datetime.fromisoformat(one["stored"]) <= datetime.now(UTC)
            assert one["stored"].endswith("Z")
            assert one["authority"]["account"]["name"] == quick.username
        assert got["plain"]["timestamp"] == got["plain"]["stored"]
        assert got["whole"]["timestamp"] == "2999-01-01T18:04:05Z"
        assert [one["version"] for one in got.values()] == [default, default, "1.0.2"]


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_a_batch_is_kept_whole_or_not_at_all(quick: System, version: str) -> None:
    quick.version = version
    twice = [{**STATEMENT, "id": ID}, {**STATEMENT, "id": ID.upper()}]
    for batch, path in (
        (twice, "$[1].id"),
        ([STATEMENT, {**STATEMENT, "id": "x"}], "$[1].id"),
        ([STATEMENT, None], "$[1]"),
        ([STATEMENT, [STATEMENT]], "$[1]"),
        ([STATEMENT, 1], "$[1]"),
    ):
        answer = quick.post(batch)
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, path)
    assert number(quick.app) == 0
    assert (quick.post([]).get_json(), number(quick.app)) == ([], 0)
