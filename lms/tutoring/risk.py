"""Who of a run needs care, and why: one pure function, and the same said in SQL.

Pages ask the function for the few rows that they show; filters, counts and sorting ask the
database. A property test holds the two together.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, ColumnElement, and_, case, false, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from lms import clock
from lms.learning.models import ActivityResult, Enrolment, Run
from lms.learning.rules import RuleSet

STALLED_DAYS = 7
"""Local days without an act after which a learner counts as stalled."""

STUCK_DAYS = 3
"""Local days without an act after which the last unit counts as where one is stuck."""

OVERLAP_DAYS = 7
"""How long two devices at once stay worth a look."""

GRACE = 150
"""Permille that a learner may lag behind an even pace before it is said."""

Code = Literal["over", "waiting", "never", "stalled", "failed", "untested", "behind", "devices"]
ORDER: tuple[Code, ...] = (
    "over",
    "stalled",
    "waiting",
    "never",
    "failed",
    "untested",
    "behind",
    "devices",
)
"""The gravest first; the first that holds is what a row says."""

Standing = Literal["done", "fresh", "care", "pace"]
"""Completed · never begun · something to look at · none of these."""


class Reason(msgspec.Struct, frozen=True):
    """Why somebody needs care. `n`: days, hundredths of a point or permille, by the code."""

    code: Code
    n: int = 0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an enrolment's row says of how it goes."""

    enrolled_at: datetime
    completed_at: datetime | None = None
    last_act_at: datetime | None = None
    progress_permille: int = 0
    score: int | None = None
    failed: bool = False
    """A test was handed in and is not passed yet."""

    overlapped_at: datetime | None = None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A run at an instant: all that an enrolment's facts are held against."""

    now: datetime
    today: date
    zone: str
    learn_from: date
    learn_until: date
    begins: int
    ends: int
    """The learning period in seconds since 1970; `ends` is the first second after it."""

    need: int
    """Permille of progress that completes."""

    tested: bool
    """Whether a score is needed and there is something to be scored."""

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())

    @property
    def over(self) -> bool:
        return self.today > self.learn_until

    @property
    def early(self) -> bool:
        return self.today < self.learn_from

    @property
    def days_left(self) -> int:
        return (self.learn_until - self.today).days

    def before(self, days: int) -> datetime:
        """An act before this instant lies `days` local days back, or more."""
        return clock.start_of_day(self.today - timedelta(days=days - 1), self.zone)


def moment(run: Run, rule: RuleSet, *, scored: bool, now: datetime, zone: str) -> Moment:
    """The run at `now`. `scored`: whether its version holds an activity whose score counts."""
    return Moment(
        now=now,
        today=clock.local_day(now, zone),
        zone=zone,
        learn_from=run.learn_from,
        learn_until=run.learn_until,
        begins=int(clock.start_of_day(run.learn_from, zone).timestamp()),
        ends=int(clock.end_of_day(run.learn_until, zone).timestamp()),
        need=rule.progress_permille,
        tested=scored and rule.score_min is not None,
    )


# The function


def reasons(facts: Facts, at: Moment) -> tuple[Reason, ...]:
    """Why this learner needs care, the gravest first; nothing for those who are done."""
    if facts.completed_at is not None:
        return ()
    found: dict[Code, int] = {}
    if at.over:
        found["over"] = (at.today - at.learn_until).days
    if facts.last_act_at is None:
        joined = clock.local_day(facts.enrolled_at, at.zone)
        found["waiting" if at.early else "never"] = abs(
            (at.today - max(joined, at.learn_from)).days
        )
    else:
        if facts.last_act_at < at.before(STALLED_DAYS):
            found["stalled"] = (at.today - clock.local_day(facts.last_act_at, at.zone)).days
        if _lags(facts, at, GRACE):
            found["behind"] = expected(facts, at) - facts.progress_permille
    if facts.failed:
        found["failed"] = facts.score or 0
    elif _untested(facts, at):
        found["untested"] = 0
    if facts.overlapped_at is not None and facts.overlapped_at >= at.before(OVERLAP_DAYS):
        found["devices"] = 0
    return tuple(Reason(code, found[code]) for code in ORDER if code in found)


def standing(facts: Facts, at: Moment) -> Standing:
    """In which of the four parts of a run the learner is."""
    if facts.completed_at is not None:
        return "done"
    if facts.last_act_at is None:
        return "fresh"
    return "care" if reasons(facts, at) else "pace"


def rank(facts: Facts, at: Moment) -> int:
    """How grave the first reason is; 0 for none, -1 for those who are done."""
    if facts.completed_at is not None:
        return -1
    found = reasons(facts, at)
    return len(ORDER) - ORDER.index(found[0].code) if found else 0


def expected(facts: Facts, at: Moment) -> int:
    """Permille that an even pace from joining to the last day would have by now."""
    span, elapsed = _times(facts, at)
    return at.need * elapsed // span if span > 0 else at.need


def reaches(facts: Facts, at: Moment) -> bool:
    """Whether a learner who goes on as fast as until now completes in time."""
    if facts.completed_at is not None or facts.last_act_at is None or facts.failed or at.over:
        return False
    return facts.last_act_at >= at.before(STALLED_DAYS) and not _lags(facts, at, 0)


def _untested(facts: Facts, at: Moment) -> bool:
    return at.tested and facts.score is None and facts.progress_permille >= at.need


def _lags(facts: Facts, at: Moment, grace: int) -> bool:
    # Multiplied out: no rounding stands between the function and the database.
    span, elapsed = _times(facts, at)
    return span > 0 and (facts.progress_permille + grace) * span < at.need * elapsed


def _times(facts: Facts, at: Moment) -> tuple[int, int]:
    """Seconds from joining to the end, and from joining to now or the end."""
    start = max(int(facts.enrolled_at.timestamp()), at.begins)
    return at.ends - start, max(0, min(at.seconds, at.ends) - start)


# The same in SQL


class epoch(FunctionElement[int]):  # noqa: N801  a function's name in SQL
    """Whole seconds since 1970 of an instant."""

    type = BigInteger()
    inherit_cache = True


@compiles(epoch)
def _epoch(element: Any, compiler: Any, **more: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **more)})) AS BIGINT)"


@compiles(epoch, "sqlite")
def _epoch_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    return f"unixepoch({compiler.process(element.clauses, **more)})"


FAILED: ColumnElement[bool] = (
    select(ActivityResult.id)
    .where(ActivityResult.enrolment_id == Enrolment.id, ActivityResult.passed.is_(False))
    .correlate(Enrolment)
    .exists()
)


def conditions(at: Moment) -> Mapping[Code, ColumnElement[bool]]:
    """What `reasons()` looks for, of the rows of lms_enrolment."""
    is_open = Enrolment.completed_at.is_(None)
    begun = Enrolment.last_act_at.is_not(None)
    never = and_(is_open, Enrolment.last_act_at.is_(None))
    untested = and_(Enrolment.score.is_(None), Enrolment.progress_permille >= at.need, ~FAILED)
    return {
        "over": is_open if at.over else false(),
        "waiting": never if at.early else false(),
        "never": false() if at.early else never,
        "stalled": and_(is_open, Enrolment.last_act_at < at.before(STALLED_DAYS)),
        "failed": and_(is_open, FAILED),
        "untested": and_(is_open, untested) if at.tested else false(),
        "behind": and_(is_open, begun, _lags_sql(at, GRACE)),
        "devices": and_(is_open, Enrolment.overlapped_at >= at.before(OVERLAP_DAYS)),
    }


def standing_sql(at: Moment) -> ColumnElement[str]:
    """`standing()` of a row of lms_enrolment."""
    some = or_(*conditions(at).values())
    return case(
        (Enrolment.completed_at.is_not(None), literal("done")),
        (Enrolment.last_act_at.is_(None), literal("fresh")),
        (some, literal("care")),
        else_=literal("pace"),
    )


def rank_sql(at: Moment) -> ColumnElement[int]:
    """`rank()` of a row of lms_enrolment."""
    holds = conditions(at)
    return case(
        (Enrolment.completed_at.is_not(None), -1),
        *((holds[code], len(ORDER) - place) for place, code in enumerate(ORDER)),
        else_=0,
    )


def reaches_sql(at: Moment) -> ColumnElement[bool]:
    """`reaches()` of a row of lms_enrolment."""
    if at.over:
        return false()
    return and_(
        Enrolment.completed_at.is_(None),
        Enrolment.last_act_at >= at.before(STALLED_DAYS),
        ~FAILED,
        ~_lags_sql(at, 0),
    )


def stuck_sql(at: Moment) -> ColumnElement[bool]:
    """Begun, not done, and without an act for STUCK_DAYS or more."""
    return and_(Enrolment.completed_at.is_(None), Enrolment.last_act_at < at.before(STUCK_DAYS))


def _lags_sql(at: Moment, grace: int) -> ColumnElement[bool]:
    joined = epoch(Enrolment.enrolled_at)
    start = case((joined > at.begins, joined), else_=literal(at.begins, BigInteger))
    until = literal(min(at.seconds, at.ends), BigInteger)
    elapsed = case((until > start, until - start), else_=literal(0, BigInteger))
    span = literal(at.ends, BigInteger) - start
    return and_(span > 0, (Enrolment.progress_permille + grace) * span < at.need * elapsed)
