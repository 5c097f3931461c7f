"""What every answer tells the browser to refuse, and that two host names stay two sites."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lms import clock
from lms.files import links
from lms.files.service import store
from lms.people.models import Institution, Person
from tests import factories, people_world
from tests.conftest import make_app

JSON = {"Accept": "application/json"}
POLICY = (
    "default-src 'self'; img-src 'self' http://127.0.0.1; media-src 'self' http://127.0.0.1; "
    "connect-src 'self' http://127.0.0.1; frame-src http://127.0.0.1; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "private, no-store",
}


def closed(answer: TestResponse) -> TestResponse:
    """Read whole, its file closed."""
    assert answer.data is not None
    answer.close()
    return answer


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    return sqlite_app


@pytest.fixture
def admin(app: Flask) -> Person:
    with app.extensions["lms"].db.transaction() as session:
        return factories.person(session, factories.institution(session), "institution_admin")


def test_every_page_has_the_security_headers(client: FlaskClient, admin: Person) -> None:
    paths = ["/", "/sign-in", "/nothing", "/verify", "/verify/none", "/healthz", "/readyz"]
    signed = ["/", "/courses", "/courses/1", "/record", "/me", "/people", "/people/access-log"]
    answers = [client.get(path) for path in paths]
    answers += [client.get(path, headers=JSON) for path in paths]
    answers.append(client.delete("/sign-in"))
    factories.sign_in(client, admin)
    answers += [client.get(path) for path in signed]
    answers.append(client.post("/preferences", headers={"Sec-Fetch-Site": "cross-site"}))
    for answer in answers:
        seen = {name: answer.headers.get(name) for name in HEADERS}
        assert (answer.request.path, seen) == (answer.request.path, HEADERS)
        assert "Strict-Transport-Security" not in answer.headers


def test_pages_hold_no_inline_script_or_style(client: FlaskClient, admin: Person) -> None:
    """The policy allows none, so a page that has one is broken in the browser."""
    factories.sign_in(client, admin)
    for path in ["/", "/courses", "/record", "/me", "/people", "/people/access-log", "/nothing"]:
        text = client.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        for tag in text.split("<script")[1:]:
            head = tag.partition(">")[0]
            assert "src=" in head or 'type="application/json"' in head


def test_a_static_file_is_kept_for_ever_and_named_by_its_content(client: FlaskClient) -> None:
    base = client.application.extensions["lms"].asset_base
    answer = closed(client.get(f"{base}ieum.css"))
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


@pytest.fixture
def https(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(
        sqlite_url,
        tmp_path,
        LMS_BASE_URL="https://lms.example",
        LMS_CONTENT_URL="https://files.example",
    )
    yield app
    app.extensions["lms"].db.dispose()


def test_over_https_the_cookie_is_locked_to_the_host(https: Flask) -> None:
    with https.extensions["lms"].db.transaction() as session:
        home = factories.institution(session)
        people_world.account(session, home, "teacher")
    client = factories.browser(https)
    answer = client.post(
        "/sign-in",
        data={"login": "teacher", "password": people_world.PASSWORD},
        base_url="https://lms.example",
    )
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    name, *parts = cookies[0].split("; ")
    assert name.startswith("__Host-lms=")
    assert sorted(parts) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "https://files.example" in answer.headers["Content-Security-Policy"]


def test_without_https_the_cookie_is_plain_but_closed(client: FlaskClient) -> None:
    cookie = client.get("/sign-in").headers["Set-Cookie"]
    name, *parts = cookie.split("; ")
    assert name.startswith("lms=")
    assert sorted(parts) == ["HttpOnly", "Path=/", "SameSite=Lax"]


def test_the_chosen_look_is_kept_in_closed_cookies(client: FlaskClient) -> None:
    answer = client.post("/preferences", data={"theme": "dark", "locale": "en"})
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


# Two host names: the site's, and the one that uploaded content is served from.


@pytest.fixture
def stored(app: Flask) -> tuple[Institution, str, str]:
    """An institution, the path of a link to its picture, and of a link to its page."""
    here = app.extensions["lms"]
    with here.db.transaction() as session:
        home = factories.institution(session)
        rows = [
            store(
                session,
                here.storage,
                home.id,
                name=name,
                media_type=kind,
                data=data,
                now=factories.NOW,
            )
            for name, kind, data in [
                ("그림.webp", "image/webp", b"RIFF0000WEBP"),
                ("evil.html", "text/html", b"<script>alert(1)</script>"),
            ]
        ]
    with app.test_request_context():
        picture, page = (
            links.content_url(here, row.id, institution_id=home.id, now=clock.now(), name=row.name)
            for row in rows
        )
    assert urlsplit(picture).netloc == "127.0.0.1"
    return home, urlsplit(picture).path, urlsplit(page).path


CONTENT = "http://127.0.0.1"


def test_content_is_served_on_its_own_host_alone(
    client: FlaskClient, stored: tuple[Institution, str, str]
) -> None:
    _, picture, _ = stored
    assert client.get(picture).status_code == 404
    answer = closed(client.get(picture, base_url=CONTENT))
    assert (answer.status_code, answer.mimetype, answer.data) == (
        200,
        "image/webp",
        b"RIFF0000WEBP",
    )
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; sandbox; frame-ancestors http://localhost"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["ETag"] == f'"{hashlib.sha256(b"RIFF0000WEBP").hexdigest()}"'


def test_what_could_act_is_downloaded(
    client: FlaskClient, stored: tuple[Institution, str, str]
) -> None:
    answer = closed(client.get(stored[2], base_url=CONTENT))
    assert (answer.status_code, answer.mimetype) == (200, "application/octet-stream")
    assert answer.headers["Content-Disposition"] == "attachment; filename=evil.html"


def test_no_page_of_ours_answers_on_the_content_host(client: FlaskClient, admin: Person) -> None:
    factories.sign_in(client, admin)
    with client.session_transaction() as mine:
        token = mine["_user_id"]
    with client.session_transaction(base_url=CONTENT) as theirs:  # as if a cookie had got there
        theirs["_user_id"] = token
    for path in ["/", "/courses", "/me", "/people", "/sign-in", "/xapi/about", "/healthz"]:
        answer = client.get(path, base_url=CONTENT)
        assert (path, answer.status_code) == (path, 404)
        assert admin.name not in answer.text
    assert client.post("/preferences", base_url=CONTENT).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "2." + token.partition(".")[2],
        lambda token: token.replace(".", ".f", 1),
        lambda token: token.rpartition(".")[0],
        lambda _token: "한글.이것.저것.그것",
        lambda _token: "x",
    ],
)
def test_a_changed_link_opens_nothing(
    client: FlaskClient, stored: tuple[Institution, str, str], change: object
) -> None:
    _, content, token, name = stored[1].split("/", 3)
    answer = client.get(f"/{content}/{change(token)}/{name}", base_url=CONTENT)  # type: ignore[operator]
    assert answer.status_code == 404


def test_a_link_ends(app: Flask, stored: tuple[Institution, str, str]) -> None:
    secret = app.extensions["lms"].secret
    token = stored[1].split("/")[2]
    opened = links.open_link(secret, token, now=clock.now())
    assert opened is not None
    assert links.open_link(secret, token, now=clock.now() + links.LIFE * 2) is None


def test_a_file_of_another_institution_is_not_opened_by_its_number(
    app: Flask, client: FlaskClient, stored: tuple[Institution, str, str]
) -> None:
    """A link names file and institution; one that joins two strangers opens nothing."""
    here = app.extensions["lms"]
    with here.db.transaction() as session:
        other = factories.institution(session)
    opened = links.open_link(here.secret, stored[1].split("/")[2], now=clock.now())
    assert opened is not None
    token = links.seal(here.secret, opened._replace(institution_id=other.id))
    assert client.get(f"/content/{token}/x.webp", base_url=CONTENT).status_code == 404
