"""The personnel sheet from upload to history: previewed, confirmed, once."""

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from lms import clock
from lms.db import Database
from lms.people import intake, keeping
from lms.people.models import AuditRow, Institution, Intake, Organisation, Person, Post
from tests import factories
from tests.people_world import sealed
from tests.sheets_world import (
    GOOD,
    HEAD,
    SEALER,
    confirm,
    counts,
    csv_of,
    mark_of,
    officer,
    people,
    preview,
    schools,
    upload,
)


@pytest.fixture
def home(db: Database) -> Institution:
    return schools(db)


@pytest.fixture
def browser(app: Flask, home: Institution) -> FlaskClient:
    return officer(app, home)


def test_a_sheet_is_previewed_then_brought_in_then_the_same(
    browser: FlaskClient, db: Database, home: Institution
) -> None:
    place, text = preview(browser, csv_of(*GOOD))
    assert people(db) == []
    assert "3명 반영하기" in text
    assert [each in text for each in ("B10*****61", "1990. 1. **.")] == [True, True]
    assert "B101234561" not in text
    done = browser.post(f"{place}/confirm", data={"mark": mark_of(text)})
    assert "3줄을 반영했습니다." in browser.get(done.headers["Location"]).text
    kept = people(db)
    assert kept == [
        ("김하나", "S1", "교사", "active"),
        ("박세찬", "S1", None, "active"),
        ("이두리", "S2", "교감", "active"),
    ]
    # The same again, by name and by form: nothing is written.
    again = browser.post(f"{place}/confirm", data={"mark": mark_of(text)})
    assert again.status_code == 303
    with db.reading() as session:
        before = session.scalar(select(func.count(AuditRow.id)))
    _, text = preview(browser, csv_of(*GOOD))
    assert "모든 줄이 이미 등록된 것과 같습니다" in text
    assert counts(db) == {"error": 0, "check": 0, "new": 0, "change": 0, "same": 3}
    with db.reading() as session:
        assert session.scalar(select(func.count(AuditRow.id))) == before
        assert session.scalar(select(func.count(Post.id))) == 3
        assert session.scalar(select(Intake.sealed).where(Intake.confirmed_at.is_not(None))) is None
    assert people(db) == kept


def test_changes_keep_their_history_and_the_missing_are_never_touched(
    browser: FlaskClient, db: Database
) -> None:
    confirm(browser, csv_of(*GOOD))
    head = ("나이스개인번호", "성명", "학교코드", "재직상태", "발령일", "발령구분", "이메일")
    moved = [("B101234561", "김하나", "S2", "", "2026-09-01", "전보", "hana@example.kr")]
    _, text = preview(browser, csv_of(*moved, head=head))
    assert "소속: 가온중학교 → 나래초등학교 (2026-09-01부터)" in text
    confirm(browser, csv_of(*moved, head=head))
    confirm(
        browser,
        csv_of(("B101234561", "김하나", "", "휴직", "2026-11-01", "휴직", ""), head=head),
    )
    with db.reading() as session:
        hana = session.scalars(select(Person).where(Person.name == "김하나")).one()
        posts = [
            (row.from_on, row.until_on, row.status, row.reason)
            for row in session.scalars(
                select(Post).where(Post.person_id == hana.id).order_by(Post.from_on)
            )
        ]
        acts = session.scalars(
            select(AuditRow.act).where(AuditRow.subject_id == hana.id, AuditRow.subject == "person")
        ).all()
    assert posts == [
        (date(2024, 3, 1), date(2026, 8, 31), "active", "joined"),
        (date(2026, 9, 1), date(2026, 10, 31), "active", "transfer"),
        (date(2026, 11, 1), None, "leave", "leave"),
    ]
    assert (hana.email, hana.status) == ("hana@example.kr", "leave")
    assert sorted(acts) == [
        "person.change",
        "person.register",
        "post.record",
        "post.record",
        "post.record",
    ]
    assert ("이두리", "S2", "교감", "active") in people(db)


BAD = [
    (
        ("B10123456", "김하나", "1990-01-05", "S1", "교원", "", ""),
        "나이스 개인번호의 모양이 아닙니다",
    ),
    (("", "", "1990-01-05", "S1", "교원", "", ""), "성명이 비어 있습니다"),
    (("", "김하나", "1990-13-05", "S1", "교원", "", ""), "생년월일 ‘1990-13-05’을 날짜로 읽을 수"),
    (("", "김하나", "2090-01-05", "S1", "교원", "", ""), "생년월일이 있을 수 없는 날"),
    (("", "김하나", "1990-01-05", "S9", "교원", "", ""), "‘S9’는 등록되어 있지 않습니다"),
    (("", "김하나", "1990-01-05", "S1", "외계인", "", ""), "교직원구분 ‘외계인’은 모르는 말"),
    (("", "김하나", "1990-01-05", "S1", "", "", ""), "교직원구분을 적어 주십시오"),
    (("B101234561", "김하나", "1990-01-05", "", "교원", "", ""), "학교(기관)코드를 적어 주십시오"),
    (("", "김하나", "1990-01-05", "S1", "교원", "", "2200-01-01"), "발령일이 있을 수 없는 날"),
    (("", "김하나", "", "S1", "교원", "", ""), "누구인지 알 수 없습니다"),
]


@pytest.mark.parametrize(("row", "said"), BAD, ids=[said for _, said in BAD])
def test_a_bad_row_is_told_what_to_mend_and_blocks_no_other(
    browser: FlaskClient, db: Database, row: tuple[str, ...], said: str
) -> None:
    place, text = preview(browser, csv_of(row, GOOD[1]))
    assert said in text
    assert "1명 반영하기" in text
    browser.post(f"{place}/confirm", data={"mark": mark_of(text)})
    assert people(db) == [("이두리", "S2", "교감", "active")]


def test_people_twice_are_told_of_each_other(browser: FlaskClient, db: Database) -> None:
    twice = ("B101234561", "김하나", "1990-01-05", "S1", "교원", "교감", "2024-03-01")
    _, text = preview(browser, csv_of(GOOD[0], GOOD[1], twice))
    assert "같은 사람이 4번째 줄에도 있습니다" in text
    assert "같은 사람이 2번째 줄에도 있습니다" in text
    assert counts(db) == {"error": 2, "check": 0, "new": 1, "change": 0, "same": 0}


def test_two_acts_of_one_person_in_a_sheet_are_two_periods(
    browser: FlaskClient, db: Database
) -> None:
    head = (*HEAD, "발령구분")
    confirm(
        browser,
        csv_of(
            ("B101234561", "김하나", "", "S1", "교원", "교사", "2024-03-01", "신규임용"),
            ("B101234561", "김하나", "", "S2", "", "", "2025-03-01", "전보"),
            head=head,
        ),
    )
    with db.reading() as session:
        rows = session.execute(
            select(Post.from_on, Post.until_on, Organisation.code)
            .join(Organisation)
            .order_by(Post.from_on)
        ).all()
    assert [tuple(row) for row in rows] == [
        (date(2024, 3, 1), date(2025, 2, 28), "S1"),
        (date(2025, 3, 1), None, "S2"),
    ]
    assert people(db) == [("김하나", "S2", "교사", "active")]


def test_a_school_name_that_two_bear_asks_for_the_code(browser: FlaskClient) -> None:
    head = ("성명", "생년월일", "학교명", "교직원구분")
    _, text = preview(browser, csv_of(("김하나", "1990-01-05", "나래초등학교", "교원"), head=head))
    assert "“나래초등학교”이라는 곳이 2곳 있습니다" in text


def test_a_namesake_elsewhere_is_checked_and_never_guessed(
    browser: FlaskClient, db: Database
) -> None:
    confirm(browser, csv_of(GOOD[2]))
    _, text = preview(browser, csv_of(("", "박세찬", "1980-03-04", "S2", "교육공무직", "", "")))
    assert "다른 소속에 있습니다" in text
    assert counts(db) == {"error": 0, "check": 1, "new": 0, "change": 0, "same": 0}


def test_what_rewrites_the_past_must_say_so(browser: FlaskClient, db: Database) -> None:
    confirm(browser, csv_of(GOOD[0]))
    other = ("B101234561", "김하나", "1990-01-05", "S2", "교원", "교사", "2024-03-01")
    _, text = preview(browser, csv_of(other))
    assert "‘정정’이라고 적어 주십시오" in text
    confirm(browser, csv_of((*other, "정정"), head=(*HEAD, "발령구분")))
    assert people(db) == [("김하나", "S2", "교사", "active")]
    earlier = ("B101234561", "김하나", "1990-01-05", "S1", "교원", "교사", "2020-03-01")
    _, text = preview(browser, csv_of(earlier))
    assert "지난 발령을 더하려면 발령구분을 적어 주십시오" in text


def test_resident_registration_numbers_are_refused(browser: FlaskClient, db: Database) -> None:
    by_column = upload(browser, csv_of(("김하나", "x"), head=("성명", "주민등록번호")))
    by_value = upload(browser, csv_of(("김하나", "900105-2345678"), head=("성명", "비고")))
    assert [by_column.status_code, by_value.status_code] == [422, 422]
    assert "주민등록번호는 받지도 저장하지도 않습니다" in by_column.text
    assert "2번째 줄" in by_value.text
    assert "900105" not in by_value.text
    with db.reading() as session:
        assert session.scalar(select(func.count(Intake.id))) == 0


def test_missing_columns_are_named_with_those_found(browser: FlaskClient) -> None:
    answer = upload(browser, csv_of(("a", "b"), head=("사번", "연락")))
    assert answer.status_code == 422
    assert "성명 항목이 없습니다. 찾은 항목: 사번, 연락." in answer.text


def test_no_file_is_said_in_a_sentence(browser: FlaskClient) -> None:
    answer = browser.post("/people/sheets/people", data={})
    assert (answer.status_code, "올릴 파일을 골라 주십시오" in answer.text) == (422, True)


def test_what_changed_after_the_preview_is_shown_again(
    browser: FlaskClient, db: Database, home: Institution
) -> None:
    place, text = preview(browser, csv_of(GOOD[0]))
    confirm(browser, csv_of(GOOD[0], GOOD[1]), name="다른.csv")
    answer = browser.post(f"{place}/confirm", data={"mark": mark_of(text)})
    assert answer.status_code == 409
    assert "아무것도 반영하지 않았습니다" in answer.text
    assert len(people(db)) == 2


def test_the_result_is_taken_away_row_by_row_masked(browser: FlaskClient) -> None:
    place, _ = preview(
        browser, csv_of(GOOD[0], ("", "", "", "", "", "", ""), ("", "최", "", "S1", "", "", ""))
    )
    lines = browser.get(f"{place}/result.csv").get_data().decode("utf-8-sig").splitlines()
    assert lines[0] == "줄,결과,설명,성명,나이스개인번호,생년월일,소속"
    assert lines[1] == "2,새로 더함,새로 등록합니다.,김하나,B10*****61,1990. 1. **.,S1"
    assert lines[2].startswith("4,확인 필요,")


def test_an_empty_sheet_to_fill_in_is_read_as_ours(browser: FlaskClient) -> None:
    from lms.people.hr_sheet import COLUMNS
    from lms.sheets.columns import pick
    from lms.sheets.reading import read

    data = browser.get("/people/sheets/people/template.xlsx").get_data()
    table = read("people.xlsx", data)
    assert table.head == [column.heading for column in COLUMNS]
    assert pick(table, COLUMNS) == []


def test_unconfirmed_sheets_are_forgotten_after_a_day(
    browser: FlaskClient, db: Database, app: Flask
) -> None:
    confirm(browser, csv_of(GOOD[0]))
    preview(browser, csv_of(GOOD[1]))
    state = app.extensions["lms"]
    now = clock.now()
    keeping.forget_sheets(state, now + timedelta(hours=23))
    with db.reading() as session:
        assert session.scalar(select(func.count(Intake.id))) == 2
    keeping.forget_sheets(state, now + timedelta(hours=25))
    with db.reading() as session:
        kept = session.scalars(select(Intake)).one()
        assert (kept.confirmed_at is not None, kept.sealed) == (True, None)


def test_another_institutions_sheet_and_people_are_out_of_reach(
    app: Flask, browser: FlaskClient, db: Database
) -> None:
    with db.transaction() as session:
        other = factories.institution(session, "OTHER")
        sealed(session, other, name="김하나", neis_mark=SEALER.mark("B101234561"))
        kept = intake.keep(
            session,
            SEALER,
            institution_id=other.id,
            actor_id=factories.person(session, other).id,
            purpose="people",
            name="남의.csv",
            data=csv_of(GOOD[0]),
            rows=[],
            now=clock.now(),
        )
    for path in (f"/people/sheets/{kept.id}", f"/people/sheets/{kept.id}/result.csv"):
        assert browser.get(path).status_code == 404
    preview(browser, csv_of(GOOD[0]))
    assert counts(db)["new"] == 1


def test_retired_people_stay_and_cannot_come_in(
    app: Flask, browser: FlaskClient, db: Database
) -> None:
    confirm(browser, csv_of(GOOD[0]))
    head = ("나이스개인번호", "성명", "발령일", "발령구분")
    confirm(browser, csv_of(("B101234561", "김하나", "2026-02-28", "정년퇴직"), head=head))
    assert people(db) == [("김하나", "S1", "교사", "retired")]
    confirmed = counts(db)
    assert (confirmed["change"], confirmed["applied"]) == (1, 1)
