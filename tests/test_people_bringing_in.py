"""The personnel sheet from upload to history: previewed, confirmed, once."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from lms import clock
from lms.db import Database
from lms.outbox.models import Task
from lms.people import hr_import, intake, keeping
from lms.people.models import AuditRow, Institution, Intake, Organisation, Person, Post
from lms.people.sealing import Sealer
from lms.sheets import writing
from tests import factories
from tests.people_world import sealed

HEAD = ("나이스개인번호", "성명", "생년월일", "학교(기관)코드", "교직원구분", "직급", "발령일")
SEALER = Sealer("test-key")


def csv_of(*rows: Sequence[object], head: Sequence[str] = HEAD) -> bytes:
    return b"".join(writing.csv_lines(head, rows))


@pytest.fixture
def home(db: Database) -> Institution:
    with db.transaction() as session:
        home = factories.institution(session, "SETI")
        for code, name in (("S1", "가온중학교"), ("S2", "나래초등학교"), ("S3", "나래초등학교")):
            session.add(
                Organisation(
                    institution_id=home.id, code=code, name=name, kind="school", school_level=None
                )
            )
        return home


@pytest.fixture
def browser(app: Flask, home: Institution) -> FlaskClient:
    browser = factories.browser(app)
    with app.extensions["lms"].db.transaction() as session:
        who = factories.person(session, home, "officer", name="한담당")
    factories.sign_in(browser, who)
    return browser


def upload(
    browser: FlaskClient, data: bytes, name: str = "인사.csv", purpose: str = "people"
) -> TestResponse:
    return browser.post(
        f"/people/sheets/{purpose}",
        data={"file": (io.BytesIO(data), name)},
        content_type="multipart/form-data",
    )


def preview(browser: FlaskClient, data: bytes, **more: str) -> tuple[str, str]:
    """The preview's address and its page."""
    answer = upload(browser, data, **more)
    assert answer.status_code == 303, answer.text
    place = answer.headers["Location"]
    return place, browser.get(place).text


def mark_of(text: str) -> str:
    found = re.search(r'name="mark" value="([0-9a-f]{64})"', text)
    assert found, "nothing to confirm"
    return found[1]


def confirm(browser: FlaskClient, data: bytes, **more: str) -> str:
    """Bring a sheet in whole; the page that says what came of it."""
    place, text = preview(browser, data, **more)
    answer = browser.post(f"{place}/confirm", data={"mark": mark_of(text)})
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["Location"]).text


def counts(db: Database) -> dict[str, Any]:
    with db.reading() as session:
        return dict(
            session.scalars(select(Intake).order_by(Intake.id.desc()).limit(1)).one().counts
        )


def people(db: Database) -> list[tuple[Any, ...]]:
    with db.reading() as session:
        rows = session.execute(
            select(Person.name, Organisation.code, Person.rank, Person.status)
            .outerjoin(Organisation, Organisation.id == Person.organisation_id)
            .where(Person.name != "한담당")
            .order_by(Person.name, Person.id)
        )
        return [tuple(row) for row in rows]


GOOD = (
    ("B101234561", "김하나", "1990-01-05", "S1", "교원", "교사", "2024-03-01"),
    ("B101234562", "이두리", "1985.2.3.", "S2", "교원", "교감", "2023-09-01"),
    ("", "박세찬", "19800304", "S1", "교육공무직", "", ""),
)


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


def many(n: int, *, rank: str = "교사") -> bytes:
    first = date(1970, 1, 1)
    rows = (
        (f"B10{1000000 + i}", f"김하{i % 7}", first + timedelta(i), "S1", "교원", rank, "")
        for i in range(n)
    )
    return csv_of(*rows)


def large(db: Database, home: Institution, data: bytes) -> Intake:
    """A sheet that was uploaded and confirmed for the task."""
    now = clock.now()
    with db.transaction() as session:
        actor = session.scalars(select(Person).where(Person.name == "한담당")).one()
        on = clock.local_day(now, home.zone)
        rows = hr_import.rows_of("큰.csv", data, on)
        told = intake.summary(hr_import.planned(session, SEALER, home.id, rows, on))
        kept = intake.keep(
            session,
            SEALER,
            institution_id=home.id,
            actor_id=actor.id,
            purpose="people",
            name="큰.csv",
            data=data,
            rows=told,
            now=now,
        )
        intake.confirm(session, kept, mark=told.mark, rows=told, now=now, keep_file=True)
        hr_import.promise_it(session, kept, now)
        return kept


def turns(app: Flask, *, most: int = 20) -> int:
    """Keep every promise of the task, as the scheduler does; how many turns it took."""
    state = app.extensions["lms"]
    for turn in range(most):
        with state.db.reading() as session:
            task = session.scalars(
                select(Task).where(Task.name == hr_import.TASK, Task.done_at.is_(None))
            ).first()
        if task is None:
            return turn
        hr_import.keep_promise(state, task, clock.now())
        with state.db.transaction() as session:
            session.get_one(Task, task.id).done_at = clock.now()
    raise AssertionError("it never ends")


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(*told: Any) -> None:
        asked.append(told[2])

    for engine in {db.engine, db.reader}:
        event.listen(engine, "before_cursor_execute", note)
    yield asked
    for engine in {db.engine, db.reader}:
        event.remove(engine, "before_cursor_execute", note)


def test_five_thousand_rows_cost_statements_by_the_chunk_and_never_by_the_row(
    app: Flask, browser: FlaskClient, db: Database, home: Institution
) -> None:
    large(db, home, many(5000))
    with statements(db) as asked:
        assert turns(app) == 1
    assert len(asked) <= 25 * 10
    assert counts(db) == {
        "error": 0,
        "check": 0,
        "new": 5000,
        "change": 0,
        "same": 0,
        "left_out": [],
        "applied": 5000,
        "finished": True,
    }
    with db.reading() as session:
        assert session.scalar(select(func.count(Post.id))) == 5000
    # The same sheet again: looked at, and nothing written.
    large(db, home, many(5000))
    assert turns(app) == 1
    assert (counts(db)["same"], counts(db)["applied"]) == (5000, 0)


def test_a_large_sheet_goes_on_where_it_was_cut(
    app: Flask,
    browser: FlaskClient,
    db: Database,
    home: Institution,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hr_import, "A_TURN", 500)
    large(db, home, many(1600))
    calls = 0
    apply = hr_import.apply

    def cut(*told: Any, **more: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("the power went")
        return apply(*told, **more)

    monkeypatch.setattr(hr_import, "apply", cut)
    with pytest.raises(RuntimeError):
        turns(app)
    assert len(people(db)) == 500
    assert turns(app) == 3
    assert len(people(db)) == 1600
    assert (counts(db)["applied"], counts(db)["finished"]) == (1600, True)
    with db.reading() as session:
        assert session.scalar(select(func.count(func.distinct(Person.neis_mark)))) == 1600


def test_a_large_sheet_is_promised_and_shows_how_far_it_is(
    app: Flask,
    browser: FlaskClient,
    db: Database,
    home: Institution,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hr_import, "AT_ONCE", 5)
    text = confirm(browser, many(8))
    assert "나누어 반영하고 있습니다" in text
    assert people(db) == []
    turns(app)
    with db.reading() as session:
        kept = session.scalars(select(Intake)).one()
    assert "8줄을 반영했습니다." in browser.get(f"/people/sheets/{kept.id}").text


def test_a_row_that_was_left_out_stays_left_out(
    app: Flask, browser: FlaskClient, db: Database, home: Institution
) -> None:
    """A school that is added after the preview must not let in rows that nobody agreed to."""
    kept = large(
        db, home, csv_of(GOOD[0], ("B101234569", "최나중", "1990-01-05", "S9", "교원", "", ""))
    )
    with db.transaction() as session:
        session.add(Organisation(institution_id=home.id, code="S9", name="새학교", kind="school"))
    turns(app)
    assert people(db) == [("김하나", "S1", "교사", "active")]
    assert counts(db)["left_out"] == [3]
    assert kept.id


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
