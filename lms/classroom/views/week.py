"""The week, and the list of meetings."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.classroom import listing, planning
from lms.classroom.permissions import PLAN, SEE_ROOMS
from lms.classroom.views.entrance import STATE_MARKS, blueprint, day_of, run_name, today
from lms.edge import person, render, session
from lms.edge.rendering import url
from lms.learning.models import Run
from lms.learning.permissions import READ_RUN


@blueprint.get("/manage/meetings", permission=SEE_ROOMS, scope="institution")
def week() -> ResponseReturnValue:
    """`day`: a day of the week that is shown; `room`, `teacher`: only theirs."""
    me = person()
    shown = day_of("day") or today()
    monday = shown - timedelta(days=shown.weekday())
    told = listing.Filter(
        room_id=request.args.get("room", type=int),
        person_id=request.args.get("teacher", type=int),
    )
    days = [monday + timedelta(days=n) for n in range(7)]
    rows = listing.week(
        session(),
        me.institution_id,
        told,
        clock.start_of_day(monday, me.zone),
        clock.end_of_day(days[-1], me.zone),
    )
    kept = {"room": told.room_id, "teacher": told.person_id}
    kept = {name: value for name, value in kept.items() if value}
    return render(
        "lms/classroom/week.html",
        days=[(day, _of_day(rows, day, me.zone)) for day in days],
        today=today(),
        monday=monday,
        count=len(rows),
        teachers=listing.teachers(session(), {row.Meeting.id for row in rows}),
        states=planning.STATES,
        kinds=planning.KINDS,
        marks=STATE_MARKS,
        rooms=listing.in_use(session(), me.institution_id),
        pool=listing.pool(session(), me.institution_id),
        told=told,
        before=url("classroom.week", **kept, day=(monday - timedelta(days=7)).isoformat()),
        after=url("classroom.week", **kept, day=(monday + timedelta(days=7)).isoformat()),
        here=url("classroom.week", **kept),
    )


@blueprint.get("/manage/meetings/list", permission=SEE_ROOMS, scope="institution")
def meetings() -> ResponseReturnValue:
    """`state`; `past=1` shows those that are over too."""
    me = person()
    asked = request.args.get("state", "")
    past = "past" in request.args
    told = listing.Filter(
        state=asked if asked in planning.STATES else "",
        since=None if past else clock.start_of_day(today(), me.zone),
    )
    after = _key(request.args.get("after", ""))
    found = listing.listed(session(), me.institution_id, told, after=after)
    rows, more = found[: listing.PAGE], len(found) > listing.PAGE
    kept = {"state": told.state} | ({"past": 1} if past else {})
    kept = {name: value for name, value in kept.items() if value}
    following = None
    if more:
        last = rows[-1].Meeting
        key = f"{last.starts_at.isoformat()}.{last.id}"
        following = f"?{urlencode({**kept, 'after': key})}"
    return render(
        "lms/classroom/meetings.html",
        rows=rows,
        run=None,
        teachers=listing.teachers(session(), [row.Meeting.id for row in rows]),
        counts=listing.states(session(), me.institution_id, told),
        states=planning.STATES,
        kinds=planning.KINDS,
        marks=STATE_MARKS,
        told=told,
        kept=kept,
        past=past,
        first=after is None,
        following=following,
        may_plan=False,
        done=None,
    )


@blueprint.get("/manage/runs/<int:id>/meetings", permission=READ_RUN, scope="institution", on=Run)
def of_run(run: Run) -> ResponseReturnValue:
    """The meetings of a run, all of them."""
    me = person()
    told = listing.Filter(run_id=run.id)
    after = _key(request.args.get("after", ""))
    found = listing.listed(session(), me.institution_id, told, after=after)
    rows, more = found[: listing.PAGE], len(found) > listing.PAGE
    last: Any = rows[-1].Meeting if rows else None
    return render(
        "lms/classroom/meetings.html",
        rows=rows,
        run=run,
        name=run_name(run),
        teachers=listing.teachers(session(), [row.Meeting.id for row in rows]),
        counts={},
        states=planning.STATES,
        kinds=planning.KINDS,
        marks=STATE_MARKS,
        told=told,
        kept={},
        past=True,
        first=after is None,
        following=f"?{urlencode({'after': f'{last.starts_at.isoformat()}.{last.id}'})}"
        if more
        else None,
        may_plan=PLAN.allows(me, None) and run.state in {"planned", "open", "running"},
        done=request.args.get("done"),
    )


def _of_day(rows: Any, day: date, zone: str) -> list[Any]:
    return [row for row in rows if clock.local_day(row.MeetingBlock.starts_at, zone) == day]


def _key(given: str) -> tuple[datetime, int] | None:
    at, dot, number = given.rpartition(".")
    try:
        found = datetime.fromisoformat(at), int(number)
    except ValueError:
        return None
    return found if dot and found[0].tzinfo is not None else None
