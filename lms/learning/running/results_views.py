"""How a run went, and its end: closing, opening again, recomputing."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import (
    Blueprint,
    hook,
    now,
    person,
    render,
    session,
    state,
    words_here,
)
from lms.edge.rendering import url
from lms.edge.watching import log_access
from lms.errors import InvalidError
from lms.learning import rules
from lms.learning.models import Run
from lms.learning.permissions import CLOSE_RUN, LIST_RUNS, LOOK_AFTER, READ_RUN
from lms.learning.running import closing, counter, recomputing, results
from lms.learning.running.planning import STATES
from lms.people.settings import parse as settings_of
from lms.people.words import CATEGORIES
from lms.sheets.writing import csv_lines, xlsx

blueprint = Blueprint("results", __name__)

HEAD = (
    "성명",
    "소속",
    "구분",
    "차수",
    "진도(%)",
    "점수",
    "결과",
    "이수한 날",
    "취소한 날",
    "취소 까닭",
)
SAID = {
    "closed": "마감했습니다. 결과를 알리는 전자우편이 나갑니다.",
    "reopened": "다시 열었습니다. 연수생이 이어서 배울 수 있습니다.",
    "told": "소속기관에 알린 것으로 적었습니다.",
    "same": "이미 그렇게 되어 있어 바뀐 것이 없습니다.",
    "recomputed": "다시 계산했습니다. 바뀐 것은 아래 기록에 있습니다.",
}
MOST_TEXT = 500
SHOWN = ("all", "completed", "open", *results.NOT_COMPLETED, "withdrawn")


@blueprint.get("/manage/runs/<int:id>/results", permission=READ_RUN, scope="institution", on=Run)
def page(run: Run) -> ResponseReturnValue:
    me, only, text = person(), _only(request.args), _text(request.args)
    found = results.listed(session(), run, only=only, text=text, after=_after())
    rows, more = found[: results.PAGE], len(found) > results.PAGE
    told = results.figures(session(), run)
    log_access("view", "run", run.id)
    kept = {"show": only, "q": text}
    following = {**kept, "after": f"{rows[-1].id}-{rows[-1].name}"} if more else None
    return render(
        "lms/learning/results.html",
        run=run,
        runs_href=url("running.runs_page") if LIST_RUNS.allows(me, None) else None,
        course=run.course,
        told=told,
        rate=results.share(told.completed, told.enrolled),
        reasons=[(name, results.RESULTS[name], getattr(told, name)) for name in _reasons(told)],
        bands=_bands(told),
        rule=rules.parse(run.rule),
        rows=rows,
        chips=_chips(run, told, only),
        only=only,
        q=text,
        first=_after() is None,
        following=f"?{urlencode(following)}#h-list" if following else None,
        names=results.RESULTS,
        categories=CATEGORIES,
        said=SAID.get(request.args.get("said", "")),
        may_close=CLOSE_RUN.allows(me, run),
        may_take=LOOK_AFTER.allows(me, run),
        **_end(run),
    )


@blueprint.post(
    "/manage/runs/<int:id>/results/export",
    permission=LOOK_AFTER,
    scope="institution",
    on=Run,
    writes=False,
)
def export(run: Run) -> ResponseReturnValue:
    """The whole list as it is filtered; first the reason goes into the access log."""
    reason = request.form.get("reason", "").strip()[:MOST_TEXT]
    if not reason:
        raise InvalidError(
            "왜 내려받는지 한 줄로 적어 주십시오. 열람 기록에 남습니다.", field="reason"
        )
    log_access("download", "run", run.id, reason=reason)
    words = words_here().text
    head = [words(title) for title in HEAD]
    lines = results.whole_sheet(state().db, run, only=_only(request.form), text=_text(request.form))
    rows = _cells(lines, words, person().zone)
    name = f"results-{run.year}-{run.number}-{run.id}"
    if request.form.get("form") == "csv":
        return _file(csv_lines(head, rows), "text/csv", f"{name}.csv")
    title = words("{year}년 {n}기 결과", year=run.year, n=run.number)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _file(xlsx(head, rows, title=title), kind, f"{name}.xlsx")


@blueprint.post("/manage/runs/<int:id>/close", permission=CLOSE_RUN, scope="institution", on=Run)
def close(run: Run) -> ResponseReturnValue:
    """Form: `reason`, needed before the last day."""
    me = person()
    done = closing.close(
        session(), hook(), run, actor_id=me.person_id, now=now(), zone=me.zone, reason=_reason()
    )
    return _back(run, "closed" if done else "same")


@blueprint.post("/manage/runs/<int:id>/reopen", permission=CLOSE_RUN, scope="institution", on=Run)
def reopen(run: Run) -> ResponseReturnValue:
    """Form: `reason`; `until`, the new last day, where the old one is over."""
    me = person()
    done = closing.reopen(
        session(),
        run,
        reason=_reason(),
        until=_day(request.form.get("until", "")),
        actor_id=me.person_id,
        now=now(),
        zone=me.zone,
    )
    return _back(run, "reopened" if done else "same")


@blueprint.post(
    "/manage/runs/<int:id>/results/told", permission=CLOSE_RUN, scope="institution", on=Run
)
def tell(run: Run) -> ResponseReturnValue:
    """Form: `reason`, how they were told."""
    done = closing.tell_results(
        session(), run, reason=_reason(), actor_id=person().person_id, now=now()
    )
    return _back(run, "told" if done else "same")


@blueprint.get("/manage/runs/<int:id>/recompute", permission=CLOSE_RUN, scope="institution", on=Run)
def preview(run: Run) -> ResponseReturnValue:
    """Who would gain, who would lose: nothing is changed by looking."""
    return _preview(run, recomputing.plan(session(), run))


@blueprint.post(
    "/manage/runs/<int:id>/recompute",
    permission=CLOSE_RUN,
    scope="institution",
    on=Run,
    writes=False,
)
def recompute(run: Run) -> ResponseReturnValue:
    """Form: `mark` of the preview, `reason`. Each batch is a transaction: nobody waits for all."""
    me, at, reason, db = person(), now(), _reason(), state().db
    found = recomputing.plan(session(), run)
    if not reason:
        return _preview(run, found, "다시 계산하는 까닭을 적어 주십시오. 기록에 남습니다."), 422
    if found.mark != request.form.get("mark"):
        sentence = "그사이 기록이 더 들어와 결과가 달라졌습니다. 다시 보고 확인해 주십시오."
        return _preview(run, found, sentence, reason), 409
    if not found.moving:
        return _back(run, "same")
    with db.transaction() as own:
        recomputing.begin(own, run, found, reason=reason, actor_id=me.person_id, now=at)
    for start in range(0, len(found.moving), recomputing.BATCH):
        some = found.moving[start : start + recomputing.BATCH]
        with db.transaction() as own:
            recomputing.apply(own, hook(), run, some, reason=reason, actor_id=me.person_id, now=at)
    return _back(run, "recomputed")


def _preview(run: Run, found: recomputing.Plan, error: str = "", reason: str = "") -> str:
    return render(
        "lms/learning/recompute.html",
        run=run,
        course=run.course,
        plan=found,
        parts=[
            ("gains", found.of("gains")),
            ("loses", found.of("loses")),
            ("changes", found.of("changes")),
        ],
        error=error,
        reason=reason,
    )


def _end(run: Run) -> dict[str, Any]:
    """What the page says of the run's end: what stands against closing, and the deadline."""
    me = person()
    today = clock.local_day(now(), me.zone)
    days = settings_of(dict(me.institution_settings)).result_days
    learning = run.state in counter.TAKES
    waits = closing.unmarked(session(), hook(), [run.id]).get(run.id, []) if learning else []
    due = results.results_due(run, days=days, zone=me.zone)
    return {
        "state_name": STATES[run.state],
        "learning": learning,
        "over": today > run.learn_until,
        "today": today,
        "waits": waits,
        "days": days,
        "due": due,
        "due_in": (due - today).days,
        "offices": results.offices(session(), run) if run.state == "closed" else [],
        "history": [_event(one) for one in results.history(session(), run)],
    }


def _event(one: results.Event) -> dict[str, Any]:
    words = words_here()
    what = {
        "run.recompute": "다시 계산함",
        "run.extend": "학습 기간을 늘림",
        "run.tell_results": "결과를 소속기관에 알림",
    }.get(one.what) or STATES[one.what]
    note = words.text(one.reason) + (f" · {one.actor}" if one.actor else "")
    if one.what == "run.recompute":
        note += " · " + words.text(
            "새로 이수 {gains}명, 그대로 둠 {loses}명, 바뀜 {changes}명",
            **{key: one.detail.get(key, 0) for key in ("gains", "loses", "changes")},
        )
    return {"text": words.text(what), "at": one.at, "note": note}


def _reasons(told: results.Figures) -> list[str]:
    return [name for name in results.NOT_COMPLETED if getattr(told, name)]


def _bands(told: results.Figures) -> list[dict[str, Any]]:
    """The bars of the scores: from, below, how many, and the share of the longest bar."""
    edges = (0, *results.BANDS, 100)
    most = max(*told.bands, 1)
    return [
        {"low": edges[place], "high": edges[place + 1], "count": count, "most": most}
        for place, count in enumerate(told.bands)
    ]


def _chips(run: Run, told: results.Figures, only: str) -> list[dict[str, Any]]:
    words = words_here().text
    named = {"all": "모두", "open": "미이수"} | results.RESULTS
    counts = {
        "all": told.enrolled + told.withdrawn,
        "open": told.enrolled - told.completed,
    } | {name: getattr(told, name) for name in results.RESULTS}
    return [
        {
            "text": words(named[name]),
            "count": counts[name],
            "href": url("results.page", id=run.id, show=name) + "#h-list",
            "current": name == only,
        }
        for name in SHOWN
        if counts[name] or name in {"all", "completed", "open"}
    ]


def _cells(
    lines: Iterator[results.Line], words: Callable[[str], str], zone: str
) -> Iterator[list[object]]:
    # Read while the answer is on its way: by then there is no request to ask for words or zone.
    for one in lines:
        yield [
            one.name,
            one.organisation,
            words(CATEGORIES.get(one.staff_category, one.staff_category)),
            one.attempt,
            one.progress_permille / 10,
            None if one.score is None else one.score / 100,
            words(results.RESULTS[one.result]),
            clock.local_day(one.completed_at, zone) if one.completed_at else None,
            clock.local_day(one.withdrawn_at, zone) if one.withdrawn_at else None,
            one.withdrawal,
        ]


def _file(pieces: Iterator[bytes], kind: str, name: str) -> Response:
    return Response(
        pieces, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _only(given: Any) -> str:
    asked = given.get("show", "all")
    return asked if asked in SHOWN else "all"


def _text(given: Any) -> str:
    return str(given.get("q", "")).strip()[:80]


def _after() -> results.Key | None:
    number, dash, name = request.args.get("after", "").partition("-")
    return (name, int(number)) if dash and number.isascii() and number.isdigit() else None


def _reason() -> str:
    return request.form.get("reason", "").strip()[:MOST_TEXT]


def _day(given: str) -> date | None:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise InvalidError(
            "그런 날은 없습니다. 2026-12-02처럼 적어 주십시오.", field="until"
        ) from None


def _back(run: Run, said: str) -> ResponseReturnValue:
    return redirect(url("results.page", id=run.id, said=said), 303)
