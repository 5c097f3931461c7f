"""OAuth 2.0 client credentials (RFC 6749 4.4) and Bearer tokens (RFC 6750) beside Basic."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lms import clock
from lms.db import Database
from lms.xapi import credentials, tokens
from tests.factories import NOW
from tests.xapi_world import STATEMENT, System, system

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def vendor(app: Flask) -> System:
    return system(app)


@pytest.fixture
def quick(sqlite_app: Flask) -> System:
    return system(sqlite_app)


def basic(username: str, secret: str) -> dict[str, str]:
    told = base64.b64encode(f"{username}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {told}"}


def ask(vendor: System, form: Any = GRANT, **headers: str) -> TestResponse:
    """A request for a token; without headers the client shows itself by Basic."""
    given = headers or basic(vendor.username, vendor.secret)
    return vendor.app.test_client().post("/xapi/oauth/token", data=form, headers=given)


def bearing(vendor: System, token: str) -> System:
    class Bearer(System):
        def ask(self, method: str, path: str = "statements", **more: Any) -> TestResponse:
            headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
            return super().ask(method, path, headers=headers, **more)

    return Bearer(vendor.app, vendor.institution_id, vendor.username, "")


def token_of(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    told: str = answer.get_json()["access_token"]
    return told


def test_a_token_does_what_its_credentials_do_and_says_who_vouches(vendor: System) -> None:
    answer = ask(vendor, GRANT | {"scope": "statements/write all/read"})
    told = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert told == {
        "access_token": told["access_token"],
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "all/read statements/write",
    }
    bearer = bearing(vendor, told["access_token"])
    [kept] = bearer.post(STATEMENT).get_json()
    [found] = bearer.get().get_json()["statements"]
    assert found["id"] == kept
    assert found["authority"]["account"]["name"] == vendor.username
    assert vendor.found() == [kept]


def test_the_client_shows_itself_in_the_body_too(quick: System) -> None:
    client = {"client_id": quick.username, "client_secret": quick.secret}
    plain = {"X-Requested-With": "a test"}
    body = ask(quick, GRANT | client, **plain)
    assert body.get_json()["scope"] == "statements/write statements/read/mine"
    encoded = basic(quick.username.replace("-", "%2D"), quick.secret)
    assert ask(quick, GRANT, **encoded).status_code == 200
    older = quick.app.test_client().post("/xapi/1.0.3/oauth/token", data=GRANT | client)
    assert older.status_code == 200


def test_no_more_is_given_than_the_credentials_have(quick: System) -> None:
    home = quick.institution_id
    reader = system(quick.app, "statements/read", institution_id=home)
    both = system(quick.app, "all/read", "statements/write", institution_id=home)
    # Communication 4.2.s6.b2: what no scope asks for; and what there is of it.
    assert ask(quick).get_json()["scope"] == "statements/write statements/read/mine"
    assert ask(both).get_json()["scope"] == "statements/write statements/read/mine"
    assert ask(reader).get_json()["scope"] == "statements/read"
    assert ask(both, GRANT | {"scope": "statements/read"}).status_code == 200
    for scope in ("statements/write", "all", "statements/read nothing", "statements/read state"):
        answer = ask(reader, GRANT | {"scope": scope})
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")
    mine = bearing(quick, token_of(ask(quick, GRANT | {"scope": "statements/read/mine"})))
    refused = mine.post(STATEMENT)
    assert refused.status_code == 403
    # RFC 6750 3.1
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="xAPI", error="insufficient_scope", scope="statements/write"'
    )


def test_refusals_are_those_of_the_standard(quick: System) -> None:
    right = basic(quick.username, quick.secret)
    twice = GRANT | {"client_id": quick.username, "client_secret": quick.secret}
    bearer = {"Authorization": "Bearer abc"}
    wrong = basic(quick.username, "wrong")
    for form, headers, status, error in (
        ({}, right, 400, "invalid_request"),
        ({"grant_type": "password"}, right, 400, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials"] * 2}, right, 400, "invalid_request"),
        (twice, right, 400, "invalid_request"),
        (GRANT, {"X-None": "1"}, 401, "invalid_client"),
        (GRANT | {"client_id": quick.username}, {"X-None": "1"}, 401, "invalid_client"),
        (GRANT, bearer, 401, "invalid_client"),
        (GRANT, wrong, 401, "invalid_client"),
    ):
        answer = ask(quick, form, **headers)
        told = answer.get_json()
        assert (answer.status_code, told["error"]) == (status, error), form
        assert set(told) == {"error", "error_description"}
        assert answer.headers["Cache-Control"] == "no-store"
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    path = "/xapi/oauth/token"
    assert quick.app.test_client().post(path, json=GRANT, headers=right).status_code == 400
    assert quick.app.test_client().get(path, headers=right).status_code == 405
    large = quick.app.test_client().post(path, data={"scope": "a" * 20_000}, headers=right)
    assert large.status_code == 413


def test_tries_at_a_secret_are_counted_here_as_everywhere(quick: System) -> None:
    wrong = basic(quick.username, "wrong")
    answers = [ask(quick, GRANT, **wrong) for _ in range(102)]
    assert [answers[0].status_code, answers[-1].status_code] == [401, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].get_json()["error"] == "temporarily_unavailable"
    assert ask(quick).status_code == 200


def test_a_token_ends_with_its_hour_and_with_its_credentials(
    vendor: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    db: Database = vendor.app.extensions["lms"].db
    monkeypatch.setattr(clock, "now", lambda: NOW)
    bearer = bearing(vendor, token_of(ask(vendor, GRANT | {"scope": "all"})))
    with db.transaction() as session:
        credentials.rotate(session, vendor.institution_id, vendor.username, now=NOW)
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=3599))
    assert bearer.get().status_code == 200
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=1))
    over = bearer.get()
    assert over.status_code == 401
    assert over.headers.getlist("WWW-Authenticate") == [
        'Basic realm="xAPI", charset="UTF-8"',
        'Bearer realm="xAPI", error="invalid_token"',
    ]
    monkeypatch.setattr(clock, "now", lambda: NOW)
    with db.transaction() as session:
        credentials.revoke(session, vendor.institution_id, vendor.username, now=NOW)
    assert bearer.get().status_code == 401


def test_a_token_that_is_not_ours_opens_nothing(quick: System) -> None:
    good = token_of(ask(quick, GRANT | {"scope": "all"}))
    other = tokens.access_token("another secret", quick.username, ["all"], now=clock.now())
    wider = base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)).replace(b"all", b"ALL")
    ).decode()
    for text in ("", "abc", "=", "é", other, wider, good[:-4], good + "AAAA", f"{good}!"):
        answer = bearing(quick, text).get() if text != "é" else bearing(quick, "%C3").get()
        assert answer.status_code == 401, text
    assert bearing(quick, good).get().status_code == 200
