"""A sheet of people on its way in: written, brought, previewed, confirmed."""

import io
import re
from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from lms.db import Database
from lms.people.models import Institution, Intake, Organisation, Person
from lms.people.sealing import Sealer
from lms.sheets import writing
from tests import factories

HEAD = ("나이스개인번호", "성명", "생년월일", "학교(기관)코드", "교직원구분", "직급", "발령일")
SEALER = Sealer("test-key")


def csv_of(*rows: Sequence[object], head: Sequence[str] = HEAD) -> bytes:
    return b"".join(writing.csv_lines(head, rows))


def schools(db: Database) -> Institution:
    with db.transaction() as session:
        home = factories.institution(session, "SETI")
        for code, name in (("S1", "가온중학교"), ("S2", "나래초등학교"), ("S3", "나래초등학교")):
            session.add(
                Organisation(
                    institution_id=home.id, code=code, name=name, kind="school", school_level=None
                )
            )
        return home


def officer(app: Flask, home: Institution) -> FlaskClient:
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
