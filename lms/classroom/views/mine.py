"""What people do about meetings of their own: taking and giving back seats, their calendar."""

from datetime import timedelta

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from lms.classroom import calendar, choosing, holding, links, listing, queue, seats, telling
from lms.classroom.models import Meeting, MeetingWaiting, Seat
from lms.classroom.permissions import OWN_MEETINGS, OWN_SEAT
from lms.classroom.views.entrance import SEAT_MARKS, SEATS, STATE_MARKS, blueprint, meeting_of
from lms.edge import hook, now, page, person, render, session, words_here
from lms.edge.rendering import url
from lms.errors import ClosedError, InvalidError, LMSError, NotFoundError
from lms.learning.models import Enrolment
from lms.learning.permissions import LEARN
from lms.learning.running.views.entrance import said
from lms.people.permissions import COME_IN

PAST = timedelta(days=60)
"""How long what is over stays on one's page."""


@blueprint.get("/meetings", permission=OWN_MEETINGS, scope="institution")
def mine() -> ResponseReturnValue:
    return _mine_page()


@blueprint.post(
    "/enrolments/<int:id>/meetings/<int:meeting_id>/take",
    permission=LEARN,
    scope="institution",
    on=Enrolment,
)
def take(enrolment: Enrolment, meeting_id: int) -> ResponseReturnValue:
    meeting = meeting_of(session(), meeting_id, enrolment.run_id)
    try:
        found = seats.take(
            session(), hook(), meeting, enrolment, actor_id=person().person_id, now=now()
        )
    except LMSError as error:
        return _mine_page(error)
    return _back("taken" if isinstance(found, Seat) else "queued")


@blueprint.post("/seats/<int:id>/leave", permission=OWN_SEAT, scope="institution", on=Seat)
def leave_seat(seat: Seat) -> ResponseReturnValue:
    why = "declined" if seat.state == "offered" else "left"
    try:
        seats.release(session(), hook(), seat, why=why, actor_id=person().person_id, now=now())
    except LMSError as error:
        return _mine_page(error)
    return _back(why)


@blueprint.post("/seats/<int:id>/accept", permission=OWN_SEAT, scope="institution", on=Seat)
def accept_seat(seat: Seat) -> ResponseReturnValue:
    try:
        seats.accept(session(), hook(), seat, actor_id=person().person_id, now=now())
    except LMSError as error:
        return _mine_page(error)
    return _back("accepted")


@blueprint.post("/seats/<int:id>/move", permission=OWN_SEAT, scope="institution", on=Seat)
def move_seat(seat: Seat) -> ResponseReturnValue:
    """Form: `to`, a meeting of the same run."""
    chosen = request.form.get("to", type=int)
    if chosen is None:
        raise InvalidError("옮길 회차를 골라 주십시오.", field="to")
    to = meeting_of(session(), chosen, seat.meeting.run_id)
    try:
        seats.move(session(), hook(), seat, to, actor_id=person().person_id, now=now())
    except LMSError as error:
        return _mine_page(error)
    return _back("moved")


@blueprint.post(
    "/meeting-waiting/<int:id>/leave", permission=OWN_SEAT, scope="institution", on=MeetingWaiting
)
def leave_waiting(waiting: MeetingWaiting) -> ResponseReturnValue:
    holding.lock_meeting(session(), waiting.meeting_id)
    session().refresh(waiting)
    queue.leave(session(), waiting, now=now())
    return _back("unqueued")


@blueprint.get("/meetings/join/<token>", permission=OWN_MEETINGS, scope="institution")
def join(token: str) -> ResponseReturnValue:
    """One's own way into a live meeting: whoever else has the address is not let through."""
    link = links.by_token(session(), token)
    if link is None or link.person_id != person().person_id or link.ended_at is not None:
        raise NotFoundError("찾는 것이 없습니다. 주소를 다시 확인해 주십시오.")
    meeting = session().get_one(Meeting, link.meeting_id)
    if meeting.state == "cancelled":
        raise ClosedError("취소된 회차입니다. 모임 화면에서 다른 회차를 골라 주십시오.")
    if now() < meeting.starts_at - choosing.EARLY:
        raise ClosedError("시작 30분 전부터 들어갈 수 있습니다. 그때 다시 눌러 주십시오.")
    return redirect(link.url, 303)


@blueprint.post("/meetings/calendar", permission=OWN_MEETINGS, scope="institution")
def new_calendar() -> ResponseReturnValue:
    """The address of one's calendar, or another in its place."""
    me = person()
    calendar.feed_of(session(), me.person_id, me.institution_id, now=now(), renew=True)
    return redirect(url("classroom.mine", done="calendar") + "#calendar", 303)


@blueprint.get(
    "/meetings/calendar/<token>.ics", permission=COME_IN, scope="platform", browser=False
)
def feed(token: str) -> ResponseReturnValue:
    """Somebody's calendar, for a program that has no sign-in: the address is the key."""
    who = calendar.person_of(session(), token)
    if who is None:
        # Programs ask again and again: 410 has them stop.
        gone = words_here().text("더 열리지 않는 달력 주소입니다. 모임 화면에서 새로 받으십시오.")
        return Response(gone, 410, mimetype="text/plain")
    told = calendar.events(session(), who, telling.place_of, now=now())
    answer = Response(
        calendar.document(calendar.name_of(who), told), mimetype="text/calendar; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = 'inline; filename="meetings.ics"'
    answer.headers["Cache-Control"] = "private, max-age=300"
    return answer


def _mine_page(error: LMSError | None = None) -> ResponseReturnValue:
    me = person()
    lines = choosing.of_person(session(), me.person_id, since=now() - PAST)
    told = listing.Filter(person_id=me.person_id, since=now() - PAST)
    teaching = listing.listed(session(), me.institution_id, told, after=None)
    found = calendar.found(session(), me.person_id)
    ahead = [line for line in lines if line.meeting.ends_at > now()]
    coming = [line for line in ahead if line.holds and line.meeting.state != "cancelled"]
    html = render(
        "lms/classroom/mine.html",
        coming=coming,
        waits=[line for line in ahead if line.waiting is not None],
        called_off=[line for line in ahead if line.holds and line.meeting.state == "cancelled"],
        open_lines=[
            line
            for line in lines
            if not line.holds
            and line.waiting is None
            and line.meeting.state == "open"
            and line.meeting.starts_at > now()
        ],
        past=[line for line in lines if line.seat is not None and line.meeting.ends_at <= now()],
        teaching=teaching,
        choices=choosing.instead(lines, now=now()),
        soon=now() + choosing.EARLY,
        feed=url("classroom.feed", token=found.token, _external=True) if found else None,
        marks=STATE_MARKS,
        seat_states=SEATS,
        seat_marks=SEAT_MARKS,
        error=said(error) if error else None,
        done=request.args.get("done"),
    )
    return page(html, error.status if error else 200)


def _back(done: str) -> ResponseReturnValue:
    """To the page that the form stood on: the course's, where it says so."""
    back = request.form.get("enrolment", type=int)
    if back is not None:
        return redirect(
            url("learning.enrolment", id=back, activity=request.form.get("activity", type=int)), 303
        )
    return redirect(url("classroom.mine", done=done), 303)
