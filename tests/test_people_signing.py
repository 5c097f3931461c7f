"""Signing in and out, and what an attacker may try at that door."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from lms import LMS, clock
from lms.db import Database
from lms.edge import State
from lms.errors import TooManyError
from lms.people import accounts, limiter, service
from lms.people.actor import Identity
from lms.people.models import Account, Person, SignIn, Tries
from tests import factories
from tests.conftest import make_app
from tests.people_world import PASSWORD, WRONG, account, enter, token_of


@pytest.fixture
def few(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A site where three wrong passwords are enough."""
    app = make_app(database_url, tmp_path, LMS_LOCKOUT_TRIES=3, LMS_ADDRESS_TRIES=8)
    yield app
    app.extensions["lms"].db.dispose()


def people(app: Flask, *logins: str) -> list[Person]:
    with app.extensions["lms"].db.transaction() as session:
        home = factories.institution(session)
        return [account(session, home, login) for login in logins]


def signs_in(answer: TestResponse) -> bool:
    return answer.status_code == 303


def test_the_right_password_signs_in_and_goes_on(app: Flask, db: Database) -> None:
    [kim] = people(app, "kim")
    browser = factories.browser(app)
    answer = enter(browser, " KIM ", next="/me")
    assert (answer.status_code, answer.location) == (303, "/me")
    token = token_of(browser)
    with db.reading() as session:
        row = session.scalars(select(SignIn)).one()
    assert (row.person_id, row.token_hash, row.device, row.revoked_at) == (
        kim.id,
        service.token_hash(token or ""),
        "Android · Chrome",
        None,
    )
    assert kim.name in browser.get("/me").text
    assert browser.get("/sign-in").status_code == 303


def test_the_token_stands_in_no_table(app: Flask, db: Database) -> None:
    people(app, "kim")
    browser = factories.browser(app)
    enter(browser, "kim")
    token = token_of(browser)
    with db.reading() as session:
        rows = session.execute(select(SignIn.__table__)).all()
    assert token
    assert token not in repr(rows)


def test_a_wrong_password_says_what_an_unknown_login_says(app: Flask, db: Database) -> None:
    people(app, "kim")
    wrong = enter(factories.browser(app), "kim", WRONG)
    unknown = enter(factories.browser(app), "lee", WRONG)
    assert wrong.status_code == unknown.status_code == 422
    assert without_token(wrong).replace("kim", "lee") == without_token(unknown)
    assert WRONG not in wrong.text
    with db.reading() as session:
        assert session.scalar(select(func.count(SignIn.id))) == 0


def without_token(answer: TestResponse) -> str:
    lines = answer.text.splitlines()
    return "\n".join(line.split('name="csrf_token"')[0] for line in lines)


def test_an_unknown_login_reaches_a_hash_as_well(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = counted(monkeypatch)
    enter(factories.browser(app), "nobody", WRONG)
    assert reached == [WRONG]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that reached a hash from now on."""
    reached: list[str] = []
    real = accounts.verify

    def verify(password_hash: str, password: str) -> bool:
        reached.append(password)
        return real(password_hash, password)

    monkeypatch.setattr(accounts, "verify", verify)
    return reached


def test_no_more_than_the_limit_reach_the_hash_over_all_doors(
    few: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    [kim] = people(few, "kim")
    inside = factories.browser(few)
    factories.sign_in(inside, kim)
    reached = counted(monkeypatch)
    change = {"current": WRONG, "password": "새 비밀번호 하나둘", "again": "새 비밀번호 하나둘"}
    answers = [
        enter(factories.browser(few), "kim", WRONG).status_code,
        inside.post("/me/password", data=change).status_code,
        enter(factories.browser(few), "ＫＩＭ", WRONG).status_code,
        enter(factories.browser(few), "kim").status_code,
        inside.post("/me/password", data=change).status_code,
    ]
    assert answers == [422, 422, 422, 429, 429]
    assert reached == [WRONG] * 3


def test_a_locked_answer_says_when_and_signs_nobody_in(few: Flask) -> None:
    people(few, "kim")
    browser = factories.browser(few)
    for _ in range(3):
        enter(browser, "kim", WRONG)
    answer = enter(browser, "kim")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= 16 * 60
    assert "분 뒤에 다시" in answer.text
    assert token_of(browser) is None


def test_an_unknown_login_is_locked_alike(few: Flask) -> None:
    assert [enter(factories.browser(few), "lee", WRONG).status_code for _ in range(4)] == [
        422,
        422,
        422,
        429,
    ]


def test_one_address_cannot_try_many_logins(few: Flask) -> None:
    answers = [enter(factories.browser(few), f"login{n}", WRONG).status_code for n in range(10)]
    assert answers == [422] * 8 + [429] * 2


def test_right_passwords_do_not_use_up_an_address(few: Flask, monkeypatch: Any) -> None:
    """A whole school signs in from one address in the first minutes of an afternoon."""
    logins = [f"teacher{n}" for n in range(10)]
    people(few, *logins)
    assert [enter(factories.browser(few), login).status_code for login in logins] == [303] * 10


def test_a_right_password_frees_its_account(few: Flask) -> None:
    people(few, "kim")
    browser = factories.browser(few)
    for _ in range(3):
        assert [enter(browser, "kim", WRONG).status_code for _ in range(2)] == [422, 422]
        assert signs_in(enter(factories.browser(few), "kim"))
    with few.extensions["lms"].db.reading() as session:
        assert session.scalar(select(func.sum(Tries.count))) == 6  # the address's own


def test_the_door_for_programs_shares_the_limit(few: Flask) -> None:
    state: State = few.extensions["lms"]
    # A name of a system may be wrong as often as an address, from wherever it is tried.
    for number in range(8):
        limiter.guard(state, "credential", "store", f"10.0.0.{number % 2}", clock.now())
    with pytest.raises(TooManyError):
        limiter.guard(state, "credential", "store", "10.0.0.2", clock.now())
    for number in range(4):
        limiter.guard(state, "credential", f"s{number}", "10.0.0.1", clock.now())
    with pytest.raises(TooManyError):
        limiter.guard(state, "credential", "s6", "10.0.0.1", clock.now())


def test_every_sign_in_has_a_new_token_and_ends_the_old(app: Flask, db: Database) -> None:
    people(app, "kim", "lee")
    browser = factories.browser(app)
    enter(browser, "kim")
    first = token_of(browser)
    with browser.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    enter(browser, "lee")
    assert token_of(browser) not in {first, None}
    with browser.session_transaction() as cookie:
        assert "planted" not in cookie
    with db.reading() as session:
        rows = session.execute(select(SignIn.token_hash, SignIn.revoked_at).order_by(SignIn.id))
        assert [
            (mark == service.token_hash(first or ""), ended is None) for mark, ended in rows
        ] == [
            (True, False),
            (False, True),
        ]


def test_a_planted_token_signs_nobody_in(app: Flask) -> None:
    people(app, "kim")
    browser = factories.browser(app)
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = "planted"
    assert browser.get("/me").status_code == 302
    enter(browser, "kim")
    assert token_of(browser) != "planted"


def test_a_copied_cookie_is_worthless_after_signing_out(app: Flask) -> None:
    people(app, "kim")
    browser, copy = factories.browser(app), factories.browser(app)
    enter(browser, "kim")
    stolen = token_of(browser)
    with copy.session_transaction() as cookie:
        cookie["_user_id"] = stolen
    assert copy.get("/me").status_code == 200
    answer = browser.post("/sign-out", data={"next": "/courses"})
    assert answer.status_code == 303
    assert "로그아웃했습니다" in browser.get(answer.location).text
    assert [browser.get("/me").status_code, copy.get("/me").status_code] == [302, 302]


@pytest.mark.parametrize(
    ("quiet", "since", "status"),
    [
        (timedelta(minutes=29), timedelta(hours=5), 200),
        (timedelta(minutes=31, seconds=5), timedelta(hours=5), 302),
        (timedelta(0), timedelta(days=6, hours=23), 200),
        (timedelta(0), timedelta(days=7, seconds=5), 302),
    ],
)
def test_a_sign_in_ends_when_idle_and_when_old(
    app: Flask, db: Database, quiet: timedelta, since: timedelta, status: int
) -> None:
    [kim] = people(app, "kim")
    browser = factories.browser(app)
    factories.sign_in(browser, kim)
    at = clock.now()
    with db.transaction() as session:
        session.execute(update(SignIn).values(seen_at=at - quiet, created_at=at - since))
    assert browser.get("/me").status_code == status


def test_an_act_keeps_the_sign_in(app: Flask, db: Database) -> None:
    [kim] = people(app, "kim")
    browser = factories.browser(app)
    factories.sign_in(browser, kim, at=clock.now() - timedelta(minutes=29))
    before = clock.now()
    browser.get("/me")
    db.writer.do(lambda connection: None)
    with db.reading() as session:
        assert session.scalars(select(SignIn.seen_at)).one() >= before


def test_staying_is_one_click(app: Flask, db: Database) -> None:
    [kim] = people(app, "kim")
    browser = factories.browser(app)
    factories.sign_in(browser, kim, at=clock.now() - timedelta(minutes=29))
    before = clock.now()
    answer = browser.post("/session/extend")
    assert (answer.status_code, answer.json["seconds"]) == (200, 1800)
    with db.reading() as session:
        assert session.scalars(select(SignIn.seen_at)).one() >= before
    page = browser.post("/session/extend", data={"next": "/me"}, headers={"Accept": "text/html"})
    assert (page.status_code, page.location) == (303, "/me")
    assert factories.browser(app).post("/session/extend").status_code == 401


def test_whoever_left_cannot_sign_in(app: Flask, db: Database) -> None:
    people(app, "kim")
    for status in ("retired", "forgotten"):
        with db.transaction() as session:
            session.execute(update(Person).values(status=status))
        assert enter(factories.browser(app), "kim").status_code == 422


def test_the_host_says_which_institution(app: Flask, db: Database) -> None:
    with db.transaction() as session:
        shared = factories.institution(session)
        own = factories.institution(session, host="own.example")
        here, there = account(session, shared, "kim"), account(session, own, "kim")
    for host, person in (("localhost", here), ("own.example", there)):
        browser = factories.browser(app)
        data = {"login": "kim", "password": PASSWORD}
        assert signs_in(browser.post("/sign-in", data=data, base_url=f"http://{host}"))
        page = browser.get("/me", base_url=f"http://{host}")
        assert person.name in page.text


def test_the_same_login_in_two_institutions_is_asked_about(app: Flask, db: Database) -> None:
    with db.transaction() as session:
        first = factories.institution(session, "AAA")
        second = factories.institution(session, "BBB")
        account(session, first, "kim")
        lee = account(session, second, "kim")
    browser = factories.browser(app)
    asked = enter(browser, "kim")
    assert asked.status_code == 200
    assert ['value="AAA"' in asked.text, 'value="BBB"' in asked.text] == [True, True]
    assert PASSWORD not in asked.text
    assert signs_in(enter(browser, "kim", institution="BBB"))
    assert lee.name in browser.get("/me").text
    # Who does not know the password is not told where the login is known.
    wrong = enter(factories.browser(app), "kim", WRONG)
    assert (wrong.status_code, "AAA" in wrong.text) == (422, False)


def test_a_password_changed_meanwhile_signs_nobody_in(
    app: Flask, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(app, "kim")
    real = accounts.matching

    def slow(found: Any, password: str) -> Any:
        answer = real(found, password)
        with db.transaction() as session:
            session.execute(update(Account).values(password_hash="another"))
        return answer

    monkeypatch.setattr(accounts, "matching", slow)
    assert enter(factories.browser(app), "kim").status_code == 422


def test_old_parameters_are_renewed_at_sign_in(app: Flask, db: Database) -> None:
    people(app, "kim")
    weak = accounts.argon2.PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1)
    with db.transaction() as session:
        session.execute(update(Account).values(password_hash=weak.hash(accounts._normal(PASSWORD))))
    assert signs_in(enter(factories.browser(app), "kim"))
    with db.reading() as session:
        kept = session.scalars(select(Account.password_hash)).one()
    assert not accounts.needs_rehash(kept)
    assert signs_in(enter(factories.browser(app), "kim"))


def test_another_site_cannot_sign_anybody_in(app: Flask) -> None:
    people(app, "kim")
    browser = factories.browser(app)
    browser.environ_base["HTTP_SEC_FETCH_SITE"] = "cross-site"
    assert enter(browser, "kim").status_code == 403


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_sent_elsewhere(sqlite_app: Flask, next_: str) -> None:
    people(sqlite_app, "kim")
    browser = factories.browser(sqlite_app)
    page = browser.get("/sign-in", query_string={"next": next_})
    assert 'name="next" value="/"' in page.text
    assert enter(browser, "kim", next=next_).location == "/"


def test_a_demonstration_lists_its_accounts(sqlite_url: str, tmp_path: Path) -> None:
    app = make_app(sqlite_url, tmp_path, LMS_DEMO=True)
    listed = [
        {
            "role": "연수생",
            "institution": "보기 연수원",
            "login": "demo",
            "password": "둘러보기용 열쇠",
        }
    ]
    browser = factories.browser(app)
    assert "둘러보기 계정" not in browser.get("/sign-in").text
    sheet = tmp_path / "var" / "demo.json"
    sheet.write_text(json.dumps({"base_url": "http://localhost", "accounts": listed}))
    page = browser.get("/sign-in").text
    assert [text in page for text in listed[0].values()] == [True] * 4
    sheet.write_text("{broken")
    assert browser.get("/sign-in").status_code == 200
    app.extensions["lms"].db.dispose()


def test_without_a_demonstration_nothing_is_listed(sqlite_app: Flask, tmp_path: Path) -> None:
    (tmp_path / "var" / "demo.json").write_text(
        json.dumps(
            {"accounts": [{"role": "r", "institution": "i", "login": "l", "password": "geheim"}]}
        )
    )
    assert "geheim" not in factories.browser(sqlite_app).get("/sign-in").text


def test_a_host_site_has_no_door_of_ours(sqlite_url: str, tmp_path: Path) -> None:
    host = Flask("host")
    host.config.from_mapping(
        SECRET_KEY="host",
        LMS_DATABASE_URL=sqlite_url,
        LMS_VAR=str(tmp_path / "var"),
        LMS_SECRET="test-secret",
        LMS_DATA_KEY="test-key",
    )
    known = Identity(issuer="host", subject="1", name="박보기")
    state = LMS(identify=lambda: known).init_app(host, url_prefix="/learn")
    with state.db.transaction() as session:
        factories.institution(session)
    browser = factories.browser(host)
    page = browser.get("/learn/me")
    assert (page.status_code, "박보기" in page.text) == (200, True)
    assert ["지금 비밀번호" in page.text, "로그인한 기기" in page.text] == [False, False]
    doors = {
        "/learn/sign-in": ("GET", "POST"),
        "/learn/sign-out": ("POST",),
        "/learn/sign-in/forgotten": ("GET", "POST"),
        "/learn/reset/x": ("GET", "POST"),
    }
    answers = {
        browser.open(path, method=method).status_code
        for path, methods in doors.items()
        for method in methods
    }
    assert answers == {404}
    assert browser.post("/learn/session/extend").json["seconds"] == 1800
    chosen = browser.post("/learn/preferences", data={"locale": "en", "next": "/learn/me"})
    assert (chosen.status_code, chosen.location) == (303, "/learn/me")
    assert '<html lang="en"' in browser.get("/learn/me").text
    state.db.dispose()
