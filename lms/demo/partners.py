"""School runs in every state: being written, waiting, sent back, and learnt in."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.demo import learning
from lms.demo.institutions import REASON, Made
from lms.learning.models import Activity, Course, Enrolment, Run, Unit
from lms.partners import composing, school_runs, staff
from lms.partners.composing import Told
from lms.partners.models import SchoolRequest
from lms.people import service
from lms.people.models import Person

SCHOOL, OTHER, _OFFICER = 16, 12, 5
"""The synthetic people who ask for their schools, and the one who decides."""

STAFF = 200
"""At most so many of a school take part: in a large demo institute a school has thousands."""


_STEPS = (99, 0, 2, 99, 1, 0, 99, 3)
"""Activities that one after another of a school's staff have done."""


def build(state: Any, made: Made, *, now: datetime) -> None:
    """For the first institution, on courses that have content."""
    today = clock.local_day(now, made.first.zone)
    with state.db.transaction() as session:
        officer = _person(session, made, _OFFICER)
        ours, theirs = _person(session, made, SCHOOL), _person(session, made, OTHER)
        service.grant(
            session,
            theirs.id,
            made.first.id,
            "school_officer",
            actor_id=None,
            now=now,
            reason=REASON,
        )
        before = now - timedelta(days=16)
        learnt = _request(
            session,
            made,
            ours,
            "2학기 법정의무교육",
            ("child-abuse-report", "anti-graft"),
            today,
            before,
        )
        _ask(session, learnt, ours, before, today - timedelta(days=16))
        _approve(state, session, learnt, officer, before, today - timedelta(days=14))
        _waiting(session, made, ours, theirs, officer, today, now)
    with state.db.transaction() as session:
        _learn(state, session, learnt.id, now)


def _waiting(
    session: Session,
    made: Made,
    ours: Person,
    theirs: Person,
    officer: Person,
    today: date,
    now: datetime,
) -> None:
    """What is still to be decided, mended or written."""
    asked = now - timedelta(days=2, hours=3)
    told = "겨울방학에 들으려고 합니다. 개인정보 보호를 먼저 듣게 해 주십시오."
    row = _request(
        session, made, theirs, "겨울방학 연수", ("privacy", "google-tools"), today, asked, told
    )
    _ask(session, row, theirs, asked, today)
    row = _request(session, made, ours, "디지털 수업 연수", ("google-tools",), today, asked)
    _ask(session, row, ours, asked, today)
    school_runs.send_back(
        session,
        row,
        known=school_runs.mark(row),
        reason="학습 기간이 너무 짧습니다. 4주로 늘려 다시 보내 주십시오.",
        actor_id=officer.id,
        now=asked + timedelta(hours=20),
    )
    _request(session, made, ours, "새 학기 준비 연수", ("basic-literacy",), today, now)


def _request(
    session: Session,
    made: Made,
    asker: Person,
    title: str,
    slugs: tuple[str, ...],
    today: date,
    now: datetime,
    message: str = "",
) -> SchoolRequest:
    start = today + timedelta(days=14)
    if title.startswith("2학기"):
        start = today - timedelta(days=14)
    row = composing.draft(
        session,
        Told(
            title=title,
            learn_from=start,
            learn_until=start + timedelta(days=29),
            message=message,
        ),
        institution_id=made.first.id,
        organisation_id=asker.organisation_id or 0,
        actor_id=asker.id,
        now=now,
    )
    for slug in slugs:
        if slug in made.runs:
            course: Course = session.get_one(Run, made.runs[slug]).course
            composing.put_course(session, row, course.id)
    people = staff.everybody(session, made.first.id, row.organisation_id)
    composing.set_people(session, row, people[:STAFF])
    return row


def _ask(session: Session, row: SchoolRequest, asker: Person, now: datetime, today: date) -> None:
    known = school_runs.mark(row)
    school_runs.ask(session, row, known=known, actor_id=asker.id, now=now, today=today)


def _approve(
    state: Any, session: Session, row: SchoolRequest, officer: Person, now: datetime, today: date
) -> None:
    school_runs.approve(
        session,
        state.hook,
        row,
        known=school_runs.mark(row),
        actor_id=officer.id,
        now=now + timedelta(days=2, hours=1),
        today=today,
    )


def _learn(state: Any, session: Session, request_id: int, now: datetime) -> None:
    """Some of the staff have finished, some are on the way, some have not begun."""
    row = session.get_one(SchoolRequest, request_id)
    enrolments = session.scalars(
        select(Enrolment).where(Enrolment.run_id.in_(row.runs)).order_by(Enrolment.id)
    ).all()
    for place, enrolment in enumerate(enrolments):
        activities = session.scalars(
            select(Activity)
            .join(Unit, Unit.id == Activity.unit_id)
            .where(Unit.version_id == enrolment.run.version_id)
            .order_by(Unit.position, Activity.position)
        ).all()[: _STEPS[place % len(_STEPS)]]
        for number, activity in enumerate(activities, 1):
            at = now - timedelta(days=13 - number % 12, hours=2 + place % 5)
            learning._do(session, state.hook, enrolment, activity, at, place)  # noqa: SLF001


def _person(session: Session, made: Made, number: int) -> Person:
    return session.scalars(
        select(Person).filter_by(institution_id=made.first.id, subject=f"demo-{number}")
    ).one()
