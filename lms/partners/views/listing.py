"""The list of requests: a school's own, or what schools have sent to the institute."""

from typing import Any
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from lms.edge import person, render, session, words_here
from lms.edge.rendering import url
from lms.partners import reading
from lms.partners.permissions import COMPOSE, READ, asked_of_office
from lms.partners.school_runs import STATES
from lms.partners.views.entrance import STATE_MARKS, blueprint


@blueprint.get("/school-runs", permission=READ, scope="institution")
def requests() -> ResponseReturnValue:
    """`own=1` shows the own school's to who both asks and decides; others see the one they may."""
    me = person()
    office, school = asked_of_office(me, None), COMPOSE.allows(me, None)
    own = school and (not office or "own" in request.args)
    organisation_id = me.organisation_id if own else None
    counts = reading.counts(session(), me.institution_id, organisation_id=organisation_id)
    asked = request.args.get("state", "")
    state = asked if asked in STATES else "asked" if counts.get("asked") and not own else ""
    found = reading.listed(
        session(),
        me.institution_id,
        organisation_id=organisation_id,
        state="" if asked == "all" else state,
        before=request.args.get("before", type=int),
    )
    rows, more = found[: reading.PAGE], len(found) > reading.PAGE
    kept = {"state": asked} | ({"own": 1} if own and office else {})
    following = f"?{urlencode({**kept, 'before': rows[-1][0].id})}" if more else None
    return render(
        "lms/partners/requests.html",
        rows=rows,
        own=own,
        both=office and school,
        chips=_chips(counts, "all" if asked == "all" or not state else state, kept),
        state_names=STATES,
        marks=STATE_MARKS,
        waiting=counts.get("asked", 0),
        following=following if state != "asked" else None,
        may_compose=school,
    )


def _chips(counts: dict[str, int], current: str, kept: dict[str, Any]) -> list[dict[str, Any]]:
    words = words_here().text
    named = {"all": "모두"} | STATES
    numbers = counts | {"all": sum(counts.values())}
    return [
        {
            "text": words(named[name]),
            "count": numbers.get(name, 0),
            "href": url("partners.requests", **{**kept, "state": name}),
            "current": name == current,
        }
        for name in named
        if numbers.get(name) or name == "all"
    ]
