"""Two institutions, the second of which must never see the first's data, and who works there."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.demo.names import ORGANISATIONS, School
from lms.people import accounts, service
from lms.people.models import Institution, Organisation, Person
from lms.people.settings import InstitutionSettings

PASSWORD = "ieum-demo-2026"  # noqa: S105  shown on the start page of every demonstration
REASON = "시연 기관 만들기"


class DemoAccount(msgspec.Struct):
    """Somebody to sign in as."""

    role: str
    institution: str
    login: str
    password: str


@dataclass
class Made:
    """The two institutions and their organisations' ids, in the order of ORGANISATIONS."""

    first: Institution
    second: Institution
    organisations: dict[int, list[int]] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    """The first institution's runs by the slug of their content."""


# login, role shown, roles granted, which synthetic person, of the second institution?
_STAFF = (
    ("teacher", "learner", (), 0),
    ("teacher2", "learner", (), 1),
    ("latecomer", "learner", (), 2),
    ("manager", "course_manager", ("course_manager",), 3),
    ("instructor", "instructor", ("instructor",), 4),
    ("officer", "officer", ("officer",), 5),
    ("school", "school_officer", ("school_officer",), 16),
    ("admin", "institution_admin", ("institution_admin",), 6),
    ("auditor", "auditor", ("auditor",), 7),
    ("operator", "operator", ("operator",), 8),
)
_SECOND_STAFF = (
    ("gaon-teacher", "learner", (), 0),
    ("gaon-officer", "officer", ("officer",), 5),
    ("gaon-admin", "institution_admin", ("institution_admin",), 6),
)


def make(session: Session, *, now: datetime) -> Made:
    """The institutions with their organisations."""
    settings = InstitutionSettings(
        head_title="서울특별시교육청교육연수원장",
        seal=("서울", "연수", "원장", "견본"),
        sample_papers=True,
    )
    first = Institution(
        code="SETI",
        name="서울특별시교육청교육연수원",
        short_name="서울교육연수원",
        host=None,
        zone="Asia/Seoul",
        home_page="https://seti.ieum.example",
        settings=msgspec.to_builtins(settings),
        created_at=now,
    )
    second = Institution(
        code="GAON",
        name="가온교육연수원",
        short_name="가온교육연수원",
        host=None,
        zone="Asia/Seoul",
        home_page="https://gaon.ieum.example",
        settings=msgspec.to_builtins(InstitutionSettings(sample_papers=True)),
        created_at=now,
    )
    session.add_all([first, second])
    session.flush()  # organisations refer to them
    made = Made(first, second)
    for institution in (first, second):
        made.organisations[institution.id] = _organisations(session, institution)
    return made


def _organisations(session: Session, institution: Institution) -> list[int]:
    rows = [
        Organisation(
            institution_id=institution.id,
            code=f"{number:03}",
            name=one.name,
            kind="school" if isinstance(one, School) else "office",
            school_level=one.level if isinstance(one, School) else None,
        )
        for number, one in enumerate(ORGANISATIONS, 1)
    ]
    session.add_all(rows)
    session.flush()  # their ids go into people's rows
    return [row.id for row in rows]


def open_accounts(state: Any, made: Made, *, now: datetime) -> list[DemoAccount]:
    """Logins for one person of each role; all share one password, which is no secret."""
    hashed = accounts.hash_password(PASSWORD)
    told: list[DemoAccount] = []
    with state.db.transaction() as session:
        for institution, staff in ((made.first, _STAFF), (made.second, _SECOND_STAFF)):
            for login, shown, roles, number in staff:
                _open(session, institution, login, roles, number, hashed=hashed, now=now)
                told.append(DemoAccount(shown, institution.name, login, PASSWORD))
    return told


def _open(
    session: Session,
    institution: Institution,
    login: str,
    roles: tuple[str, ...],
    number: int,
    *,
    hashed: str,
    now: datetime,
) -> None:
    person = session.scalars(
        select(Person).filter_by(institution_id=institution.id, subject=f"demo-{number}")
    ).one()
    accounts.open_account(
        session, person, login, password_hash=hashed, actor_id=None, now=now, reason=REASON
    )
    for role in roles:
        service.grant(
            session, person.id, institution.id, role, actor_id=None, now=now, reason=REASON
        )
