"""Planning a meeting and saying something else of it later."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
import pluggy
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lms.classroom import blocks as times
from lms.classroom import (
    checking,
    conflicts,
    holding,
    links,
    meetings,
    planning,
    providers,
    queue,
    rules,
)
from lms.classroom.models import Meeting, MeetingBlock, MeetingInstructor, Room
from lms.classroom.planning import MeetingPlan
from lms.errors import ConflictError, InvalidError
from lms.learning.models import Run
from lms.learning.running import runs
from lms.people import service

_TOLD = (
    "title", "kind", "capacity", "activity_id", "room_id", "host_id", "place", "provider",
    "seats_until", "leave_until", "offer_minutes",
)  # fmt: skip
_ON_CALENDARS = frozenset(
    {"title", "kind", "blocks", "room_id", "host_id", "place", "provider", "provider_told"}
)
"""What people who have a seat must hear of, and their calendars show."""


def plan_meeting(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    told: MeetingPlan,
    *,
    actor_id: int | None,
    now: datetime,
) -> Meeting:
    """A planned meeting of the run. Raises InvalidError or ConflictError with the first thing that
    cannot be; nothing is kept then."""
    told = _checked(session, hook, run, told, None)
    if run.state in {"closed", "cancelled"}:
        raise ConflictError("마감했거나 취소한 기수에는 회차를 더할 수 없습니다.")
    _refuse_conflicts(session, run.institution_id, told, None, "")
    meeting = Meeting(
        institution_id=run.institution_id,
        run_id=run.id,
        run=run,
        state="planned",
        uid=f"{uuid.uuid4()}@ieum",
        sequence=0,
        rule=rules.frozen(told.rule),
        changed_at=now,
    )
    _tell_all(meeting, told)
    session.add(meeting)
    session.flush()  # blocks, instructors and history refer to it
    _keep_blocks(session, meeting, told)
    _keep_instructors(session, hook, meeting, told, actor_id=actor_id, now=now)
    meetings.note(session, meeting, "", reason="만듦", actor_id=actor_id, now=now)
    return meeting


def change_meeting(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    told: MeetingPlan,
    *,
    reason: str = "",
    overrule: str = "",
    actor_id: int | None,
    now: datetime,
) -> bool:
    """Say something else of it; whether anything was. Who has a seat hears once of what moved.

    `overrule`: why other seats of its learners at the new time do not count. Raises InvalidError or
    ConflictError with the first thing that cannot be.
    """
    meeting = holding.lock_meeting(session, meeting.id)
    told = _checked(session, hook, meeting.run, told, meeting)
    before = as_plan(meeting)
    changed = {
        name: (getattr(before, name), getattr(told, name))
        for name in MeetingPlan.__struct_fields__
        if getattr(before, name) != getattr(told, name)
    }
    if not changed:
        return False
    _check_change(session, meeting, told, changed, reason)
    if changed.keys() & {"blocks", "room_id", "instructors", "kind"}:
        _refuse_conflicts(session, meeting.institution_id, told, meeting, overrule)
    words = _in_words(session, changed)
    _tell_all(meeting, told)
    if meeting.state == "planned":
        meeting.rule = rules.frozen(told.rule)
    moved = bool(changed.keys() & _ON_CALENDARS)
    meeting.sequence += moved
    meeting.changed_at = now
    _keep_blocks(session, meeting, told)
    _keep_instructors(session, hook, meeting, told, actor_id=actor_id, now=now)
    holding.numbered_within(session, meeting)
    links.renew(session, hook, meeting)
    change = meetings.note(
        session,
        meeting,
        meeting.state,
        reason=reason.strip() or overrule.strip() or "준비 중 고침",
        actor_id=actor_id,
        now=now,
        told=words,
    )
    if meeting.state != "planned":
        if moved:
            meetings.set_begin(session, meeting, now=now)
            meetings.tell(session, change, now=now)
        queue.promote(session, hook, meeting, now=now)
    return True


def as_plan(meeting: Meeting) -> MeetingPlan:
    """What was told of a meeting."""
    return MeetingPlan(
        blocks=times.of_rows(meeting.blocks),
        instructors=tuple((one.person_id, one.part) for one in meeting.instructors),
        skills=tuple(meeting.skills),
        provider_told=dict(meeting.provider_told),
        rule=rules.parse(meeting.rule),
        **{name: getattr(meeting, name) for name in _TOLD},
    )


def _checked(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    told: MeetingPlan,
    meeting: Meeting | None,
) -> MeetingPlan:
    """The plan, fit to be kept: what its kind has no use for is left out."""
    runs.refuse(checking.troubles(session, run, told, meeting))
    more: dict[str, Any] = {"title": told.title.strip()[:120], "place": told.place.strip()[:200]}
    if told.kind not in planning.IN_A_ROOM:
        more["room_id"] = None
    if told.kind != "practice":
        more["host_id"] = None
    if told.kind in planning.BY_LINK:
        provider = providers.provider_of(hook, told.provider or "")
        more["provider_told"] = provider.check(
            {key: str(value) for key, value in told.provider_told.items()}
        )
    else:
        more |= {"provider": None, "provider_told": {}}
    more["blocks"] = tuple(sorted(told.blocks, key=lambda one: one.starts_at))
    return msgspec.structs.replace(told, **more)


def _refuse_conflicts(
    session: Session,
    institution_id: int,
    told: MeetingPlan,
    meeting: Meeting | None,
    overrule: str,
) -> None:
    people = {person_id for person_id, _ in told.instructors}
    if meeting is not None:
        people |= holding.people_of(session, meeting.id)
    conflicts.hold_still(session, told.room_id, people)
    conflicts.refuse(
        checking.conflicts_of(session, institution_id, told, meeting), overrule=overrule
    )


def _check_change(
    session: Session,
    meeting: Meeting,
    told: MeetingPlan,
    changed: dict[str, Any],
    reason: str,
) -> None:
    if meeting.state in {"held", "cancelled"}:
        raise ConflictError("마쳤거나 취소된 회차는 고칠 수 없습니다.")
    if meeting.state == "planned":
        return
    if "rule" in changed:
        raise ConflictError(
            "신청을 받은 회차의 출석 규칙은 바꿀 수 없습니다. 새 회차를 만들어 주십시오."
        )
    if "activity_id" in changed and holding.taken(session, meeting.id):
        raise ConflictError("자리가 있는 사람이 있어 채우는 차시를 바꿀 수 없습니다.")
    if not reason.strip():
        raise InvalidError("신청을 받은 회차를 왜 고치는지 한 줄로 적어 주십시오.", field="reason")


def _tell_all(meeting: Meeting, told: MeetingPlan) -> None:
    for name in _TOLD:
        setattr(meeting, name, getattr(told, name))
    meeting.provider_told = dict(told.provider_told)
    meeting.skills = list(told.skills)
    meeting.starts_at = told.blocks[0].starts_at
    meeting.ends_at = max(one.ends_at for one in told.blocks)


def _keep_blocks(session: Session, meeting: Meeting, told: MeetingPlan) -> None:
    if times.of_rows(meeting.blocks) == told.blocks:
        return
    session.execute(delete(MeetingBlock).where(MeetingBlock.meeting_id == meeting.id))
    session.expire(meeting, ["blocks"])
    session.add_all(
        MeetingBlock(
            institution_id=meeting.institution_id,
            meeting_id=meeting.id,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            breaks=[list(pair) for pair in one.breaks],
        )
        for one in told.blocks
    )
    session.flush()  # they are read again as the meeting's


def _keep_instructors(
    session: Session,
    hook: pluggy.HookRelay,
    meeting: Meeting,
    told: MeetingPlan,
    *,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Exactly these teach; each has the role for the run as long as they teach in it."""
    wanted = dict(told.instructors)
    before = {one.person_id: one for one in meeting.instructors}
    for person_id, row in before.items():
        if person_id in wanted:
            row.part = wanted[person_id]
        else:
            session.delete(row)
    session.add_all(
        MeetingInstructor(
            institution_id=meeting.institution_id,
            meeting_id=meeting.id,
            person_id=person_id,
            part=part,
        )
        for person_id, part in wanted.items()
        if person_id not in before
    )
    session.flush()  # who teaches in the run is asked next
    session.expire(meeting, ["instructors"])
    for person_id in wanted:
        links.open_link(session, hook, meeting, person_id, now=now)
    _grant(session, meeting, wanted, before, actor_id=actor_id, now=now)


def _grant(
    session: Session,
    meeting: Meeting,
    wanted: Iterable[int],
    before: Iterable[int],
    *,
    actor_id: int | None,
    now: datetime,
) -> None:
    still = set(
        session.scalars(
            select(MeetingInstructor.person_id)
            .join(Meeting, Meeting.id == MeetingInstructor.meeting_id)
            .where(Meeting.run_id == meeting.run_id)
        )
    )
    for act, people in (
        (service.grant, sorted(set(wanted) - set(before))),
        (service.end_grant, sorted(set(before) - still)),
    ):
        for person_id in people:
            act(
                session,
                person_id,
                meeting.institution_id,
                "instructor",
                run_id=meeting.run_id,
                actor_id=actor_id,
                now=now,
                reason="회차의 강사",
            )


def _in_words(session: Session, changed: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """What was and what is, as history keeps it: names rather than ids, nothing of people."""
    told: dict[str, Any] = {}
    for name, pair in changed.items():
        if name == "instructors":
            told[name] = [[person_id for person_id, _ in one] for one in pair]
        elif name == "room_id":
            told["room"] = [_room_name(session, one) for one in pair]
        elif name == "provider_told":
            told[name] = []  # an address that lets in is nobody's to read here
        else:
            told[name] = [msgspec.to_builtins(one) for one in pair]
    return told


def _room_name(session: Session, room_id: int | None) -> str:
    room = session.get(Room, room_id) if room_id else None
    return f"{room.building} {room.name}" if room else ""
