"""What players report, folded into coverage: the writer's work, in Core and few statements.

A report that ends a segment or crosses a line is told as a statement first; that moves the unit
(design: statements are the basis, not the exhaust).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import pluggy
from sqlalchemy import Connection, bindparam, insert, select, update

from lms import clock
from lms.errors import ClosedError, ElsewhereError, InvalidError
from lms.learning import coverage, playing, rules
from lms.learning.coverage import Credit, Interval, Ledger
from lms.learning.models import (
    Activity,
    ActivityResult,
    Completion,
    Coverage,
    Enrolment,
    LearningSession,
    Ping,
    Run,
)
from lms.learning.playing import Watched
from lms.learning.rules import RuleSet
from lms.learning.service import Settled

_Ms = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
ELSEWHERE = "다른 기기에서 학습하고 있습니다. 여기서 계속할까요?"
OTHER = "다른 수강의 재생 기록입니다. 화면을 새로 고쳐 주십시오."


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a player says of its last seconds. `at` is the device's own clock: a remark, no more."""

    seq: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    segments: Annotated[list[tuple[_Ms, _Ms]], msgspec.Meta(max_length=500)]
    """[from, until) in milliseconds of the video, in the order they were played."""

    position_ms: _Ms = 0
    rate: Annotated[int, msgspec.Meta(ge=0, le=1600)] = 100
    event: Literal["tick", "pause", "seek", "end", "hide"] = "tick"
    at: Annotated[str, msgspec.Meta(max_length=40)] = ""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was taken note of and not believed. `reason` is a msgid."""

    seq: int
    reason: str


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the reports, and how the learner stands now."""

    acked: list[int]
    refused: list[Refused]
    covered: list[Interval]
    covered_ms: int
    progress_permille: int
    activity_done: bool
    unit_done: bool | None
    """None where nothing was settled, so that nobody had to look."""

    settled: bool
    completed: bool
    completion_id: int | None


_READ = (
    select(
        LearningSession.id.label("session_id"),
        LearningSession.token,
        LearningSession.device,
        LearningSession.credited_at,
        LearningSession.mono_ms,
        LearningSession.boot,
        LearningSession.seq,
        LearningSession.enrolment_id,
        LearningSession.activity_id,
        Enrolment.state,
        Enrolment.need_ms,
        Enrolment.progress_permille,
        Enrolment.completed_at,
        Run.learn_from,
        Run.learn_until,
        Run.state.label("run_state"),
        Run.rule,
        Activity.config,
        Activity.weight_ms,
        Activity.role,
        Activity.title,
        Coverage.id.label("coverage_id"),
        Coverage.intervals,
        Coverage.stated_ms,
        Coverage.position_ms,
        ActivityResult.done,
        Completion.id.label("completion_id"),
    )
    .select_from(LearningSession)
    .join(Enrolment, Enrolment.id == LearningSession.enrolment_id)
    .join(Run, Run.id == Enrolment.run_id)
    .join(Activity, Activity.id == LearningSession.activity_id)
    .join(
        Coverage,
        (Coverage.enrolment_id == LearningSession.enrolment_id)
        & (Coverage.activity_id == LearningSession.activity_id),
    )
    .outerjoin(
        ActivityResult,
        (ActivityResult.enrolment_id == LearningSession.enrolment_id)
        & (ActivityResult.activity_id == LearningSession.activity_id),
    )
    .outerjoin(Completion, Completion.enrolment_id == LearningSession.enrolment_id)
    .where(
        LearningSession.person_id == bindparam("person_id"),
        LearningSession.institution_id == bindparam("institution_id"),
    )
    # Two of a person's reports at once must not each add to the coverage that the other left out.
    # Whoever waited sees anew only the rows that it locks, so the coverage is locked too; it is
    # there from the beginning of a session (content.sessions).
    .with_for_update(of=(LearningSession, Coverage))
)
_STORED = select(Ping.seq).where(
    Ping.token == bindparam("token"), Ping.seq.in_(bindparam("seqs", expanding=True))
)
_KEEP_SESSION = (
    update(LearningSession)
    .where(LearningSession.id == bindparam("session_id"))
    .values(
        seq=bindparam("new_seq"),
        seen_at=bindparam("new_seen_at"),
        credited_at=bindparam("new_credited_at"),
        mono_ms=bindparam("new_mono_ms"),
        boot=bindparam("new_boot"),
    )
)
_KEEP_COVERAGE = (
    update(Coverage)
    .where(Coverage.id == bindparam("coverage_id"))
    .values(
        intervals=bindparam("new_intervals"),
        covered_ms=bindparam("new_covered_ms"),
        position_ms=bindparam("new_position_ms"),
        stated_ms=bindparam("new_stated_ms"),
        updated_at=bindparam("new_updated_at"),
    )
)
_ADD_PING = insert(Ping)


@dataclass(frozen=True)
class Reading:
    """Who reports and when: the wall clock, and the clock that nobody can set."""

    person_id: int
    institution_id: int
    zone: str
    now: datetime
    mono_ms: int
    boot: str


def take(
    connection: Connection,
    hook: pluggy.HookRelay,
    token: str,
    reports: Sequence[Report],
    *,
    by: Reading,
    enrolment_id: int | None = None,
) -> Taken:
    """Credit what can have been watched, keep the reports as they came, settle what follows.

    A report that is stored already is acknowledged again and credited no second time. Raises
    ElsewhereError when the person's learning goes on under another token, ClosedError outside the
    run's period, InvalidError when the reports are another enrolment's than `enrolment_id`.
    """
    row = connection.execute(
        _READ, {"person_id": by.person_id, "institution_id": by.institution_id}
    ).one_or_none()
    new = _unseen(connection, token, reports, row)
    acked = [one.seq for one in reports]
    if row is None or row.token != token:
        if new or row is None:
            raise ElsewhereError(ELSEWHERE, device=row.device if row else "")
        return _standing(acked, row)
    if enrolment_id not in {None, row.enrolment_id}:
        raise InvalidError(OTHER, field="enrolment")
    _check_open(row, clock.local_day(by.now, by.zone))
    if not new:
        return _standing(acked, row)
    rule = rules.parse(row.rule)
    earned, watched, left = _weigh(row, rule, new, by)
    verb = playing.due(row, rule, watched)
    _keep_session(connection, row, new, left, by)
    _keep_pings(connection, row, new, earned, by)
    _keep_coverage(connection, row, watched, stated=verb is not None, by=by)
    settled = None
    if verb is not None:
        settled = playing.tell(connection, hook, row, rule, watched, verb=verb, now=by.now)
    refused = [
        Refused(seq=one.seq, reason=credit.refusal)
        for one, credit in zip(new, earned, strict=True)
        if credit.refusal
    ]
    return _standing(acked, row, watched, refused, settled)


def _unseen(
    connection: Connection, token: str, reports: Sequence[Report], row: Any
) -> list[Report]:
    """The reports that are not stored yet, in their order, each once."""
    by_seq = {one.seq: one for one in reports}
    last = row.seq if row is not None and row.token == token else 2**31
    late = [seq for seq in by_seq if seq <= last]
    if late:
        for seq in connection.scalars(_STORED, {"token": token, "seqs": late}):
            del by_seq[seq]
    return [by_seq[seq] for seq in sorted(by_seq)]


def _check_open(row: Any, today: date) -> None:
    # As service.check_period says it, without loading an enrolment.
    if row.state != "enrolled" or row.run_state == "cancelled":
        raise ClosedError("이 수강은 취소되었습니다. 담당자에게 문의해 주십시오.")
    if today < row.learn_from:
        raise ClosedError(
            "{day}부터 들을 수 있습니다.",
            day=row.learn_from,
        )
    if today > row.learn_until or row.run_state == "closed":
        raise ClosedError(
            "{day}에 학습 기간이 끝났습니다. 지금까지의 기록은 그대로 있습니다.",
            day=row.learn_until,
        )


def _weigh(
    row: Any, rule: RuleSet, new: Sequence[Report], by: Reading
) -> tuple[list[Credit], Watched, int]:
    """What each report is worth, all that is watched now, and the wall time left to be spent."""
    duration = int(row.config.get("duration_ms", 0))
    ledger = Ledger(at_ms=_ms(row.credited_at), mono_ms=row.mono_ms, boot=row.boot)
    left = coverage.unspent_ms(ledger, now_ms=_ms(by.now), mono_ms=by.mono_ms, boot=by.boot)
    covered = coverage.merge(row.intervals)
    enough = coverage.permille(coverage.total(covered), duration) >= rule.progress_permille
    earned: list[Credit] = []
    for one in new:
        earned.append(
            coverage.credit(
                one.segments,
                covered,
                allowed_ms=left * rule.speed_percent // 100,
                duration_ms=duration,
                free_skip=rule.free_skip or enough,
            )
        )
        covered = earned[-1].intervals
        left = max(0, left - coverage.wall_ms(earned[-1].spent_ms, rule.speed_percent))
    watched = Watched(
        covered=covered,
        duration_ms=duration,
        position_ms=min(new[-1].position_ms, duration),
        ends_segment=any(one.event != "tick" for one in new),
        rate=new[-1].rate,
    )
    return earned, watched, left


def _keep_session(
    connection: Connection, row: Any, new: Sequence[Report], left: int, by: Reading
) -> None:
    ledger = coverage.settled(left_ms=left, now_ms=_ms(by.now), mono_ms=by.mono_ms, boot=by.boot)
    connection.execute(
        _KEEP_SESSION,
        {
            "session_id": row.session_id,
            "new_seq": max(row.seq, new[-1].seq),
            "new_seen_at": by.now,
            "new_credited_at": datetime.fromtimestamp(0, UTC)
            + timedelta(milliseconds=ledger.at_ms),
            "new_mono_ms": ledger.mono_ms,
            "new_boot": ledger.boot,
        },
    )


def _keep_pings(
    connection: Connection,
    row: Any,
    new: Sequence[Report],
    earned: Sequence[Credit],
    by: Reading,
) -> None:
    connection.execute(
        _ADD_PING,
        [
            {
                "institution_id": by.institution_id,
                "enrolment_id": row.enrolment_id,
                "activity_id": row.activity_id,
                "token": row.token,
                "seq": one.seq,
                "at": by.now,
                "said": msgspec.to_builtins(one),
                "claimed_ms": credit.claimed_ms,
                "credited_ms": credit.credited_ms,
                "refusal": credit.refusal,
            }
            for one, credit in zip(new, earned, strict=True)
        ],
    )


def _keep_coverage(
    connection: Connection, row: Any, watched: Watched, *, stated: bool, by: Reading
) -> None:
    values = {
        "new_intervals": watched.covered,
        "new_covered_ms": watched.covered_ms,
        "new_position_ms": watched.position_ms,
        "new_stated_ms": watched.covered_ms if stated else row.stated_ms,
        "new_updated_at": by.now,
    }
    connection.execute(_KEEP_COVERAGE, {"coverage_id": row.coverage_id, **values})


def _standing(
    acked: list[int],
    row: Any,
    watched: Watched | None = None,
    refused: Sequence[Refused] = (),
    settled: Settled | None = None,
) -> Taken:
    covered = watched.covered if watched else coverage.merge(row.intervals)
    return Taken(
        acked=acked,
        refused=list(refused),
        covered=covered,
        covered_ms=coverage.total(covered),
        progress_permille=settled.progress_permille if settled else row.progress_permille,
        activity_done=settled.activity_done if settled else bool(row.done),
        unit_done=settled.unit_done if settled else None,
        settled=settled is not None,
        completed=settled.completed if settled else row.completed_at is not None,
        completion_id=(settled.completion_id if settled else None) or row.completion_id,
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
