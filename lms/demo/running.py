"""Runs in every state of their life: planned, filling up with a waiting list, rolling by month."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.demo.institutions import REASON, Made
from lms.learning.models import Course, Run
from lms.learning.running import joining, nominating, planning, runs, templates
from lms.learning.running.audience import Audience
from lms.learning.running.planning import RunPlan
from lms.learning.running.templates import Template
from lms.people.models import Person

_MANAGER, _OFFICER = 3, 5
SEATS, APPLICANTS = 12, 19
"""More ask than there are seats, so the waiting list has somebody on it."""


def build(state: Any, made: Made, *, now: datetime) -> None:
    """For the first institution, on courses that have content."""
    with state.db.transaction() as session:
        today = clock.local_day(now, made.first.zone)
        officer = _person(session, made, _OFFICER)
        manager = _person(session, made, _MANAGER)
        _applications(state, session, made, today, officer, manager, now)
        _nominated(session, made, today, officer, now)
        _rolling(state, session, made, today, officer, now)


def _applications(
    state: Any,
    session: Session,
    made: Made,
    today: date,
    officer: int,
    manager: int,
    now: datetime,
) -> None:
    course = _course(session, made, "google-tools")
    told = RunPlan(
        learn_from=today + timedelta(days=12),
        learn_until=today + timedelta(days=40),
        apply_from=today - timedelta(days=5),
        apply_until=today + timedelta(days=6),
        withdraw_until=today + timedelta(days=10),
        way="application",
        seats=SEATS,
        audience=Audience(categories=("teacher", "education_specialist")),
        rule=_rule(session, course, repeat_years=0),
        name="겨울 특별반",
    )
    run = runs.plan(session, course, told, actor_id=officer, now=now)
    runs.open_run(session, state.hook, run, actor_id=officer, now=now)
    _look_after(session, run, manager, now)
    teachers = session.scalars(
        select(Person.id)
        .where(
            Person.institution_id == made.first.id,
            Person.staff_category == "teacher",
            Person.status == "active",
        )
        .order_by(Person.id)
        .limit(APPLICANTS + 40)
    ).all()[40:]
    for place, person_id in enumerate(teachers):
        at = now - timedelta(days=4) + timedelta(hours=3 * place)
        joining.join_many(
            session, state.hook, run, [person_id], source="self", actor_id=person_id, now=at
        )


def _nominated(session: Session, made: Made, today: date, officer: int, now: datetime) -> None:
    course = _course(session, made, "privacy")
    told = RunPlan(
        learn_from=today + timedelta(days=20),
        learn_until=today + timedelta(days=50),
        way="nomination",
        seats=30,
        rule=_rule(session, course),
        name="담당자 과정",
    )
    run = runs.plan(session, course, told, actor_id=officer, now=now)
    named = session.scalars(
        select(Person.id)
        .where(Person.institution_id == made.first.id, Person.status == "active")
        .order_by(Person.id)
        .offset(30)
        .limit(8)
    ).all()
    numbers: dict[int, str | None] = {
        person_id: f"지명 2026-{place:03}" for place, person_id in enumerate(named, 1)
    }
    nominating.nominate(session, run, numbers, actor_id=officer, now=now)


def _rolling(
    state: Any, session: Session, made: Made, today: date, officer: int, now: datetime
) -> None:
    """The rest of the next year's months of a standing course, and the template they came from."""
    course = _course(session, made, "basic-literacy")
    course.standing = True
    template = Template(
        apply_opens_before=14,
        apply_closes_before=-10,
        withdraw_days=15,
        seats=300,
        rule=_rule(session, course),
    )
    templates.save(session, made.first.id, "직무상설 (한 달)", template, actor_id=officer, now=now)
    templates.roll(
        session,
        state.hook,
        course,
        template,
        today.year + 1,
        range(1, 7),
        name="{n}월 상설",
        actor_id=officer,
        now=now,
    )


def _course(session: Session, made: Made, slug: str) -> Course:
    return session.get_one(Run, made.runs[slug]).course


def _rule(session: Session, course: Course, **more: Any) -> Any:
    version = planning.newest(session, course.id)
    if version is None:
        raise LookupError(course.title)
    content = planning.outline(session, version)
    rule = templates.usual_rule(session, course, content)
    return msgspec.structs.replace(rule, **more)


def _person(session: Session, made: Made, number: int) -> int:
    return session.scalars(
        select(Person.id).filter_by(institution_id=made.first.id, subject=f"demo-{number}")
    ).one()


def _look_after(session: Session, run: Run, manager: int, now: datetime) -> None:
    runs.look_after(session, run, [manager], reason=REASON, actor_id=None, now=now)
