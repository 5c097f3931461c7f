"""The list of runs."""

from typing import Any
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from lms.edge import person, render, session
from lms.learning.models import Course
from lms.learning.permissions import KEEP_RUNS, LIST_RUNS
from lms.learning.running import listing
from lms.learning.running.listing import Filter
from lms.learning.running.planning import STATES, WAYS
from lms.learning.running.views.entrance import STATE_MARKS, blueprint, run_name
from lms.people.directory import parse_month


@blueprint.get("/manage/runs", permission=LIST_RUNS, scope="institution")
def runs_page() -> ResponseReturnValue:
    me = person()
    told = _filter()
    after = listing.parse_key(request.args.get("after"))
    found = listing.listed(session(), me.institution_id, told, after)
    rows, more = found[: listing.PAGE], len(found) > listing.PAGE
    course = _course(told.course_id, me.institution_id)
    kept = _kept(told)
    following = {**kept, "after": listing.key_of(rows[-1].Run)} if more else None
    return render(
        "lms/learning/run_list.html",
        lines=_lines(rows),
        states=STATES,
        marks=STATE_MARKS,
        ways=WAYS,
        counts=listing.states(session(), me.institution_id, told),
        managers=listing.known_managers(session(), me.institution_id),
        told=told,
        month=f"{told.month:%Y-%m}" if told.month else "",
        course=course,
        kept=kept,
        filtered=any(value for name, value in kept.items() if name != "state"),
        first=after is None,
        following=f"?{urlencode(following)}" if following else None,
        may_keep=KEEP_RUNS.allows(me, None),
        done=request.args.get("done"),
    )


def _filter() -> Filter:
    state = request.args.get("state", "")
    return Filter(
        text=request.args.get("q", "").strip()[:80],
        state=state if state in STATES else "",
        month=parse_month(request.args.get("month")),
        manager_id=request.args.get("manager", type=int),
        course_id=request.args.get("course", type=int),
    )


def _kept(told: Filter) -> dict[str, Any]:
    """The filter as an address carries it."""
    whole = {
        "q": told.text,
        "state": told.state,
        "month": f"{told.month:%Y-%m}" if told.month else "",
        "manager": told.manager_id,
        "course": told.course_id,
    }
    return {name: value for name, value in whole.items() if value}


def _course(course_id: int | None, institution_id: int) -> Course | None:
    if course_id is None:
        return None
    course = session().get(Course, course_id)
    return course if course is not None and course.institution_id == institution_id else None


def _lines(rows: Any) -> list[dict[str, Any]]:
    ids = [row.Run.id for row in rows]
    inside = listing.inside_counts(session(), ids)
    waiting = listing.waiting_counts(session(), ids)
    managers = listing.managers_of(session(), ids)
    return [
        {
            "run": row.Run,
            "title": row.title,
            "name": run_name(row.Run),
            "inside": inside.get(row.Run.id, 0),
            "waiting": waiting.get(row.Run.id, 0),
            "managers": [one.name for one in managers.get(row.Run.id, [])],
        }
        for row in rows
    ]
