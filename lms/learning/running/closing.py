"""The end of a run: closed once nothing waits for a mark, opened again with a reason.

What is closed can be read and counts no more: `service.check_period` refuses what comes.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec
import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import ClosedError, ConflictError, InvalidError
from lms.learning.models import Enrolment, Run
from lms.learning.running import counter, runs, waiting
from lms.outbox import promise
from lms.people import audit

ENDED = "학습 기간이 끝남"
"""Why a run is closed after its last day."""


class Unmarked(msgspec.Struct, frozen=True, kw_only=True):
    """Work in an activity of a run that waits for somebody's mark."""

    run_id: int
    activity_id: int
    title: str
    """The activity's."""

    count: int
    since: datetime | None = None
    """When the oldest was handed in."""

    href: str = ""
    """Where it is marked."""


def unmarked(
    session: Session, hook: pluggy.HookRelay, run_ids: Sequence[int]
) -> dict[int, list[Unmarked]]:
    """What waits for a mark, by run; runs without any are left out. One query a room that marks."""
    found: dict[int, list[Unmarked]] = {}
    if run_ids:
        told: Iterable[Iterable[Unmarked]] = hook.lms_unmarked(session=session, run_ids=run_ids)
        for one in (one for some in told for one in some):
            if one.count:
                found.setdefault(one.run_id, []).append(one)
    return found


def close(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    *,
    actor_id: int | None,
    now: datetime,
    zone: str,
    reason: str = "",
) -> bool:
    """Close a run; False when it was closed already, and then nothing is changed.

    `zone`: the institution's. Raises ConflictError while work is unmarked or when it was never
    open, InvalidError when it would end before its last day without a `reason`.
    """
    # Facts on their way in hold their enrolment's lock: they count, the next ones do not. The locks
    # are taken in the order in which completing takes them, the run's last.
    session.execute(
        select(Enrolment.id)
        .where(Enrolment.run_id == run.id)
        .order_by(Enrolment.id)
        .with_for_update()
    )
    run = counter.lock_run(session, run.id)
    if run.state == "closed":
        return False
    if run.state not in counter.TAKES:
        raise ConflictError(
            "열린 적이 없는 기수는 마감할 수 없습니다. 기수를 취소하거나 열어 주십시오."
        )
    _check_marked(session, hook, run)
    if clock.local_day(now, zone) <= run.learn_until:
        _need(reason, "학습 기간이 {day}까지입니다. 그 전에 마감하는 까닭을 적어 주십시오.", run)
    runs.move(session, run, "closed", reason=reason or ENDED, actor_id=actor_id, now=now)
    run.results_told_at = None
    waiting.lapse(session, run, now=now)
    promise(
        session,
        "learning.tell_results",
        key=f"run:{run.id}:closed:{now.isoformat()}",
        now=now,
        institution_id=run.institution_id,
        run=run.id,
        closed_at=now.isoformat(),
    )
    return True


def reopen(
    session: Session,
    run: Run,
    *,
    reason: str,
    until: date | None = None,
    actor_id: int,
    now: datetime,
    zone: str,
) -> bool:
    """Let people learn again, until a later last day if one is given; False when it is not closed.

    Raises InvalidError without a reason, or when nobody could learn: the last day is over.
    """
    run = counter.lock_run(session, run.id)
    if run.state in counter.TAKES:
        return False
    if run.state != "closed":
        raise ConflictError("마감한 기수만 다시 열 수 있습니다. 기수의 상태를 확인해 주십시오.")
    _need(reason, "다시 여는 까닭을 적어 주십시오. 기록에 남습니다.", run)
    today, last = clock.local_day(now, zone), until or run.learn_until
    if last < today:
        raise InvalidError(
            "{day}에 학습 기간이 끝났습니다. 새 마지막 날을 오늘이나 그 뒤로 골라 주십시오.",
            field="until",
            day=last,
        )
    if last != run.learn_until:
        audit.write(
            session,
            institution_id=run.institution_id,
            actor_id=actor_id,
            act="run.extend",
            subject="run",
            subject_id=run.id,
            reason=reason,
            now=now,
            before=run.learn_until.isoformat(),
            after=last.isoformat(),
        )
        run.learn_until = last
    run.results_told_at = None
    runs.move(session, run, "running", reason=reason, actor_id=actor_id, now=now)
    return True


def tell_results(session: Session, run: Run, *, reason: str, actor_id: int, now: datetime) -> bool:
    """Note that the results went to the learners' offices; False when that was noted before.

    Raises ConflictError for a run that is not closed: its results can still change.
    """
    run = counter.lock_run(session, run.id)
    if run.state != "closed":
        raise ConflictError("마감하지 않은 기수입니다. 마감한 뒤에 결과를 알려 주십시오.")
    if run.results_told_at is not None:
        return False
    run.results_told_at = now
    audit.write(
        session,
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="run.tell_results",
        subject="run",
        subject_id=run.id,
        reason=reason.strip() or "소속기관에 결과를 알림",
        now=now,
    )
    return True


def check_takes_marks(run: Run) -> None:
    """Raises ClosedError where a mark would change a result that was told already."""
    if run.state in {"closed", "cancelled"}:
        raise ClosedError("마감한 기수입니다. 점수를 고치려면 기수를 다시 연 뒤에 해 주십시오.")


def _check_marked(session: Session, hook: pluggy.HookRelay, run: Run) -> None:
    left = unmarked(session, hook, [run.id]).get(run.id, [])
    if left:
        raise ConflictError(
            "채점하지 않은 답안이 {n}건 있습니다({names}). 채점을 마친 뒤에 마감해 주십시오.",
            n=sum(one.count for one in left),
            names=", ".join(one.title for one in left),
        )


def _need(reason: str, sentence: str, run: Run) -> None:
    if not reason.strip():
        raise InvalidError(sentence, field="reason", day=run.learn_until)
