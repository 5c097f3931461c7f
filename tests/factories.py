"""Small worlds to test in: an institution, a person, a course with whatever activities."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlalchemy.orm import Session

from lms import clock
from lms.db import Base
from lms.learning import rules
from lms.learning.authoring import publish
from lms.learning.enrolling import enrol
from lms.learning.models import Activity, Course, Enrolment, Run
from lms.people import service, sign_ins
from lms.people.models import Institution, Organisation, Person, SignIn

NOW = datetime(2026, 11, 23, 5, 3, 12, tzinfo=UTC)
"""14:03:12 in Seoul."""

_numbers = count(1)

PAGE = {"kind": "page", "title": "읽기", "config": {"body": "<p>글</p>", "min_seconds": 0}}
QUESTIONS = [
    {
        "id": "q1",
        "type": "single",
        "text": "무엇이 맞습니까?",
        "choices": [{"id": "a", "text": "이것"}, {"id": "b", "text": "저것"}],
        "correct": ["a"],
        "feedback": "이것이 맞습니다.",
        "points": 100,
    }
]
QUIZ = {
    "kind": "quiz",
    "title": "평가",
    "role": "score",
    "config": {"attempts": 3, "pass_permille": 600, "questions": QUESTIONS},
}
VIDEO = {
    "kind": "video",
    "title": "영상",
    "config": {
        "src": "1.webm",
        "captions": "1.vtt",
        "duration_ms": 60_000,
        "width": 960,
        "height": 540,
    },
}


def institution(session: Session, code: str | None = None, **more: Any) -> Institution:
    code = code or f"I{next(_numbers)}"
    row = Institution(
        **{
            "code": code,
            "name": f"{code} 연수원",
            "short_name": code,
            "home_page": f"https://{code.lower()}.example",
            "zone": "Asia/Seoul",
            "settings": {},
            "created_at": NOW,
            **more,
        }
    )
    return kept(session, row)


def organisation(session: Session, home: Institution, name: str = "가온중학교") -> Organisation:
    return kept(
        session,
        Organisation(
            institution_id=home.id,
            code=f"{next(_numbers):05}",
            name=name,
            kind="school",
            school_level="중학교",
        ),
    )


def person(session: Session, home: Institution, *roles: str, **more: Any) -> Person:
    number = next(_numbers)
    row = Person(
        **{
            "institution_id": home.id,
            "issuer": "local",
            "subject": f"person-{number}",
            "account_name": f"account-{number}",
            "name": f"김보기{number}",
            "staff_category": "teacher",
            "status": "active",
            "theme": "",
            "created_at": NOW,
            **more,
        }
    )
    kept(session, row)
    for role in roles:
        service.grant(session, row.id, home.id, role, actor_id=None, now=NOW, reason="시험")
    return row


def course(
    session: Session, kinds: dict[str, Any], home: Institution, *units: list[dict[str, Any]]
) -> Course:
    """A course with a published version; each unit a list of activities (one page if none)."""
    number = next(_numbers)
    row = Course(
        institution_id=home.id,
        code=f"C{number}",
        title=f"과정 {number}",
        summary="",
        goals=[],
        training_kind="in_service",
        delivery_mode="self_paced",
        recognised_minutes=900,
        duty={},
        thumbnail={},
        created_at=NOW,
    )
    kept(session, row)
    told = [
        {"title": f"차시 {place}", "activities": activities}
        for place, activities in enumerate(units or ([PAGE],), 1)
    ]
    publish(session, kinds, row, told, files=lambda name: 1, now=NOW)
    return row


def run(session: Session, of: Course, rule: rules.RuleSet | None = None, **more: Any) -> Run:
    row = Run(
        **{
            "institution_id": of.institution_id,
            "course_id": of.id,
            "version_id": of.versions[-1].id,
            "year": 2026,
            "number": next(_numbers),
            "learn_from": date(2026, 1, 1),
            "learn_until": date(2099, 12, 31),
            "state": "running",
            "rule": rules.frozen(rule or rules.RuleSet()),
            **more,
        }
    )
    return kept(session, row)


def enrolment(
    session: Session, hook: Any, who: Person, where: Run, *, now: datetime = NOW
) -> Enrolment:
    return enrol(session, hook, who, where, actor_id=who.id, now=now)


def activities(session: Session, of: Enrolment) -> list[Activity]:
    """The enrolment's activities in their order."""
    units = of.run.version.units
    return [activity for unit in units for activity in unit.activities]


def browser(app: Flask) -> FlaskClient:
    """A client that says, as a browser does, that its requests come from our own pages."""
    client = app.test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Linux; Android 15) Chrome/150"
    return client


def sign_in(client: FlaskClient, who: Person, *, at: datetime | None = None) -> str:
    """Sign the client in as the person; returns the token."""
    state = client.application.extensions["lms"]
    token = sign_ins.new_token()
    now = at or clock.now()

    def work(connection: Any) -> None:
        connection.execute(
            insert(SignIn),
            {
                "institution_id": who.institution_id,
                "person_id": who.id,
                "token_hash": service.token_hash(token),
                "device": "Android · Chrome",
                "address": "127.0.0.1",
                "created_at": now,
                "seen_at": now,
            },
        )

    state.db.writer.do(work)
    with client.session_transaction() as cookie:
        cookie["_user_id"] = token
        cookie["_fresh"] = True
    return token


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def kept(session: Session, row: Base) -> Any:
    session.add(row)
    session.flush()  # tests use its id at once
    return row
