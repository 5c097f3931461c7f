"""The desk: runs looked after, and what of them needs care today."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from lms.edge import hook, now, person, render, session
from lms.learning.running import closing
from lms.tutoring import overview
from lms.tutoring.overview import Line
from lms.tutoring.permissions import OPEN_DESK, WRITE_TEMPLATES
from lms.tutoring.views.entrance import blueprint


@blueprint.get("/desk", permission=OPEN_DESK, scope="institution")
def desk() -> ResponseReturnValue:
    me = person()
    may_widen = bool(me.roles & overview.OFFICE)
    every = may_widen and request.args.get("whose") == "all"
    past = request.args.get("when") == "past"
    lines, more = overview.runs(session(), me, every=every, past=past, after=_after(), now=now())
    marks = _unmarked([line.id for line in lines])
    kept = {"whose": "all" if every else "", "when": "past" if past else ""}
    following = None
    if more:
        last = lines[-1]
        following = "?" + urlencode({**kept, "after": f"{last.learn_until}_{last.id}"})
    return render(
        "lms/tutoring/desk.html",
        lines=lines,
        cases=[] if past else _cases(lines, marks),
        marks=marks,
        every=every or (may_widen and overview.looked_after(me) is None),
        own=overview.looked_after(me) is not None,
        may_widen=may_widen,
        past=past,
        first=_after() is None,
        following=following,
        may_write=WRITE_TEMPLATES.allows(me, None),
        said=request.args.get("said", ""),
    )


def _cases(lines: list[Line], marks: dict[int, int]) -> list[dict[str, Any]]:
    """What needs somebody today, the most pressing first."""
    found: list[dict[str, Any]] = []
    for line in lines:
        left = line.all - line.done if 0 <= line.days_left <= overview.SOON else 0
        for what, n, order in (
            ("questions", line.waiting, 0 if line.late else 1),
            ("deadline", left, 0),
            ("marks", marks.get(line.id, 0), 1),
            ("silent", line.silent, 2),
        ):
            if n:
                found.append({"what": what, "line": line, "n": n, "order": order})
    return sorted(found, key=lambda one: (one["order"], one["line"].learn_until, -one["n"]))[:12]


def _unmarked(run_ids: list[int]) -> dict[int, int]:
    """How many works of each run wait for a mark."""
    found = closing.unmarked(session(), hook(), run_ids)
    return {run_id: sum(one.count for one in some) for run_id, some in found.items()}


def _after() -> tuple[date, int] | None:
    day, _, number = request.args.get("after", "").partition("_")
    try:
        return (date.fromisoformat(day), int(number)) if len(number) < 18 else None
    except ValueError:
        return None
