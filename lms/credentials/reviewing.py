"""A completion under review, and what is decided: it is kept, made right, or revoked.

Opened by lms.learning.voiding. Until somebody decides, the completion and its certificate stand.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pluggy
from sqlalchemy import func, select
from sqlalchemy.orm import Session, lazyload

from lms.credentials import service
from lms.credentials.models import Certificate
from lms.errors import ConflictError, InvalidError
from lms.learning import proof, rules
from lms.learning.evaluate import Verdict, evaluate
from lms.learning.models import Completion, CompletionReview, Course, Enrolment, Run
from lms.learning.running import recomputing
from lms.learning.service import lock
from lms.people import audit
from lms.people.models import Person

DECISIONS = ("kept", "recomputed", "revoked")
PAGE = 50

_NO_REASON = "그렇게 정한 까닭을 적어 주십시오. 기록에 남습니다."
_NO_DECISION = "이수를 어떻게 할지 골라 주십시오."
_DECIDED = "다른 사람이 이미 정했습니다. 무엇으로 정했는지 아래에서 확인해 주십시오."
_MORE = "그사이 무효가 된 기록이 더 있습니다. 다시 보고 정해 주십시오."
_FALLS_SHORT = (
    "무효가 된 기록을 빼면 이수 기준에 미치지 못합니다. 이수를 그대로 두거나 취소해 주십시오."
)


class Standing(NamedTuple):
    """What the statements that are left say of a completion's enrolment."""

    verdict: Verdict
    holds: bool
    """Whether the rules are met without what was voided."""


def waiting(
    session: Session, institution_id: int, *, after: int = 0, most: int = PAGE
) -> Sequence[Any]:
    """Reviews without a decision, the oldest first, `most` + 1 of them; `all`: how many in all.

    Each row: CompletionReview, Person.name, Course.title, Run, all. One query.
    """
    open_ones = (
        CompletionReview.institution_id == institution_id,
        CompletionReview.decided_at.is_(None),
    )
    number = select(func.count()).select_from(CompletionReview).where(*open_ones)
    return session.execute(
        select(
            CompletionReview,
            Person.name,
            Course.title,
            Run,
            number.scalar_subquery().label("all"),
        )
        .join(Completion, Completion.id == CompletionReview.completion_id)
        .join(Enrolment, Enrolment.id == Completion.enrolment_id)
        .join(Person, Person.id == Enrolment.person_id)
        .join(Run, Run.id == Enrolment.run_id)
        .join(Course, Course.id == Run.course_id)
        .where(*open_ones, CompletionReview.id > after)
        .order_by(CompletionReview.id)
        .limit(most + 1)
        .options(lazyload(Run.course))
    ).all()


def standing(session: Session, enrolment: Enrolment) -> Standing:
    """The enrolment folded anew from the statements that are left. It changes nothing."""
    verdict = evaluate(rules.parse(enrolment.run.rule), proof.refold(session, enrolment))
    return Standing(verdict, verdict.met)


def certificate_of(session: Session, completion_id: int) -> Certificate | None:
    return session.scalar(select(Certificate).filter_by(completion_id=completion_id))


def decide(
    session: Session,
    hook: pluggy.HookRelay,
    review: CompletionReview,
    decision: str,
    *,
    reason: str,
    seen: int,
    revoke_class: str = "error",
    actor_id: int,
    now: datetime,
) -> None:
    """End the review, under the enrolment's lock.

    `kept`: nothing changes. `recomputed`: results and figures become what the statements that are
    left say; the completion stands. `revoked`: its certificate is revoked, with `revoke_class`.
    `seen`: how many voided statements the actor has seen. Raises InvalidError without a reason or
    a decision, ConflictError where another decided, more was voided meanwhile, or what is left
    does not meet the rules and is to be recomputed.
    """
    if decision not in DECISIONS:
        raise InvalidError(_NO_DECISION, field="decision")
    if not reason.strip():
        raise InvalidError(_NO_REASON, field="reason")
    completion = review.completion
    enrolment = lock(session, completion.enrolment_id)
    session.refresh(review)
    session.refresh(completion)
    if review.decided_at is not None:
        raise ConflictError(_DECIDED)
    if len(review.statements) != seen:
        raise ConflictError(_MORE)
    how = {"reason": reason, "actor_id": actor_id, "now": now}
    if decision == "recomputed":
        _recompute(session, hook, enrolment, how)
    elif decision == "revoked":
        _revoke(session, completion, revoke_class, how)
    completion.review = None
    review.decided_at, review.decision = now, decision
    review.reason, review.actor_id = reason.strip(), actor_id
    audit.write(
        session,
        institution_id=review.institution_id,
        actor_id=actor_id,
        act=f"completion.{decision}",
        subject="completion",
        subject_id=completion.id,
        reason=reason.strip(),
        now=now,
        statements=[one["target"] for one in review.statements],
    )


def _recompute(
    session: Session, hook: pluggy.HookRelay, enrolment: Enrolment, how: dict[str, Any]
) -> None:
    if not standing(session, enrolment).holds:
        raise ConflictError(_FALLS_SHORT)
    recomputing.apply(session, hook, enrolment.run, [enrolment.id], **how)


def _revoke(
    session: Session, completion: Completion, revoke_class: str, how: dict[str, Any]
) -> None:
    certificate = certificate_of(session, completion.id)
    if certificate is not None and certificate.revoked_at is None:
        service.revoke(session, certificate, revoke_class=revoke_class, **how)
