"""The pages of the record store: statements, credentials, how it is doing."""

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from content import reading_acts
from lms import clock
from lms.edge import State
from lms.people.models import AccessRow, AuditRow, Institution, Person
from lms.xapi import store, vocabulary
from lms.xapi.models import Credential, Statement
from lms.xapi.store import Authority
from lms.xapi.views import statements as views
from tests import factories
from tests.xapi_samples import encoded
from tests.xapi_world import STATEMENT, System

NEW_HERE = re.compile(r'id="s-([0-9a-f-]{36})"')


@dataclass
class Office:
    """An institution whose administrator is at the pages, and a learner who completed a course."""

    app: Flask
    client: FlaskClient
    home: Institution
    admin: Person
    learner: Person
    registration: str
    course_id: int
    run_id: int

    @property
    def state(self) -> State:
        found: State = self.app.extensions["lms"]
        return found

    def open(self, path: str = "", **query: Any) -> str:
        answer = self.client.get(f"/manage/records{path}", query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.text

    def rows(self, **query: Any) -> list[str]:
        return NEW_HERE.findall(self.open(**query))

    def keep(self, *values: Any, at: Any = None) -> list[str]:
        authority = Authority("somebody", self.home.home_page)
        now = at or clock.now()
        raws = [encoded(value) for value in values]
        work: Callable[[Any], Any] = lambda connection: store.add(  # noqa: E731
            connection, self.home.id, raws, authority=authority, now=now
        )
        return [one.statement_id for one in self.state.db.writer.do(work)]

    def all(self, wanted: Any) -> list[Any]:
        self.state.db.writer.do(lambda _connection: None)  # what was left for later is done
        with self.state.db.reading() as session:
            return list(session.execute(wanted).all())

    def signed_in(self, *roles: str) -> FlaskClient:
        with self.state.db.transaction() as session:
            person = factories.person(session, self.home, *roles)
        client = factories.browser(self.app)
        factories.sign_in(client, person)
        return client


def office_of(app: Flask) -> Office:
    state: State = app.extensions["lms"]
    now = clock.now() - timedelta(hours=2)
    with state.db.transaction() as session:
        home = factories.institution(session)
        admin = factories.person(session, home, "institution_admin")
        learner = factories.person(session, home, name="함다솜")
        run = factories.run(session, factories.course(session, state.kinds, home))
        enrolment = factories.enrolment(session, state.hook, learner, run, now=now)
        [page] = factories.activities(session, enrolment)
        reading_acts.launch(session, state.hook, enrolment.id, page, now=now)
        reading_acts.view(session, state.hook, enrolment, page, now=now)
        told = enrolment.registration, run.course_id, run.id
    client = factories.browser(app)
    factories.sign_in(client, admin)
    return Office(app, client, home, admin, learner, *told)


@pytest.fixture
def office(app: Flask) -> Office:
    return office_of(app)


@pytest.fixture
def quick(sqlite_app: Flask) -> Office:
    return office_of(sqlite_app)


@contextmanager
def counted(office: Office) -> Iterator[list[str]]:
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    reader = office.state.db.reader
    event.listen(reader, "before_cursor_execute", hear)
    yield said
    event.remove(reader, "before_cursor_execute", hear)


def test_statements_stand_there_newest_first_with_names(office: Office) -> None:
    [strange] = office.keep(STATEMENT)
    text = office.open()
    rows = NEW_HERE.findall(text)
    assert rows[0] == strange
    assert len(rows) == len(office.all(select(Statement.id)))
    assert {"함다솜", "a@example.kr", "http://example.kr/a", "did"} <= set(
        re.findall(r"(?<=>)[^<>\s][^<>]*(?=<)", text)
    )


def test_they_are_narrowed_by_who_what_where_and_when(office: Office) -> None:
    day = clock.local_day(clock.now(), "Asia/Seoul")
    old = clock.now() - timedelta(days=40)
    [first] = office.keep(STATEMENT, at=old)
    account = {"account": {"homePage": "https://a.example", "name": "x"}}
    [second] = office.keep({**STATEMENT, "actor": account, "verb": {"id": "http://a.kr/v"}})
    learners = office.rows(who="함다솜")
    assert len(learners) == len(office.rows()) - 2
    assert office.rows(who=office.learner.account_name) == learners
    assert office.rows(registration=office.registration) == learners
    for query in (
        {"who": "a@example.kr"},
        {"who": "mailto:a@example.kr"},
        {"verb": "http://example.kr/did"},
        {"until": str(clock.local_day(old, "Asia/Seoul"))},
    ):
        assert office.rows(**query) == [first], query
    assert office.rows(who=encoded(account).decode()) == [second]
    assert office.rows(activity="http://example.kr/a") == [second, first]
    assert office.rows(activity="http://example.kr/a", since=str(day)) == [second]
    completed = office.rows(verb=vocabulary.COMPLETED)
    assert completed
    assert set(completed) < set(learners)


def test_what_cannot_be_looked_for_is_said_and_kept(quick: Office) -> None:
    for query, said in (
        ({"who": "없는사람"}, "이름 전체나 이메일"),
        ({"who": "{"}, "요청의 agent 값"),
        ({"activity": "활동"}, "요청의 activity 값"),
        ({"registration": "1"}, "요청의 registration 값"),
        ({"since": "어제"}, "날짜를 다시"),
        ({"who": "a\x00b"}, "이름 전체나 이메일"),
        ({"more": "x"}, "요청의 more 값"),
    ):
        text = html.unescape(quick.open(**query))
        assert said in text, query
        assert NEW_HERE.findall(text) == []


def test_of_namesakes_one_is_chosen(quick: Office) -> None:
    with quick.state.db.transaction() as session:
        other = factories.person(session, quick.home, name="함다솜")
    text = quick.open(who="함다솜")
    assert NEW_HERE.findall(text) == []
    chosen = re.findall(r'href="(/manage/records\?who=account-\d+)"', text)
    assert len(chosen) == 2
    assert quick.learner.account_name in chosen[0]
    assert other.account_name in chosen[1]


def test_pages_follow_each_other_without_a_gap(quick: Office) -> None:
    kept = [
        quick.keep(STATEMENT, at=clock.now() + timedelta(milliseconds=number))[0]
        for number in range(views.PAGE + 5)
    ]
    text = quick.open(verb="http://example.kr/did")
    rows = NEW_HERE.findall(text)
    quick.keep(STATEMENT, at=clock.now() + timedelta(minutes=1))
    [following] = re.findall(r'href="([^"]+more=[^"]+)"', text)
    rest = quick.client.get(html.unescape(following)).text
    assert rows + NEW_HERE.findall(rest) == kept[::-1]
    assert "data-tail-turn" not in rest


def test_a_page_asks_as_much_for_many_rows_as_for_few(office: Office) -> None:
    with counted(office) as few:
        office.open()
    with office.state.db.transaction() as session:
        people = [factories.person(session, office.home) for _ in range(20)]
    for one in people:
        account = {"homePage": office.home.home_page, "name": one.account_name}
        office.keep({**STATEMENT, "actor": {"account": account}})
    with counted(office) as many:
        assert people[0].name in office.open()
    assert len(many) == len(few)


def test_new_ones_are_told_once_they_come(office: Office) -> None:
    text = office.open(activity="http://example.kr/a")
    [newest] = re.findall(r'data-newest="([^"]+)"', text)
    [address] = re.findall(r'data-tail="([^"]+)"', text)
    address = html.unescape(address)

    def newer(after: str) -> dict[str, str]:
        full = f"{address}&after={after}" if "?" in address else f"{address}?after={after}"
        answer = office.client.get(full)
        assert answer.status_code == 200
        told: dict[str, str] = answer.get_json()
        return told

    assert newer(newest) == {"lines": newer(newest)["lines"], "newest": newest}
    assert NEW_HERE.findall(newer(newest)["lines"]) == []
    first = office.keep(STATEMENT)
    office.keep({**STATEMENT, "object": {"id": "http://example.kr/other"}})
    told = newer(newest)
    assert NEW_HERE.findall(told["lines"]) == first
    [second] = office.keep(STATEMENT)
    again = newer(told["newest"])
    assert NEW_HERE.findall(again["lines"])[0] == second
    assert again["newest"] > told["newest"] > newest
    assert office.client.get("/manage/records/newer?after=x").status_code == 422


def test_a_statement_is_shown_whole_with_what_leans_on_it(office: Office) -> None:
    [(leant_on,)] = office.all(
        select(Statement.statement_id).where(Statement.verb == vocabulary.EXPERIENCED)
    )
    text = office.open(f"/statements/{leant_on}")
    shown = html.unescape(re.sub(r"<[^>]+>", "", text))
    assert f'"id": "{leant_on}"' in shown
    assert "이수가 이 문장에 기대고 있습니다" in shown
    assert "이 문장이 움직였습니다" in shown
    for href in (
        f"/people/{office.learner.id}",
        f"/manage/courses/{office.course_id}",
        f"/manage/runs/{office.run_id}/results",
        f"/manage/records?registration={office.registration}",
    ):
        assert f'href="{href}"' in text, href
    [(joined,)] = office.all(
        select(Statement.statement_id).where(Statement.verb == vocabulary.REGISTERED)
    )
    assert "기대고 있습니다" not in office.open(f"/statements/{joined}")
    assert office.client.get(f"/manage/records/statements/{'0' * 8}").status_code == 404


def test_links_lead_only_where_the_reader_may_go(quick: Office) -> None:
    [kept] = quick.all(
        select(Statement.statement_id).where(Statement.verb == vocabulary.EXPERIENCED)
    )
    operator = quick.signed_in("operator")
    text = operator.get(f"/manage/records/statements/{kept[0]}").text
    assert f"/people/{quick.learner.id}" in text
    assert "/manage/courses/" not in text
    assert "/results" not in text


def test_a_strange_statement_and_a_voided_one_are_shown(quick: Office) -> None:
    value = {
        "actor": {"objectType": "Group", "member": [STATEMENT["actor"]]},
        "verb": {"id": "http://example.kr/did"},
        "object": {
            "objectType": "SubStatement",
            **STATEMENT,
            "object": {
                "id": "http://example.kr/b",
                "definition": {"name": {"fr": "<b>x</b>", "en-GB": "a <i>thing</i>"}},
            },
        },
        "result": {"score": {"scaled": -0.5}, "success": False},
    }
    [kept] = quick.keep(value)
    [by] = quick.keep(
        {
            **STATEMENT,
            "verb": {"id": vocabulary.VOIDED},
            "object": {"objectType": "StatementRef", "id": kept},
        }
    )
    text = quick.open(f"/statements/{kept}")
    assert "무효가 되었습니다" in text
    assert f"/manage/records/statements/{by}" in text
    assert "<i>thing" not in text
    assert "a &lt;i&gt;thing&lt;/i&gt;" in text
    assert kept not in quick.rows()
    assert "무효가 되었습니다" not in quick.open(f"/statements/{by}")


def test_who_looked_is_written_down(quick: Office) -> None:
    [kept] = quick.all(
        select(Statement.statement_id).where(Statement.verb == vocabulary.EXPERIENCED)
    )
    [strange] = quick.keep(STATEMENT)
    quick.open()
    quick.open(f"/statements/{kept[0]}")
    quick.open(f"/statements/{strange}")
    quick.open(verb="http://example.kr/nothing")
    wanted = select(AccessRow.act, AccessRow.subject, AccessRow.subject_id, AccessRow.reason)
    assert quick.all(wanted.order_by(AccessRow.id)) == [
        ("view", "statement", None, None),
        ("view", "person", quick.learner.id, kept[0]),
        ("view", "statement", None, strange),
    ]
    assert quick.client.get("/people/access-log").status_code == 200


# Credentials


def told(text: str, name: str) -> str:
    [found] = re.findall(rf'<code class="records-secret" id="{name}">([^<]+)<', text)
    return str(found)


def test_credentials_are_made_renewed_and_revoked(office: Office) -> None:
    form = {"name": "안전교육 업체", "scopes": ["statements/write", "state"], "reason": "계약"}
    made = office.client.post("/manage/records/credentials", data=form)
    assert (made.status_code, made.headers["Cache-Control"]) == (200, "no-store")
    username, secret = told(made.text, "username"), told(made.text, "secret")
    vendor = System(office.app, office.home.id, username, secret)
    assert [vendor.post(STATEMENT).status_code, vendor.get().status_code] == [200, 403]
    assert secret not in office.open("/credentials")
    [(id_,)] = office.all(select(Credential.id))
    address = f"/manage/records/credentials/{id_}"
    renewed = office.client.post(f"{address}/rotate", data={"hours": "1", "reason": "바꿈"})
    assert (renewed.status_code, renewed.headers["Cache-Control"]) == (200, "no-store")
    new = System(office.app, office.home.id, username, told(renewed.text, "secret"))
    assert [one.post(STATEMENT).status_code for one in (vendor, new)] == [200, 200]
    page = office.open("/credentials")
    assert "옛 비밀 값은" in page
    assert "아직 없음" not in page
    ended = office.client.post(f"{address}/revoke", data={"reason": "끝"})
    assert "열쇠를 거두었습니다" in ended.text
    assert [one.post(STATEMENT).status_code for one in (vendor, new)] == [401, 401]
    again = office.client.post(f"{address}/rotate", data={"hours": "1", "reason": "바꿈"})
    assert again.status_code == 409
    acts = select(AuditRow.act, AuditRow.reason, AuditRow.actor_id).where(
        AuditRow.subject == "credential"
    )
    assert office.all(acts.order_by(AuditRow.id)) == [
        ("credential.made", "계약", office.admin.id),
        ("credential.rotated", "바꿈", office.admin.id),
        ("credential.revoked", "끝", office.admin.id),
    ]
    assert "새 비밀 값을 줌" in office.client.get("/audit").text


def test_what_is_wrong_in_a_form_is_said_and_nothing_is_done(quick: Office) -> None:
    whole = {"name": "업체", "scopes": "all", "reason": "계약"}
    for name, said in (
        ("name", "열쇠의 이름을 적어"),
        ("scopes", "쓸 수 없는 권한 범위"),
        ("reason", "까닭을 한 줄로"),
    ):
        form = {key: value for key, value in whole.items() if key != name}
        answer = quick.client.post("/manage/records/credentials", data=form)
        assert answer.status_code == 422
        assert said in answer.text
    long = quick.client.post("/manage/records/credentials", data=whole | {"name": "가" * 101})
    assert long.status_code == 422
    assert quick.all(select(Credential.id)) == []
    quick.client.post("/manage/records/credentials", data=whole)
    [(id_, before)] = quick.all(select(Credential.id, Credential.secret_hash))
    for form in (
        {"hours": "1"},
        {"reason": "바꿈"},
        {"hours": "-1", "reason": "바꿈"},
        {"hours": "99999999999999", "reason": "바꿈"},
    ):
        answer = quick.client.post(f"/manage/records/credentials/{id_}/rotate", data=form)
        assert (answer.status_code, "records-secret" in answer.text) == (422, False), form
    answer = quick.client.post(f"/manage/records/credentials/{id_}/revoke", data={"reason": " "})
    assert answer.status_code == 422
    kept = select(Credential.id, Credential.secret_hash, Credential.revoked_at)
    assert quick.all(kept) == [(id_, before, None)]


def test_an_auditor_reads_and_sees_no_forms(quick: Office) -> None:
    quick.client.post(
        "/manage/records/credentials", data={"name": "업체", "scopes": "all", "reason": "계약"}
    )
    auditor = quick.signed_in("auditor")
    text = auditor.get("/manage/records/credentials").text
    assert "업체" in text
    assert 'name="reason"' not in text
    assert "/manage/records" in auditor.get("/").text
    officer = quick.signed_in("officer")
    assert officer.get("/manage/records").status_code == 403
    assert "/manage/records" not in officer.get("/").text


# Health


def test_health_tells_how_much_came_and_when(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now().replace(minute=30, second=0, microsecond=0) + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: at)
    factories.sign_in(office.client, office.admin)
    hours = [0, 0, 1, 23]
    for back in hours:
        office.keep(STATEMENT, at=at - timedelta(hours=back))
    office.keep(STATEMENT, at=at - timedelta(hours=24))
    total = len(office.all(select(Statement.id)))
    text = office.open("/health")
    counts = [int(one) for one in re.findall(r'<td class="num">(\d+)</td>', text)]
    assert (len(counts), counts[0], counts[1], counts[23], sum(counts)) == (24, 2, 1, 1, 4)
    figures = re.findall(r"<dd>([\d,.:]+)", text)
    last = at.astimezone(ZoneInfo("Asia/Seoul"))
    assert figures[:3] == ["4", str(total), f"{last:%H:%M:%S}"]
    monkeypatch.setattr("lms.xapi.views.health.MOST_COUNTED", 2)
    assert "건 넘게" in office.open("/health")


def test_health_of_an_empty_store(sqlite_app: Flask) -> None:
    state: State = sqlite_app.extensions["lms"]
    with state.db.transaction() as session:
        admin = factories.person(session, factories.institution(session), "institution_admin")
    client = factories.browser(sqlite_app)
    factories.sign_in(client, admin)
    assert "아직 없습니다" in client.get("/manage/records/health").text
    assert "아직 문장이 없습니다" in client.get("/manage/records").text
