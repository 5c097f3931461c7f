"""A statement that a completion leans on is voided: the completion is put under review.

Nothing else changes. Who decides is a person (lms.credentials.reviewing).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session, lazyload

from lms.db import session_on
from lms.learning import proof
from lms.learning.evaluate import Clause
from lms.learning.models import Completion, CompletionReview, Enrolment
from lms.people import audit
from lms.xapi import store, voiding
from lms.xapi.voiding import Undone, Voided

REVIEW = (
    "이 이수가 딛고 선 학습 기록의 일부가 무효가 되었습니다. "
    "담당자가 살펴보고 있으며, 정해질 때까지 이수는 그대로입니다."
)
_CHUNK = 500


def after_voiding(
    connection: Connection,
    institution_id: int,
    voided: Sequence[Voided],
    *,
    by: str,
    now: datetime,
) -> None:
    """Put every completion that leans on one of `voided` under review.

    Under the enrolments' locks: whoever is completing at this moment is waited for, and whoever
    completes later finds a note in the enrolment that there is something to look at.
    """
    gone: dict[str, list[Undone]] = {}
    for one in voided:
        # Nothing but what the LMS itself states moves progress.
        if one.authority == store.LMS.name and one.registration is not None:
            undone = Undone(one.statement_id, one.voided_by, by, now)
            gone.setdefault(one.registration, []).append(undone)
    registrations = sorted(gone)
    for start in range(0, len(registrations), _CHUNK):
        with session_on(connection) as session:
            _look(session, institution_id, registrations[start : start + _CHUNK], gone, now)


def after_completion(
    session: Session, enrolment: Enrolment, completion: Completion, *, now: datetime
) -> None:
    """Put a new completion under review where it leans on what was voided before it."""
    leaned = _evidence(completion)
    undone = voiding.among(session.connection(), enrolment.institution_id, sorted(leaned))
    if undone:
        _open(session, completion, undone, now)


def _look(
    session: Session,
    institution_id: int,
    registrations: Sequence[str],
    gone: dict[str, list[Undone]],
    now: datetime,
) -> None:
    enrolments = session.scalars(
        select(Enrolment)
        .where(
            Enrolment.institution_id == institution_id,
            Enrolment.registration.in_(registrations),
        )
        .order_by(Enrolment.id)
        .with_for_update(of=Enrolment)
        .options(lazyload(Enrolment.run))
    ).all()
    of_enrolment = Completion.enrolment_id.in_([one.id for one in enrolments])
    done = {
        one.enrolment_id: one for one in session.scalars(select(Completion).where(of_enrolment))
    }
    for enrolment in enrolments:
        completion = done.get(enrolment.id)
        if completion is None:
            enrolment.voided_at = now
            continue
        leaned = _evidence(completion)
        undone = [one for one in gone[enrolment.registration] if one.target in leaned]
        if undone:
            _open(session, completion, undone, now)


def _open(
    session: Session, completion: Completion, undone: Iterable[Undone], now: datetime
) -> None:
    """One open review a completion, whatever else is voided under it meanwhile."""
    told = [{**one._asdict(), "at": one.at.isoformat()} for one in undone]
    review = session.scalar(
        select(CompletionReview).where(
            CompletionReview.completion_id == completion.id,
            CompletionReview.decided_at.is_(None),
        )
    )
    if review is None:
        review = CompletionReview(
            institution_id=completion.institution_id,
            completion_id=completion.id,
            statements=told,
            opened_at=now,
        )
        session.add(review)
    else:
        review.statements = [*review.statements, *told]
    completion.review = REVIEW
    audit.write(
        session,
        institution_id=completion.institution_id,
        actor_id=None,
        act="completion.review",
        subject="completion",
        subject_id=completion.id,
        reason="딛고 선 학습 기록이 무효가 됨",
        now=now,
        statements=[one["target"] for one in told],
        voided_by=[one["voided_by"] for one in told],
        by=sorted({one["authority"] for one in told}),
    )


def _evidence(completion: Completion) -> set[str]:
    return set(proof.evidence(msgspec.convert(completion.verdict, Clause)))
