"""People with logins, for the tests of the people room."""

from datetime import date, datetime
from functools import cache
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lms import clock
from lms.people import accounts, registering
from lms.people.models import Institution, Person
from lms.people.sealing import Sealer
from tests import factories

PASSWORD = "봄날의 새 노트 셋"
WRONG = "봄날의 새 노트 넷"


@cache
def hashed(password: str = PASSWORD) -> str:
    return accounts.hash_password(password)


def account(session: Session, home: Institution, login: str, *roles: str, **more: Any) -> Person:
    """A person with a login and PASSWORD."""
    person = factories.person(session, home, *roles, **more)
    accounts.open_account(
        session,
        person,
        login,
        password_hash=hashed(),
        actor_id=None,
        now=factories.NOW,
        reason="시험",
    )
    return person


def sealed(session: Session, home: Institution, *roles: str, **more: Any) -> Person:
    """A person born on 5 January 1990 with NEIS number B101234523."""
    sealer = Sealer("test-key")
    number, mark = registering.seal_neis(sealer, "B101234523")
    return factories.person(
        session,
        home,
        *roles,
        **{
            "birth_date_sealed": registering.seal_birth_date(sealer, date(1990, 1, 5)),
            "neis_sealed": number,
            "neis_mark": mark,
            "email": "kim@example.kr",
            **more,
        },
    )


def enter(client: FlaskClient, login: str, password: str = PASSWORD, **more: str) -> TestResponse:
    return client.post("/sign-in", data={"login": login, "password": password, **more})


def token_of(client: FlaskClient) -> str | None:
    with client.session_transaction() as cookie:
        return cookie.get("_user_id")


def now() -> datetime:
    return clock.now()
