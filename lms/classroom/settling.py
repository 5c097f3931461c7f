"""Attendance is settled: evidence, verdict, statement, and what the course makes of it, at once.

Until the rotating code and live logs come, the evidence is the word of who teaches: for each person
there from when until when, or absent. It is kept as a mark, stated in the person's registration,
and settled by the course in the same transaction, five hundred people or one by the same way.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.classroom import asking, attendance, rules
from lms.classroom import blocks as times
from lms.classroom.attendance import Judged
from lms.classroom.holding import lock_meeting
from lms.classroom.meetings import move
from lms.classroom.models import (
    Attendance,
    AttendanceMark,
    AttendanceSignature,
    Meeting,
    Seat,
)
from lms.errors import ClosedError, ConflictError, InvalidError
from lms.learning import service, stating
from lms.people import audit
from lms.people.models import Person
from lms.xapi import vocabulary as say

SETTLES = frozenset({"open", "closed", "held"})
_SPACE = uuid.UUID("1f5d0c4e-3f0b-5a07-8a55-0a8a1d7c2b6e")
_NOT_OVER = "모임이 끝난 뒤에 출석을 확정할 수 있습니다. 끝나면 다시 와 주십시오."
_STATE = "이 회차는 출석을 확정할 수 없습니다. 취소되었거나 아직 열리지 않은 회차입니다."
_MISSING = "{name} 님의 출석을 골라 주십시오. 한 사람도 비워 둘 수 없습니다."
_LOWER = (
    "{name} 님은 이미 출석으로 확정되어 이수에 쓰였습니다. 낮추려면 기록 저장소에서 그 문장을 "
    "무효로 하여 검토를 여십시오."
)


class Word(msgspec.Struct, frozen=True):
    """What who teaches says of one person: there between these instants, or absent (None)."""

    span: tuple[datetime, datetime] | None


def settle(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    words: Mapping[int, Word],
    *,
    reason: str,
    actor_id: int,
    now: datetime,
) -> list[Attendance]:
    """Settle everybody who has a seat; the meeting is held then, and signed by `actor_id`.

    `words`: by the person's id. Again, it raises what was too low, with the reason in the audit.
    Raises ClosedError before the end, ConflictError for a meeting that is cancelled or planned or
    where somebody would lose what the course has counted, InvalidError without a reason or where
    somebody is left out. Locks the meeting, then the enrolments in the order of their ids.
    """
    meeting = lock_meeting(session, meeting.id)
    _check(meeting, reason, now)
    blocks = times.of_rows(meeting.blocks)
    rule = rules.parse(meeting.rule)
    seated = _seated(session, meeting.id)
    before = _before(session, meeting.id)
    done = []
    for seat, name in seated:
        if seat.person_id not in words:
            raise InvalidError(_MISSING, field=f"there-{seat.id}", name=name)
        word = words[seat.person_id]
        judged = attendance.judge(blocks, [word.span] if word.span else [], rule)
        known = before.get(seat.person_id)
        if known is not None and known.verdict == "attended" and judged.verdict != "attended":
            raise ConflictError(_LOWER, name=name)
        if known is None or judged.present_ms > known.present_ms:
            one = _settle_one(
                session, hook, meeting, seat, word, judged, known,
                reason=reason, actor_id=actor_id, now=now,
            )  # fmt: skip
            done.append(one)
    if meeting.state != "held":
        move(session, meeting, "held", reason=reason, actor_id=actor_id, now=now)
    _sign(session, meeting, actor_id=actor_id, now=now)
    return done


def results(session: Session, meeting_id: int) -> Sequence[Any]:
    """Each settled person's row with their name, by name."""
    return session.execute(
        select(Attendance, Person.name)
        .join(Person, Person.id == Attendance.person_id)
        .where(Attendance.meeting_id == meeting_id)
        .order_by(Person.name, Attendance.id)
    ).all()


def _check(meeting: Meeting, reason: str, now: datetime) -> None:
    if meeting.state not in SETTLES:
        raise ConflictError(_STATE)
    if now < meeting.ends_at:
        raise ClosedError(_NOT_OVER)
    if not reason:
        raise InvalidError(
            "무엇을 보고 확정하는지 적어 주십시오. 예: 출석부를 보고", field="reason"
        )


def _seated(session: Session, meeting_id: int) -> list[tuple[Seat, str]]:
    rows = session.execute(
        select(Seat, Person.name)
        .join(Person, Person.id == Seat.person_id)
        .where(Seat.meeting_id == meeting_id, Seat.state == "confirmed")
        .order_by(Seat.enrolment_id)
    )
    return [(seat, name) for seat, name in rows]


def _before(session: Session, meeting_id: int) -> dict[int, Attendance]:
    rows = session.scalars(select(Attendance).where(Attendance.meeting_id == meeting_id))
    return {row.person_id: row for row in rows}


def _settle_one(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    seat: Seat,
    word: Word,
    judged: Judged,
    known: Attendance | None,
    *,
    reason: str,
    actor_id: int,
    now: datetime,
) -> Attendance:
    revision = 1 if known is None else known.revision + 1
    said = _statement_id(meeting, seat, revision) if _is_stated(meeting, judged) else None
    mark = _mark(meeting, seat, word, revision, reason, actor_id, now, said)
    session.add(mark)
    session.flush()  # its id is the evidence that the row names
    row = known or Attendance(
        institution_id=meeting.institution_id,
        meeting_id=meeting.id,
        person_id=seat.person_id,
        enrolment_id=seat.enrolment_id,
        rule=meeting.rule,
    )
    row.scheduled_ms, row.present_ms = judged.scheduled_ms, judged.present_ms
    row.late_ms, row.early_ms, row.verdict = judged.late_ms, judged.early_ms, judged.verdict
    row.evidence = [*(row.evidence or []), mark.id]
    row.revision, row.statement_id = revision, said
    row.settled_at, row.settled_by = now, actor_id
    session.add(row)
    session.flush()  # lms_after_meeting is given a row with its id
    if said is not None:
        _state(session, hook, meeting, seat, judged, said, now)
    audit.write(
        session,
        institution_id=meeting.institution_id,
        actor_id=actor_id,
        act="attendance.settle",
        subject="enrolment",
        subject_id=seat.enrolment_id,
        reason=reason,
        now=now,
        meeting=meeting.id,
        verdict=judged.verdict,
        revision=revision,
    )
    asking.settled(session, hook, meeting, row, now=now)
    return row


def _is_stated(meeting: Meeting, judged: Judged) -> bool:
    # There is nothing to state of who was not there, nor of a meeting that fills no activity.
    return meeting.activity_id is not None and judged.present_ms > 0


def _statement_id(meeting: Meeting, seat: Seat, revision: int) -> str:
    return str(uuid.uuid5(_SPACE, f"{meeting.uid}/{seat.person_id}/{revision}"))


def _mark(
    meeting: Meeting,
    seat: Seat,
    word: Word,
    revision: int,
    reason: str,
    actor_id: int,
    now: datetime,
    statement_id: str | None,
) -> AttendanceMark:
    there = word.span
    return AttendanceMark(
        institution_id=meeting.institution_id,
        meeting_id=meeting.id,
        person_id=seat.person_id,
        key=f"{meeting.uid}/{seat.person_id}/hand/{revision}",
        source="hand",
        act="span" if there else "absent",
        at=there[0] if there else meeting.starts_at,
        until_at=there[1] if there else None,
        received_at=now,
        actor_id=actor_id,
        reason=reason,
        statement_id=statement_id,
    )


def _state(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    seat: Seat,
    judged: Judged,
    statement_id: str,
    now: datetime,
) -> None:
    """State it, and let the course settle what follows (xAPI Data 2.4.5: completion, duration)."""
    assert meeting.activity is not None  # noqa: S101  _is_stated
    statement = stating.about_activity(
        stating.setting_of(session, seat.enrolment_id),
        meeting.activity,
        say.ATTENDED,
        activity_type=say.TYPE_MEETING,
        now=now,
        result={
            "completion": judged.verdict == "attended",
            "duration": f"PT{judged.present_ms // 1000}S",
        },
        statement_id=statement_id,
    )
    service.record(
        session,
        hook,
        seat.enrolment_id,
        meeting.activity.id,
        [statement],
        now=now,
        by_learner=False,
    )


def _sign(session: Session, meeting: Meeting, *, actor_id: int, now: datetime) -> None:
    told = [
        f"{row.person_id}:{row.verdict}:{row.present_ms}" for row, _ in results(session, meeting.id)
    ]
    digest = hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()
    session.add(
        AttendanceSignature(
            institution_id=meeting.institution_id,
            meeting_id=meeting.id,
            person_id=actor_id,
            at=now,
            digest=digest,
        )
    )


def word_of(
    meeting: Meeting, *, absent: bool, came: timedelta | None, left: timedelta | None
) -> Word:
    """From the start until the end, less what is said: how long after the start somebody came,
    how long before the end they left. Raises InvalidError where nothing is left of it."""
    if absent:
        return Word(None)
    start = meeting.starts_at + (came or timedelta())
    end = meeting.ends_at - (left or timedelta())
    if start >= end:
        raise InvalidError("온 때가 간 때보다 늦습니다. 분을 다시 적어 주십시오.", field="came")
    return Word((start, end))
