"""What players report, folded into coverage: the writer's work, in Core and few statements.

All requests of one commit are answered together: one SELECT finds where everybody stands, then each
table is written once for all of them. A report that ends a segment or crosses a line is told as a
statement first; that moves the unit (design: statements are the basis, not the exhaust).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import pluggy
from sqlalchemy import Connection

from lms import clock
from lms.db import session_on
from lms.errors import ClosedError, ElsewhereError, InvalidError, LMSError
from lms.learning import coverage, ping_rows, playing, rules
from lms.learning.coverage import Credit, Interval, Ledger
from lms.learning.ping_rows import Values
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


@dataclass(frozen=True)
class Reading:
    """Who reports and when: the wall clock, and the clock that nobody can set."""

    person_id: int
    institution_id: int
    zone: str
    now: datetime
    mono_ms: int
    boot: str


@dataclass(frozen=True)
class Asked:
    """The reports of one request. `enrolment_id`: whose they are, where the player says it."""

    hook: pluggy.HookRelay
    token: str
    reports: Sequence[Report]
    by: Reading
    enrolment_id: int | None = None


@dataclass(frozen=True)
class _Weighed:
    """What is to be written of a request with new reports."""

    asked: Asked
    row: Any
    rule: RuleSet
    new: Sequence[Report]
    earned: Sequence[Credit]
    watched: Watched
    left_ms: int
    verb: str | None
    """Of the statement that is due; None while the last one tells enough."""


def take_all(connection: Connection, asked: Sequence[Asked]) -> list[Taken | Exception]:
    """Credit what can have been watched, keep the reports as they came, settle what follows.

    For the writer's `do_together`: an answer for each of `asked`, in their order. A report that is
    stored already is acknowledged again and credited no second time. Refused are, with
    ElsewhereError, reports of a person whose learning goes on under another token, with ClosedError
    those outside the run's period, with InvalidError another enrolment's than `enrolment_id`.
    """
    answers: dict[int, Taken | Exception] = {}
    waiting = list(enumerate(asked))
    while waiting:
        # A person's second request is answered after the first has been written.
        round_ = {one.by.person_id: (place, one) for place, one in reversed(waiting)}
        places = [place for place, _ in round_.values()]
        now = [one for _, one in round_.values()]
        answers.update(zip(places, _take_round(connection, now), strict=True))
        waiting = [(place, one) for place, one in waiting if place not in answers]
    return [answers[place] for place in range(len(asked))]


def _take_round(connection: Connection, asked: Sequence[Asked]) -> list[Taken | Exception]:
    """The answers to requests of different people."""
    found = ping_rows.places(connection, [one.by.person_id for one in asked])
    rows = [_own(one, found.get(one.by.person_id)) for one in asked]
    stored = _stored(connection, asked, rows)
    answers: list[Taken | Exception | _Weighed] = []
    for one, row in zip(asked, rows, strict=True):
        try:
            answers.append(_weigh(one, row, stored))
        except LMSError as refused:
            answers.append(refused)
    quiet = [one for one in answers if isinstance(one, _Weighed) and one.verb is None]
    if quiet:
        _keep(connection, quiet)
    return [_told(connection, one) if isinstance(one, _Weighed) else one for one in answers]


def _told(connection: Connection, weighed: _Weighed) -> Taken | Exception:
    """The answer; where a statement is due it is made and settled, all of it or nothing."""
    if weighed.verb is None:
        return _standing(weighed.asked, weighed.row, weighed)
    try:
        with session_on(connection) as session:
            _keep(session.connection(), [weighed])
            settled = playing.tell(
                session,
                weighed.asked.hook,
                weighed.row,
                weighed.rule,
                weighed.watched,
                verb=weighed.verb,
                now=weighed.asked.by.now,
            )
    except LMSError as refused:
        return refused
    return _standing(weighed.asked, weighed.row, weighed, settled)


def _own(asked: Asked, row: Any) -> Any:
    """The row, if it is of the institution that asks."""
    return row if row is not None and row.institution_id == asked.by.institution_id else None


def _stored(
    connection: Connection, asked: Sequence[Asked], rows: Sequence[Any]
) -> set[tuple[str, int]]:
    """(token, number) of reports that came before; looked for only where a number is not new."""
    late = {
        (one.token, report.seq)
        for one, row in zip(asked, rows, strict=True)
        for report in one.reports
        # Of a token that is not current nobody knows the last number.
        if row is None or row.token != one.token or report.seq <= row.seq
    }
    return ping_rows.stored(connection, late) if late else set()


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


def _weigh(asked: Asked, row: Any, stored: Collection[tuple[str, int]]) -> Taken | _Weighed:
    """What is to be written, or how the learner stands where nothing is new. Raises LMSError."""
    by_seq = {one.seq: one for one in asked.reports}
    new = [by_seq[seq] for seq in sorted(by_seq) if (asked.token, seq) not in stored]
    if row is None or row.token != asked.token:
        if new or row is None:
            raise ElsewhereError(ELSEWHERE, device=row.device if row else "")
        return _standing(asked, row)
    if asked.enrolment_id not in {None, row.enrolment_id}:
        raise InvalidError(OTHER, field="enrolment")
    _check_open(row, clock.local_day(asked.by.now, asked.by.zone))
    if not new:
        return _standing(asked, row)
    rule = rules.parse(row.rule)
    earned, watched, left = _credit(row, rule, new, asked.by)
    verb = playing.due(row, rule, watched)
    return _Weighed(asked, row, rule, new, earned, watched, left, verb)


def _credit(
    row: Any, rule: RuleSet, new: Sequence[Report], by: Reading
) -> tuple[list[Credit], Watched, int]:
    """What each report is worth, all that is watched now, and the wall time left to be spent."""
    duration = row.duration_ms or 0
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


def _keep(connection: Connection, weighed: Sequence[_Weighed]) -> None:
    ping_rows.keep(
        connection,
        sessions=[_session_values(one) for one in weighed],
        pings=[values for one in weighed for values in _ping_values(one)],
        coverages=[_coverage_values(one) for one in weighed],
    )


def _session_values(weighed: _Weighed) -> Values:
    by = weighed.asked.by
    ledger = coverage.settled(
        left_ms=weighed.left_ms, now_ms=_ms(by.now), mono_ms=by.mono_ms, boot=by.boot
    )
    credited_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ledger.at_ms)
    seq = max(weighed.row.seq, weighed.new[-1].seq)
    return weighed.row.session_id, seq, by.now, credited_at, ledger.mono_ms, ledger.boot


def _ping_values(weighed: _Weighed) -> list[Values]:
    row, by = weighed.row, weighed.asked.by
    whose = by.institution_id, row.enrolment_id, row.activity_id, row.token
    return [
        (
            *(*whose, one.seq, by.now, msgspec.to_builtins(one)),
            *(credit.claimed_ms, credit.credited_ms, credit.refusal),
        )
        for one, credit in zip(weighed.new, weighed.earned, strict=True)
    ]


def _coverage_values(weighed: _Weighed) -> Values:
    watched = weighed.watched
    stated_ms = weighed.row.stated_ms if weighed.verb is None else watched.covered_ms
    return (
        weighed.row.coverage_id,
        watched.covered,
        watched.covered_ms,
        watched.position_ms,
        stated_ms,
        weighed.asked.by.now,
    )


def _standing(
    asked: Asked, row: Any, weighed: _Weighed | None = None, settled: Settled | None = None
) -> Taken:
    covered = weighed.watched.covered if weighed else coverage.merge(row.intervals)
    refused = zip(weighed.new, weighed.earned, strict=True) if weighed else ()
    return Taken(
        acked=[one.seq for one in asked.reports],
        refused=[
            Refused(seq=one.seq, reason=credit.refusal) for one, credit in refused if credit.refusal
        ],
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
