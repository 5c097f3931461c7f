"""Issuing, printing, revoking. A certificate is born from a completion and from nothing else."""

import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pluggy
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from lms import clock
from lms.credentials.glyphs import normalised
from lms.credentials.models import Certificate, RecognisedTime
from lms.credentials.numbering import format_number
from lms.credentials.paper import CertificatePayload, credits_of
from lms.errors import ConflictError, InvalidError
from lms.learning.models import Completion, Course, Enrolment, Run
from lms.learning.terms import KINDS
from lms.people import audit
from lms.people.models import Institution
from lms.people.settings import InstitutionSettings, parse

PRINTED_SCORE_MINUTES = 60 * 60
"""A score is printed for courses of 60 recognised hours and more (decree)."""

REVOKE_CLASSES = ("error", "withdrawn", "fraud")


def issue(
    session: Session, hook: pluggy.HookRelay, completion: Completion, *, now: datetime
) -> Certificate:
    """The completion's certificate and recognised time; the number is the run's next serial.

    In the completion's transaction and under its enrolment's lock; the run's row lock makes the
    serials run without a gap, since an undone transaction gives its serial back.
    """
    enrolment = completion.enrolment
    serial = _next_serial(session, enrolment.run_id)
    institution = session.get_one(Institution, completion.institution_id)
    settings = parse(institution.settings)
    course = enrolment.run.course
    number = format_number(
        settings.number_pattern,
        institution=institution.code,
        kind=KINDS[course.training_kind].removesuffix("연수").removesuffix("교육"),
        year=enrolment.run.year,
        run=f"{course.code}{enrolment.run.number:02}",
        serial=serial,
    )
    certificate = Certificate(
        institution_id=institution.id,
        completion_id=completion.id,
        completion=completion,
        person_id=enrolment.person_id,
        number=number,
        serial=serial,
        code=secrets.token_urlsafe(15),
        payload=_payload(institution, settings, completion, number, now),
        issued_at=now,
    )
    session.add(certificate)
    _recognise(session, completion, course, now)
    session.flush()  # the audit row and the hooks refer to its id
    audit.write(
        session,
        institution_id=institution.id,
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


def _next_serial(session: Session, run_id: int) -> int:
    return session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(serial=Run.serial + 1)
        .returning(Run.serial)
        .execution_options(synchronize_session=False)
    ).scalar_one()


def _payload(
    institution: Institution,
    settings: InstitutionSettings,
    completion: Completion,
    number: str,
    now: datetime,
) -> dict[str, Any]:
    """What the paper says, frozen; the birth date stays sealed as the person's row has it."""
    enrolment = completion.enrolment
    run, course, person = enrolment.run, enrolment.run.course, enrolment.person
    issued_on = clock.local_day(now, institution.zone)
    score = completion.score if course.recognised_minutes >= PRINTED_SCORE_MINUTES else None
    return {
        "number": number,
        "holder_name": normalised(person.name),
        "birth_date_sealed": person.birth_date_sealed,
        "training_kind": KINDS[course.training_kind],
        "course_title": normalised(course.title),
        "period_from": run.learn_from.isoformat(),
        # Who is done before the run ends did not learn beyond that day.
        "period_until": min(run.learn_until, issued_on).isoformat(),
        "recognised_minutes": course.recognised_minutes,
        "sentence": settings.certificate_sentence,
        "issued_on": issued_on.isoformat(),
        "head_title": settings.head_title or f"{institution.name}장",
        "institution_name": institution.name,
        "seal_lines": list(settings.seal),
        "score": None if score is None else str(Decimal(score) / 100),
        "designation_number": settings.designation_number,
        "sample": settings.sample_papers,
    }


def _recognise(session: Session, completion: Completion, course: Course, now: datetime) -> None:
    session.add(
        RecognisedTime(
            institution_id=completion.institution_id,
            person_id=completion.enrolment.person_id,
            source="completion",
            source_id=completion.id,
            kind=course.training_kind,
            minutes=course.recognised_minutes,
            credits=credits_of(course.recognised_minutes),
            at=now,
        )
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


_EARNED = (
    select(RecognisedTime.kind, func.sum(RecognisedTime.minutes), func.sum(RecognisedTime.credits))
    .where(
        RecognisedTime.person_id == bindparam("person_id"),
        RecognisedTime.at >= bindparam("since"),
    )
    .group_by(RecognisedTime.kind)
)
_LAST = (
    select(Certificate.id, Certificate.payload, Certificate.issued_at)
    .where(Certificate.person_id == bindparam("person_id"))
    .order_by(Certificate.issued_at.desc(), Certificate.id.desc())
    .limit(3)
)


def recent(session: Session, person_id: int, *, year: int, zone: str) -> dict[str, Any]:
    """This year's recognised minutes by kind and the last three certificates, in two queries."""
    connection = session.connection()
    since = clock.start_of_day(date(year, 1, 1), zone)
    minutes = connection.execute(_EARNED, {"person_id": person_id, "since": since}).all()
    last = connection.execute(_LAST, {"person_id": person_id}).all()
    return {
        "minutes": sum(row[1] for row in minutes),
        "credits": sum(row[2] for row in minutes),
        "kinds": sorted(((row[0], row[1]) for row in minutes), key=lambda one: -one[1]),
        "last": [{"id": row[0], "title": row[1]["course_title"], "at": row[2]} for row in last],
    }
