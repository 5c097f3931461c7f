"""The institution's settings, the audit search and the access log's review."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lms.db import Database
from lms.people import access, audit, settings_form
from lms.people.actor import Actor
from lms.people.audit_words import ACT_WORDS
from lms.people.models import AccessRow, AuditRow, Institution, Person
from lms.people.settings import InstitutionSettings, parse
from lms.people.settings_form import ASKED
from tests import factories
from tests.test_people_staff import browser_of, queries


@pytest.fixture
def home(db: Database) -> Institution:
    with db.transaction() as session:
        return factories.institution(session, "SETI")


@pytest.fixture
def admin(app: Flask, home: Institution) -> FlaskClient:
    return browser_of(app, home, "institution_admin")


def form_of(home: Institution, **more: str) -> dict[str, str]:
    told = {
        **settings_form.shown(home),
        "seen": settings_form.revision(home),
        "reason": "계획에 따름",
        **more,
    }
    return {name: value for name, value in told.items() if value}


def fresh(db: Database, home: Institution) -> Institution:
    with db.reading() as session:
        return session.get_one(Institution, home.id)


def test_every_setting_stands_in_the_form_once() -> None:
    names = [one.name for one in ASKED]
    assert sorted(names) == sorted(InstitutionSettings.__struct_fields__)


def test_what_is_shown_is_read_again(db: Database, home: Institution) -> None:
    settings = InstitutionSettings(
        help_phone="02-1", service_bounds=(3, 7), seal=("가", "나", "다", "라")
    )
    with db.transaction() as session:
        session.get_one(Institution, home.id).settings = msgspec.to_builtins(settings)
    now = fresh(db, home)
    read = settings_form.read(settings_form.shown(now))
    assert read.wrong == {}
    assert InstitutionSettings(**{one.name: read.values[one.name] for one in ASKED}) == settings


def test_a_change_leaves_one_audit_row_with_before_and_after(
    admin: FlaskClient, db: Database, home: Institution
) -> None:
    answer = admin.post(
        "/institution",
        data=form_of(home, progress_permille="80", score_min="70.5", name="새 연수원"),
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/institution?done=changed")
    now = fresh(db, home)
    assert (now.name, parse(dict(now.settings)).progress_permille) == ("새 연수원", 800)
    with db.reading() as session:
        rows = session.execute(
            select(AuditRow.reason, AuditRow.detail).where(AuditRow.act == "institution.change")
        ).all()
    assert [tuple(row) for row in rows] == [
        (
            "계획에 따름",
            {
                "before": {"name": "SETI 연수원", "progress_permille": 900, "score_min": 6000},
                "after": {"name": "새 연수원", "progress_permille": 800, "score_min": 7050},
            },
        )
    ]
    page = admin.get("/audit").text
    assert "이수에 필요한 진도: 900 → 800" in page
    # The very same again changes nothing.
    again = admin.post("/institution", data=form_of(now))
    assert again.headers["Location"] == "/institution?done=same"


WRONG = [
    ("score_min", "59.9", "60점보다 낮게는 법령에 따라 정할 수 없습니다"),
    ("score_min", "101", "60점에서 100점까지"),
    ("progress_permille", "0", "1에서 100까지의 수"),
    ("progress_permille", "열", "1에서 100까지의 수"),
    ("result_days", "11", "1에서 10까지의 수"),
    ("units_per_day", "-1", "0에서 100까지의 수"),
    ("speed_percent", "50", "100에서 300까지의 수"),
    ("service_bounds", "5, 3", "작은 수부터"),
    ("service_bounds", "오", "쉼표로 나누어"),
    ("number_pattern", "{kind}", "일련번호 자리"),
    ("number_pattern", "{serial} {x}", "쓸 수 없는 자리"),
    ("seal", "이음", "네 줄을 빗금으로"),
    ("certificate_sentence", " ", "비워 둘 수 없습니다"),
    ("name", "", "비워 둘 수 없습니다"),
    ("help_phone", "0" * 31, "30자까지"),
    ("reason", "", "왜 바꾸는지"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_value_is_told_and_nothing_is_kept(
    sqlite_app: Flask, name: str, value: str, said: str
) -> None:
    db = sqlite_app.extensions["lms"].db
    with db.transaction() as session:
        home = factories.institution(session, "SETI")
    admin = browser_of(sqlite_app, home, "institution_admin")
    answer = admin.post("/institution", data=form_of(home, head_title="새 원장") | {name: value})
    assert (answer.status_code, said in answer.text) == (422, True)
    assert "새 원장" in answer.text  # what was typed is kept
    assert fresh(db, home).settings == {}


def test_two_people_do_not_undo_each_other_unseen(
    admin: FlaskClient, db: Database, home: Institution
) -> None:
    mine = form_of(home, units_per_day="3")
    assert admin.post("/institution", data=form_of(home, units_per_day="5")).status_code == 303
    answer = admin.post("/institution", data=mine)
    assert (answer.status_code, "그사이 다른 사람이" in answer.text) == (422, True)
    assert parse(dict(fresh(db, home).settings)).units_per_day == 5


def test_the_number_is_shown_before_it_is_kept(
    admin: FlaskClient, db: Database, home: Institution
) -> None:
    assert re.search(r"SETI-직무-\d{4}-0117-00001", admin.get("/institution").text)
    data = form_of(home, number_pattern="{year}/{serial:03}", act="preview")
    page = admin.post("/institution", data=data).text
    assert re.search(r"\d{4}/001", page)
    assert fresh(db, home).settings == {}


def test_an_auditor_reads_and_changes_nothing(app: Flask, home: Institution) -> None:
    auditor = browser_of(app, home, "auditor")
    page = auditor.get("/institution")
    assert (page.status_code, "설정 바꾸기" in page.text) == (200, False)
    assert auditor.post("/institution", data=form_of(home)).status_code == 403


# The audit search


def told(db: Database, home: Institution, **more: Any) -> None:
    row = {
        "institution_id": home.id,
        "actor_id": None,
        "act": "role.grant",
        "subject": "run",
        "subject_id": 1,
        "reason": "시험",
        "now": factories.NOW,
        **more,
    }
    with db.transaction() as session:
        audit.write(session, **row)


def rows_of(page: str) -> list[str]:
    return re.findall(r'data-label="까닭"[^>]*><span>(.*?)</span>', page)


def test_the_trail_is_narrowed_by_who_what_whom_and_when(
    app: Flask, db: Database, home: Institution, admin: FlaskClient
) -> None:
    with db.transaction() as session:
        kim = factories.person(session, home, name="김감사")
        other = factories.institution(session)
    told(db, home, reason="하나", actor_id=kim.id, role="officer")
    told(db, home, reason="둘", act="complete", subject="completion", subject_id=7)
    told(db, home, reason="셋", now=factories.NOW + timedelta(days=3))
    told(db, other, reason="남의 것")

    def found(**asked: str) -> list[str]:
        return rows_of(admin.get("/audit", query_string=asked).text)

    assert found(subject="run") == ["셋", "하나"]
    assert found(who="감사") == ["하나"]
    assert found(act="complete") == ["둘"]
    assert found(subject="completion", number="7") == ["둘"]
    assert found(since="2026-11-26") == ["셋"]
    assert found(until="2026-11-23", subject="run") == ["하나"]
    assert found(act="no.such", number="x", since="soon")[:1] == ["셋"]
    assert "남의 것" not in found()
    assert "역할: 과정 담당자" in admin.get("/audit?who=감사").text


def test_every_page_of_the_trail_once(db: Database, home: Institution, admin: FlaskClient) -> None:
    for number in range(120):
        told(db, home, reason=f"r{number}", now=factories.NOW + timedelta(seconds=number // 7))
    seen: list[str] = []
    address = "/audit?subject=run"
    while address:
        page = admin.get(address).text
        seen += rows_of(page)
        following = re.search(r'href="(\?[^"]*before=[^"]*)"', page)
        address = "/audit" + following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"r{number}" for number in reversed(range(120))]


def test_the_sheet_holds_exactly_what_is_shown_and_leaves_its_reason(
    app: Flask, db: Database, home: Institution, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.people.auditing.SHEET_PAGE", 2)
    for number in range(5):
        told(db, home, reason=f"=r{number}", now=factories.NOW + timedelta(minutes=number))
    told(db, home, reason="다른", act="complete")
    assert admin.post("/audit/export", data={"reason": " "}).status_code == 422
    answer = admin.post(
        "/audit/export", data={"reason": "자체 감사", "act": "role.grant", "subject": "run"}
    )
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["때", "한 사람", "한 일", "무엇에", "까닭", "자세히"]
    assert [row[4] for row in rows[1:]] == [f"'=r{number}" for number in reversed(range(5))]
    assert rows[-1][0] == "2026-11-23 14:03:12"
    with db.reading() as session:
        logged = session.execute(select(AccessRow.act, AccessRow.subject, AccessRow.reason)).all()
    assert [tuple(row) for row in logged] == [("download", "audit", "자체 감사")]


def test_the_trail_costs_the_same_for_one_and_for_three(
    app: Flask, db: Database, home: Institution, admin: FlaskClient
) -> None:
    admin.get("/audit")
    costs = []
    for more in (1, 2):
        for _ in range(more):
            told(db, home)
        with queries(app) as seen:
            admin.get("/audit")
        costs.append(len(seen))
    assert costs[0] == costs[1]


# The access log


def looked(db: Database, home: Institution, who: Person, at: datetime, **more: Any) -> None:
    actor = Actor(
        person_id=who.id,
        institution_id=home.id,
        name="",
        account_name="",
        home_page="",
        zone="Asia/Seoul",
        institution_name="",
        institution_short="",
        institution_settings={},
        organisation=None,
        rank=None,
        locale=None,
        theme="",
        roles=frozenset(),
    )
    row = {
        "address": "203.0.113.5",
        "act": "view",
        "subject": "person",
        "subject_id": who.id,
        **more,
    }
    with db.transaction() as session:
        access.log(session, actor, now=at, **row)


def test_the_log_is_narrowed_by_person_act_and_period(
    db: Database, home: Institution, admin: FlaskClient
) -> None:
    with db.transaction() as session:
        kim = factories.person(session, home, name="김본이")
        lee = factories.person(session, home, name="이본이")
    october = datetime(2026, 10, 31, 14, 59, tzinfo=UTC)
    looked(db, home, kim, october, reason="하나", subject_id=lee.id)
    looked(
        db,
        home,
        lee,
        october + timedelta(minutes=1),
        act="download",
        reason="둘",
        subject="people",
        subject_id=None,
    )

    def found(**asked: str) -> list[str]:
        return rows_of(admin.get("/people/access-log", query_string=asked).text)[:2]

    assert found() == ["둘", "하나"]
    assert found(who="김본") == ["하나"]
    assert found(whom="이본") == ["하나"]
    assert found(act="download") == ["둘"]
    assert found(until="2026-10-31") == ["하나"]
    assert found(since="2026-11-01") == ["둘"]
    assert found(month="2026-10") == ["하나"]


def test_a_month_is_looked_through_once_and_says_so(
    app: Flask, db: Database, home: Institution, admin: FlaskClient
) -> None:
    today = datetime.now(UTC).astimezone().date()
    last = date.fromordinal(today.replace(day=1).toordinal() - 1)
    with db.transaction() as session:
        kim = factories.person(session, home)
    looked(db, home, kim, datetime(last.year, last.month, 3, tzinfo=UTC))
    data = {"month": f"{last:%Y-%m}", "reason": "이상 없음"}
    assert admin.post("/people/access-log/review", data=data).status_code == 303
    page = admin.get("/people/access-log").text
    assert ["확인함" in page, "이상 없음" in page] == [True, True]
    with db.reading() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.act == "access.review")).one()
    assert (row.subject_id, row.detail) == (
        last.year * 100 + last.month,
        {"month": f"{last:%Y-%m}", "rows": 1},
    )
    statuses = [
        admin.post("/people/access-log/review", data=wrong).status_code
        for wrong in (
            data,
            {**data, "month": f"{today:%Y-%m}"},
            {**data, "month": "soon"},
            {"month": "2026-01", "reason": " "},
        )
    ]
    assert statuses == [409, 422, 422, 422]
    auditor = browser_of(app, home, "auditor")
    assert auditor.post("/people/access-log/review", data=data).status_code == 403


def test_every_act_in_our_code_has_words() -> None:
    from tests.test_architecture import modules

    acts = {
        act
        for _, _, source in modules()
        for act in re.findall(r'\bact="([a-z_]+\.[a-z_]+|complete|issue|revoke|withdraw)"', source)
    }
    assert acts - set(ACT_WORDS) == set()
