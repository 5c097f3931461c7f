"""A forgotten password: the same answer for everybody, an address good once and for an hour."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from lms.db import Database
from lms.outbox import Task
from lms.people.models import Account, AuditRow, Person, ResetToken, SignIn
from lms.people.service import token_hash
from tests import factories
from tests.people_world import PASSWORD, WRONG, account, enter, now

NEW = "가을의 낡은 연필 둘"


@pytest.fixture
def kim(db: Database) -> Person:
    with db.transaction() as session:
        home = factories.institution(session)
        return account(session, home, "kim", email="kim@example.kr", name="김보기")


def ask(app: Flask, login: str = "kim", **more: str) -> str:
    """Ask for a mail; returns the page."""
    browser = factories.browser(app)
    answer = browser.post("/sign-in/forgotten", data={"login": login}, **more)
    assert answer.status_code == 200
    return "\n".join(line for line in answer.text.splitlines() if 'name="csrf_token"' not in line)


def mails(db: Database) -> list[Task]:
    with db.reading() as session:
        return list(session.scalars(select(Task).where(Task.name == "mail.send").order_by(Task.id)))


def address(db: Database) -> str:
    """The path in the newest mail."""
    body: str = mails(db)[-1].payload["body"]
    return next(line for line in body.splitlines() if line.startswith("http")).removeprefix(
        "http://localhost"
    )


def renew(app: Flask, path: str, password: str = NEW, again: str | None = None) -> tuple[int, str]:
    data = {"password": password, "again": password if again is None else again}
    answer = factories.browser(app).post(path, data=data)
    return answer.status_code, answer.text


def test_a_mail_with_an_address_goes_to_the_person(app: Flask, db: Database, kim: Person) -> None:
    ask(app)
    [task] = mails(db)
    assert (task.payload["to"], task.institution_id) == ("kim@example.kr", kim.institution_id)
    assert task.payload["subject"] == "[이음] 비밀번호 다시 정하기"
    assert "김보기 님" in task.payload["body"]
    path = address(db)
    with db.reading() as session:
        kept = session.scalars(select(ResetToken)).one()
    assert kept.token_hash == token_hash(path.removeprefix("/reset/"))
    assert kept.until - now() <= timedelta(hours=1)


def test_known_and_unknown_logins_are_answered_alike(app: Flask, db: Database, kim: Person) -> None:
    with db.transaction() as session:
        account(session, session.get_one(Person, kim.id).institution, "lee", email=None)
    answers = {ask(app, login) for login in ("kim", "lee", "nobody", "")}
    assert len(answers) == 1
    assert [task.payload["to"] for task in mails(db)] == ["kim@example.kr"]


def test_a_forged_host_does_not_reach_the_mail(app: Flask, db: Database, kim: Person) -> None:
    ask(app, headers={"Host": "evil.example"})
    assert "evil" not in mails(db)[-1].payload["body"]


def test_the_address_works_once(app: Flask, db: Database, kim: Person) -> None:
    elsewhere = factories.browser(app)
    enter(elsewhere, "kim")
    ask(app)
    path = address(db)
    page = factories.browser(app).get(path)
    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "no-referrer")
    status, _ = renew(app, path)
    assert status == 200
    assert elsewhere.get("/me").status_code == 302
    assert [enter(factories.browser(app), "kim", each).status_code for each in (PASSWORD, NEW)] == [
        422,
        303,
    ]
    assert factories.browser(app).get(path).status_code == 410
    assert renew(app, path, "겨울의 흰 종이 셋 넷")[0] == 410
    assert enter(factories.browser(app), "kim", NEW).status_code == 303
    with db.reading() as session:
        audits = session.execute(select(AuditRow.act, AuditRow.actor_id, AuditRow.subject_id))
        assert audits.all() == [
            ("account.open", None, kim.id),
            ("password.change", kim.id, kim.id),
        ]


def test_one_use_ends_the_other_addresses(app: Flask, db: Database, kim: Person) -> None:
    ask(app)
    first = address(db)
    ask(app)
    second = address(db)
    assert renew(app, second)[0] == 200
    assert renew(app, first)[0] == 410


def test_the_address_works_for_an_hour(app: Flask, db: Database, kim: Person) -> None:
    ask(app)
    with db.transaction() as session:
        session.execute(update(ResetToken).values(until=now() - timedelta(seconds=1)))
    assert renew(app, address(db))[0] == 410
    assert enter(factories.browser(app), "kim").status_code == 303


def test_whoever_left_gets_in_no_more(app: Flask, db: Database, kim: Person) -> None:
    ask(app)
    with db.transaction() as session:
        session.execute(update(Person).values(status="retired"))
    assert renew(app, address(db))[0] == 410


def test_a_poor_password_leaves_the_address_good(app: Flask, db: Database, kim: Person) -> None:
    ask(app)
    path = address(db)
    status, page = renew(app, path, "짧다")
    assert (status, "10자보다 짧습니다" in page) == (422, True)
    status, page = renew(app, path, NEW, again=WRONG)
    assert (status, "두 칸이 서로 다릅니다" in page) == (422, True)
    assert renew(app, path)[0] == 200


def test_mails_are_few(app: Flask, db: Database, kim: Person) -> None:
    browser = factories.browser(app)
    answers = [
        browser.post("/sign-in/forgotten", data={"login": "kim"}).status_code for _ in range(5)
    ]
    unknown = [
        browser.post("/sign-in/forgotten", data={"login": "nobody"}).status_code for _ in range(5)
    ]
    assert answers == unknown == [200, 200, 200, 429, 429]
    assert len(mails(db)) == 3


def test_a_locked_person_gets_in_by_mail(app: Flask, db: Database, kim: Person) -> None:
    browser = factories.browser(app)
    assert [enter(browser, "kim", WRONG).status_code for _ in range(11)][-1] == 429
    ask(app)
    assert renew(app, address(db))[0] == 200
    assert enter(browser, "kim", NEW).status_code == 303


def test_a_made_up_address_opens_nothing(app: Flask, db: Database, kim: Person) -> None:
    ask(app)
    for token in ("x", "a" * 43, "%00", "..%2f"):
        assert renew(app, f"/reset/{token}")[0] in {404, 410}
    with db.reading() as session:
        assert session.scalar(select(func.count(SignIn.id))) == 0
        assert session.scalars(select(Account.changed_at)).one() == factories.NOW
