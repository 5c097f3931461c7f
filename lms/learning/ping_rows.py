"""The rows behind players' reports: read and written for many requests at once, in Core."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from lms.db import InsertMany, PreparedIn, UpdateMany
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

Values = Sequence[Any]


class Place(NamedTuple):
    """Where a person learns, and how that stands."""

    session_id: int
    institution_id: int
    person_id: int
    token: str
    device: str
    credited_at: datetime
    mono_ms: int
    boot: str
    seq: int
    enrolment_id: int
    activity_id: int
    state: str
    need_ms: int
    progress_permille: int
    completed_at: datetime | None
    learn_from: date
    learn_until: date
    run_state: str
    rule: dict[str, Any]
    duration_ms: int | None
    weight_ms: int
    role: str
    title: str
    coverage_id: int
    intervals: list[Any]
    stated_ms: int
    position_ms: int
    done: bool | None
    completion_id: int | None


_READ = PreparedIn(
    select(
        LearningSession.id.label("session_id"),
        LearningSession.institution_id,
        LearningSession.person_id,
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
        # Not the whole of it: a transcript may stand there.
        Activity.config["duration_ms"].as_integer().label("duration_ms"),
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
    .order_by(LearningSession.enrolment_id, LearningSession.id)  # locked in one order by all
    # Two of a person's reports at once must not each add to the coverage that the other left out.
    # Whoever waited sees anew only the rows that it locks, so the coverage is locked too; it is
    # there from the beginning of a session (content.sessions).
    .with_for_update(of=(LearningSession, Coverage)),
    LearningSession.person_id,
    Place,
)
_STORED = select(Ping.token, Ping.seq).where(
    Ping.token.in_(bindparam("tokens", expanding=True)),
    Ping.seq.in_(bindparam("seqs", expanding=True)),
)
_KEEP_SESSION = UpdateMany(LearningSession, ("seq", "seen_at", "credited_at", "mono_ms", "boot"))
_KEEP_COVERAGE = UpdateMany(
    Coverage, ("intervals", "covered_ms", "position_ms", "stated_ms", "updated_at")
)
_ADD_PING = InsertMany(
    Ping,
    (
        "institution_id",
        "enrolment_id",
        "activity_id",
        "token",
        "seq",
        "at",
        "said",
        "claimed_ms",
        "credited_ms",
        "refusal",
    ),
)


def places(connection: Connection, people: Collection[int]) -> dict[int, Place]:
    """Person → where the person learns and how that stands, locked; nobody's place is left out."""
    return {row.person_id: row for row in _READ.all(connection, people)}


def stored(connection: Connection, asked: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those of the reports (token, number) that are stored."""
    tokens, seqs = {token for token, _ in asked}, {seq for _, seq in asked}
    found = connection.execute(_STORED, {"tokens": list(tokens), "seqs": list(seqs)})
    return {(token, seq) for token, seq in found}


def keep(
    connection: Connection,
    *,
    sessions: Sequence[Values],
    pings: Sequence[Values],
    coverages: Sequence[Values],
) -> None:
    """Write each table once, its rows in the order of the statements above, the id in front."""
    _KEEP_SESSION.run(connection, sessions)
    _ADD_PING.run(connection, pings)
    _KEEP_COVERAGE.run(connection, coverages)
