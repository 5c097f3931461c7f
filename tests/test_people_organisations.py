"""The sheet of schools and offices: a tree by code, previewed and brought in once."""

from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import aliased

from lms.db import Database
from lms.people.models import AuditRow, Institution, Organisation
from lms.sheets import writing
from tests import factories
from tests.sheets_world import confirm, counts, preview
from tests.test_people_staff import browser_of

HEAD = ("학교(기관)코드", "학교(기관)이름", "종류", "학교급", "상위코드")


@pytest.fixture
def home(db: Database) -> Institution:
    with db.transaction() as session:
        return factories.institution(session, "SETI")


@pytest.fixture
def browser(app: Flask, home: Institution) -> FlaskClient:
    return browser_of(app, home, "officer")


def csv_of(*rows: Sequence[object]) -> bytes:
    return b"".join(writing.csv_lines(HEAD, rows))


def tree(db: Database) -> list[tuple[Any, ...]]:
    parent = aliased(Organisation)
    with db.reading() as session:
        rows = session.execute(
            select(
                Organisation.code,
                Organisation.name,
                Organisation.kind,
                Organisation.school_level,
                parent.code.label("above"),
            )
            .outerjoin(parent, parent.id == Organisation.parent_id)
            .order_by(Organisation.code)
        )
        return [tuple(row) for row in rows]


def test_a_tree_is_brought_in_whatever_the_order_then_changed_then_the_same(
    browser: FlaskClient, db: Database
) -> None:
    rows = [
        ("S1", "가온중학교", "", "중", "O1"),
        ("O1", "가온교육지원청", "교육지원청", "", "O0"),
        ("O0", "서울특별시교육청", "기관", "", ""),
    ]
    confirm(browser, csv_of(*rows), purpose="organisations")
    made = [
        ("O0", "서울특별시교육청", "office", None, None),
        ("O1", "가온교육지원청", "office", None, "O0"),
        ("S1", "가온중학교", "school", "중학교", "O1"),
    ]
    assert tree(db) == made
    preview(browser, csv_of(*rows), purpose="organisations")
    assert counts(db) == {"error": 0, "check": 0, "new": 0, "change": 0, "same": 3}
    _, text = preview(
        browser, csv_of(("S1", "가온제일중학교", "", "", "O0")), purpose="organisations"
    )
    assert "이름: 가온중학교 → 가온제일중학교" in text
    assert "상위코드: O1 → O0" in text
    confirm(browser, csv_of(("S1", "가온제일중학교", "", "", "O0")), purpose="organisations")
    assert tree(db) == [*made[:2], ("S1", "가온제일중학교", "school", "중학교", "O0")]
    with db.reading() as session:
        acts = session.scalars(select(AuditRow.act).where(AuditRow.subject == "organisation")).all()
    assert acts == ["organisation.change"] * 4


BAD = [
    ([("", "이름", "", "", "")], "학교(기관)코드가 비어 있습니다"),
    ([("S1", "", "", "", "")], "이름이 비어 있습니다"),
    ([("S1", "하나", "", "", ""), ("S1", "둘", "", "", "")], "두 줄 이상에 있습니다"),
    ([("S1", "하나", "우주선", "", "")], "종류 ‘우주선’은 모르는 말"),
    ([("S1", "하나", "", "대학원", "")], "학교급 ‘대학원’은 모르는 말"),
    ([("S1", "하나", "", "", "S9")], "상위코드 ‘S9’가 없거나"),
    ([("S1", "하나", "", "", "S2"), ("S2", "둘", "", "", "S1")], "다시 이곳으로 돌아옵니다"),
    ([("S1", "하나", "", "", "S1")], "다시 이곳으로 돌아옵니다"),
    ([("S1", "하나", "", "", "S2"), ("S2", "", "", "", "")], "그 줄에 고칠 것이 있습니다"),
]


@pytest.mark.parametrize(("rows", "said"), BAD, ids=[said for _, said in BAD])
def test_a_bad_row_is_told_what_to_mend(
    sqlite_app: Flask, rows: list[tuple[str, ...]], said: str
) -> None:
    db = sqlite_app.extensions["lms"].db
    with db.transaction() as session:
        home = factories.institution(session, "SETI")
    browser = browser_of(sqlite_app, home, "officer")
    _, text = preview(browser, csv_of(*rows), purpose="organisations")
    assert said in text
    assert "반영하기" not in text
    assert counts(db)["error"] == len(rows)
