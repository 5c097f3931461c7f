"""What happens to a meeting: opened, closed, held, cancelled, restored. Each step leaves a row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.classroom import blocks as times
from lms.classroom import conflicts, holding, links, queue, triggers
from lms.classroom.conflicts import HOLDS
from lms.classroom.holding import lock_meeting
from lms.classroom.models import Meeting, MeetingChange, Seat, Trigger
from lms.classroom.planning import STATES
from lms.errors import ConflictError, InvalidError
from lms.learning.models import Activity, Unit
from lms.learning.running.counter import TAKES as RUN_TAKES
from lms.outbox import promise
from lms.people import audit

STEPS = {
    "planned": frozenset({"open", "cancelled"}),
    "open": frozenset({"closed", "held", "cancelled"}),
    "closed": frozenset({"open", "held", "cancelled"}),
    "held": frozenset({"closed"}),
    "cancelled": frozenset({"planned", "open", "closed"}),
}
"""State → the states that may follow."""

TOLD_OF = frozenset({"cancelled"})
"""States whose coming is told to everybody who has a seat or waits for one."""


def open_meeting(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    *,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Let people take seats.

    Raises ConflictError unless it is planned or closed and its run takes people, InvalidError when
    it has begun.
    """
    meeting = lock_meeting(session, meeting.id)
    if meeting.run.state not in RUN_TAKES:
        raise ConflictError("기수를 먼저 여십시오. 열린 기수의 회차만 신청을 받을 수 있습니다.")
    if meeting.starts_at <= now:
        raise InvalidError(
            "이미 시작 시각이 지났습니다. 시간을 고친 뒤에 여십시오.", field="blocks"
        )
    _pin(session, meeting)
    move(session, meeting, "open", reason="신청 열기", actor_id=actor_id, now=now)
    set_begin(session, meeting, now=now)
    queue.promote(session, hook, meeting, now=now)


def close_meeting(
    session: Session, meeting: Meeting, *, reason: str, actor_id: int | None, now: datetime
) -> None:
    """Take nobody any more; who waits goes on waiting until it begins."""
    meeting = lock_meeting(session, meeting.id)
    move(session, meeting, "closed", reason=reason, actor_id=actor_id, now=now)


def hold_meeting(
    session: Session, meeting: Meeting, *, reason: str, actor_id: int | None, now: datetime
) -> None:
    """It took place and its attendance is settled."""
    meeting = lock_meeting(session, meeting.id)
    move(session, meeting, "held", reason=reason, actor_id=actor_id, now=now)


def cancel_meeting(
    session: Session, meeting: Meeting, *, reason: str, actor_id: int | None, now: datetime
) -> None:
    """Call it off. Seats and the waiting list stay as they were, so that it can be restored; who
    has one is told once, with the next choice. Completions and evidence are not touched.

    Raises InvalidError without a reason, ConflictError when it is over.
    """
    meeting = lock_meeting(session, meeting.id)
    change = move(
        session, meeting, "cancelled", shows=True, reason=reason, actor_id=actor_id, now=now
    )
    for seat in _offered(session, meeting):
        # Nobody can say yes any more; whoever is told of the meeting hears it there.
        holding.let_go(session, seat, why="cancelled", actor_id=actor_id, now=now)
    triggers.drop(session, "meeting", meeting.id, now=now)
    tell(session, change, now=now)


def restore_meeting(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    *,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    """A cancelled meeting takes place after all, in the state that it was in.

    Whoever has found another seat for that time or that activity keeps the other one. Raises
    ConflictError where its room or instructors have been given away.
    """
    meeting = lock_meeting(session, meeting.id)
    if meeting.state != "cancelled":
        raise ConflictError("취소된 회차만 되살릴 수 있습니다. 화면을 새로 고쳐 주십시오.")
    _check_free(session, meeting)
    before = session.scalars(
        select(MeetingChange.before)
        .where(MeetingChange.meeting_id == meeting.id, MeetingChange.after == "cancelled")
        .order_by(MeetingChange.id.desc())
        .limit(1)
    ).one()
    to = "closed" if before == "open" and meeting.starts_at <= now else before
    change = move(session, meeting, to, shows=True, reason=reason, actor_id=actor_id, now=now)
    for seat in _gone_elsewhere(session, meeting):
        holding.let_go(session, seat, why="moved", actor_id=actor_id, now=now)
        links.close_for(session, seat, now=now)
    if meeting.starts_at > now:
        set_begin(session, meeting, now=now)
    tell(session, change, now=now)
    queue.promote(session, hook, meeting, now=now)


def begin(session: Session, hook: pluggy.HookRelay, trigger: Trigger, now: datetime) -> str:
    """Its first minute: nobody gets in any more, and nobody waits."""
    meeting = lock_meeting(session, trigger.subject_id)
    if meeting.starts_at > now:
        return "moved"
    if meeting.state == "open":
        move(session, meeting, "closed", reason="시작", actor_id=None, now=now)
    if meeting.state != "closed":
        return meeting.state
    return f"waiting: {queue.lapse(session, meeting, now=now)}"


def move(
    session: Session,
    meeting: Meeting,
    to: str,
    *,
    shows: bool = False,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> MeetingChange:
    """The meeting goes to another state, with its history row and its audit row.

    The caller holds its lock. `shows`: calendars must show it. Raises ConflictError for a step that
    there is not, InvalidError without a reason.
    """
    if not reason.strip():
        raise InvalidError("왜 그렇게 하는지 한 줄로 적어 주십시오.", field="reason")
    if to not in STEPS[meeting.state]:
        raise ConflictError(
            "「{now}」 상태인 회차는 「{to}」 상태로 바꿀 수 없습니다. 화면을 새로 고쳐 주십시오.",
            now=STATES[meeting.state],
            to=STATES[to],
        )
    before, meeting.state = meeting.state, to
    if shows:
        meeting.sequence += 1
        meeting.changed_at = now
    return note(session, meeting, before, reason=reason, actor_id=actor_id, now=now)


def note(
    session: Session,
    meeting: Meeting,
    before: str,
    *,
    reason: str,
    actor_id: int | None,
    now: datetime,
    told: dict[str, Any] | None = None,
) -> MeetingChange:
    """Keep a step, or a change (`told`: what was and what is), in history and audit."""
    change = MeetingChange(
        institution_id=meeting.institution_id,
        meeting_id=meeting.id,
        at=now,
        actor_id=actor_id,
        before=before,
        after=meeting.state,
        sequence=meeting.sequence,
        told=told or {},
        reason=reason.strip(),
    )
    session.add(change)
    session.flush()  # what is told of it names its id
    audit.write(
        session,
        institution_id=meeting.institution_id,
        actor_id=actor_id,
        act="meeting.change" if told else f"meeting.{meeting.state}",
        subject="meeting",
        subject_id=meeting.id,
        reason=reason.strip(),
        now=now,
        before=before,
        after=meeting.state,
        **({"changed": told} if told else {}),
    )
    return change


def tell(session: Session, change: MeetingChange, *, now: datetime) -> None:
    """Promise news of it to everybody concerned, once each."""
    promise(
        session,
        "classroom.tell_meeting",
        key=f"meeting_change:{change.id}",
        now=now,
        institution_id=change.institution_id,
        change=change.id,
    )


def set_begin(session: Session, meeting: Meeting, *, now: datetime) -> None:
    """Have the clock close it at its first minute. A meeting that was moved begins anew."""
    triggers.drop(session, "meeting", meeting.id, now=now, kind="meeting.begin")
    triggers.set_at(
        session,
        "meeting.begin",
        institution_id=meeting.institution_id,
        subject="meeting",
        subject_id=meeting.id,
        due=meeting.starts_at,
        now=now,
        name=str(meeting.sequence),
    )


def _pin(session: Session, meeting: Meeting) -> None:
    """Its activity in the version that the run was opened with: planning may have been earlier."""
    if meeting.activity is None:
        return
    unit = session.get_one(Unit, meeting.activity.unit_id)
    if unit.version_id == meeting.run.version_id:
        return
    found = session.scalar(
        select(Activity)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(
            Unit.version_id == meeting.run.version_id,
            Activity.key == meeting.activity.key,
            Activity.key.is_not(None),
        )
    )
    if found is None:
        raise InvalidError(
            "이 회차가 채우는 차시가 열린 판에 없습니다. 회차를 고쳐 차시를 다시 골라 주십시오.",
            field="activity",
        )
    meeting.activity_id, meeting.activity = found.id, found


def _check_free(session: Session, meeting: Meeting) -> None:
    teachers = [one.person_id for one in meeting.instructors]
    conflicts.hold_still(session, meeting.room_id, teachers)
    conflicts.refuse(
        conflicts.find(
            session,
            meeting.institution_id,
            times.of_rows(meeting.blocks),
            room_id=meeting.room_id,
            instructor_ids=teachers,
        )
    )


def _offered(session: Session, meeting: Meeting) -> Sequence[Seat]:
    return session.scalars(
        select(Seat).where(Seat.meeting_id == meeting.id, Seat.state == "offered")
    ).all()


def _gone_elsewhere(session: Session, meeting: Meeting) -> list[Seat]:
    """Seats of people who have another one by now: of the same activity, or at the same time."""
    held = session.scalars(
        select(Seat).where(Seat.meeting_id == meeting.id, Seat.state.in_(HOLDS))
    ).all()
    busy = set(conflicts.of_people(session, meeting, [one.person_id for one in held]))
    if meeting.activity_id is not None:
        busy |= set(
            session.scalars(
                select(Seat.person_id)
                .join(Meeting, Meeting.id == Seat.meeting_id)
                .where(
                    Meeting.activity_id == meeting.activity_id,
                    Meeting.id != meeting.id,
                    Meeting.run_id == meeting.run_id,
                    Meeting.state != "cancelled",
                    Seat.state.in_(HOLDS),
                )
            )
        )
    return [one for one in held if one.person_id in busy]
