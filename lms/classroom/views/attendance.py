"""Who was there: the word of who teaches, settled for everybody at once."""

from datetime import timedelta

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.classroom import blocks as times
from lms.classroom import listing, rules, settling
from lms.classroom.models import Meeting
from lms.classroom.permissions import SETTLE
from lms.classroom.settling import Word
from lms.classroom.views.entrance import blueprint, reason, run_name
from lms.edge import hook, now, page, person, render, session
from lms.edge.rendering import url
from lms.errors import InvalidError, LMSError
from lms.learning.running.views.entrance import log_view, said

VERDICTS = {"attended": "출석", "partly": "시간 모자람", "absent": "결석", "excused": "공결"}
MARKS = {"attended": "done", "partly": "half", "absent": "todo", "excused": "na"}
_MOST_MINUTES = 24 * 60


@blueprint.get(
    "/manage/meetings/<int:id>/attendance", permission=SETTLE, scope="institution", on=Meeting
)
def attendance(meeting: Meeting) -> ResponseReturnValue:
    return _page(meeting)


@blueprint.post(
    "/manage/meetings/<int:id>/attendance", permission=SETTLE, scope="institution", on=Meeting
)
def settle(meeting: Meeting) -> ResponseReturnValue:
    """Form: for each seat `there-`, `late-` and `early-` with its id (minutes); `reason`."""
    try:
        done = settling.settle(
            session(),
            hook(),
            meeting,
            _words(meeting),
            reason=reason(),
            actor_id=person().person_id,
            now=now(),
        )
    except LMSError as error:
        return _page(meeting, error)
    return redirect(url("classroom.attendance", id=meeting.id, done=len(done)), 303)


def _words(meeting: Meeting) -> dict[int, Word]:
    found = {}
    for row in listing.seated(session(), meeting.id):
        there = request.form.get(f"there-{row.Seat.id}")
        if there in {"yes", "no"}:
            found[row.Seat.person_id] = settling.word_of(
                meeting,
                absent=there == "no",
                came=_minutes(f"late-{row.Seat.id}"),
                left=_minutes(f"early-{row.Seat.id}"),
            )
    return found


def _minutes(name: str) -> timedelta | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_MINUTES):
        raise InvalidError("늦거나 이른 시간은 분으로 적어 주십시오. 예: 20", field=name)
    return timedelta(minutes=int(text))


def _page(meeting: Meeting, error: LMSError | None = None) -> ResponseReturnValue:
    log_view("meeting", meeting.id)
    blocks = times.of_rows(meeting.blocks)
    known = {
        row.Attendance.person_id: row.Attendance for row in settling.results(session(), meeting.id)
    }
    seated = listing.seated(session(), meeting.id)
    html = render(
        "lms/classroom/attendance.html",
        meeting=meeting,
        run=meeting.run,
        name=run_name(meeting.run),
        minutes=times.scheduled_ms(blocks) // 60_000,
        rule=rules.parse(meeting.rule),
        rows=[row for row in seated if row.Seat.state == "confirmed"],
        known=known,
        typed=request.form,
        verdicts=VERDICTS,
        marks=MARKS,
        over=meeting.ends_at <= now(),
        may_settle=meeting.state in settling.SETTLES,
        error=said(error) if error else None,
        done=request.args.get("done", type=int),
    )
    return page(html, error.status if error else 200)
