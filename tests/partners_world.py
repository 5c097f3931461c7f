"""A school with an officer and teachers, and what it asks for."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.edge import State
from lms.learning.models import Course, Enrolment
from lms.partners import composing, school_runs
from lms.partners.composing import Told
from lms.partners.models import SchoolRequest
from lms.people.models import Institution, Organisation, Person
from tests import factories
from tests.factories import NOW

TODAY = date(2026, 11, 23)
PERIOD = Told(title="2학기 연수", learn_from=TODAY, learn_until=TODAY + timedelta(days=29))


@dataclass
class School:
    """An institution with two schools, their officers, courses and one request."""

    home: Institution
    school: Organisation
    other: Organisation
    officer: Person
    institute: Person
    teachers: list[Person] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)
    request: Any = None


def build(session: Session, state: State, *, teachers: int = 3, courses: int = 2) -> School:
    home = factories.institution(session)
    school = factories.organisation(session, home, "가온중학교")
    other = factories.organisation(session, home, "누리중학교")
    at = {"organisation_id": school.id, "email": "teacher@example.kr"}
    world = School(
        home,
        school,
        other,
        factories.person(session, home, "school_officer", **{**at, "email": "school@example.kr"}),
        factories.person(session, home, "officer", email="officer@example.kr"),
        [factories.person(session, home, **at) for _ in range(teachers)],
        [factories.course(session, state.kinds, home) for _ in range(courses)],
    )
    world.request = composing.draft(
        session,
        PERIOD,
        institution_id=home.id,
        organisation_id=school.id,
        actor_id=world.officer.id,
        now=NOW,
    )
    for course in world.courses:
        composing.put_course(session, world.request, course.id)
    composing.set_people(session, world.request, [one.id for one in world.teachers])
    return world


def ask(session: Session, world: School) -> bool:
    row = session.get_one(SchoolRequest, world.request.id)
    known, who = school_runs.mark(row), world.officer.id
    return school_runs.ask(session, row, known=known, actor_id=who, now=NOW, today=TODAY)


def approve(session: Session, state: State, world: School, **more: Any) -> list[int]:
    row = session.get_one(SchoolRequest, world.request.id)
    told = {"known": school_runs.mark(row), "actor_id": world.institute.id, "now": NOW} | more
    return school_runs.approve(session, state.hook, row, today=TODAY, **told)


def inside(session: Session) -> set[tuple[int, int]]:
    rows = session.execute(
        select(Enrolment.run_id, Enrolment.person_id).filter_by(state="enrolled")
    )
    return {(run_id, person_id) for run_id, person_id in rows}
