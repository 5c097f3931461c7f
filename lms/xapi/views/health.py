"""How the store is doing: how much comes in, when the last came, how much there is."""

from datetime import timedelta

from flask.typing import ResponseReturnValue

from lms.edge import now, person, render, session
from lms.xapi import browsing
from lms.xapi.permissions import READ_RECORDS
from lms.xapi.views.entrance import blueprint, tabs

HOURS = 24
MOST_COUNTED = 1_000_000


@blueprint.get("/manage/records/health", permission=READ_RECORDS, scope="institution")
def health() -> ResponseReturnValue:
    me, at = person(), now()
    this = at.replace(minute=0, second=0, microsecond=0)
    hour = timedelta(hours=1)
    begins = [this - hour * back for back in range(HOURS)]
    spans = [(begin, begin + hour) for begin in begins]
    counts = browsing.hourly(session(), me.institution_id, spans)
    number = browsing.counted(session(), me.institution_id, most=MOST_COUNTED)
    return render(
        "lms/xapi/health.html",
        tabs=tabs(),
        hours=list(zip(begins, counts, strict=True)),
        most=max(*counts, 1),
        total=sum(counts),
        number=min(number, MOST_COUNTED),
        is_more=number > MOST_COUNTED,
        last=browsing.last_stored(session(), me.institution_id),
        size=browsing.size(session()),
    )
