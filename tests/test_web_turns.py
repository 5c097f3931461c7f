"""Pages take turns, and nobody waits long for one; the cookie is read once and never stale."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import flask
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from lms import clock
from lms.db import Database
from lms.people.models import SignIn
from lms.web import cookies, turns
from lms.web.turns import Turns
from tests import factories

Ask = Callable[[str, str], None]

LONG = 30.0
"""Seconds that nothing here needs, however much else the machine does."""


class Counted:
    """A WSGI app that notes how many requests were in it at once; each stays until `most` were."""

    def __init__(self, seconds: float, *, most: int = 1_000) -> None:
        self._seconds = seconds
        self._enough = most
        self._changed = threading.Condition()
        self._now = 0
        self.most = 0

    def __call__(self, _environ: Any, _start: Any) -> Iterable[bytes]:
        with self._changed:
            self._now += 1
            self.most = max(self.most, self._now)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._enough, self._seconds)
            self._now -= 1
        return [b""]


def most_at_once(
    app: Counted, *, most: int, method: str = "GET", path: str = "/learn/", clients: int = 4
) -> int:
    middleware = Turns(app, most=most, prefix="/learn")
    asked = {"REQUEST_METHOD": method, "PATH_INFO": path}
    threads = [
        threading.Thread(target=middleware, args=(asked, lambda *_told: None))
        for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return app.most


@pytest.mark.parametrize("most", [1, 2])
def test_pages_take_turns(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(turns, "PATIENCE", LONG)
    assert most_at_once(Counted(0.005), most=most) == most


@pytest.mark.parametrize(("method", "path"), [("POST", "/learn/"), ("GET", "/elsewhere")])
def test_others_do_not(method: str, path: str) -> None:
    assert most_at_once(Counted(LONG, most=4), most=1, method=method, path=path) == 4


def test_a_slow_page_holds_up_nobody_for_long() -> None:
    assert most_at_once(Counted(LONG, most=4), most=1) == 4


def test_a_turn_is_given_back_after_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", LONG)

    def fail(_environ: Any, _start: Any) -> Iterable[bytes]:
        raise ZeroDivisionError

    middleware = Turns(fail, most=1, prefix="/")
    begun = time.monotonic()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            middleware({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_told: None)
    assert time.monotonic() - begun < turns.PATIENCE


def test_a_revoked_sign_in_is_refused_at_once_though_its_cookie_is_remembered(
    client: FlaskClient, db: Database
) -> None:
    with db.transaction() as session:
        person = factories.person(session, factories.institution(session, "A"))
    factories.sign_in(client, person)
    assert [client.get("/me").status_code for _ in range(3)] == [200] * 3
    with db.transaction() as session:
        session.execute(update(SignIn).values(revoked_at=clock.now()))
        assert len(session.scalars(select(SignIn.id)).all()) == 1
    assert client.get("/me").status_code in {302, 401}


@pytest.fixture
def small() -> Flask:
    app = Flask("small")
    app.secret_key = "secret"
    app.session_interface = cookies.Cookies()
    app.add_url_rule("/", "read", lambda: dict(flask.session))
    app.add_url_rule("/set/<word>", "write", lambda word: flask.session.update(word=word) or "")
    app.add_url_rule("/list", "more", lambda: flask.session.setdefault("all", []).append(1) or "")
    return app


def test_a_cookie_says_what_was_last_put_into_it(small: Flask) -> None:
    one, other = small.test_client(), small.test_client()
    one.get("/set/first")
    other.get("/set/second")
    assert [client.get("/").json for client in (one, other, one)] == [
        {"word": "first"}, {"word": "second"}, {"word": "first"},
    ]  # fmt: skip
    one.get("/set/third")
    assert [one.get("/").json for _ in range(2)] == [{"word": "third"}] * 2
    one.get("/list")
    assert [one.get("/").json for _ in range(2)] == [{"word": "third", "all": [1]}] * 2


def test_a_cookie_that_we_did_not_sign_says_nothing(small: Flask) -> None:
    client = small.test_client()
    client.get("/set/first")
    kept = client.get_cookie("session")
    assert kept is not None
    client.get("/")
    for forged in (kept.value[:-1], kept.value + "x", "", "x.y.z"):
        client.set_cookie("session", forged)
        assert client.get("/").json == {}


def test_cookies_kept_at_hand_are_bounded(small: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cookies, "_MOST", 2)
    for number in range(5):
        client = small.test_client()
        client.get(f"/set/{number}")
        assert client.get("/").json == {"word": str(number)}
    assert isinstance(small.session_interface, cookies.Cookies)
    assert len(small.session_interface._good) <= 2
