"""What goes the short way is kept and answered as on the long one, and no refusal is lost on it."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from lms import clock
from lms.web import lane
from lms.xapi import credentials
from lms.xapi.models import Credential
from tests.xapi_world import STATEMENT, System, system

PATHS = ("/xapi/statements", "/xapi/1.0.3/statements")
CHANGING = {"Date", "X-Experience-API-Consistent-Through"}


@pytest.fixture
def vendor(app: Flask) -> System:
    found = system(app)
    # Whose use was not written down for an hour is looked up.
    with app.extensions["lms"].db.transaction() as session:
        session.execute(update(Credential).values(last_used_at=clock.now()))
    return found


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """How many requests were answered the short way since it was last asked."""
    answered = 0
    real = lane.Lane._kept

    def kept(*told: Any) -> bytes:
        nonlocal answered
        body = real(*told)
        answered += 1
        return body

    def since() -> int:
        nonlocal answered
        told, answered = answered, 0
        return told

    monkeypatch.setattr(lane.Lane, "_kept", kept)
    return since


def made(**more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), **STATEMENT, **more}


def told(answer: TestResponse) -> tuple[int, dict[str, str]]:
    headers = {name: value for name, value in answer.headers if name not in CHANGING}
    # Flask-Login looks at every cookie; what systems are answered hangs on none.
    vary = [one for one in answer.vary if one != "Cookie"]
    headers.pop("Vary", None)
    return answer.status_code, headers | ({"Vary": ", ".join(vary)} if vary else {})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("version", ["1.0.3", "1.0.0", "2.0.0"])
def test_it_answers_as_the_long_way(
    vendor: System, short: Callable[[], int], path: str, version: str
) -> None:
    vendor.version = version
    many = [made() for _ in range(40)]
    long = [vendor.post(body, path=path) for body in (made(), many)]
    assert short() == 1  # the first request looked the credentials up
    again = [vendor.post(body, path=path) for body in (made(), many)]
    assert short() == 2
    assert [told(one) for one in again] == [told(one) for one in long]
    assert again[1].get_json() == long[1].get_json() == [one["id"] for one in many]
    unpacked = vendor.post(many, path=path, headers={"Accept-Encoding": "gzip;q=0"})
    assert (short(), unpacked.get_json()) == (1, again[1].get_json())


def test_a_packed_answer_says_so(vendor: System, short: Callable[[], int]) -> None:
    many = [made() for _ in range(40)]
    asked = {"headers": {"Accept-Encoding": "gzip"}}
    long, quick = vendor.post(many, **asked), vendor.post(many, **asked)
    assert short() == 1
    assert told(long) == told(quick)
    assert quick.headers["Content-Encoding"] == "gzip"
    assert quick.data == long.data


def test_what_is_out_of_the_way_goes_the_long_one(vendor: System, short: Callable[[], int]) -> None:
    vendor.post(made())
    short()
    kept = made()
    answers = [
        vendor.post(made(verb={"id": "no iri"})),
        vendor.post(b"{"),
        vendor.post({**kept, "result": {"success": True}}),
        vendor.post({**kept, "result": {"success": False}}),
        vendor.post(made(), headers={"X-Experience-API-Version": "0.9"}),
        vendor.post(made(), headers={"X-Experience-API-Version": None}),
        vendor.post(made(), query_string={"nobody": "knows"}),
        vendor.post(made(), headers={"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="}),
        vendor.ask("POST", data=json.dumps(made()), content_type="text/plain"),
    ]
    assert [one.status_code for one in answers] == [400, 400, 200, 409, 400, 400, 400, 401, 400]
    assert answers[0].get_json()["error"]["path"] == "$.verb.id"
    assert short() == 1
    assert vendor.get(statementId=kept["id"]).get_json()["result"] == {"success": True}


def test_remembered_credentials_end_with_their_row(
    vendor: System, short: Callable[[], int]
) -> None:
    vendor.post(made())
    assert (vendor.post(made()).status_code, short()) == (200, 1)
    late = made()
    with vendor.app.extensions["lms"].db.transaction() as session:
        credentials.revoke(
            session,
            vendor.institution_id,
            vendor.username,
            now=clock.now(),
        )
    # Nobody told this process; its next commit asks.
    assert (vendor.post(late).status_code, short()) == (401, 0)
    assert vendor.post(late).status_code == 401
    other = system(vendor.app, institution_id=vendor.institution_id)
    assert other.get(statementId=late["id"]).status_code == 404


def test_remembered_credentials_go_on_with_a_new_secret_alone_when_it_is_shown(
    vendor: System, short: Callable[[], int]
) -> None:
    vendor.post(made())
    old = vendor.secret
    with vendor.app.extensions["lms"].db.transaction() as session:
        vendor.secret = credentials.rotate(
            session,
            vendor.institution_id,
            vendor.username,
            now=clock.now(),
        )[1]
    assert [vendor.post(made()).status_code for _ in range(2)] == [200, 200]
    assert short() == 1
    vendor.secret = old
    # Good for a day more; looked up each time, since time alone ends it.
    assert [vendor.post(made()).status_code for _ in range(2)] == [200, 200]
    assert short() == 0
