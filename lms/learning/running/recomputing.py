"""A run evaluated anew from its statements: first what would change, then the change itself.

For when a statement was voided, a question was marked anew, or a fault was mended. Who gains is
completed now, by the way that a last fact goes; who would lose keeps what they have.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from lms.errors import ConflictError, InvalidError
from lms.learning import completing, rules
from lms.learning.evaluate import Verdict, evaluate
from lms.learning.facts import ActivityFacts
from lms.learning.models import ActivityResult, Enrolment, Run
from lms.learning.running import refolding
from lms.people import audit
from lms.people.models import Person

CHUNK = 200
"""Enrolments read at a time."""

BATCH = 10
"""Enrolments changed in one transaction: learners' own writes wait for no more than these."""

Outcome = Literal["gains", "loses", "changes"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """How an enrolment's stored state differs from what its statements say."""

    enrolment_id: int
    name: str
    outcome: Outcome
    """Completes now · would not complete, and keeps what it has · other progress or score."""

    progress: tuple[int, int]
    """Permille as stored and as recomputed."""

    score: tuple[int | None, int | None]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a recomputation would do."""

    changes: tuple[Change, ...]
    asked: int
    """Enrolments that were evaluated."""

    mark: str
    """SHA-256 over the changes: names this plan when it is confirmed."""

    def of(self, outcome: Outcome) -> list[Change]:
        return [one for one in self.changes if one.outcome == outcome]

    @property
    def moving(self) -> list[int]:
        """The enrolments that applying would write to."""
        return [one.enrolment_id for one in self.changes if one.outcome != "loses"]


class _Stand(NamedTuple):
    """An enrolment as stored and as its statements say."""

    enrolment: Enrolment
    stored: dict[int, ActivityResult]
    folded: list[ActivityFacts]
    verdict: Verdict


def plan(session: Session, run: Run) -> Plan:
    """What recomputing the run would change: four queries for each hundred enrolments."""
    check(run)
    found: list[Change] = []
    asked, after = 0, 0
    while True:
        rows = session.execute(
            select(Enrolment, Person.name)
            .join(Person, Person.id == Enrolment.person_id)
            .where(Enrolment.run_id == run.id, Enrolment.state == "enrolled", Enrolment.id > after)
            .order_by(Enrolment.id)
            .limit(CHUNK)
            .options(lazyload(Enrolment.run))
        ).all()
        if not rows:
            break
        names = {enrolment.id: name for enrolment, name in rows}
        stands = _stands(session, run, [enrolment for enrolment, _ in rows])
        found += [
            _change(stand, names[stand.enrolment.id], outcome)
            for stand in stands
            if (outcome := _outcome(stand)) is not None
        ]
        asked, after = asked + len(rows), rows[-1][0].id
    told = msgspec.json.encode([(one.enrolment_id, one.outcome, one.score) for one in found])
    return Plan(changes=tuple(found), asked=asked, mark=hashlib.sha256(told).hexdigest())


def begin(
    session: Session, run: Run, of: Plan, *, reason: str, actor_id: int, now: datetime
) -> None:
    """Write down that the run is recomputed, why, and what was to be expected.

    Raises InvalidError without a reason.
    """
    check(run)
    if not reason.strip():
        raise InvalidError("다시 계산하는 까닭을 적어 주십시오. 기록에 남습니다.", field="reason")
    audit.write(
        session,
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="run.recompute",
        subject="run",
        subject_id=run.id,
        reason=reason.strip(),
        now=now,
        asked=of.asked,
        gains=len(of.of("gains")),
        loses=len(of.of("loses")),
        changes=len(of.of("changes")),
        mark=of.mark,
    )


def apply(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    enrolment_ids: Sequence[int],
    *,
    reason: str,
    actor_id: int,
    now: datetime,
) -> list[int]:
    """Bring enrolments to what their statements say; the ids of those that are completed by it.

    Under the enrolments' locks, evaluated again: what changed since the plan is heard. For some
    dozens at a time, each batch in a transaction of its own; a second time changes nothing.
    """
    locked = session.scalars(
        select(Enrolment)
        .where(
            Enrolment.run_id == run.id,
            Enrolment.id.in_(enrolment_ids),
            Enrolment.state == "enrolled",
        )
        .order_by(Enrolment.id)
        .with_for_update(of=Enrolment)
        .execution_options(populate_existing=True)
    ).all()
    session.info.setdefault("lms_locked", {}).update({one.id: one for one in locked})
    rule, gained, told = rules.parse(run.rule), [], []
    for stand in _stands(session, run, locked):
        outcome = _outcome(stand)
        if outcome is None or outcome == "loses":
            continue
        change = _change(stand, "", outcome)
        _write(session, stand)
        _point(stand, now)
        told.append(_told(change, reason))
        if outcome == "gains":
            session.flush()  # completing writes past the session, on what stands in the database
            completing.complete(session, hook, stand.enrolment, rule, stand.verdict, now=now)
            gained.append(stand.enrolment.id)
    audit.write_many(
        session,
        told,
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="enrolment.recompute",
        subject="enrolment",
        now=now,
    )
    return gained


def check(run: Run) -> None:
    """Raises ConflictError for a run in which nobody has learnt, or which was called off."""
    if run.state in {"planned", "cancelled"}:
        raise ConflictError("열린 적이 없거나 취소한 기수는 다시 계산할 것이 없습니다.")


def _stands(session: Session, run: Run, rows: Sequence[Enrolment]) -> Iterator[_Stand]:
    """Three queries for all of `rows`."""
    rule = rules.parse(run.rule)
    folded = refolding.refold(session, run, rows)
    stored: dict[int, dict[int, ActivityResult]] = {one.id: {} for one in rows}
    kept = session.scalars(
        select(ActivityResult).where(ActivityResult.enrolment_id.in_(list(stored)))
    )
    for result in kept:
        stored[result.enrolment_id][result.activity_id] = result
    for one in rows:
        yield _Stand(one, stored[one.id], folded[one.id], evaluate(rule, folded[one.id]))


def _outcome(stand: _Stand) -> Outcome | None:
    enrolment, verdict = stand.enrolment, stand.verdict
    if enrolment.completed_at is not None and not verdict.met:
        return "loses"
    if enrolment.completed_at is None and verdict.met:
        return "gains"
    same = (
        enrolment.progress_permille == verdict.progress_permille
        and enrolment.score == verdict.score
        and enrolment.need_ms == verdict.need_ms
        and all(_short(stand.stored.get(one.activity_id)) == _short(one) for one in stand.folded)
    )
    return None if same else "changes"


def _short(one: ActivityResult | ActivityFacts | None) -> tuple[object, ...]:
    if one is None:
        return (0, False, None, None, ())
    return (one.progress_permille, one.done, one.score, one.passed, tuple(one.statements))


def _change(stand: _Stand, name: str, outcome: Outcome) -> Change:
    enrolment, verdict = stand.enrolment, stand.verdict
    return Change(
        enrolment_id=enrolment.id,
        name=name,
        outcome=outcome,
        progress=(enrolment.progress_permille, verdict.progress_permille),
        score=(enrolment.score, verdict.score),
    )


def _write(session: Session, stand: _Stand) -> None:
    """The results as the statements say them; one that lost its statements stays, empty."""
    for facts in stand.folded:
        result = stand.stored.get(facts.activity_id)
        if _short(result) == _short(facts):
            continue
        if result is None:
            result = ActivityResult(
                institution_id=stand.enrolment.institution_id,
                enrolment_id=stand.enrolment.id,
                activity_id=facts.activity_id,
                first_at=facts.first_at,
            )
            session.add(result)
        result.progress_permille = facts.progress_permille
        result.score, result.passed, result.done = facts.score, facts.passed, facts.done
        result.statements, result.done_at = list(facts.statements), facts.done_at


def _point(stand: _Stand, now: datetime) -> None:
    enrolment, verdict = stand.enrolment, stand.verdict
    enrolment.progress_permille = verdict.progress_permille
    enrolment.score, enrolment.need_ms = verdict.score, verdict.need_ms
    if verdict.met and enrolment.completed_at is None:
        enrolment.completed_at = now


def _told(change: Change, reason: str) -> dict[str, object]:
    return {
        "subject_id": change.enrolment_id,
        "reason": reason.strip(),
        "detail": {"progress": list(change.progress), "score": list(change.score)},
    }
