"""The completion: issued once, in the transaction of the last fact, with its proof."""

from datetime import datetime

import msgspec
import pluggy
from sqlalchemy.orm import Session

from lms.db import Insert
from lms.learning import proof, stating, voiding
from lms.learning.evaluate import VERSION, Verdict
from lms.learning.models import Completion, Enrolment
from lms.learning.rules import RuleSet
from lms.outbox import promise
from lms.people import audit
from lms.xapi import store, vocabulary

_ADD = Insert(Completion)


def complete(
    session: Session,
    hook: pluggy.HookRelay,
    enrolment: Enrolment,
    rule: RuleSet,
    verdict: Verdict,
    *,
    now: datetime,
) -> Completion:
    """The completion that `verdict`, which is met, brings now.

    Under the lock of the enrolment, which says by now that it is completed. What waits for a
    lock that others want too, the certificate's number, stands last.
    """
    completion = _ADD.held(
        session,
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        at=now,
        progress_permille=verdict.progress_permille,
        score=verdict.score,
        verdict=msgspec.to_builtins(verdict.clause),
        evaluator=VERSION,
        proof=proof.of(enrolment.registration, rule, verdict, at=now),
    )
    if enrolment.voided_at is not None:
        voiding.after_completion(session, enrolment, completion, now=now)
    _state(session, enrolment, verdict, now)
    audit.write(
        session,
        institution_id=enrolment.institution_id,
        actor_id=None,
        act="complete",
        subject="completion",
        subject_id=completion.id,
        reason="규칙을 모두 채움",
        now=now,
        progress=verdict.progress_permille,
        score=verdict.score,
        proof=completion.proof,
    )
    promise(
        session,
        "learning.tell_completion",
        key=f"completion:{completion.id}:tell",
        now=now,
        institution_id=enrolment.institution_id,
        completion=completion.id,
    )
    hook.lms_after_completion(session=session, completion=completion, hook=hook, now=now)
    return completion


def _state(session: Session, enrolment: Enrolment, verdict: Verdict, now: datetime) -> None:
    setting = stating.setting_of(session, enrolment.id)
    result: dict[str, object] = {"completion": True, "success": True}
    if verdict.score is not None:
        result["score"] = {"scaled": verdict.score / 10000, "raw": verdict.score / 100, "max": 100}
    said = stating.about_course(setting, vocabulary.COMPLETED, now=now, result=result)
    store.add(session.connection(), enrolment.institution_id, [said], authority=store.LMS, now=now)
