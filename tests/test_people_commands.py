"""`lms person …` as somebody types it on the server."""

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from lms.db import Database
from lms.edge import State
from lms.errors import ConflictError, InvalidError
from lms.people.commands import person
from lms.people.founding import institution
from lms.people.models import Account, AuditRow, Person
from tests import factories
from tests.people_world import PASSWORD, enter

NEW = "가을의 낡은 연필 둘"


@pytest.fixture(autouse=True)
def _institutions(db: Database) -> None:
    with db.transaction() as session:
        factories.institution(session, "AAA")
        factories.institution(session, "BBB")


def lms(state: State, *told: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(person, told, obj=state, input=typed)


def test_a_person_from_first_to_last(app: Flask, state: State, db: Database) -> None:
    more = ("--birth-date", "1990-01-05", "--neis", "B101234523", "--role", "officer")
    made = lms(
        state,
        *("add", "--institution", "AAA", "--name", "김보기", "--login", "Kim", *more),
        typed=f"{PASSWORD}\n{PASSWORD}\n",
    )
    assert made.exit_code == 0, made.output
    browser = factories.browser(app)
    assert enter(browser, "kim").status_code == 303
    assert "1990. 1. **." in browser.get("/people").text

    assert lms(state, "grant", "kim", "auditor", "--reason", "시험").output == "김보기: auditor\n"
    assert browser.get("/people/access-log").status_code == 200
    assert lms(state, "revoke", "kim", "auditor", "--reason", "시험").output == "김보기: -auditor\n"
    assert browser.get("/people/access-log").status_code == 403

    changed = lms(state, "password", "kim", "--reason", "시험", "--password", NEW)
    assert changed.exit_code == 0
    assert browser.get("/me").status_code == 302
    assert enter(browser, "kim", NEW).status_code == 303

    listed = lms(state, "list", "--institution", "AAA").output
    assert listed.split("\t")[1:] == ["김보기", "", "teacher", "officer\n"]

    gone = lms(state, "forget", "kim", "--reason", "본인 요청", typed="y\n")
    assert gone.exit_code == 0
    assert browser.get("/me").status_code == 302
    with db.reading() as session:
        assert session.scalars(select(Person.name)).all() == ["(지움)"]
        acts = session.scalars(select(AuditRow.act).order_by(AuditRow.id)).all()
    assert acts == [
        "person.register",
        "account.open",
        "role.grant",
        "role.grant",
        "role.end",
        "password.change",
        "person.forget",
    ]


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (("add", "--name", "김"), "연수기관을 알 수 없습니다."),
        (("add", "--institution", "AAA", "--name", " "), "이름을 적어 주십시오."),
        (
            ("add", "--institution", "AAA", "--name", "김", "--neis", "1"),
            "나이스 개인번호가 아닙니다.",
        ),
        (
            ("add", "--institution", "AAA", "--name", "김", "--login", "k", "--password", "짧다"),
            "10자보다 짧습니다.",
        ),
        (("grant", "nobody", "officer", "--reason", "시험"), "“nobody”인 사람이 없거나"),
        (("password", "3", "--reason", "시험"), "“3”인 사람이 없거나"),
    ],
)
def test_a_refusal_is_a_sentence(
    state: State, db: Database, told: tuple[str, ...], sentence: str
) -> None:
    answer = lms(state, *told)
    assert (answer.exit_code, sentence in answer.output) == (1, True)
    with db.reading() as session:
        assert session.scalars(select(Person.id)).all() == []


def test_a_login_is_taken_once_an_institution(state: State, db: Database) -> None:
    told = ("add", "--name", "김", "--login", "kim", "--password", PASSWORD, "--institution")
    codes = [lms(state, *told, code).exit_code for code in ("AAA", "BBB", "AAA")]
    assert codes == [0, 0, 1]
    with db.reading() as session:
        assert session.scalars(select(Account.login)).all() == ["kim", "kim"]


def test_an_institution_is_founded_once(state: State, db: Database) -> None:
    told = ("add", "NEW", "새 연수원", "--home-page", "https://new.example")
    made = CliRunner().invoke(institution, told, obj=state)
    assert (made.exit_code, made.output) == (0, "NEW: 새 연수원 (https://new.example)\n")
    listed = CliRunner().invoke(institution, ("list",), obj=state).output.splitlines()
    assert listed[-1] == "NEW\t새 연수원\t-\thttps://new.example"
    with pytest.raises(ConflictError):
        CliRunner().invoke(institution, told, obj=state, catch_exceptions=False)
    wrong = ("add", "X", "이름", "--home-page", "no address")
    with pytest.raises(InvalidError):
        CliRunner().invoke(institution, wrong, obj=state, catch_exceptions=False)
    with db.reading() as session:
        assert session.scalars(select(AuditRow.act)).all() == ["institution.found"]
