"""What settling writes: how an activity stands, and where the enrolment is. Prepared, no flush."""

from datetime import datetime

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from lms.db import Insert, Prepared
from lms.learning.evaluate import Verdict
from lms.learning.facts import ActivityFacts
from lms.learning.models import ActivityResult, Enrolment

_FIRST_RESULT = Insert(ActivityResult)
_NEXT_RESULT = Prepared(
    update(ActivityResult)
    .where(
        ActivityResult.enrolment_id == bindparam("of_enrolment"),
        ActivityResult.activity_id == bindparam("of_activity"),
    )
    .values(
        {
            name: bindparam(name)
            for name in ("progress_permille", "score", "passed", "done", "statements", "done_at")
        }
    ),
    int,
)
_MOVE = Prepared(
    update(Enrolment)
    .where(Enrolment.id == bindparam("of_enrolment"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "progress_permille",
                "score",
                "need_ms",
                "completed_at",
                "last_activity_id",
                "last_position_ms",
                "last_act_at",
            )
        }
    ),
    int,
)


def result(session: Session, enrolment: Enrolment, facts: ActivityFacts, *, is_new: bool) -> None:
    """Write the activity's result; under the lock, so `is_new` cannot have become untrue."""
    told = {
        "progress_permille": facts.progress_permille,
        "score": facts.score,
        "passed": facts.passed,
        "done": facts.done,
        "statements": list(facts.statements),
        "done_at": facts.done_at,
    }
    if is_new:
        _FIRST_RESULT.row(
            session,
            institution_id=enrolment.institution_id,
            enrolment_id=enrolment.id,
            activity_id=facts.activity_id,
            first_at=facts.first_at,
            **told,
        )
    else:
        _NEXT_RESULT.run(session, of_enrolment=enrolment.id, of_activity=facts.activity_id, **told)


def place(
    session: Session,
    enrolment: Enrolment,
    verdict: Verdict,
    activity_id: int,
    *,
    position_ms: int | None,
    now: datetime,
    by_learner: bool = True,
) -> None:
    """Write how far the enrolment is; the object says the same, and needs no flush.

    `by_learner`: False leaves where and when the learner acted last: somebody else did.
    """
    told = {
        "progress_permille": verdict.progress_permille,
        "score": verdict.score,
        "need_ms": verdict.need_ms,
        # Who is done stays done: nothing here ever takes a completion back.
        "completed_at": enrolment.completed_at or (now if verdict.met else None),
        "last_activity_id": activity_id if by_learner else enrolment.last_activity_id,
        "last_position_ms": enrolment.last_position_ms if position_ms is None else position_ms,
        "last_act_at": now if by_learner else enrolment.last_act_at,
    }
    _MOVE.run(session, of_enrolment=enrolment.id, **told)
    for name, value in told.items():
        set_committed_value(enrolment, name, value)
