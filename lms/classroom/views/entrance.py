"""What the pages of this room share."""

from datetime import date

from flask import request
from sqlalchemy.orm import Session

from lms import clock
from lms.classroom.models import Meeting
from lms.edge import Blueprint, Entry, now, person, words_here
from lms.errors import LMSError, NotFoundError
from lms.learning.models import Run

blueprint = Blueprint("classroom", __name__)
MENU = (
    Entry("내 모임", "place", "classroom.mine", 25),
    Entry(
        "회차",
        "today",
        "classroom.week",
        32,
        frozenset({"officer", "institution_admin", "auditor"}),
    ),
)
STATE_MARKS = {
    "planned": "todo",
    "open": "now",
    "closed": "half",
    "held": "done",
    "cancelled": "na",
}
"""A meeting's state → the mark beside its word."""

SEATS = {
    "confirmed": "자리 있음",
    "offered": "답을 기다림",
    "released": "내놓음",
}
SEAT_MARKS = {"confirmed": "done", "offered": "ask", "released": "na"}
WHY = {
    "self": "본인 신청",
    "waiting": "대기에서",
    "officer": "담당자",
    "moved": "옮김",
    "left": "본인이 내놓음",
    "declined": "받지 않음",
    "expired": "답할 시간이 지남",
    "cancelled": "회차 취소",
    "withdrawn": "수강 취소",
    "unready": "사전학습을 마치지 않음",
    "accepted": "받음",
}
"""How a seat came and why it went, in a word."""


def today() -> date:
    return clock.local_day(now(), person().zone)


def reason() -> str:
    return request.form.get("reason", "").strip()[:500]


def run_name(run: Run) -> str:
    number = words_here().text("{n}기", n=run.number)
    return f"{run.name} ({number})" if run.name else number


def day_of(name: str) -> date | None:
    """A day in the address; None for none, or one that there is not."""
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def meeting_of(session: Session, meeting_id: int, run_id: int) -> Meeting:
    """A meeting of the run that people may see. Raises NotFoundError."""
    found = session.get(Meeting, meeting_id)
    if found is None or found.run_id != run_id or found.state == "planned":
        raise NotFoundError("찾는 회차가 없습니다. 모임 화면에서 다시 골라 주십시오.")
    return found


def field_of(error: LMSError, default: str) -> str:
    return getattr(error, "field", None) or default
