"""What statements have to do with courses, runs and completions; and when a launch is over."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.edge import words_here
from lms.edge.context import locale
from lms.edge.rendering import url
from lms.i18n import formats
from lms.learning import proof, stating
from lms.learning.evaluate import Clause
from lms.learning.making.permissions import READ_MAKING
from lms.learning.models import (
    Activity,
    ActivityResult,
    Completion,
    Course,
    CourseVersion,
    Enrolment,
    Run,
    Unit,
)
from lms.learning.permissions import READ_RUN
from lms.learning.running import names
from lms.people.actor import Actor
from lms.people.models import Person
from lms.xapi.browsing import Link

_LARGEST_ID = 2**63 - 1
_WITHDRAWN = "수강을 취소하여 더 기록하지 않습니다. 다시 배우려면 과정 화면에서 신청해 주십시오."


def launch_over(session: Session, institution_id: int, registration: str) -> str | None:
    """Why nothing may be recorded under a registration any more: the enrolment was withdrawn."""
    state = session.scalar(
        select(Enrolment.state).where(
            Enrolment.institution_id == institution_id, Enrolment.registration == registration
        )
    )
    return _WITHDRAWN if state == "withdrawn" else None


def links_of(session: Session, statement: Any, actor: Actor) -> Iterator[Link]:
    """The activity and course that a statement is about, the run it belongs to, and whether the
    enrolment's progress and completion lean on it."""
    row = session.execute(
        select(Run, Course.id, Course.title, Enrolment.id, Person.name, Completion)
        .select_from(Enrolment)
        .join(Run, Run.id == Enrolment.run_id)
        .join(Course, Course.id == Run.course_id)
        .join(Person, Person.id == Enrolment.person_id)
        .outerjoin(Completion, Completion.enrolment_id == Enrolment.id)
        .where(
            Enrolment.institution_id == actor.institution_id,
            Enrolment.registration == statement.registration,
        )
    ).one_or_none()
    about = _activity(session, statement, actor)
    if row is None:
        if about is not None:
            yield _course(about.course_id, about.course, actor)
            yield _lesson(about)
        return
    run, course_id, course, enrolment_id, learner, completion = row
    yield _course(course_id, course, actor)
    if about is not None:
        yield _lesson(about)
    named = names.named(session, actor.institution_id, [run.id])
    readable = READ_RUN.allows(actor, run)
    yield Link("기수", named[run.id], url("results.page", id=run.id) if readable else None)
    if _moved(session, enrolment_id, statement.statement_id):
        yield Link("진도와 점수", words_here().text("이 문장이 움직였습니다."))
    if _leans(completion, statement.statement_id):
        href = f"{url('results.page', id=run.id)}?{urlencode({'q': learner})}"
        yield Link("이수", _completed(completion, actor), href if readable else None)


def _activity(session: Session, statement: Any, actor: Actor) -> Any:
    number = stating.activity_of(actor.home_page, statement.activity)
    if number is None or number > _LARGEST_ID:
        return None
    return session.execute(
        select(
            Activity.title,
            Unit.position,
            Course.id.label("course_id"),
            Course.title.label("course"),
        )
        .select_from(Activity)
        .join(Unit, Unit.id == Activity.unit_id)
        .join(CourseVersion, CourseVersion.id == Unit.version_id)
        .join(Course, Course.id == CourseVersion.course_id)
        .where(Activity.id == number, Course.institution_id == actor.institution_id)
    ).one_or_none()


def _course(course_id: int, title: str, actor: Actor) -> Link:
    readable = READ_MAKING.allows(actor, None)
    return Link("과정", title, url("making.course", id=course_id) if readable else None)


def _lesson(about: Any) -> Link:
    told = words_here().text("{n}차시 {title}", n=about.position, title=about.title)
    return Link("활동", told)


def _moved(session: Session, enrolment_id: int, statement_id: str) -> bool:
    told = select(ActivityResult.statements).where(ActivityResult.enrolment_id == enrolment_id)
    return any(statement_id in ids for ids in session.scalars(told))


def _leans(completion: Completion | None, statement_id: str) -> bool:
    return completion is not None and statement_id in proof.evidence(
        msgspec.convert(completion.verdict, Clause)
    )


def _completed(completion: Completion, actor: Actor) -> str:
    say = words_here().text
    day = formats.day_full(clock.local_day(completion.at, actor.zone), locale())
    told = say("{day} 이수가 이 문장에 기대고 있습니다.", day=day)
    return f"{told} {say('지금 다시 살펴보는 중입니다.')}" if completion.review else told
