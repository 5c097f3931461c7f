"""«Today»: what is due, what is next, exactly where it stopped."""

from datetime import date
from typing import Any

from flask.typing import ResponseReturnValue

from lms import clock
from lms.classroom import choosing
from lms.credentials import service as credentials
from lms.edge import Blueprint, Entry, current_person, now, render, session, words_here
from lms.edge.rendering import url
from lms.errors import SignInNeededError
from lms.i18n import Words
from lms.i18n.formats import mmss, spoken
from lms.learning import queries, terms
from lms.tutoring import notices
from lms.web.permissions import HOME

blueprint = Blueprint("home", __name__)
ENTRY = Entry("오늘", "today", "home.home", 10)
SOON = 10
"""Days: what is due within them is said in the title."""


@blueprint.get("/", permission=HOME, scope="public")
def home() -> ResponseReturnValue:
    me = current_person()
    if me is None:
        raise SignInNeededError("먼저 로그인해 주십시오.")
    today = clock.local_day(now(), me.zone)
    rows = queries.due(session(), me.person_id, today)
    earned = credentials.recent(session(), me.person_id, year=today.year, zone=me.zone)
    words = words_here()
    lines = [_line(row, today, words) for row in rows]
    soon = sum(line["days"] <= SOON for line in lines)
    return render(
        "lms/web/home.html",
        today=today,
        title=_title(len(lines), soon, words),
        lines=lines,
        resume=_resume(rows, words),
        earned=earned,
        kinds=terms.KINDS,
        meetings=choosing.next_of(session(), me.person_id, now=now()),
        notices=notices.for_person(session(), me.person_id, today, most=5),
    )


def _title(count: int, soon: int, words: Words) -> str:
    if soon:
        return words.count(
            "열흘 안에 마칠 일이 {many} 가지 있습니다",
            "열흘 안에 마칠 일이 {many} 가지 있습니다",
            soon,
            many=spoken(soon, words.locale),
        )
    if count:
        return words.count(
            "급한 일은 없습니다. 듣고 있는 과정이 {n}개 있습니다",
            "급한 일은 없습니다. 듣고 있는 과정이 {n}개 있습니다",
            count,
        )
    return words.text("지금 마쳐야 할 일이 없습니다")


def _line(row: queries.DueRow, today: date, words: Words) -> dict[str, Any]:
    days = (row.learn_until - today).days
    why = row.legal_basis and words.text(
        "{law}. 주기: {cycle}. 대상: {who}",
        law=row.legal_basis,
        cycle=row.duty.get("cycle") or words.text("정해진 때마다"),
        who=row.duty.get("target") or words.text("교직원"),
    )
    return {
        "row": row,
        "days": days,
        "why": why,
        "href": url("learning.enrolment", id=row.enrolment_id),
        "action": _action(row, words),
        "face_to_face": bool(row.duty.get("face_to_face")),
    }


def _action(row: queries.DueRow, words: Words) -> str:
    if row.last_activity_id is None:
        return words.text("시작하기")
    if row.last_kind == "video" and row.last_position_ms:
        return words.text("{time} 이어 보기", time=mmss(row.last_position_ms))
    return words.text("이어서 하기")


def _resume(rows: list[queries.DueRow], words: Words) -> dict[str, Any] | None:
    begun = [row for row in rows if row.last_act_at is not None]
    if not begun:
        return None
    row = max(begun, key=lambda one: one.last_act_at)
    return {
        "row": row,
        "href": url("learning.enrolment", id=row.enrolment_id, activity=row.last_activity_id),
        "action": _action(row, words),
    }
