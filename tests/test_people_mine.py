"""One's own page: preferences, password, devices."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lms.db import Database
from lms.people.models import Person, SignIn
from lms.people.service import token_hash
from tests import factories
from tests.people_world import PASSWORD, WRONG, account, enter, sealed, token_of

NEW = "가을의 낡은 연필 둘"


@pytest.fixture
def kim(db: Database) -> Person:
    with db.transaction() as session:
        return account(session, factories.institution(session), "kim")


@pytest.fixture
def browser(app: Flask, kim: Person) -> FlaskClient:
    browser = factories.browser(app)
    enter(browser, "kim")
    return browser


def test_my_page_masks_what_is_sealed(app: Flask, db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        lee = sealed(session, home, organisation_id=factories.organisation(session, home).id)
    browser = factories.browser(app)
    factories.sign_in(browser, lee)
    page = browser.get("/me").text
    shown = (lee.name, "가온중학교", "1990. 1. **.", "B10*****23", "kim@example.kr", "이 기기")
    assert [each in page for each in shown] == [True] * len(shown)
    assert [each in page for each in ("B101234523", "1990. 1. 5.")] == [False, False]
    assert "지금 비밀번호" not in page  # no local account, nothing to change


def test_language_and_colours_follow_the_person(
    app: Flask, db: Database, browser: FlaskClient, kim: Person
) -> None:
    answer = browser.post("/me/preferences", data={"locale": "en", "theme": "dark", "next": "/me"})
    assert (answer.status_code, answer.location) == (303, "/me")
    with db.reading() as session:
        row = session.get_one(Person, kim.id)
    assert (row.locale, row.theme) == ("en", "dark")
    elsewhere = factories.browser(app)
    enter(elsewhere, "kim")
    page = elsewhere.get("/me").text
    assert ['lang="en"' in page, 'data-theme="dark"' in page] == [True, True]


def test_language_can_be_chosen_before_signing_in(app: Flask) -> None:
    browser = factories.browser(app)
    answer = browser.post("/preferences", data={"locale": "en", "next": "/sign-in?next=/me"})
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/me")
    assert '<html lang="en"' in browser.get("/sign-in").text
    browser.post("/preferences", data={"theme": "dark", "locale": "xx"})
    page = browser.get("/sign-in").text
    assert ['<html lang="en"' in page, 'data-theme="dark"' in page] == [True, True]
    browser.post("/preferences", data={"theme": "<script>"})
    assert 'data-theme="dark"' in browser.get("/sign-in").text


def test_a_new_password_signs_the_others_out(app: Flask, browser: FlaskClient, kim: Person) -> None:
    other = factories.browser(app)
    enter(other, "kim")
    answer = browser.post("/me/password", data={"current": PASSWORD, "password": NEW, "again": NEW})
    assert answer.status_code == 303
    assert "비밀번호를 바꾸고" in browser.get(answer.location).text
    assert [browser.get("/me").status_code, other.get("/me").status_code] == [200, 302]
    statuses = [enter(factories.browser(app), "kim", each).status_code for each in (PASSWORD, NEW)]
    assert statuses == [422, 303]


@pytest.mark.parametrize(
    ("current", "password", "again", "sentence"),
    [
        (WRONG, NEW, NEW, "지금 쓰는 비밀번호와 다릅니다."),
        (PASSWORD, "짧다", "짧다", "10자보다 짧습니다."),
        (PASSWORD, NEW, WRONG, "두 칸이 서로 다릅니다."),
    ],
)
def test_a_refused_password_changes_nothing(
    app: Flask, browser: FlaskClient, current: str, password: str, again: str, sentence: str
) -> None:
    answer = browser.post(
        "/me/password", data={"current": current, "password": password, "again": again}
    )
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert enter(factories.browser(app), "kim").status_code == 303


def test_a_device_can_be_signed_out_from_another(app: Flask, browser: FlaskClient) -> None:
    other = factories.browser(app)
    enter(other, "kim")
    lost = row_of(app, other)
    assert browser.get("/me").text.count("이 기기") == 1
    answer = browser.post(f"/me/sign-ins/{lost}/revoke")
    assert answer.status_code == 303
    assert [browser.get("/me").status_code, other.get("/me").status_code] == [200, 302]
    assert browser.post(f"/me/sign-ins/{lost}/revoke").status_code == 404


def test_all_other_devices_at_once(app: Flask, browser: FlaskClient) -> None:
    others = [factories.browser(app) for _ in range(2)]
    for each in others:
        enter(each, "kim")
    browser.post("/me/sign-ins/others/revoke")
    assert [each.get("/me").status_code for each in (browser, *others)] == [200, 302, 302]


def test_nobody_ends_anothers_sign_in(app: Flask, db: Database, browser: FlaskClient) -> None:
    with db.transaction() as session:
        lee = factories.person(session, factories.institution(session))
    other = factories.browser(app)
    factories.sign_in(other, lee)
    assert browser.post(f"/me/sign-ins/{row_of(app, other)}/revoke").status_code == 404
    assert other.get("/me").status_code == 200


def test_my_own_device_leads_to_the_door(app: Flask, browser: FlaskClient) -> None:
    answer = browser.post(f"/me/sign-ins/{row_of(app, browser)}/revoke")
    assert answer.location == "/sign-in?left=1"
    assert browser.get("/me").status_code == 302


@pytest.mark.parametrize("path", ["/me", "/people", "/people/access-log"])
def test_nobody_signed_in_goes_to_the_door_and_back(sqlite_app: Flask, path: str) -> None:
    answer = factories.browser(sqlite_app).get(path)
    assert (answer.status_code, answer.location) == (302, f"/sign-in?next={path}")


def row_of(app: Flask, browser: FlaskClient) -> int:
    with app.extensions["lms"].db.reading() as session:
        query = select(SignIn.id).where(SignIn.token_hash == token_hash(token_of(browser) or ""))
        return int(session.scalars(query).one())
