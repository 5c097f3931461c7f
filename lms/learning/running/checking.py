"""Why somebody may not join a run: asked for one person and for a thousand in the same queries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pluggy
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, lazyload

from lms import clock
from lms.errors import ClosedError, ConflictError, LMSError
from lms.learning import rules
from lms.learning.models import Course, Enrolment, Nomination, Run
from lms.learning.running import audience as audiences
from lms.learning.running.audience import Audience
from lms.learning.running.planning import DISTANCE
from lms.people.models import Person

_ON = frozenset({"open", "running"})
OF_SCHOOL = "이 학교의 교직원만 듣는 연수입니다. 학교 연수 담당자에게 문의해 주십시오."
NOT_NOMINATED = "추천 명단에 있는 사람만 듣는 기수입니다. 소속 기관의 담당자에게 문의해 주십시오."


@dataclass
class Known:
    """What the checks ask about some people, read at once."""

    people: dict[int, Person]
    facts: dict[int, audiences.Facts]
    inside: frozenset[int]
    completed: dict[int, datetime] = field(default_factory=dict)
    """Person → when they last completed the course."""

    elsewhere: dict[int, int] = field(default_factory=dict)
    """Person → the number of another run in which they take the same course now."""

    busy: dict[int, Any] = field(default_factory=dict)
    """Person → a run (title, learn_from, learn_until) that they attend at the same time."""

    nominated: frozenset[int] = frozenset()


def read(session: Session, run: Run, person_ids: Collection[int], today: date) -> Known:
    """A handful of queries, whatever the number of people."""
    found = session.scalars(select(Person).where(Person.id.in_(person_ids)))
    audience = audiences.parse(run.audience)
    known = Known(
        people={one.id: one for one in found},
        facts=audiences.known(session, person_ids, today),
        inside=audiences.within(session, audience),
    )
    for row in _same_course(session, run, person_ids):
        if row.completed_at is not None:
            known.completed[row.person_id] = row.completed_at
        elif row.id != run.id and row.state in _ON and row.learn_until >= today:
            known.elsewhere[row.person_id] = row.number
    if run.course.delivery_mode not in DISTANCE:
        known.busy = _busy(session, run, person_ids)
    if run.way == "nomination":
        known.nominated = frozenset(
            session.scalars(
                select(Nomination.person_id).where(
                    Nomination.run_id == run.id, Nomination.person_id.in_(person_ids)
                )
            )
        )
    return known


def reason(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    person_id: int,
    known: Known,
    *,
    today: date,
    zone: str,
    now: datetime,
    overruled: bool = False,
) -> LMSError | None:
    """What stands against the person's joining, in a sentence; None when nothing does.

    `overruled`: an officer has decided, so audience, repetition and overlap do not count.
    """
    person = known.people.get(person_id)
    if person is None or person.institution_id != run.institution_id:
        return ConflictError("다른 연수기관의 과정입니다. 우리 연수기관의 과정에서 골라 주십시오.")
    if person.status == "forgotten":
        return ConflictError("지운 사람은 등록할 수 없습니다.")
    against = None if overruled else _against(run, person_id, known, today, zone)
    if against is not None:
        return against
    if refusal := hook.lms_before_enrol(session=session, person=person, run=run, now=now):
        return ClosedError(refusal)
    return None


def _against(run: Run, person_id: int, known: Known, today: date, zone: str) -> LMSError | None:
    facts = known.facts.get(person_id)
    if run.organisation_id is not None and (
        facts is None or facts.organisation_id != run.organisation_id
    ):
        return ClosedError(OF_SCHOOL)
    if run.way == "nomination" and person_id not in known.nominated:
        return ClosedError(NOT_NOMINATED)
    audience = audiences.parse(run.audience)
    if facts is None and audience != Audience():
        return ClosedError(audiences.NOT_KNOWN)
    if facts is not None:
        outside = audiences.against(audience, facts, on=today, inside=known.inside)
        if outside is not None:
            return ClosedError(outside)
    return (
        _twice(known.elsewhere.get(person_id))
        or _too_soon(run, known.completed.get(person_id), today, zone)
        or _overlap(known.busy.get(person_id))
    )


def _twice(number: int | None) -> LMSError | None:
    if number is None:
        return None
    return ConflictError(
        "이 과정을 {n}기에서 듣고 있습니다. 그 수강을 마치거나 취소한 뒤에 신청해 주십시오.",
        n=number,
    )


def _too_soon(run: Run, completed_at: datetime | None, today: date, zone: str) -> LMSError | None:
    """The same course not again for the rule's years (domain: two) after a completion."""
    years = rules.parse(run.rule).repeat_years
    if completed_at is None or not years:
        return None
    done = clock.local_day(completed_at, zone)
    again = _years_later(done, years)
    if max(today, run.learn_from) >= again:
        return None
    return ConflictError(
        "{done}에 이수한 과정입니다. 같은 과정은 {again}부터 다시 들을 수 있습니다.",
        done=done,
        again=again,
    )


def _overlap(busy: Any) -> LMSError | None:
    if busy is None:
        return None
    return ConflictError(
        "「{title}」({from_}–{until})과 학습 기간이 겹칩니다. 겹쳐 들을 수 있는 것은 "
        "원격연수뿐이니, 하나를 취소하거나 다른 기수를 골라 주십시오.",
        title=busy.title,
        from_=busy.learn_from,
        until=busy.learn_until,
    )


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)


def _same_course(session: Session, run: Run, person_ids: Collection[int]) -> Sequence[Any]:
    """Where these people take, or took, the run's course: the last completion last."""
    return session.execute(
        select(
            Enrolment.person_id,
            Enrolment.completed_at,
            Run.id,
            Run.number,
            Run.state,
            Run.learn_until,
        )
        .join(Run, Run.id == Enrolment.run_id)
        .where(
            Run.course_id == run.course_id,
            Enrolment.person_id.in_(person_ids),
            or_(Enrolment.state == "enrolled", Enrolment.completed_at.is_not(None)),
        )
        .order_by(Enrolment.completed_at, Run.learn_from)
    ).all()


def _busy(session: Session, run: Run, person_ids: Collection[int]) -> dict[int, Any]:
    """Who attends another course in the run's period that is not a distance course either.

    A distance course may overlap with anything: the duties of a year run all year long.
    """
    rows = session.execute(
        select(Enrolment.person_id, Course.title, Run.learn_from, Run.learn_until)
        .join(Run, Run.id == Enrolment.run_id)
        .join(Course, Course.id == Run.course_id)
        .where(
            Enrolment.person_id.in_(person_ids),
            Enrolment.state == "enrolled",
            Enrolment.completed_at.is_(None),
            Run.id != run.id,
            Run.state.in_(_ON),
            Run.learn_from <= run.learn_until,
            Run.learn_until >= run.learn_from,
            Course.delivery_mode.not_in(DISTANCE),
        )
        .order_by(Run.learn_from.desc())
    )
    return {row.person_id: row for row in rows}


def latest(session: Session, run_id: int, person_ids: Collection[int]) -> dict[int, Enrolment]:
    """Each person's last attempt in a run."""
    rows = session.scalars(
        select(Enrolment)
        .where(Enrolment.run_id == run_id, Enrolment.person_id.in_(person_ids))
        .order_by(Enrolment.attempt)
        .options(lazyload(Enrolment.run))
    )
    return {row.person_id: row for row in rows}
