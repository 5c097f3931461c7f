"""One shape for every refusal, as a page and as JSON; a fault tells nobody its cause."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lms.edge import Blueprint, current_person, person, state
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
from lms.people.models import Person
from tests import factories
from tests.edge_world import OPEN, app_with, room, view

JSON = {"Accept": "application/json"}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    yield from app_with(monkeypatch, sqlite_url, tmp_path, room())
    view.clear()


@pytest.fixture
def learner(app: Flask) -> Person:
    with app.extensions["lms"].db.transaction() as session:
        return factories.person(session, factories.institution(session))


def raising(error: Exception) -> None:
    def fail() -> Any:
        raise error

    view["now"] = fail


REFUSALS: list[tuple[Any, int, str]] = [
    (InvalidError("「{what}」을(를) 고쳐 주십시오.", field="name", what="이름"), 422, "invalid"),
    (NotFoundError("찾는 것이 없습니다."), 404, "not_found"),
    (ForbiddenError("할 수 없습니다."), 403, "forbidden"),
    (ClosedError("지금은 닫혔습니다."), 409, "closed"),
    (ConflictError("이미 있습니다."), 409, "conflict"),
    (TooLargeError("너무 큽니다."), 413, "too_large"),
    (TooManyError("{retry_after}초 뒤에 다시 해 주십시오.", retry_after=30), 429, "too_many"),
    (BusyError("잠시 뒤에 다시 보내 주십시오."), 503, "busy"),
]


def test_a_refusal_is_json_of_one_shape(client: FlaskClient) -> None:
    for error, status, code in REFUSALS:
        raising(error)
        answer = client.get("/room", headers=JSON)
        field = {"field": error.field} if getattr(error, "field", None) else {}
        assert (answer.status_code, answer.json) == (
            status,
            {"error": {"code": code, "message": str(error), **field}},
        )
        assert answer.headers.get("Retry-After") == {429: "30", 503: "2"}.get(status)


def test_a_refusal_is_a_page_with_its_sentence(client: FlaskClient, learner: Person) -> None:
    factories.sign_in(client, learner)
    for error, status, _ in REFUSALS:
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


def test_nobody_is_asked_for_twice(client: FlaskClient, learner: Person, app: Flask) -> None:
    factories.sign_in(client, learner)
    view["now"] = lambda: f"{current_person() is person()} {state() is app.extensions['lms']}"
    assert client.get("/room").text == "True True"


def test_a_route_needs_permission_scope_and_view() -> None:
    bare = Blueprint("bare", __name__)
    with pytest.raises(TypeError, match="permission"):
        bare.get("/a", scope="public")(lambda: "")
    with pytest.raises(TypeError, match="scope"):
        bare.get("/a", permission=OPEN)(lambda: "")
    with pytest.raises(TypeError, match="no view"):
        bare.add_url_rule("/a", permission=OPEN, scope="public")
