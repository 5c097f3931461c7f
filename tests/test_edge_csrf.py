"""What changes something must come from our own pages."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lms.edge.blueprint import SAFE
from tests import factories

DATA = {"theme": "dark"}


@pytest.fixture
def browser(sqlite_app: Flask) -> FlaskClient:
    """A client that says nothing of where it comes from."""
    return sqlite_app.test_client()


@pytest.fixture
def signed_in(sqlite_app: Flask) -> FlaskClient:
    with sqlite_app.extensions["lms"].db.transaction() as session:
        person = factories.person(session, factories.institution(session))
    client = sqlite_app.test_client()
    factories.sign_in(client, person)
    return client


def taken(client: FlaskClient, data: dict[str, str] = DATA, **headers: str) -> int:
    return client.post("/preferences", data=data, headers=headers).status_code


TOLD: list[tuple[dict[str, str], int]] = [
    ({"Sec-Fetch-Site": "same-origin"}, 303),
    ({"Sec-Fetch-Site": "none"}, 303),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "whatever"}, 403),
    ({"Sec-Fetch-Site": ""}, 403),
    # A browser's word on the site stands above an Origin that somebody may have written.
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ({"Origin": "http://localhost"}, 303),
    ({"Origin": "http://127.0.0.1"}, 403),  # the content host
    ({"Origin": "http://localhost:8001"}, 403),
    ({"Origin": "http://localhost.evil.example"}, 403),
    ({"Origin": "http://evil.example/localhost"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": ""}, 403),
    ({}, 403),
    ({"Referer": "http://localhost/"}, 403),
    ({"X-CSRF-Token": ""}, 403),
    ({"X-CSRF-Token": "guessed"}, 403),
    ({"X-CSRF-Token": "한글"}, 403),
]


def test_where_a_request_comes_from(browser: FlaskClient) -> None:
    assert [(told, taken(browser, **told)) for told, _ in TOLD] == TOLD


def test_who_says_nothing_shows_the_token_of_the_form(browser: FlaskClient) -> None:
    page = browser.get("/sign-in").text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    token = found.group(1)
    assert taken(browser, {**DATA, "csrf_token": token}) == 303
    assert taken(browser, **{"X-CSRF-Token": token}) == 303
    assert taken(browser, {**DATA, "csrf_token": token + "x"}) == 403
    # The token does not outweigh what a browser says.
    assert taken(browser, {"csrf_token": token}, **{"Sec-Fetch-Site": "cross-site"}) == 403


def test_a_token_of_another_cookie_is_none(sqlite_app: Flask, browser: FlaskClient) -> None:
    other = sqlite_app.test_client()
    found = re.search(r'name="csrf_token" value="([^"]+)"', other.get("/sign-in").text)
    assert found
    browser.get("/sign-in")
    assert taken(browser, {**DATA, "csrf_token": found.group(1)}) == 403


def test_the_refusal_is_a_page_and_a_json_of_one_shape(signed_in: FlaskClient) -> None:
    page = signed_in.post("/me/preferences", data=DATA, headers={"Sec-Fetch-Site": "cross-site"})
    assert (page.status_code, page.mimetype) == (403, "text/html")
    assert "다른 누리집에서 온 요청이라 받지 않았습니다." in page.text
    answer = signed_in.post("/pings", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json) == (
        403,
        {
            "error": {
                "code": "forbidden",
                "message": "다른 누리집에서 온 요청이라 받지 않았습니다. "
                "이 화면을 새로 고친 뒤 다시 해 주십시오.",
            }
        },
    )


def test_a_get_neither_needs_nor_takes_a_token(browser: FlaskClient) -> None:
    assert browser.get("/sign-in", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def changing(app: Flask) -> Iterator[tuple[str, str, str]]:
    for rule in app.url_map.iter_rules():
        policy = app.view_functions[rule.endpoint].lms_policy  # type: ignore[attr-defined]
        for method in sorted((rule.methods or set()) - SAFE):
            if policy.browser:
                path = re.sub(r"<int:[^>]+>", "1", rule.rule)
                path = re.sub(r"<any\(\W*(\w+)[^>]*>", r"\1", path)
                yield rule.endpoint, method, re.sub(r"<[^>]+>", "x", path)


def test_every_route_that_changes_something_refuses_a_stranger(signed_in: FlaskClient) -> None:
    walked = list(changing(signed_in.application))
    assert len(walked) > 15
    for endpoint, method, path in walked:
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            answer = signed_in.open(path, method=method, headers=headers)
            assert (endpoint, headers, answer.status_code) == (endpoint, headers, 403)


def test_no_route_without_the_check_looks_at_cookies(sqlite_app: Flask) -> None:
    """Whoever brings credentials with each request is let in by those alone.

    So is who holds a signed address that stops messages: a mail program presses it (RFC 8058).
    """
    without = {
        rule.endpoint
        for rule in sqlite_app.url_map.iter_rules()
        if not sqlite_app.view_functions[rule.endpoint].lms_policy.browser  # type: ignore[attr-defined]
        and (rule.methods or set()) - SAFE
    }
    # Each request brings its own credentials, or the signed link of a mail.
    assert {one for one in without if not one.startswith(("lms.xapi.", "lms.xapi_1."))} == {
        "lms.tutoring.stop_now",
    }
    assert "lms.xapi.statements" in without
