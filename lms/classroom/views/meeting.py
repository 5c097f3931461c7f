"""A meeting's own page: who has a seat, who waits, what happened; its steps."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.classroom import blocks as times
from lms.classroom import listing, meetings, planning, rules, seats, settling
from lms.classroom.conflicts import HOLDS
from lms.classroom.models import Meeting, Seat
from lms.classroom.permissions import PLAN, READ_MEETING, SETTLE
from lms.classroom.views.entrance import (
    SEAT_MARKS,
    SEATS,
    STATE_MARKS,
    WHY,
    blueprint,
    reason,
    run_name,
)
from lms.edge import hook, now, page, person, render, session
from lms.edge.rendering import url
from lms.errors import InvalidError, LMSError, NotFoundError
from lms.learning.models import Enrolment
from lms.learning.permissions import LIST_RUNS
from lms.learning.running.views.entrance import log_view, said


@blueprint.get(
    "/manage/meetings/<int:id>", permission=READ_MEETING, scope="institution", on=Meeting
)
def meeting(meeting: Meeting) -> ResponseReturnValue:
    return meeting_page(meeting)


@blueprint.post("/manage/meetings/<int:id>/step", permission=PLAN, scope="institution", on=Meeting)
def step(meeting: Meeting) -> ResponseReturnValue:
    """Form: `act` open, close, cancel or restore; `reason`."""
    act = request.form.get("act", "")
    how: dict[str, Any] = {"actor_id": person().person_id, "now": now()}
    try:
        if act == "open":
            meetings.open_meeting(session(), hook(), meeting, **how)
        elif act == "close":
            meetings.close_meeting(session(), meeting, reason=reason() or "신청 마감", **how)
        elif act == "cancel":
            meetings.cancel_meeting(session(), meeting, reason=reason(), **how)
        elif act == "restore":
            meetings.restore_meeting(session(), hook(), meeting, reason=reason(), **how)
        else:
            raise InvalidError("무엇을 할지 다시 골라 주십시오.", field="act")
    except LMSError as error:
        return meeting_page(meeting, error)
    return _back(meeting, act)


@blueprint.post("/manage/meetings/<int:id>/seats", permission=PLAN, scope="institution", on=Meeting)
def give_seat(meeting: Meeting) -> ResponseReturnValue:
    """Form: `enrolment` of the run."""
    row = session().get(Enrolment, request.form.get("enrolment", 0, type=int))
    if row is None or row.run_id != meeting.run_id:
        raise InvalidError("자리를 줄 사람을 다시 찾아 골라 주십시오.", field="enrolment")
    try:
        found = seats.take(
            session(),
            hook(),
            meeting,
            row,
            source="officer",
            actor_id=person().person_id,
            now=now(),
        )
    except LMSError as error:
        return meeting_page(meeting, error)
    return _back(meeting, "given" if isinstance(found, Seat) else "queued")


@blueprint.post(
    "/manage/meetings/<int:id>/seats/<int:seat_id>/release",
    permission=PLAN,
    scope="institution",
    on=Meeting,
)
def take_seat_away(meeting: Meeting, seat_id: int) -> ResponseReturnValue:
    seat = session().get(Seat, seat_id)
    if seat is None or seat.meeting_id != meeting.id:
        raise NotFoundError("찾는 자리가 없습니다. 화면을 새로 고쳐 주십시오.")
    try:
        seats.release(
            session(),
            hook(),
            seat,
            why="officer",
            reason=reason(),
            actor_id=person().person_id,
            now=now(),
        )
    except LMSError as error:
        return meeting_page(meeting, error)
    return _back(meeting, "released")


def meeting_page(meeting: Meeting, error: LMSError | None = None) -> ResponseReturnValue:
    """The page, with a refusal where the form stood that caused it."""
    me = person()
    shown = request.args.get("list", "in")
    shown = shown if shown in {"in", "waiting", "out"} else "in"
    find = request.values.get("find", "").strip()[:80]
    rows = listing.seated(session(), meeting.id)
    plans = PLAN.allows(me, meeting)
    blocks = times.of_rows(meeting.blocks)
    log_view("meeting", meeting.id)
    html = render(
        "lms/classroom/meeting.html",
        meeting=meeting,
        run=meeting.run,
        name=run_name(meeting.run),
        blocks=blocks,
        minutes=times.scheduled_ms(blocks) // 60_000,
        held=[row for row in rows if row.Seat.state in HOLDS],
        gone=[row for row in rows if row.Seat.state not in HOLDS],
        queue=listing.queue(session(), meeting.id),
        history=listing.history(session(), meeting.id),
        states=planning.STATES,
        kinds=planning.KINDS,
        parts=planning.PARTS,
        marks=STATE_MARKS,
        seat_states=SEATS,
        seat_marks=SEAT_MARKS,
        why=WHY,
        rule=rules.parse(meeting.rule),
        shown=shown,
        find=find,
        found=listing.without_seat(session(), meeting, find) if find and plans else [],
        error=said(error) if error else None,
        done=request.args.get("done"),
        may_plan=plans,
        may_settle=meeting.state in settling.SETTLES
        and meeting.ends_at <= now()
        and SETTLE.allows(me, meeting),
        may_list=LIST_RUNS.allows(me, None),
    )
    return page(html, error.status if error else 200)


def _back(meeting: Meeting, done: str) -> ResponseReturnValue:
    return redirect(url("classroom.meeting", id=meeting.id, done=done), 303)
