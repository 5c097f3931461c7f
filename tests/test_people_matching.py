"""Whom a row means: by number, else by name, birth date and school; never a guess."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from lms.db import Database
from lms.people import matching, registering
from lms.people.matching import Key, Match, match
from lms.people.models import Institution, Organisation, Person
from lms.people.sealing import Sealer
from tests import factories

SEALER = Sealer("test-key")
BORN = date(1990, 1, 5)
NOBODY = Match(None, matching.NOBODY, nobody=True)


@pytest.fixture
def home(db: Database) -> Institution:
    with db.transaction() as session:
        return factories.institution(session)


@pytest.fixture
def school(db: Database, home: Institution) -> Organisation:
    with db.transaction() as session:
        return factories.organisation(session, home, "가온중학교")


def known(
    db: Database,
    home: Institution,
    name: str,
    *,
    neis: str | None = None,
    birth: date | None = BORN,
    **more: Any,
) -> int:
    number, mark = registering.seal_neis(SEALER, neis)
    with db.transaction() as session:
        return factories.person(
            session,
            home,
            name=name,
            birth_date_sealed=registering.seal_birth_date(SEALER, birth),
            born_mark=registering.born_mark(SEALER, name, birth),
            neis_sealed=number,
            neis_mark=mark,
            **more,
        ).id


def found(db: Database, home: Institution, *keys: Key) -> list[Match]:
    with db.reading() as session:
        return match(session, SEALER, home.id, keys)


def test_a_number_finds_its_owner_whatever_the_school(
    db: Database, home: Institution, school: Organisation
) -> None:
    kim = known(db, home, "김하나", neis="B101234561", organisation_id=school.id)
    assert found(
        db,
        home,
        Key("B101234561", "김하나"),
        Key("B101234561"),
        Key("B101234561", "김 하나", school="다른학교"),
        Key("B101234561", "김새이름", BORN),
        Key("B101234561", "박다른"),
        Key("B10123456", "김하나"),
    ) == [
        Match(kim),
        Match(kim),
        Match(kim),
        Match(kim),
        Match(None, matching.NEIS_OTHER),
        Match(None, matching.NEIS_SHAPE),
    ]


def test_without_a_number_all_three_must_agree(
    db: Database, home: Institution, school: Organisation
) -> None:
    kim = known(db, home, "김하나", organisation_id=school.id)
    assert found(
        db,
        home,
        Key("", "김하나", BORN, "가온중학교"),
        Key("", "김하나", BORN, school.code),
        Key("", "김하나", BORN, "가온 중학교"),
        Key("", "김하나", BORN),
        Key("", "김하나", None, "가온중학교"),
        Key("", "김하나", BORN, "나래중학교"),
        Key("", "김하나", date(1990, 1, 6), "가온중학교"),
        Key("", "", BORN, "가온중학교"),
    ) == [
        Match(kim),
        Match(kim),
        Match(kim),
        Match(None, matching.TOO_LITTLE),
        Match(None, matching.TOO_LITTLE),
        Match(None, matching.OTHER_SCHOOL),
        NOBODY,
        Match(None, matching.TOO_LITTLE),
    ]


def test_two_who_fit_are_never_chosen_between(
    db: Database, home: Institution, school: Organisation
) -> None:
    for _ in range(2):
        known(db, home, "김하나", organisation_id=school.id)
        known(db, home, "이두리", neis="B101234561")
    assert found(db, home, Key("", "김하나", BORN, "가온중학교"), Key("B101234561", "이두리")) == [
        Match(None, matching.SEVERAL),
        Match(None, matching.NEIS_TWICE),
    ]


def test_a_number_that_is_new_may_be_of_somebody_known(
    db: Database, home: Institution, school: Organisation
) -> None:
    kim = known(db, home, "김하나", organisation_id=school.id)
    known(db, home, "이두리", neis="B101234561", organisation_id=school.id)
    assert found(
        db,
        home,
        Key("B109999999", "김하나", BORN, "가온중학교"),  # had none yet
        Key("B109999999", "김하나", BORN, "나래중학교"),
        Key("B109999999", "김하나"),
        Key("B101234562", "이두리", BORN, "나래중학교"),  # a slip of the pen
        Key("B107654321", "이두리", BORN, "나래중학교"),  # another of that name and age
        Key("B107654321", "박세찬"),
    ) == [
        Match(kim),
        Match(None, matching.OTHER_SCHOOL),
        Match(None, matching.TOO_LITTLE),
        Match(None, matching.OTHER_NEIS),
        NOBODY,
        NOBODY,
    ]


def test_people_kept_before_there_was_a_mark_are_found_too(
    db: Database, home: Institution, school: Organisation
) -> None:
    kim = known(db, home, "김하나", organisation_id=school.id)
    with db.transaction() as session:
        session.get_one(Person, kim).born_mark = None
    assert found(db, home, Key("", "김하나", BORN, "가온중학교")) == [Match(kim)]


def test_the_forgotten_and_other_institutions_are_not_found(
    db: Database, home: Institution, school: Organisation
) -> None:
    known(db, home, "김하나", neis="B101234561", status="forgotten", organisation_id=school.id)
    with db.transaction() as session:
        other = factories.institution(session)
    known(db, other, "김하나", neis="B101234561")
    retired = known(db, home, "이두리", neis="B101234562", status="retired")
    assert found(
        db, home, Key("B101234561", "김하나", BORN, "가온중학교"), Key("B101234562", "이두리")
    ) == [NOBODY, Match(retired)]


def test_many_keys_cost_as_much_as_one(db: Database, home: Institution) -> None:
    for number in range(40):
        known(db, home, "김하나", neis=f"B10100000{number % 10}" if number < 10 else None)
    costs = []
    for many in (1, 3, 300):
        keys = [Key(f"B10{2000000 + n}", "김하나", BORN, "학교") for n in range(many)]
        asked: list[Any] = []

        def note(*told: Any, asked: list[Any] = asked) -> None:
            asked.append(told[2])

        event.listen(db.reader, "before_cursor_execute", note)
        found(db, home, *keys)
        event.remove(db.reader, "before_cursor_execute", note)
        costs.append(len(asked))
    assert costs == [3, 3, 3]
