"""One shape for every refusal, as a page and as JSON; a fault tells nobody its cause."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lms.db import Database
from lms.edge import Blueprint, current_person, person, session, state
from lms.errors import (
    BusyError,
    ClosedError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    SignInNeededError,
    TooLargeError,
    TooManyError,
)
from lms.people.models import Institution, Person, Tries
from lms.permissions import Permission, anyone
from tests import factories
from tests.edge_world import app_with

OPEN = Permission("test:open", anyone)
JSON = {"Accept": "application/json"}
view: dict[str, Callable[..., Any]] = {}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """On each database."""
    yield from opened(monkeypatch, database_url, tmp_path)


@pytest.fixture
def simple(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """On SQLite, for what no database changes."""
    yield from opened(monkeypatch, sqlite_url, tmp_path)


def opened(monkeypatch: pytest.MonkeyPatch, url: str, folder: Path) -> Iterator[Flask]:
    room = Blueprint("room", __name__)

    def run() -> Any:
        return view["now"]()

    def write() -> Any:
        return view["now"]()

    room.add_url_rule("/room", view_func=run, permission=OPEN, scope="public")
    room.add_url_rule("/room", view_func=write, methods=["POST"], permission=OPEN, scope="public")
    yield from app_with(monkeypatch, url, folder, room)
    view.clear()


@pytest.fixture
def learner(app: Flask) -> Person:
    with app.extensions["lms"].db.transaction() as session:
        return factories.person(session, factories.institution(session))


def raising(error: Exception) -> None:
    def fail() -> Any:
        raise error

    view["now"] = fail


REFUSALS = [
    (InvalidError("「{what}」을(를) 고쳐 주십시오.", field="name", what="이름"), 422, "invalid"),
    (NotFoundError("찾는 것이 없습니다."), 404, "not_found"),
    (ForbiddenError("할 수 없습니다."), 403, "forbidden"),
    (ClosedError("지금은 닫혔습니다."), 409, "closed"),
    (ConflictError("이미 있습니다."), 409, "conflict"),
    (TooLargeError("너무 큽니다."), 413, "too_large"),
    (TooManyError("{retry_after}초 뒤에 다시 해 주십시오.", retry_after=30), 429, "too_many"),
    (BusyError("잠시 뒤에 다시 보내 주십시오."), 503, "busy"),
]


@pytest.mark.parametrize(("error", "status", "code"), REFUSALS)
def test_a_refusal_is_json_of_one_shape(
    client: FlaskClient, error: Any, status: int, code: str
) -> None:
    raising(error)
    answer = client.get("/room", headers=JSON)
    field = {"field": error.field} if getattr(error, "field", None) else {}
    assert (answer.status_code, answer.json) == (
        status,
        {"error": {"code": code, "message": str(error), **field}},
    )
    assert answer.headers.get("Retry-After") == {429: "30", 503: "2"}.get(status)


@pytest.mark.parametrize(("error", "status", "code"), REFUSALS)
def test_a_refusal_is_a_page_with_its_sentence(
    client: FlaskClient, learner: Person, error: Any, status: int, code: str
) -> None:
    factories.sign_in(client, learner)
    raising(error)
    answer = client.get("/room")
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert str(error) in answer.text
    assert learner.name in answer.text  # the shell is the one that the person knows
    assert answer.headers.get("Retry-After") == {429: "30", 503: "2"}.get(status)


def test_who_is_not_signed_in_is_sent_to_sign_in_or_told_so(client: FlaskClient) -> None:
    raising(SignInNeededError("먼저 로그인해 주십시오."))
    page = client.get("/room?a=1&b=2")
    assert (page.status_code, page.headers["Location"]) == (
        302,
        "/sign-in?next=/room?a%3D1%26b%3D2",
    )
    assert client.post("/room").status_code == 401
    answer = client.get("/room", headers=JSON)
    assert (answer.status_code, answer.json) == (
        401,
        {"error": {"code": "sign_in", "message": "먼저 로그인해 주십시오."}},
    )


def test_a_sentence_is_in_the_readers_language_and_escaped(client: FlaskClient) -> None:
    raising(InvalidError("없는 문장: {what}", what="<script>alert(1)</script>"))
    page = client.get("/room")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


@pytest.mark.parametrize("path", ["/room", "/nothing-here"])
def test_what_flask_refuses_looks_like_ours(
    client: FlaskClient, learner: Person, path: str
) -> None:
    view["now"] = lambda: abort(404)
    for who in (None, learner):
        if who is not None:
            factories.sign_in(client, who)
        page = client.get(path)
        assert (page.status_code, page.mimetype) == (404, "text/html")
        assert "주소를 다시 확인하거나 오늘 화면에서 찾아 주십시오." in page.text
        answer = client.get(path, headers=JSON)
        assert (answer.status_code, answer.json) == (
            404,
            {
                "error": {
                    "code": "not_found",
                    "message": "주소를 다시 확인하거나 오늘 화면에서 찾아 주십시오.",
                }
            },
        )


def test_a_method_that_is_not_there(client: FlaskClient) -> None:
    answer = client.delete("/room", headers=JSON)
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "method_not_allowed")


SECRET = "canary-8f3a"


def test_a_fault_tells_nobody_its_cause(client: FlaskClient, learner: Person) -> None:
    raising(RuntimeError(f"{SECRET} at /var/lib/secret.py"))
    factories.sign_in(client, learner)
    for headers in ({}, JSON):
        answer = client.get("/room", headers=headers)
        assert answer.status_code == 500
        assert SECRET not in answer.text
        assert "Traceback" not in answer.text
        assert "RuntimeError" not in answer.text
    assert client.get("/room", headers=JSON).json["error"]["code"] == "fault"


def test_a_fault_undoes_what_was_written(client: FlaskClient, db: Database) -> None:
    def write_and_fail() -> Any:
        factories.institution(session(), "HALF")
        raise RuntimeError

    view["now"] = write_and_fail
    assert client.post("/room").status_code == 500
    with db.reading() as reader:
        assert reader.scalar(select(func.count()).select_from(Institution)) == 0


def test_a_reading_request_cannot_write(client: FlaskClient, db: Database) -> None:
    def write() -> Any:
        factories.institution(session(), "SLY")
        return "written"

    view["now"] = write
    assert client.get("/room").status_code == 500
    assert client.post("/room").text == "written"


def test_a_lost_race_is_looked_at_once_more(client: FlaskClient, db: Database) -> None:
    calls: list[int] = []

    def make() -> Any:
        """As two requests do that make one row: look, find nothing, insert."""
        calls.append(1)
        known = session().scalar(select(Tries.count).where(Tries.key == "k"))
        if known is None:
            if len(calls) == 1:  # the other one was quicker, between the look and the insert
                _insert_beside(db)
            session().execute(insert(Tries), {"key": "k", "window": 1, "count": 1})
        return f"known {known}"

    view["now"] = make
    if db.is_sqlite:  # nobody else can write while we do: the row is there when we look again
        view["now"] = lambda: _race_on_sqlite(calls)
    answer = client.post("/room")
    assert (answer.status_code, answer.text, len(calls)) == (200, "known 5", 2)


def _insert_beside(db: Database) -> None:
    with db.engine.begin() as connection:
        connection.execute(insert(Tries), {"key": "k", "window": 1, "count": 5})


def _race_on_sqlite(calls: list[int]) -> Any:
    calls.append(1)
    if len(calls) == 1:
        row = {"key": "k", "window": 1, "count": 5}
        session().execute(insert(Tries), row)
        session().execute(insert(Tries), row)
    # The first try was undone whole, its own row with it.
    assert session().scalar(select(Tries.count).where(Tries.key == "k")) is None
    return "known 5"


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT 1", {}, Exception("server closed the connection")),
        PoolTimeoutError("QueuePool limit of size 16 overflow 4 reached"),
    ],
)
def test_a_database_that_is_away_is_503_also_for_who_is_signed_in(
    client: FlaskClient,
    learner: Person,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    factories.sign_in(client, learner)
    view["now"] = lambda: person().name

    def away(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr("lms.people.service.find_actor", away)
    for headers in ({}, JSON):
        answer = client.get("/room", headers=headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert "지금 저장소에 닿지 못합니다." in answer.text


def test_the_session_is_closed_when_the_view_is_done(client: FlaskClient, db: Database) -> None:
    view["now"] = lambda: str(session().scalar(select(func.count()).select_from(Institution)))
    for _ in range(5):
        assert client.get("/room").text == "0"
        assert client.post("/room").text == "0"
    assert (db.reader.pool.checkedout(), db.engine.pool.checkedout()) == (0, 0)  # type: ignore[attr-defined]


def test_nobody_is_asked_for_twice(client: FlaskClient, learner: Person, app: Flask) -> None:
    factories.sign_in(client, learner)
    view["now"] = lambda: f"{current_person() is person()} {state() is app.extensions['lms']}"
    assert client.get("/room").text == "True True"


def test_a_route_needs_permission_scope_and_view() -> None:
    room = Blueprint("room", __name__)
    with pytest.raises(TypeError, match="permission"):
        room.get("/a", scope="public")(lambda: "")
    with pytest.raises(TypeError, match="scope"):
        room.get("/a", permission=OPEN)(lambda: "")
    with pytest.raises(TypeError, match="no view"):
        room.add_url_rule("/a", permission=OPEN, scope="public")
