"""Logs say which route and how it went; who it was and what they wrote stays out."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from lms.edge import Blueprint, session
from lms.people.models import Account, Institution, Person
from lms.permissions import Permission, anyone
from lms.web.logging import configure
from tests import factories, people_world
from tests.edge_world import app_with

NAME, LOGIN, EMAIL = "카나리이름", "canary-login", "canary@mail.example"
QUERY, PASSWORD, NEIS = "canary-query", "카나리 비밀번호 하나", "B101234523"
CANARIES = [
    NAME,
    LOGIN,
    EMAIL,
    QUERY,
    PASSWORD,
    NEIS,
    people_world.PASSWORD,
    "1990-01-05",
    "canary-token",
    "198.51.100.77",
    "canary-reason",
]


@pytest.fixture
def app(
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    tmp_path: Path,
) -> Iterator[Flask]:
    room = Blueprint("room", __name__)
    open_ = Permission("test:open", anyone)

    @room.get("/fault", permission=open_, scope="public")
    def fault() -> Any:
        raise RuntimeError(f"{NAME} <{EMAIL}>")

    @room.post("/twice", permission=open_, scope="public")
    def twice() -> Any:
        row = session().query(Account).one()
        again = {
            "institution_id": row.institution_id,
            "person_id": row.person_id,
            "login": row.login,
            "password_hash": PASSWORD,
            "changed_at": factories.NOW,
        }
        session().execute(insert(Account), again)
        return ""

    yield from app_with(monkeypatch, database_url, tmp_path, room)


@pytest.fixture
def person(app: Flask) -> Person:
    with app.extensions["lms"].db.transaction() as session:
        home: Institution = factories.institution(session)
        row = people_world.sealed(session, home, "institution_admin", name=NAME, email=EMAIL)
        people_world.accounts.open_account(
            session,
            row,
            LOGIN,
            password_hash=people_world.hashed(),
            actor_id=None,
            now=factories.NOW,
            reason="시험",
        )
        return row


def walk(client: FlaskClient, who: Person) -> None:
    client.environ_base["REMOTE_ADDR"] = "198.51.100.77"
    people_world.enter(client, LOGIN, PASSWORD)  # wrong
    people_world.enter(client, LOGIN)
    for path in (
        f"/?q={QUERY}",
        f"/people?q={QUERY}",
        f"/people/{who.id}",
        f"/nothing/{QUERY}?name={NAME}",
        "/reset/canary-token",
        "/verify/canary-token",
        "/content/canary-token/x.pdf",
        f"/fault?email={EMAIL}",
    ):
        client.get(path)
    client.post("/people/export", data={"reason": "canary-reason", "q": NAME})
    client.post("/me/password", data={"current": PASSWORD, "password": PASSWORD, "again": "x"})
    client.post("/sign-in/forgotten", data={"login": LOGIN})
    client.post("/twice", data={"email": EMAIL})
    client.post("/pings", json={"token": "canary-token", "pings": [{"seq": QUERY}]})
    client.put("/xapi/statements", json={"actor": {"mbox": f"mailto:{EMAIL}"}})
    client.get("/xapi/statements", auth=(LOGIN, PASSWORD), query_string={"agent": EMAIL})
    client.post("/sign-out")


def test_no_log_line_holds_personal_data(
    client: FlaskClient,
    person: Person,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure()  # to the stderr of this test, which is another than at its setup
    caplog.set_level(logging.INFO)
    walk(client, person)
    out, err = capsys.readouterr()
    written = out + err + caplog.text
    assert [canary for canary in CANARIES if canary in written] == []
    lines = [json.loads(line) for line in err.splitlines()]
    assert {line["route"] for line in lines if line["event"] == "request"} >= {
        "/sign-in",
        "/people/<int:id>",
        "/reset/<token>",
        "/fault",
    }
    faults = [line for line in lines if line["event"] == "fault"]
    assert [line["endpoint"] for line in faults] == ["lms.room.fault", "lms.room.twice"]
    # Enough to find the place: the kind of error and the lines that led to it.
    assert "RuntimeError" in str(faults[0])
    assert "test_edge_logs.py" in str(faults[0])
    assert "IntegrityError" in str(faults[1])


def test_a_request_is_one_line_with_nothing_but_the_route(
    client: FlaskClient, person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    factories.sign_in(client, person)
    configure()
    client.get(f"/people/{person.id}?q={QUERY}")
    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert line.pop("ms") >= 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/people/<int:id>",
        "status": 200,
    }
