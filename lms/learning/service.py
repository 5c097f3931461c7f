"""What happens when something was learnt: statements in, results settled, completion out.

Nothing here knows HTTP, and nothing here commits.
"""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
import pluggy
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import ClosedError, NotFoundError
from lms.learning import completing, opening, rules
from lms.learning.evaluate import Verdict, evaluate
from lms.learning.facts import ActivityFacts, UnitFacts
from lms.learning.folding import fold
from lms.learning.models import Activity, ActivityResult, Enrolment, Run, Unit
from lms.people.models import Institution
from lms.xapi import store


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How an enrolment stands after statements were stored."""

    enrolment_id: int
    progress_permille: int
    score: int | None
    unit_done: bool
    activity_done: bool
    completed: bool
    just_completed: bool
    completion_id: int | None


def record(
    session: Session,
    hook: pluggy.HookRelay,
    enrolment_id: int,
    activity_id: int,
    statements: Sequence[bytes],
    *,
    now: datetime,
) -> Settled:
    """Store what the LMS states of an activity, settle what follows, complete if it is the last.

    Everything happens under the enrolment's lock, in the caller's transaction. Statements that
    are stored already change nothing.
    """
    enrolment = lock(session, enrolment_id)
    stored = store.add(
        session.connection(),
        enrolment.institution_id,
        statements,
        authority=store.LMS,
        now=now,
    )
    rule = rules.parse(enrolment.run.rule)
    units = load_units(session, enrolment)
    facts = {one.activity_id: one for unit in units for one in unit.activities}
    if activity_id not in facts:
        raise NotFoundError("이 과정에 없는 활동입니다. 과정 화면에서 활동을 다시 골라 주십시오.")
    before = facts[activity_id]
    after = _folded(before, stored, rule)
    facts[activity_id] = after
    if after != before:
        _keep(session, enrolment, after, is_new=before.first_at is None)
    verdict = evaluate(rule, list(facts.values()))
    _point(enrolment, verdict, activity_id, now)
    completion = completing.complete(session, hook, enrolment, rule, verdict, now=now)
    hook.lms_after_statements(session=session, enrolment=enrolment, statements=stored, now=now)
    unit = next(unit for unit in units if unit.position == after.unit)
    return Settled(
        enrolment_id=enrolment.id,
        progress_permille=verdict.progress_permille,
        score=verdict.score,
        unit_done=all(facts[one.activity_id].done for one in unit.activities),
        activity_done=after.done,
        completed=enrolment.completed_at is not None,
        just_completed=completion is not None,
        completion_id=completion.id if completion else None,
    )


def _folded(
    facts: ActivityFacts, stored: Sequence[store.Stored], rule: rules.RuleSet
) -> ActivityFacts:
    for one in stored:
        if one.is_new:
            facts = fold(
                facts,
                verb=one.verb,
                raw=one.raw,
                statement_id=one.statement_id,
                stored=one.stored,
                threshold=rule.progress_permille,
            )
    return facts


def lock(session: Session, enrolment_id: int) -> Enrolment:
    """The enrolment, its row locked until the transaction ends.

    Two different last facts at once would otherwise each miss the other, and no unique key can
    see that. (SQLite has one writer: its lock is taken already.) A second call in the same
    transaction gives the row that is locked already.
    """
    held: dict[int, Enrolment] = session.info.setdefault("lms_locked", {})
    if enrolment_id in held:
        return held[enrolment_id]
    enrolment = session.scalar(
        select(Enrolment)
        .where(Enrolment.id == enrolment_id)
        .with_for_update(of=Enrolment)  # not its run and course, which come with it
        .execution_options(populate_existing=True)
    )
    if enrolment is None:
        raise NotFoundError("이런 수강이 없습니다. 오늘 화면에서 과정을 다시 골라 주십시오.")
    held[enrolment_id] = enrolment
    return enrolment


# Columns and not rows: a quiz's whole configuration would be read to know its title.
_UNITS = (
    select(
        Unit.position,
        Unit.id,
        Unit.title,
        Activity.id,
        Activity.kind,
        Activity.role,
        Activity.title,
        Activity.weight_ms,
        ActivityResult.progress_permille,
        ActivityResult.done,
        ActivityResult.score,
        ActivityResult.passed,
        ActivityResult.statements,
        ActivityResult.first_at,
        ActivityResult.done_at,
    )
    .join(Activity, Activity.unit_id == Unit.id)
    .outerjoin(
        ActivityResult,
        (ActivityResult.activity_id == Activity.id)
        & (ActivityResult.enrolment_id == bindparam("enrolment_id")),
    )
    .join(Run, Run.version_id == Unit.version_id)
    .where(Run.id == bindparam("run_id"))
    .order_by(Unit.position, Activity.position)
)


_FIRST_RESULT = insert(ActivityResult)
_NEXT_RESULT = (
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
    )
)


def load_units(session: Session, enrolment: Enrolment) -> list[UnitFacts]:
    """The enrolment's units with how each activity stands, from the stored results: one query."""
    asked = {"enrolment_id": enrolment.id, "run_id": enrolment.run_id}
    rows = session.connection().execute(_UNITS, asked)
    units: dict[int, UnitFacts] = {}
    for position, unit_id, unit_title, *activity in rows:
        one = _facts(position, *activity)
        unit = units.get(position)
        before = unit.activities if unit else ()
        units[position] = UnitFacts(
            position=position, unit_id=unit_id, title=unit_title, activities=(*before, one)
        )
    return list(units.values())


def _facts(
    unit: int,
    activity_id: int,
    kind: str,
    role: str,
    title: str,
    weight_ms: int,
    progress_permille: int | None,
    done: bool | None,
    score: int | None,
    passed: bool | None,
    statements: list[str] | None,
    first_at: datetime | None,
    done_at: datetime | None,
) -> ActivityFacts:
    """An activity's facts as its stored result has them; fresh ones where there is none."""
    return ActivityFacts(
        activity_id=activity_id,
        unit=unit,
        kind=kind,
        role=role,
        title=title,
        weight_ms=weight_ms,
        progress_permille=progress_permille or 0,
        done=bool(done),
        score=score,
        passed=passed,
        statements=tuple(statements or ()),
        first_at=first_at,
        done_at=done_at,
    )


def standings(
    enrolment: Enrolment, rule: rules.RuleSet, units: Sequence[UnitFacts], *, today: date, zone: str
) -> list[opening.Standing]:
    """Which units are open today and why not the others."""
    begun: dict[int, date] = {}
    for unit in units:
        times = [one.first_at for one in unit.activities if one.first_at]
        if times:
            begun[unit.position] = clock.local_day(min(times), zone)
    return opening.standings(
        rule,
        units,
        progress_permille=enrolment.progress_permille,
        begun_on=begun,
        today=today,
    )


def check_open(
    session: Session,
    hook: pluggy.HookRelay,
    enrolment: Enrolment,
    activity: Activity,
    *,
    now: datetime,
    zone: str | None = None,
    known: Sequence[opening.Standing] | None = None,
) -> None:
    """Raises ClosedError with the reason when the activity is not open to the learner now.

    `zone` and `known`: the institution's zone and today's standings, where the caller has them.
    """
    zone = zone or zone_of(session, enrolment.institution_id)
    today = clock.local_day(now, zone)
    check_period(enrolment, today)
    if known is None:
        rule = rules.parse(enrolment.run.rule)
        units = load_units(session, enrolment)
        known = standings(enrolment, rule, units, today=today, zone=zone)
    for standing in known:
        if any(one.activity_id == activity.id for one in standing.unit.activities):
            if standing.state == "closed":
                raise ClosedError(standing.reason, **standing.params)
            break
    else:
        raise NotFoundError("이 과정에 없는 활동입니다. 과정 화면에서 활동을 다시 골라 주십시오.")
    if reason := hook.lms_before_launch(
        session=session, enrolment=enrolment, activity=activity, now=now
    ):
        raise ClosedError(reason)


def check_period(enrolment: Enrolment, today: date) -> None:
    """Raises ClosedError outside the run's learning period (local dates, both included)."""
    run = enrolment.run
    if enrolment.state != "enrolled" or run.state == "cancelled":
        raise ClosedError("이 수강은 취소되었습니다. 담당자에게 문의해 주십시오.")
    if today < run.learn_from:
        raise ClosedError(
            "{day}부터 들을 수 있습니다.",
            day=run.learn_from,
        )
    if today > run.learn_until or run.state == "closed":
        raise ClosedError(
            "{day}에 학습 기간이 끝났습니다. 지금까지의 기록은 그대로 있습니다.",
            day=run.learn_until,
        )


def zone_of(session: Session, institution_id: int) -> str:
    zone = session.scalar(select(Institution.zone).where(Institution.id == institution_id))
    return zone or "Asia/Seoul"


def _keep(session: Session, enrolment: Enrolment, facts: ActivityFacts, *, is_new: bool) -> None:
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
        place = {
            "institution_id": enrolment.institution_id,
            "enrolment_id": enrolment.id,
            "activity_id": facts.activity_id,
            "first_at": facts.first_at,
        }
        session.connection().execute(_FIRST_RESULT, told | place)
    else:
        place = {"of_enrolment": enrolment.id, "of_activity": facts.activity_id}
        session.connection().execute(_NEXT_RESULT, told | place)


def _point(enrolment: Enrolment, verdict: Verdict, activity_id: int, now: datetime) -> None:
    enrolment.progress_permille = verdict.progress_permille
    enrolment.score = verdict.score
    enrolment.need_ms = verdict.need_ms
    enrolment.last_activity_id = activity_id
    enrolment.last_act_at = now


def activity_in(session: Session, enrolment: Enrolment, activity_id: int) -> Activity:
    """The activity, if it is one of the enrolment's own course version. Raises NotFoundError."""
    found = session.scalar(
        select(Activity)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Activity.id == activity_id, Unit.version_id == enrolment.run.version_id)
    )
    if found is None:
        raise NotFoundError("이 과정에 없는 활동입니다. 과정 화면에서 활동을 다시 골라 주십시오.")
    return found
