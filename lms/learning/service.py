"""What happens when something was learnt: statements in, results settled, completion out.

Nothing here knows HTTP, and nothing here commits.
"""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby

import msgspec
import pluggy
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lms import clock
from lms.db import Prepared
from lms.errors import ClosedError, NotFoundError
from lms.learning import completing, keeping, opening, rules
from lms.learning.evaluate import evaluate
from lms.learning.facts import ActivityFacts, UnitFacts
from lms.learning.folding import fold
from lms.learning.models import Activity, ActivityResult, Enrolment, Run, Unit
from lms.learning.rows import ActivityLike, EnrolmentLike
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
    units: Sequence[UnitFacts] | None = None,
    position_ms: int | None = None,
    by_learner: bool = True,
) -> Settled:
    """Store what the LMS states of an activity, settle what follows, complete if it is the last.

    Everything happens under the enrolment's lock, in the caller's transaction. Statements that
    are stored already change nothing. `units`: as load_units gave them under the lock, where the
    caller has asked; `position_ms`: where in the activity to go on; `by_learner`: False for what
    somebody else states of the learner's work, e.g. a mark.
    """
    enrolment = lock(session, enrolment_id)
    home = enrolment.institution_id
    stored = store.add(session.connection(), home, statements, authority=store.LMS, now=now)
    rule = rules.parse(enrolment.run.rule)
    units = units or load_units(session, enrolment)
    before = facts_of(units, activity_id)
    after = _folded(before, stored, rule)
    if after != before:
        keeping.result(session, enrolment, after, is_new=before.first_at is None)
    facts = {one.activity_id: one for unit in units for one in unit.activities}
    facts[activity_id] = after
    verdict = evaluate(rule, list(facts.values()))
    completes = verdict.met and enrolment.completed_at is None
    keeping.place(
        session,
        enrolment,
        verdict,
        activity_id,
        position_ms=position_ms,
        now=now,
        by_learner=by_learner,
    )
    completion = None
    if completes:
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
        just_completed=completes,
        completion_id=completion.id if completion else None,
    )


def facts_of(units: Sequence[UnitFacts], activity_id: int) -> ActivityFacts:
    """How the activity stands. Raises NotFoundError where it is none of the course's."""
    for unit in units:
        for one in unit.activities:
            if one.activity_id == activity_id:
                return one
    raise NotFoundError("이 과정에 없는 활동입니다. 과정 화면에서 활동을 다시 골라 주십시오.")


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


_LOCK = (
    select(Enrolment)
    .where(Enrolment.id == bindparam("enrolment_id"))
    .with_for_update(of=Enrolment)  # not its run and course, which come with it
    .execution_options(populate_existing=True)
)


def lock(session: Session, enrolment_id: int) -> Enrolment:
    """The enrolment, its row locked until the transaction ends.

    Two different last facts at once would otherwise each miss the other, and no unique key can
    see that. A second call in the same transaction gives the row that is locked already; on SQLite
    a writing transaction holds the only lock, so that whatever it has read is locked.
    """
    held: dict[int, Enrolment] = session.info.setdefault("lms_locked", {})
    if enrolment_id in held:
        return held[enrolment_id]
    if session.connection().dialect.name == "sqlite":
        enrolment = session.get(Enrolment, enrolment_id)
    else:
        enrolment = session.scalar(_LOCK, {"enrolment_id": enrolment_id})
    if enrolment is None:
        raise NotFoundError("이런 수강이 없습니다. 오늘 화면에서 과정을 다시 골라 주십시오.")
    held[enrolment_id] = enrolment
    return enrolment


def _placed(
    position: int,
    unit_id: int,
    unit_title: str,
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
) -> tuple[int, str, ActivityFacts]:
    """Its unit's id and title, and an activity's facts: fresh ones where no result is stored."""
    facts = ActivityFacts(
        activity_id=activity_id,
        unit=position,
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
    return unit_id, unit_title, facts


# Columns and not rows: a quiz's whole configuration would be read to know its title.
_UNITS = Prepared(
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
    .order_by(Unit.position, Activity.position),
    _placed,
)


def load_units(session: Session, enrolment: EnrolmentLike) -> list[UnitFacts]:
    """The enrolment's units with how each activity stands, from the stored results: one query."""
    units: list[UnitFacts] = []
    found = _UNITS.all(session, enrolment_id=enrolment.id, run_id=enrolment.run_id)
    for (unit_id, title), rows in groupby(found, key=lambda row: row[:2]):
        activities = tuple(row[2] for row in rows)
        units.append(
            UnitFacts(
                position=activities[0].unit, unit_id=unit_id, title=title, activities=activities
            )
        )
    return units


def standings(
    enrolment: EnrolmentLike,
    rule: rules.RuleSet,
    units: Sequence[UnitFacts],
    *,
    today: date,
    zone: str,
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
    enrolment: EnrolmentLike,
    activity: ActivityLike,
    *,
    now: datetime,
    zone: str | None = None,
    known: Sequence[opening.Standing] | None = None,
    units: Sequence[UnitFacts] | None = None,
) -> None:
    """Raises ClosedError with the reason when the activity is not open to the learner now.

    `zone`, `known` and `units`: the institution's zone, today's standings and what load_units
    gave, where the caller has them.
    """
    zone = zone or zone_of(session, enrolment.institution_id)
    today = clock.local_day(now, zone)
    check_period(enrolment, today)
    if known is None:
        rule = rules.parse(enrolment.run.rule)
        units = units or load_units(session, enrolment)
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


def check_period(enrolment: EnrolmentLike, today: date) -> None:
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


_ACTIVITY = (
    select(Activity)
    .join(Unit, Unit.id == Activity.unit_id)
    .where(Activity.id == bindparam("activity"), Unit.version_id == bindparam("version"))
)


def activity_in(session: Session, enrolment: Enrolment, activity_id: int) -> Activity:
    """The activity, if it is one of the enrolment's own course version. Raises NotFoundError."""
    told = {"activity": activity_id, "version": enrolment.run.version_id}
    found = session.scalar(_ACTIVITY, told)
    if found is None:
        raise NotFoundError("이 과정에 없는 활동입니다. 과정 화면에서 활동을 다시 골라 주십시오.")
    return found
