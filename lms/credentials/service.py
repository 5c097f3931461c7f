"""Issuing, printing, revoking. A certificate is born from a completion and from nothing else."""

import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pluggy
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from lms import clock
from lms.credentials.glyphs import normalised
from lms.credentials.models import Certificate, RecognisedTime
from lms.credentials.paper import CertificatePayload, credits_of
from lms.db import Insert, Prepared
from lms.errors import ConflictError, InvalidError
from lms.learning.models import Completion, Course, Enrolment, Nomination, Run
from lms.learning.terms import KINDS
from lms.people import audit
from lms.people.models import Institution, Person
from lms.people.numbering import format_number
from lms.people.settings import InstitutionSettings, parse

PRINTED_SCORE_MINUTES = 60 * 60
"""A score is printed for courses of 60 recognised hours and more (decree)."""

REVOKE_CLASSES = ("error", "withdrawn", "fraud")


class _Parties(NamedTuple):
    """Who issues and who receives."""

    institution: str
    code: str
    zone: str
    settings: dict[str, Any]
    holder: str
    birth_date_sealed: str | None
    nomination: str | None
    """The number under which an office named the holder for the run."""


_PARTIES = Prepared(
    select(
        Institution.name,
        Institution.code,
        Institution.zone,
        Institution.settings,
        Person.name,
        Person.birth_date_sealed,
        select(Nomination.number)
        .where(Nomination.run_id == bindparam("run_id"), Nomination.person_id == Person.id)
        .correlate(Person)
        .scalar_subquery(),
    )
    .join(Person, Person.institution_id == Institution.id)
    .where(Person.id == bindparam("person_id")),
    _Parties,
)
_NEXT_SERIAL = Prepared(
    update(Run)
    .where(Run.id == bindparam("run_id"))
    .values(serial=Run.serial + 1)
    .returning(Run.serial),
    int,
)
_ADD = Insert(Certificate)
_RECOGNISE = Insert(RecognisedTime)


def issue(
    session: Session, hook: pluggy.HookRelay, completion: Completion, *, now: datetime
) -> Certificate:
    """The completion's certificate and recognised time; the number is the run's next serial.

    In the completion's transaction and under its enrolment's lock; the run's row lock makes the
    serials run without a gap, since an undone transaction gives its serial back.
    """
    enrolment = completion.enrolment
    course = enrolment.run.course
    parties = _PARTIES.all(session, person_id=enrolment.person_id, run_id=enrolment.run_id)[0]
    settings = parse(parties.settings)
    _recognise(session, completion, course, now)
    # From here to the commit nobody else of this run gets a number.
    [serial] = _NEXT_SERIAL.all(session, run_id=enrolment.run_id)
    number = format_number(
        settings.number_pattern,
        institution=parties.code,
        kind=KINDS[course.training_kind].removesuffix("연수").removesuffix("교육"),
        year=enrolment.run.year,
        run=f"{course.code}{enrolment.run.number:02}",
        serial=serial,
    )
    certificate = _ADD.held(
        session,
        institution_id=completion.institution_id,
        completion_id=completion.id,
        person_id=enrolment.person_id,
        number=number,
        serial=serial,
        code=secrets.token_urlsafe(15),
        payload=_payload(parties, settings, completion, number, now),
        issued_at=now,
    )
    audit.write(
        session,
        institution_id=completion.institution_id,
        actor_id=None,
        act="issue",
        subject="certificate",
        subject_id=certificate.id,
        reason="이수",
        now=now,
        number=number,
    )
    hook.lms_after_certificate(session=session, certificate=certificate, now=now)
    return certificate


def _payload(
    parties: _Parties,
    settings: InstitutionSettings,
    completion: Completion,
    number: str,
    now: datetime,
) -> dict[str, Any]:
    """What the paper says, frozen; the birth date stays sealed as the person's row has it."""
    enrolment = completion.enrolment
    run, course = enrolment.run, enrolment.run.course
    issued_on = clock.local_day(now, parties.zone)
    score = completion.score if course.recognised_minutes >= PRINTED_SCORE_MINUTES else None
    return {
        "number": number,
        "holder_name": normalised(parties.holder),
        "birth_date_sealed": parties.birth_date_sealed,
        "training_kind": KINDS[course.training_kind],
        "course_title": normalised(course.title),
        "period_from": run.learn_from.isoformat(),
        # Who is done before the run ends did not learn beyond that day.
        "period_until": min(run.learn_until, issued_on).isoformat(),
        "recognised_minutes": course.recognised_minutes,
        "sentence": settings.certificate_sentence,
        "issued_on": issued_on.isoformat(),
        "head_title": settings.head_title or f"{parties.institution}장",
        "institution_name": parties.institution,
        "seal_lines": list(settings.seal),
        "score": None if score is None else str(Decimal(score) / 100),
        "nomination_number": parties.nomination,
        "designation_number": settings.designation_number,
        "sample": settings.sample_papers,
    }


def _recognise(session: Session, completion: Completion, course: Course, now: datetime) -> None:
    _RECOGNISE.row(
        session,
        institution_id=completion.institution_id,
        person_id=completion.enrolment.person_id,
        source="completion",
        source_id=completion.id,
        kind=course.training_kind,
        minutes=course.recognised_minutes,
        credits=credits_of(course.recognised_minutes),
        at=now,
    )


def paper_payload(
    certificate: Certificate, *, birth_date: str, verify_url: str
) -> CertificatePayload:
    """The frozen payload as the printer wants it. `birth_date`: opened, ISO."""
    told = {name: value for name, value in certificate.payload.items() if value is not None}
    told.pop("birth_date_sealed", None)
    return msgspec.convert(
        {**told, "birth_date": birth_date, "verify_url": verify_url},
        CertificatePayload,
    )


def revoke(
    session: Session,
    certificate: Certificate,
    *,
    actor_id: int,
    revoke_class: str,
    reason: str,
    now: datetime,
) -> None:
    """Mark it revoked: the public page says so at once, with when and which class of reason.

    Raises InvalidError without a reason or with an unknown class, ConflictError if it is revoked.
    """
    if revoke_class not in REVOKE_CLASSES or not reason.strip():
        raise InvalidError("취소하는 까닭과 갈래를 적어 주십시오.", field="reason")
    if certificate.revoked_at is not None:
        raise ConflictError("이미 취소된 이수증입니다.")
    certificate.revoked_at = now
    certificate.revoked_class = revoke_class
    certificate.revoked_reason = reason.strip()
    audit.write(
        session,
        institution_id=certificate.institution_id,
        actor_id=actor_id,
        act="revoke",
        subject="certificate",
        subject_id=certificate.id,
        reason=reason.strip(),
        now=now,
        number=certificate.number,
        revoke_class=revoke_class,
    )


def by_number(session: Session, number: str) -> list[Certificate]:
    """Certificates of that number, one an institution at most."""
    return list(session.scalars(select(Certificate).filter_by(number=number.strip())))


def of_person(session: Session, person_id: int) -> list[Any]:
    """A person's certificates with course, run and recognised time, newest first: one query."""
    return list(
        session.execute(
            select(Certificate, Completion, Course, Run, RecognisedTime)
            .join(Completion, Completion.id == Certificate.completion_id)
            .join(Enrolment, Enrolment.id == Completion.enrolment_id)
            .join(Run, Run.id == Enrolment.run_id)
            .join(Course, Course.id == Run.course_id)
            .outerjoin(
                RecognisedTime,
                (RecognisedTime.source == "completion")
                & (RecognisedTime.source_id == Completion.id),
            )
            .where(Certificate.person_id == person_id)
            .order_by(Certificate.issued_at.desc(), Certificate.id.desc())
        )
    )


class _Earned(NamedTuple):
    kind: str
    minutes: int
    credits: Decimal


class _Certified(NamedTuple):
    id: int
    title: str
    at: datetime


_EARNED = Prepared(
    select(RecognisedTime.kind, func.sum(RecognisedTime.minutes), func.sum(RecognisedTime.credits))
    .where(
        RecognisedTime.person_id == bindparam("person_id"),
        RecognisedTime.at >= bindparam("since"),
    )
    .group_by(RecognisedTime.kind),
    _Earned,
)
_LAST = Prepared(
    select(Certificate.id, Certificate.payload["course_title"].as_string(), Certificate.issued_at)
    .where(Certificate.person_id == bindparam("person_id"))
    .order_by(Certificate.issued_at.desc(), Certificate.id.desc())
    .limit(3),
    _Certified,
)


def recent(session: Session, person_id: int, *, year: int, zone: str) -> dict[str, Any]:
    """This year's recognised minutes by kind and the last three certificates, in two queries."""
    since = clock.start_of_day(date(year, 1, 1), zone)
    earned = _EARNED.all(session, person_id=person_id, since=since)
    return {
        "minutes": sum(one.minutes for one in earned),
        "credits": sum(one.credits for one in earned),
        "kinds": sorted(((one.kind, one.minutes) for one in earned), key=lambda one: -one[1]),
        "last": _LAST.all(session, person_id=person_id),
    }
