"""Requests that came as forms (Communication 1.3 of 1.0.3); 2.0 has none."""

import json
from urllib.parse import quote, urlencode

import pytest
from flask import Flask

from tests.xapi_asking import FORM, error, form
from tests.xapi_samples import ID, MBOX
from tests.xapi_world import STATEMENT, System, number, system


@pytest.fixture
def vendor(sqlite_app: Flask) -> System:
    return system(sqlite_app)


def test_a_form_stands_for_every_method_on_statements(vendor: System) -> None:
    statement = {**STATEMENT, "actor": {**MBOX, "name": "김가나+&=%"}}
    put = form(vendor, "PUT", {"statementId": ID, "content": json.dumps(statement)})
    assert (put.status_code, put.data) == (204, b"")
    assert put.headers["X-Experience-API-Version"] == "1.0.3"
    post = form(
        vendor,
        "POST",
        {
            "content": json.dumps([STATEMENT, STATEMENT]),
            "Content-Type": "application/json",
            "Content-Length": "1",
        },
    )
    ids = post.get_json()
    assert len(ids) == 2
    one = form(vendor, "GET", {"statementId": ID})
    assert one.get_json()["actor"] == statement["actor"]
    listed = form(vendor, "GET", {"verb": STATEMENT["verb"]["id"], "limit": "2"}).get_json()
    assert len(listed["statements"]) == 2
    head = form(vendor, "HEAD", {"statementId": ID})
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Last-Modified"] == one.headers["Last-Modified"]
    delete = form(vendor, "DELETE", {"statementId": ID})
    assert (delete.status_code, delete.get_json()["error"]["code"]) == (405, "method_not_allowed")


def test_fields_that_are_headers_are_taken_as_headers_in_any_case(vendor: System) -> None:
    for name in ("X-Experience-API-Version", "x-experience-api-version"):
        answer = form(vendor, "GET", {name: "9.9"} if name[0] == "X" else {})
        assert answer.status_code == (400 if name[0] == "X" else 200)
    assert error(form(vendor, "GET", {"Authorization": "Basic eDp5"})) == (401, "credentials", None)
    text = form(vendor, "POST", {"content": "{}", "Content-Type": "text/plain"})
    assert error(text) == (400, "invalid", "Content-Type")
    for name in ("If-Match", "Authorization", "Content-Type"):
        answer = form(vendor, "GET", {name: "a\nb"})
        assert error(answer) == (400, "invalid", name)


def test_all_other_fields_are_parameters(vendor: System) -> None:
    for name in ("Accept", "Accept-Language", "statementid", "nothing", "Content-Encoding"):
        assert error(form(vendor, "GET", {name: "a"})) == (400, "invalid", name)


def test_content_is_utf_8(vendor: System) -> None:
    for data in (b"content=%FF", b"content=\xff", b"%FF=1"):
        answer = vendor.app.test_client().post(
            "/xapi/statements?method=POST", data=data, content_type=FORM
        )
        assert error(answer)[:2] == (400, "invalid")
    content = quote(json.dumps(STATEMENT | {"id": ID}, ensure_ascii=False).encode())
    twice = vendor.ask(
        "POST",
        "statements?method=POST",
        data=f"content={content}&content={content}".encode(),
        content_type=FORM,
    )
    assert error(twice) == (400, "invalid", "content")
    many = "&".join(f"a{number}=1" for number in range(200))
    answer = vendor.ask("POST", "statements?method=GET", data=many, content_type=FORM)
    assert error(answer)[0] == 400
    assert number(vendor.app) == 0


def test_method_stands_alone_in_the_address(vendor: System) -> None:
    answer = form(vendor, "GET&limit=1", {})
    assert error(answer) == (400, "invalid", "limit")
    for method in ("PATCH", "", "OPTIONS", "GET%20"):
        assert error(form(vendor, method, {})) == (400, "invalid", "method")
    for method in ("GET", "PUT"):
        asked = vendor.ask(
            method, "statements", query_string={"method": "GET"}, content_type="application/json"
        )
        assert error(asked)[0] == 400
    assert error(vendor.ask("GET", "statements", query_string={"method": "GET"}))[2] == "method"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", None])
def test_a_form_says_that_it_is_one(vendor: System, kind: str | None) -> None:
    answer = form(vendor, "GET", {}, content_type=kind)
    assert error(answer) == (400, "invalid", "Content-Type")


def test_2_0_has_no_forms(vendor: System) -> None:
    for method in ("GET", "PUT", "POST", "DELETE"):
        fields = {"X-Experience-API-Version": "2.0.0", "content": json.dumps(STATEMENT)}
        answer = form(vendor, method, fields)
        assert error(answer) == (400, "invalid", "method")
        assert answer.headers["X-Experience-API-Version"] == "2.0.0"
        headers = {"X-Experience-API-Version": "2.0.0"}
        del fields["X-Experience-API-Version"]
        answer = vendor.ask(
            "POST",
            f"statements?method={method}",
            data=urlencode(fields),
            content_type=FORM,
            headers=headers,
        )
        assert error(answer) == (400, "invalid", "method")
    assert number(vendor.app) == 0


def test_a_form_without_method_is_refused(vendor: System) -> None:
    answer = vendor.ask("POST", "statements", data=b"content={}", content_type=FORM)
    assert error(answer) == (400, "invalid", "Content-Type")
