"""How the record store is asked and answers: versions, HEAD, other origins, gzip, refusals."""

import gzip
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from lms.xapi import store
from tests.xapi_asking import FORM, error, form
from tests.xapi_samples import ID, MBOX, encoded
from tests.xapi_world import STATEMENT, System, number, system

ENDPOINTS = {"/xapi": "2.0.0", "/xapi/1.0.3": "1.0.3"}
UNKNOWN = ("", "0.9", "0.95", "1.1.0", "1.0.x", "2.1.0", "3.0.0", "1.0.3,2.0.0", "x")
ANSWERED = {"1.0": "1.0.3", "1.0.0": "1.0.3", "1.0.3": "1.0.3", "1.0.27": "1.0.3"}
ANSWERED |= {"2.0.0": "2.0.0", "2.0.7": "2.0.0"}
AGENT = json.dumps(MBOX)
ACTIVITY = "http://example.kr/a"
QUERIES: dict[str, tuple[dict[str, str], ...]] = {
    "about": ({},),
    "statements": (
        {},
        {"statementId": ID},
        {"statementId": ID, "attachments": "true"},
        {"statementId": str(uuid.UUID(int=1))},
        {"limit": "x"},
    ),
    "activities": ({"activityId": ACTIVITY}, {}),
    "agents": ({"agent": AGENT}, {}),
    "activities/state": (
        {"activityId": ACTIVITY, "agent": AGENT, "stateId": "a"},
        {"activityId": ACTIVITY, "agent": AGENT, "stateId": "none"},
        {"activityId": ACTIVITY, "agent": AGENT},
        {},
    ),
    "activities/profile": (
        {"activityId": ACTIVITY, "profileId": "a"},
        {"activityId": ACTIVITY, "profileId": "none"},
        {"activityId": ACTIVITY},
        {},
    ),
    "agents/profile": (
        {"agent": AGENT, "profileId": "a"},
        {"agent": AGENT, "profileId": "none"},
        {"agent": AGENT},
        {},
    ),
}


@pytest.fixture
def vendor(sqlite_app: Flask) -> System:
    return system(sqlite_app)


def resources(app: Flask, method: str) -> list[str]:
    """The resources that answer a method, without their endpoint."""
    return sorted(
        rule.rule.removeprefix("/xapi/")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.rpartition(".")[0].endswith(".xapi") and method in (rule.methods or ())
    )


# Versions (Communication 3.3)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("version", [None, *UNKNOWN])
def test_an_unknown_version_is_refused_by_every_resource_but_about(
    vendor: System, endpoint: str, version: str | None
) -> None:
    headers = {"X-Experience-API-Version": version}
    for name in set(resources(vendor.app, "GET")) - {"about"}:
        for query in QUERIES[name]:
            answer = vendor.ask("GET", f"{endpoint}/{name}", query_string=query, headers=headers)
            assert error(answer) == (400, "invalid", "X-Experience-API-Version"), name
            assert answer.headers["X-Experience-API-Version"] == ENDPOINTS[endpoint]
    for method in ("PUT", "POST"):
        answer = vendor.ask(
            method,
            f"{endpoint}/statements",
            query_string={"statementId": ID} if method == "PUT" else {},
            data=encoded(STATEMENT),
            content_type="application/json",
            headers=headers,
        )
        assert error(answer) == (400, "invalid", "X-Experience-API-Version")
    assert number(vendor.app) == 0


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("version", ANSWERED)
def test_every_answer_carries_the_latest_patch_of_the_version_it_speaks(
    vendor: System, endpoint: str, version: str
) -> None:
    vendor.version = version
    put = vendor.ask(
        "PUT",
        f"{endpoint}/statements",
        query_string={"statementId": ID},
        data=encoded(STATEMENT),
        content_type="application/json",
    )
    assert put.status_code == 204
    given = [
        put,
        vendor.ask("POST", f"{endpoint}/statements", data=b"x"),
        vendor.ask("GET", f"{endpoint}/statements", headers={"Authorization": None}),
        vendor.ask("PATCH", f"{endpoint}/statements"),
        vendor.ask("GET", f"{endpoint}/nothing"),
        *(
            vendor.ask(method, f"{endpoint}/{name}", query_string=query)
            for name in resources(vendor.app, "GET")
            for query in QUERIES[name]
            for method in ("GET", "HEAD")
        ),
    ]
    told = {answer.headers["X-Experience-API-Version"] for answer in given}
    assert told == {ANSWERED[version]}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_about_tells_the_versions_whatever_version_is_asked_in(
    sqlite_app: Flask, endpoint: str
) -> None:
    client = sqlite_app.test_client()
    versions = ["2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0"]
    for version in (None, *UNKNOWN, *ANSWERED):
        headers = {} if version is None else {"X-Experience-API-Version": version}
        answer = client.get(f"{endpoint}/about", headers=headers)
        assert (answer.status_code, answer.get_json()) == (200, {"version": versions})
        told = ANSWERED.get(version or "", ENDPOINTS[endpoint])
        assert answer.headers["X-Experience-API-Version"] == told
    assert error(client.get(f"{endpoint}/about?x=1")) == (400, "invalid", "x")
    answer = client.post(f"{endpoint}/about?method=GET", data=b"", content_type=FORM)
    assert answer.get_json() == {"version": versions}


def test_a_statement_written_in_one_version_is_read_in_the_other(vendor: System) -> None:
    for written, kept in (("1.0.3", "1.0.0"), ("2.0.0", "2.0.0")):
        vendor.version = written
        [id_] = vendor.post(STATEMENT).get_json()
        for version in ("1.0.3", "2.0.0"):
            vendor.version = version
            for endpoint in ENDPOINTS:
                answer = vendor.ask(
                    "GET", f"{endpoint}/statements", query_string={"statementId": id_}
                )
                assert answer.get_json()["version"] == kept


# HEAD (Communication 1.1)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_head_answers_as_get_without_a_body_at_every_resource(
    vendor: System, endpoint: str
) -> None:
    vendor.post({**STATEMENT, "id": ID})
    changing = {"Date", "X-Experience-API-Consistent-Through"}
    for name in resources(vendor.app, "GET"):
        for query in QUERIES[name]:
            path = f"{endpoint}/{name}"
            get = vendor.ask("GET", path, query_string=query)
            head = vendor.ask("HEAD", path, query_string=query)
            assert (head.status_code, head.data) == (get.status_code, b""), name
            assert set(head.headers.keys()) == set(get.headers.keys())
            for key in set(get.headers.keys()) - changing:
                same = head.headers[key] == get.headers[key]
                # The boundary between parts is drawn anew each time.
                assert same or "boundary=" in get.headers[key], (name, key)


# Other origins


def test_another_origin_may_ask_and_is_told_what(vendor: System) -> None:
    for name in resources(vendor.app, "GET"):
        for endpoint in ENDPOINTS:
            preflight = vendor.app.test_client().options(
                f"{endpoint}/{name}",
                headers={
                    "Origin": "https://content.example",
                    "Access-Control-Request-Method": "PUT",
                    "Access-Control-Request-Headers": "authorization,x-experience-api-version",
                },
            )
            assert preflight.status_code == 200
            assert preflight.headers["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in preflight.headers
            allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
            assert {"authorization", "content-type", "if-match", "if-none-match"} <= set(allowed)
            assert "x-experience-api-version" in allowed
            methods = set(preflight.headers["Access-Control-Allow-Methods"].split(", "))
            assert methods == {"HEAD", "GET", "PUT", "POST", "DELETE", "OPTIONS"}
    for answer in (vendor.get(), vendor.get(limit="x"), vendor.ask("GET", "nothing")):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"ETag", "Last-Modified", "X-Experience-API-Consistent-Through"} <= set(exposed)


# gzip


def test_a_packed_body_is_unpacked(vendor: System) -> None:
    for packing in ("gzip", "x-gzip", "GZIP", "identity"):
        body = encoded(STATEMENT)
        data = body if packing == "identity" else gzip.compress(body)
        answer = vendor.post(data, headers={"Content-Encoding": packing})
        assert answer.status_code == 200
    fields = gzip.compress(urlencode({"limit": "1"}).encode())
    listed = vendor.ask(
        "POST",
        "statements?method=GET",
        data=fields,
        content_type=FORM,
        headers={"Content-Encoding": "gzip"},
    )
    assert len(listed.get_json()["statements"]) == 1
    packed = gzip.compress(encoded(STATEMENT))
    for data, packing in (
        (packed[:-4], "gzip"),
        (packed + b"x", "gzip"),
        (packed + packed, "gzip"),
        (encoded(STATEMENT), "gzip"),
        (b"", "gzip"),
        (packed, "br"),
        (packed, "deflate"),
        (packed, "gzip, gzip"),
    ):
        answer = vendor.post(data, headers={"Content-Encoding": packing})
        assert error(answer) == (400, "invalid", "Content-Encoding")
    assert number(vendor.app) == 4


def test_what_unpacks_to_too_much_is_not_unpacked(vendor: System) -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    assert len(bomb) < 100_000
    answer = vendor.post(bomb, headers={"Content-Encoding": "gzip"})
    assert error(answer) == (413, "too_large", None)


def test_a_long_answer_is_packed_for_who_takes_it(vendor: System) -> None:
    vendor.post([STATEMENT] * 10)
    plain = vendor.get()
    assert plain.headers.get("Content-Encoding") is None
    packed = vendor.ask("GET", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.vary
    assert "Accept-Encoding" not in vendor.get(limit="1").vary


# Refusals (Communication 3.2)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_a_resource_does_not_do_is_405_and_what_it_does_is_told(
    vendor: System, endpoint: str
) -> None:
    for path, method, allowed in (
        ("statements", "DELETE", {"GET", "HEAD", "OPTIONS", "POST", "PUT"}),
        ("statements", "PATCH", {"GET", "HEAD", "OPTIONS", "POST", "PUT"}),
        ("about", "POST", {"GET", "HEAD", "OPTIONS"}),
        ("about", "DELETE", {"GET", "HEAD", "OPTIONS"}),
    ):
        answer = vendor.ask(method, f"{endpoint}/{path}")
        assert error(answer) == (405, "method_not_allowed", None)
        # A route takes POST for forms, whatever else it takes.
        assert set(answer.headers["Allow"].split(", ")) - {"POST"} == allowed - {"POST"}
        assert (path == "statements") == ("X-Experience-API-Consistent-Through" in answer.headers)


def test_an_address_that_is_nobodys_is_404_in_json(vendor: System) -> None:
    for path in ("/xapi/nothing", "/xapi/1.0.3/nothing", "/xapi/statements/", "/xapi/About"):
        answer = vendor.ask("GET", path)
        assert error(answer)[:2] == (404, "not_found")
    page = vendor.app.test_client().get("/nothing")
    assert page.status_code == 404
    assert "X-Experience-API-Version" not in page.headers


def test_who_brings_no_right_credentials_is_401_and_asked_for_them(vendor: System) -> None:
    for given in (None, "", "Basic", "Basic Og==", "Basic eDp5", "Basic !", "Digest x", "Bearer x"):
        for method in ("GET", "POST"):
            answer = vendor.ask(
                method,
                headers={"Authorization": given},
                data=encoded(STATEMENT) if method == "POST" else None,
                content_type="application/json",
            )
            assert error(answer) == (401, "credentials", None)
            assert answer.headers["WWW-Authenticate"].startswith('Basic realm="xAPI"')
            assert "X-Experience-API-Consistent-Through" in answer.headers
    assert number(vendor.app) == 0


def test_who_has_not_the_scope_is_403(vendor: System) -> None:
    reader = system(vendor.app, "statements/read", institution_id=vendor.institution_id)
    writer = system(vendor.app, "statements/write", institution_id=vendor.institution_id)
    assert error(reader.post(STATEMENT)) == (403, "forbidden", None)
    assert error(reader.put(ID, STATEMENT)) == (403, "forbidden", None)
    assert error(writer.get()) == (403, "forbidden", None)
    assert number(vendor.app) == 0


def test_a_parameter_that_is_unknown_or_in_another_case_is_refused(vendor: System) -> None:
    for name in ("StatementId", "statementID", "Limit", "nothing", "registrations", ""):
        answer = vendor.ask("GET", query_string={name: ID})
        assert error(answer)[:2] == (400, "invalid")
        for method in ("PUT", "POST"):
            answer = vendor.ask(
                method,
                query_string={name: ID, **({"statementId": ID} if method == "PUT" else {})},
                data=encoded(STATEMENT),
                content_type="application/json",
            )
            assert error(answer)[:2] == (400, "invalid")
    twice = vendor.ask("GET", "statements?limit=1&limit=2")
    assert error(twice) == (400, "invalid", "limit")
    assert number(vendor.app) == 0


def test_a_content_type_may_have_parameters_and_another_case(vendor: System) -> None:
    for kind in (
        "application/json",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "Application/JSON",
    ):
        answer = vendor.ask("POST", data=encoded(STATEMENT), content_type=kind)
        assert answer.status_code == 200
    for kind in ("text/json", "application/jsonx", "application/octet-stream", "", "json"):
        answer = vendor.ask("POST", data=encoded(STATEMENT), content_type=kind)
        assert error(answer) == (400, "invalid", "Content-Type")


def test_every_answer_of_statements_says_through_when_it_is_consistent(vendor: System) -> None:
    vendor.post({**STATEMENT, "id": ID})
    for answer in (
        vendor.get(),
        vendor.get(statementId=ID),
        vendor.get(statementId=str(uuid.uuid4())),
        vendor.get(limit="x"),
        vendor.put(ID, STATEMENT),
        vendor.put(ID, {**STATEMENT, "result": {}}),
        vendor.post(STATEMENT),
        vendor.post({}),
        vendor.ask("HEAD"),
        vendor.ask("GET", headers={"X-Experience-API-Version": None}),
        form(vendor, "GET", {}),
    ):
        told = datetime.fromisoformat(answer.headers["X-Experience-API-Consistent-Through"])
        assert timedelta(0) < datetime.now(UTC) - told < timedelta(seconds=30)
    assert "X-Experience-API-Consistent-Through" not in vendor.ask("GET", "about").headers


def test_a_fault_is_500_in_json_and_tells_nobody_its_cause(
    vendor: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the cause")

    monkeypatch.setattr(store, "keep_together", broken)
    answer = vendor.post(STATEMENT)
    assert error(answer) == (500, "internal_server_error", None)
    assert b"cause" not in answer.data
    assert answer.headers["X-Experience-API-Version"] == "1.0.3"
