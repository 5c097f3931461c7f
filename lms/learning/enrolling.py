"""Joining a run."""

import uuid
from datetime import datetime

import pluggy
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import ClosedError, ConflictError
from lms.learning import rules, stating
from lms.learning.evaluate import evaluate
from lms.learning.models import Enrolment, Run
from lms.learning.service import load_units, zone_of
from lms.people import audit
from lms.people.models import Person
from lms.xapi import store, vocabulary


def enrol(
    session: Session,
    hook: pluggy.HookRelay,
    person: Person,
    run: Run,
    *,
    actor_id: int | None,
    now: datetime,
) -> Enrolment:
    """The person's enrolment in the run; the one that is there already, if any.

    Raises ClosedError with the reason when the run does not take people now.
    """
    session.scalar(select(Run.id).where(Run.id == run.id).with_for_update())
    known = _latest(session, person, run)
    if known is not None and known.state == "enrolled":
        return known
    _check(session, hook, person, run, now)
    enrolment = Enrolment(
        institution_id=run.institution_id,
        run_id=run.id,
        run=run,
        person_id=person.id,
        attempt=known.attempt + 1 if known else 1,
        registration=str(uuid.uuid4()),
        enrolled_at=now,
        state="enrolled",
        progress_permille=0,
        last_position_ms=0,
    )
    session.add(enrolment)
    session.flush()  # its id goes into the statement and the audit row
    facts = [one for unit in load_units(session, enrolment) for one in unit.activities]
    if not facts:
        raise ClosedError("아직 내용이 준비되지 않은 과정입니다. 내용이 실리면 신청할 수 있습니다.")
    enrolment.need_ms = evaluate(rules.parse(run.rule), facts).need_ms
    said = stating.about_course(
        stating.setting_of(session, enrolment.id), vocabulary.REGISTERED, now=now, result={}
    )
    store.add(session.connection(), run.institution_id, [said], authority=store.LMS, now=now)
    audit.write(
        session,
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="enrol",
        subject="enrolment",
        subject_id=enrolment.id,
        reason="본인 신청" if actor_id == person.id else "등록",
        now=now,
    )
    hook.lms_after_enrolment(session=session, enrolment=enrolment, now=now)
    return enrolment


def _latest(session: Session, person: Person, run: Run) -> Enrolment | None:
    return session.scalar(
        select(Enrolment)
        .filter_by(run_id=run.id, person_id=person.id)
        .order_by(Enrolment.attempt.desc())
        .limit(1)
    )


def _check(
    session: Session, hook: pluggy.HookRelay, person: Person, run: Run, now: datetime
) -> None:
    today = clock.local_day(now, zone_of(session, run.institution_id))
    if run.institution_id != person.institution_id:
        raise ConflictError("다른 연수기관의 과정입니다. 우리 연수기관의 과정에서 골라 주십시오.")
    if run.state not in {"open", "running"} or not run.learn_from <= today <= run.learn_until:
        raise ClosedError("지금은 신청할 수 없는 기수입니다. 열려 있는 기수를 골라 주십시오.")
    if run.seats is not None:
        taken = session.scalar(
            select(func.count())
            .select_from(Enrolment)
            .where(Enrolment.run_id == run.id, Enrolment.state == "enrolled")
        )
        if (taken or 0) >= run.seats:
            raise ClosedError("자리가 모두 찼습니다. 다음 기수를 골라 주십시오.")
    if reason := hook.lms_before_enrol(session=session, person=person, run=run, now=now):
        raise ClosedError(reason)
