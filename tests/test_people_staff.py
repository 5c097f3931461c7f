"""Pages about people: masked lists, logged views, downloads with a reason, roles."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from lms.db import Database
from lms.people import posts
from lms.people.models import AccessRow, AuditRow, Institution, Person, RoleGrant
from tests import factories
from tests.people_world import sealed

ROLES = ("learner", "course_manager", "instructor", "officer", "institution_admin", "auditor")


@pytest.fixture
def home(db: Database) -> Institution:
    with db.transaction() as session:
        return factories.institution(session, "SETI")


@pytest.fixture
def kim(db: Database, home: Institution) -> Person:
    with db.transaction() as session:
        school = factories.organisation(session, home)
        return sealed(session, home, name="김보기", organisation_id=school.id)


def browser_of(app: Flask, home: Institution, *roles: str) -> FlaskClient:
    browser = factories.browser(app)
    with app.extensions["lms"].db.transaction() as session:
        wanted = [role for role in roles if role != "learner"]
        who = factories.person(session, home, *wanted, name=f"나{'·'.join(roles)}")
    factories.sign_in(browser, who)
    return browser


@contextmanager
def queries(app: Flask) -> Iterator[list[str]]:
    """The statements that reading requests send meanwhile."""
    seen: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    engine = app.extensions["lms"].db.reader
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def accesses(db: Database) -> list[tuple[object, ...]]:
    db.writer.do(lambda connection: None)
    with db.reading() as session:
        rows = session.execute(
            select(
                AccessRow.act, AccessRow.subject, AccessRow.subject_id, AccessRow.reason
            ).order_by(AccessRow.id)
        )
        return [tuple(row) for row in rows]


def test_lists_are_masked(app: Flask, home: Institution, kim: Person) -> None:
    page = browser_of(app, home, "officer").get("/people").text
    shown = ("김보기", "가온중학교", "1990. 1. **.", "B10*****23", "교원")
    assert [each in page for each in shown] == [True] * len(shown)
    assert [each in page for each in ("B101234523", "1990-01-05", "1990. 1. 5.")] == [False] * 3


@pytest.mark.parametrize(
    ("role", "opened"),
    [("officer", True), ("institution_admin", True), ("auditor", False), ("operator", False)],
)
def test_each_look_at_a_person_is_written_down(
    app: Flask, db: Database, home: Institution, kim: Person, role: str, opened: bool
) -> None:
    browser = browser_of(app, home, role)
    page = browser.get(f"/people/{kim.id}")
    assert page.status_code == 200
    assert ["B101234523" in page.text, "1990. 1. 5." in page.text] == [opened, opened]
    assert ("역할 주기" in page.text) is (role == "institution_admin")
    assert accesses(db) == [("view", "person", kim.id, None)]


def test_another_institution_sees_nobody(
    app: Flask, db: Database, home: Institution, kim: Person
) -> None:
    with db.transaction() as session:
        other = factories.institution(session)
    browser = browser_of(app, other, "officer", "institution_admin")
    assert "김보기" not in browser.get("/people").text
    assert browser.get(f"/people/{kim.id}").status_code == 404
    answer = browser.post(
        f"/people/{kim.id}/roles", data={"act": "grant", "role": "officer", "reason": "시험"}
    )
    assert answer.status_code == 404
    data = {"reason": "시험"}
    assert "김보기" not in browser.post("/people/export", data=data).text
    assert ("view", "person", kim.id, None) not in accesses(db)


def test_who_may_what(app: Flask, home: Institution, kim: Person) -> None:
    for role in ROLES:
        _check_role(browser_of(app, home, role), kim, role)


def _check_role(browser: FlaskClient, kim: Person, role: str) -> None:
    reads = role in {"officer", "institution_admin", "auditor"}
    expected = {
        "list": 200 if reads else 403,
        "person": 200 if reads else 403,
        "export": 200 if role in {"officer", "institution_admin"} else 403,
        "log": 200 if role in {"institution_admin", "auditor"} else 403,
        "grant": 303 if role == "institution_admin" else 403,
    }
    grant = {"act": "grant", "role": "auditor", "reason": "시험"}
    assert {
        "list": browser.get("/people").status_code,
        "person": browser.get(f"/people/{kim.id}").status_code,
        "export": browser.post("/people/export", data={"reason": "시험"}).status_code,
        "log": browser.get("/people/access-log").status_code,
        "grant": browser.post(f"/people/{kim.id}/roles", data=grant).status_code,
    } == expected


def test_the_search_knows_names_and_organisations(
    app: Flask, db: Database, home: Institution, kim: Person
) -> None:
    with db.transaction() as session:
        factories.person(session, home, name="50%이름_이")
    browser = browser_of(app, home, "officer")

    def found(text: str) -> list[str]:
        page = browser.get("/people", query_string={"q": text}).text
        return re.findall(r'<a href="/people/\d+">(.*?)</a>', page)

    assert found("보기") == ["김보기"]
    assert found("가온") == ["김보기"]
    assert found("50%") == ["50%이름_이"]
    assert found("름_") == ["50%이름_이"]
    assert found("없는이름") == []


def test_every_page_of_the_list_once(app: Flask, db: Database, home: Institution) -> None:
    with db.transaction() as session:
        for number in range(120):
            factories.person(session, home, name=f"이{number % 7}", subject=f"s{number}")
    browser = browser_of(app, home, "officer")
    seen: list[str] = []
    address = "/people"
    while address:
        page = browser.get(address).text
        seen += re.findall(r'<a href="/people/(\d+)">', page)
        following = re.search(r'href="(\?[^"]*after=[^"]*)"', page)
        address = "/people" + following[1].replace("&amp;", "&") if following else ""
    assert (len(seen), len(set(seen))) == (121, 121)


@pytest.mark.parametrize("path", ["/people", "/people/access-log"])
def test_a_list_costs_the_same_for_one_and_for_three(
    app: Flask, db: Database, home: Institution, path: str
) -> None:
    browser = browser_of(app, home, "institution_admin")
    browser.get(path)
    counts = []
    for more in (1, 2):
        with db.transaction() as session:
            school = factories.organisation(session, home)
            made = [
                sealed(session, home, "officer", organisation_id=school.id) for _ in range(more)
            ]
        for one in made:
            browser.get(f"/people/{one.id}")
        with queries(app) as seen:
            assert browser.get(path).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_download_names_its_reason(
    app: Flask, db: Database, home: Institution, kim: Person
) -> None:
    browser = browser_of(app, home, "officer")
    refused = browser.post("/people/export", data={"reason": "  "})
    assert (refused.status_code, accesses(db)) == (422, [])
    answer = browser.post("/people/export", data={"reason": "나이스 등재 확인", "q": "김"})
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="people-')
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))) == [
        ["성명", "소속", "구분", "직급", "생년월일", "나이스 개인번호", "전자우편", "상태"],
        [
            "김보기",
            "가온중학교",
            "교원",
            "",
            "1990-01-05",
            "B101234523",
            "kim@example.kr",
            "재직",
        ],
    ]
    assert accesses(db) == [("download", "people", None, "나이스 등재 확인")]


def test_a_download_runs_no_formula(app: Flask, db: Database, home: Institution) -> None:
    with db.transaction() as session:
        factories.person(session, home, name='=HYPERLINK("http://evil.example")')
    browser = browser_of(app, home, "officer")
    text = browser.post("/people/export", data={"reason": "시험", "q": "HYPER"}).text
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows[1][0] == '\'=HYPERLINK("http://evil.example")'


def test_a_download_is_complete(
    app: Flask, db: Database, home: Institution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.people.directory.SHEET_PAGE", 3)
    with db.transaction() as session:
        for number in range(8):
            factories.person(session, home, name=f"이{number // 3}", subject=f"s{number}")
    browser = browser_of(app, home, "officer")
    text = browser.post("/people/export", data={"reason": "시험", "q": "이"}).text
    assert len(text.splitlines()) == 9


def test_the_log_shows_who_saw_whom(app: Flask, home: Institution, kim: Person) -> None:
    browser = browser_of(app, home, "officer")
    browser.get(f"/people/{kim.id}")
    browser.post("/people/export", data={"reason": "나이스 등재 확인"})
    admin = browser_of(app, home, "institution_admin")
    page = admin.get("/people/access-log").text
    shown = ("나officer", "김보기", "여러 사람", "나이스 등재 확인", "127.0.0.1")
    assert [each in page for each in shown] == [True] * len(shown)
    month = datetime.now().astimezone().strftime("%Y-%m")
    assert "나officer" in admin.get(f"/people/access-log?month={month}").text
    assert "나officer" not in admin.get("/people/access-log?month=2001-02").text
    assert admin.get("/people/access-log?month=soon&before=x").status_code == 200


def test_a_role_is_given_and_ended_with_a_reason(
    app: Flask, db: Database, home: Institution, kim: Person
) -> None:
    admin = browser_of(app, home, "institution_admin")
    path = f"/people/{kim.id}/roles"
    given = {"role": "officer", "act": "grant", "reason": "새 담당자"}
    assert admin.post(path, data=given).status_code == 303
    assert admin.post(path, data=given).status_code == 303  # twice is once
    assert "새 담당자" in admin.get(f"/people/{kim.id}").text
    kims = factories.browser(app)
    factories.sign_in(kims, kim)
    assert kims.get("/people").status_code == 200
    ended = {**given, "act": "end", "reason": "자리 옮김"}
    assert admin.post(path, data=ended).status_code == 303
    assert kims.get("/people").status_code == 403
    with db.reading() as session:
        audits = session.execute(
            select(AuditRow.act, AuditRow.reason, AuditRow.detail)
            .where(AuditRow.subject_id == kim.id)
            .order_by(AuditRow.id)
        )
        role = {"role": "officer", "run_id": None}
        assert [tuple(row) for row in audits] == [
            ("role.grant", "새 담당자", role),
            ("role.end", "자리 옮김", role),
        ]


def test_a_wrong_change_of_role_changes_nothing(
    app: Flask, db: Database, home: Institution, kim: Person
) -> None:
    admin = browser_of(app, home, "institution_admin")
    wrong = [
        ("grant", "officer", " ", 422),
        ("grant", "operator", "시험", 403),
        ("grant", "learner", "시험", 403),
        ("grant", "king", "시험", 403),
        ("crown", "officer", "시험", 422),
    ]
    for act, role, reason, status in wrong:
        data = {"act": act, "role": role, "reason": reason}
        assert admin.post(f"/people/{kim.id}/roles", data=data).status_code == status
    with db.reading() as session:
        held = session.scalars(select(RoleGrant).where(RoleGrant.person_id == kim.id)).all()
    assert held == []


def test_no_administrator_locks_themselves_out(app: Flask, db: Database, home: Institution) -> None:
    admin = browser_of(app, home, "institution_admin")
    with db.reading() as session:
        me = session.scalars(select(Person.id)).one()
    data = {"act": "end", "role": "institution_admin", "reason": "시험"}
    assert admin.post(f"/people/{me}/roles", data=data).status_code == 403
    assert admin.get("/people/access-log").status_code == 200


def test_a_role_for_one_run_and_for_ones_school(
    app: Flask, db: Database, home: Institution, kim: Person
) -> None:
    state = app.extensions["lms"]
    with db.transaction() as session:
        course = factories.course(session, state.kinds, home)
        run = factories.run(session, course, name="3월 상설")
        other = factories.run(
            session, factories.course(session, state.kinds, factories.institution(session))
        )
        nowhere = factories.person(session, home)
        retired = factories.person(session, home, status="retired")
    admin = browser_of(app, home, "institution_admin")

    def give(to: Person, role: str, run_id: object = "") -> int:
        data = {"act": "grant", "role": role, "run": run_id, "reason": "시험"}
        return admin.post(f"/people/{to.id}/roles", data=data).status_code

    assert give(kim, "course_manager", run.id) == 303
    assert give(kim, "school_officer") == 303
    wrong = [
        give(kim, "course_manager"),
        give(kim, "officer", run.id),
        give(kim, "course_manager", other.id),
        give(kim, "instructor", 10**6),
        give(nowhere, "school_officer"),
        give(retired, "officer"),
    ]
    assert wrong == [422] * 6
    page = admin.get(f"/people/{kim.id}").text
    assert f"{course.title} 2026-{run.number}기 · 3월 상설" in page
    end = {"act": "end", "role": "course_manager", "run": run.id, "reason": "마침"}
    assert admin.post(f"/people/{kim.id}/roles", data=end).status_code == 303
    with db.reading() as session:
        held = session.scalars(
            select(RoleGrant.role).where(
                RoleGrant.person_id == kim.id, RoleGrant.ended_at.is_(None)
            )
        ).all()
    assert held == ["school_officer"]


def test_the_list_is_narrowed_by_category_state_and_role(
    app: Flask, db: Database, home: Institution, kim: Person
) -> None:
    with db.transaction() as session:
        factories.person(session, home, "auditor", name="이휴직", status="leave")
        factories.person(session, home, name="박공무", staff_category="local_official")
    browser = browser_of(app, home, "officer")

    def found(**asked: str) -> list[str]:
        page = browser.get("/people", query_string=asked).text
        return re.findall(r'<a href="/people/\d+">(.*?)</a>', page)

    assert found(status="leave") == ["이휴직"]
    assert found(category="local_official") == ["박공무"]
    assert found(role="auditor") == ["이휴직"]
    assert found(role="officer", q="가온") == []
    assert len(found(status="gone", category="x", role="y")) == 4


def test_a_count_does_not_grow_with_the_register(
    app: Flask, db: Database, home: Institution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.people.directory.COUNTED", 3)
    with db.transaction() as session:
        for number in range(6):
            factories.person(session, home, name=f"이{number}")
    assert "3명 넘음" in browser_of(app, home, "officer").get("/people").text


def test_a_persons_page_tells_the_posts(
    app: Flask, db: Database, home: Institution, kim: Person
) -> None:
    with db.transaction() as session:
        posts.record(
            session,
            session.get_one(Person, kim.id),
            from_on=date(2025, 3, 1),
            reason="leave",
            status="leave",
            actor_id=None,
            now=factories.NOW,
        )
    page = browser_of(app, home, "officer").get(f"/people/{kim.id}").text
    assert "2025. 3. 1. –" in page
    assert "휴직" in page
