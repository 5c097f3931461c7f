"""One request: what it holds, what the institute decides, and how the school's staff do."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import hook, now, person, render, session, state, words_here
from lms.edge.rendering import url
from lms.edge.watching import log_access
from lms.errors import InvalidError
from lms.learning import terms
from lms.learning.running.planning import STATES as RUN_STATES
from lms.partners import checking, reading, school_runs, staff
from lms.partners.models import SchoolRequest
from lms.partners.permissions import COMPOSE, DECIDE, READ, TAKE_AWAY
from lms.partners.views.composing import compose_page
from lms.partners.views.entrance import (
    STATE_MARKS,
    back,
    blueprint,
    shown,
    text,
    today,
)
from lms.sheets.writing import csv_lines, xlsx

SAID = {
    "made": "초안을 저장했습니다. 과정과 사람을 담은 뒤 보내 주십시오.",
    "saved": "저장했습니다.",
    "people": "사람을 저장했습니다.",
    "asked": "연수원에 보냈습니다. 결정되면 전자우편으로 알려 드립니다.",
    "approved": "승인했습니다. 기수를 열고 선생님들을 등록했습니다.",
    "sent_back": "돌려보냈습니다. 학교에 전자우편이 나갑니다.",
    "same": "이미 그렇게 되어 있어 바뀐 것이 없습니다.",
}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/school-runs/<int:id>", permission=READ, scope="institution", on=SchoolRequest)
def one(row: SchoolRequest) -> ResponseReturnValue:
    """Who may still change it gets the page to do so; everybody else what it says."""
    me = person()
    said = SAID.get(request.args.get("said", ""), "")
    if row.state in school_runs.EDITABLE and COMPOSE.allows(me, row):
        return compose_page(row, said)
    log_access("view", "school_request", row.id)
    decides = row.state == "asked" and DECIDE.allows(me, row)
    findings = _findings(row) if decides else []
    return render(
        "lms/partners/request.html",
        row=row,
        school=row.organisation.name,
        state_name=school_runs.STATES[row.state],
        state_mark=STATE_MARKS[row.state],
        said=said,
        courses=reading.chosen(session(), row),
        members=staff.named(session(), row),
        kinds=terms.KINDS,
        findings=findings,
        blocked=any(found["grave"] for found in findings),
        decides=decides,
        may_take=TAKE_AWAY.allows(me, row),
        may_withdraw=row.state == "asked" and COMPOSE.allows(me, row),
        mark=school_runs.mark(row),
        history=_history(row),
        **_progress(row),
    )


@blueprint.post(
    "/school-runs/<int:id>/approve", permission=DECIDE, scope="institution", on=SchoolRequest
)
def approve(row: SchoolRequest) -> ResponseReturnValue:
    """Form: `mark` of what was read; `word` to the school, may be empty."""
    school_runs.approve(
        session(),
        hook(),
        row,
        known=text("mark"),
        word=text("word"),
        actor_id=person().person_id,
        now=now(),
        today=today(),
    )
    return back(row, "approved")


@blueprint.post(
    "/school-runs/<int:id>/send-back", permission=DECIDE, scope="institution", on=SchoolRequest
)
def send_back(row: SchoolRequest) -> ResponseReturnValue:
    """Form: `mark`, `reason`."""
    done = school_runs.send_back(
        session(),
        row,
        known=text("mark"),
        reason=text("reason"),
        actor_id=person().person_id,
        now=now(),
    )
    return back(row, "sent_back" if done else "same")


@blueprint.post(
    "/school-runs/<int:id>/export",
    permission=TAKE_AWAY,
    scope="institution",
    on=SchoolRequest,
    writes=False,
)
def export(row: SchoolRequest) -> ResponseReturnValue:
    """The staff and their progress as a sheet; first the reason goes into the access log."""
    reason = text("reason")
    if not reason:
        raise InvalidError(
            "왜 내려받는지 한 줄로 적어 주십시오. 열람 기록에 남습니다.", field="reason"
        )
    log_access("download", "school_request", row.id, reason=reason)
    words = words_here().text
    courses = reading.runs_of(session(), row)
    head = [words("성명")]
    for one in courses:
        head += [
            words("{title} 진도(%)", title=one.title),
            words("{title} 점수", title=one.title),
            words("{title} 이수한 날", title=one.title),
        ]
    run_ids, zone = [one.id for one in courses], person().zone
    rows = _cells(reading.whole_progress(state().db, row), run_ids, words, zone)
    as_csv = request.form.get("form") == "csv"
    pieces = csv_lines(head, rows) if as_csv else xlsx(head, rows, title=row.title)
    name = f"school-run-{row.id}.{'csv' if as_csv else 'xlsx'}"
    return Response(
        pieces,
        mimetype="text/csv" if as_csv else XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _cells(
    members: Iterator[reading.Member], run_ids: list[int], say: Callable[[str], str], zone: str
) -> Iterator[list[object]]:
    # Read while the answer is on its way: by then there is no request to ask for words or zone.
    for member in members:
        cells: list[object] = [member.name]
        for run_id in run_ids:
            place = member.places.get(run_id)
            if place is None:
                cells += [None, None, None]
                continue
            done = place.completed_at and clock.local_day(place.completed_at, zone)
            points = None if place.score is None else place.score / 100
            ended = say("수강 취소") if place.withdrawn else done
            cells += [place.progress_permille / 10, points, ended]
        yield cells


def _findings(row: SchoolRequest) -> list[dict[str, Any]]:
    words = words_here()
    found = checking.findings(session(), row, today=today())
    return [
        {"text": words.text(one.message, **shown(one.params)), "grave": one.grave}
        for one in found.all
    ]


def _progress(row: SchoolRequest) -> dict[str, Any]:
    if row.state != "approved":
        return {"runs": [], "people": [], "following": None, "first": True, "left": 0}
    number, dash, name = request.args.get("after", "").partition("-")
    after = (name, int(number)) if dash and number.isascii() and number.isdigit() else None
    found = reading.progress(session(), row, after=after)
    people, more = found[: reading.PAGE], len(found) > reading.PAGE
    following = None
    if more:
        place = f"{people[-1].id}-{people[-1].name}"
        following = url("partners.one", id=row.id, after=place) + "#h-progress"
    return {
        "runs": reading.runs_of(session(), row),
        "run_states": RUN_STATES,
        "people": people,
        "first": after is None,
        "following": following,
        "left": reading.left(session(), row),
    }


def _history(row: SchoolRequest) -> list[dict[str, Any]]:
    """What happened, newest first, with who was left out of an approval and why."""
    words, rows = words_here(), reading.history(session(), row)
    out = [one for event in rows for one in event[4].get("left_out", [])]
    names = reading.names(session(), [one[1] for one in out]) if out else {}
    events = []
    for at, act, reason, actor, detail in rows:
        events.append(
            {
                "text": words.text(_step(act)),
                "at": at,
                "note": " · ".join(part for part in (_said(words.text, reason), actor) if part),
                "left_out": [
                    (names.get(person_id, ""), words.text(message, **shown(_dated(params))))
                    for _run, person_id, message, params in detail.get("left_out", [])
                ],
            }
        )
    return events


def _said(say: Callable[[str], str], reason: str) -> str:
    """What somebody wrote; nothing where the step itself was all there was to say."""
    return "" if reason in school_runs.PLAIN else say(reason)


def _step(act: str) -> str:
    return {
        "draft": "초안을 만듦",
        "asked": "연수원에 보냄",
        "sent_back": "학교에 돌려보냄",
        "approved": "승인함",
        "withdrawn": "거둠",
    }[act.rpartition(".")[2]]


def _dated(params: dict[str, Any]) -> dict[str, Any]:
    """The audit row keeps dates as text: dates again, for the reader's language."""
    found = {}
    for name, value in params.items():
        try:
            found[name] = datetime.fromisoformat(value).date() if len(value) == 10 else value
        except (TypeError, ValueError):
            found[name] = value
    return found
