"""The rows behind players' reports: read and written for many requests at once, in Core."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

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

_READ = (
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
    .where(LearningSession.person_id.in_(bindparam("people", expanding=True)))
    .order_by(LearningSession.enrolment_id, LearningSession.id)  # locked in one order by all
    # Two of a person's reports at once must not each add to the coverage that the other left out.
    # Whoever waited sees anew only the rows that it locks, so the coverage is locked too; it is
    # there from the beginning of a session (content.sessions).
    .with_for_update(of=(LearningSession, Coverage))
)
_STORED = select(Ping.token, Ping.seq).where(
    Ping.token.in_(bindparam("tokens", expanding=True)),
    Ping.seq.in_(bindparam("seqs", expanding=True)),
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


def places(connection: Connection, people: Collection[int]) -> dict[int, Any]:
    """Person → where the person learns and how that stands, locked; nobody's place is left out."""
    rows = connection.execute(_READ, {"people": list(people)})
    return {row.person_id: row for row in rows}


def stored(connection: Connection, asked: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those of the reports (token, number) that are stored."""
    tokens, seqs = {token for token, _ in asked}, {seq for _, seq in asked}
    found = connection.execute(_STORED, {"tokens": list(tokens), "seqs": list(seqs)})
    return {(token, seq) for token, seq in found}


def keep(
    connection: Connection,
    *,
    sessions: Sequence[dict[str, Any]],
    pings: Sequence[dict[str, Any]],
    coverages: Sequence[dict[str, Any]],
) -> None:
    """Write each table once. The keys are those of the statements above."""
    connection.execute(_KEEP_SESSION, sessions)
    connection.execute(_ADD_PING, pings)
    connection.execute(_KEEP_COVERAGE, coverages)
