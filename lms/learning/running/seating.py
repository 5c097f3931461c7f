"""Enrolments are made here and nowhere else: with their statement, audit row and news."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import pluggy
from sqlalchemy.orm import Session

from lms.errors import ClosedError
from lms.learning import rules, stating
from lms.learning.evaluate import evaluate
from lms.learning.models import CourseVersion, Enrolment, Run
from lms.learning.running import planning
from lms.outbox import promise
from lms.people import audit
from lms.people.models import Institution, Person
from lms.xapi import store, vocabulary

SOURCES = {
    "self": "본인 신청",
    "waiting": "대기 순서가 되어 등록",
    "officer": "담당자가 등록",
    "nomination": "추천 명단으로 등록",
    "file": "파일로 등록",
    "school": "학교 연수로 등록",
}
"""How somebody came in → what the audit row says."""


class Place(NamedTuple):
    """A seat for somebody: which attempt it is."""

    person: Person
    attempt: int


def seat(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    places: Sequence[Place],
    *,
    source: str,
    why: str = "",
    actor_id: int | None,
    now: datetime,
) -> list[Enrolment]:
    """New enrolments, in the order of `places`; the caller holds the run's lock.

    The queries do not grow with the places but for what must be told of each. Raises ClosedError
    when the version has nothing to learn.
    """
    if not places:
        return []
    version = session.get_one(CourseVersion, run.version_id)
    facts = planning.outline(session, version).activities
    if not facts:
        raise ClosedError("아직 내용이 준비되지 않은 과정입니다. 내용이 실리면 신청할 수 있습니다.")
    need_ms = evaluate(rules.parse(run.rule), facts).need_ms
    made = [
        Enrolment(
            institution_id=run.institution_id,
            run_id=run.id,
            run=run,
            person_id=place.person.id,
            person=place.person,
            attempt=place.attempt,
            registration=str(uuid.uuid4()),
            enrolled_at=now,
            state="enrolled",
            source=source,
            progress_permille=0,
            need_ms=need_ms,
            last_position_ms=0,
        )
        for place in places
    ]
    session.add_all(made)
    session.flush()  # their ids go into the audit rows and the promises
    _state(session, run, made, now)
    _note(session, run, made, source, why, actor_id, now)
    for one in made:
        hook.lms_after_enrolment(session=session, enrolment=one, now=now)
        if actor_id != one.person_id:
            _tell(session, one, now)
    return made


def _note(
    session: Session,
    run: Run,
    made: Sequence[Enrolment],
    source: str,
    why: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    audit.write_many(
        session,
        [
            {
                "subject_id": one.id,
                "reason": why or _reason(source, actor_id == one.person_id),
                "detail": {},
            }
            for one in made
        ],
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="enrol",
        subject="enrolment",
        now=now,
    )


def _reason(source: str, by_oneself: bool) -> str:
    return SOURCES[source] if source != "self" or by_oneself else "등록"


def _state(session: Session, run: Run, made: Sequence[Enrolment], now: datetime) -> None:
    home = session.get_one(Institution, run.institution_id)
    said = [
        stating.about_course(
            stating.Setting(
                institution_id=run.institution_id,
                home_page=home.home_page,
                account_name=one.person.account_name,
                registration=one.registration,
                course_id=run.course_id,
                course_title=run.course.title,
                zone=home.zone,
            ),
            vocabulary.REGISTERED,
            now=now,
            result={},
        )
        for one in made
    ]
    store.add(session.connection(), run.institution_id, said, authority=store.LMS, now=now)


def _tell(session: Session, one: Enrolment, now: datetime) -> None:
    promise(
        session,
        "learning.tell_place",
        key=f"enrolment:{one.id}:place",
        now=now,
        institution_id=one.institution_id,
        enrolment=one.id,
    )
