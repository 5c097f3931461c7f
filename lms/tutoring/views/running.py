"""One run on the desk: how it goes, where learners stop, and who needs care."""

from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import hook, now, person, render, session, words_here
from lms.edge.rendering import url
from lms.edge.watching import log_access
from lms.learning import terms
from lms.learning.models import Run
from lms.learning.permissions import LOOK_AFTER, READ_RUN
from lms.tutoring import asking, chart, learners, questions, saved, sent, words
from lms.tutoring.asking import Asked, Place
from lms.tutoring.learners import Counts, UnitLine
from lms.tutoring.models import SavedView
from lms.tutoring.permissions import OWN_VIEW
from lms.tutoring.risk import Moment
from lms.tutoring.views.entrance import blueprint, moment_of

PAGE_NAME = "desk.run"
"""Saved filters serve every run."""

_HEADS = (
    ("name", "이름"),
    ("progress", "진도"),
    ("score", "점수"),
    ("last", "마지막 학습"),
    ("risk", "살필 까닭"),
)


@blueprint.get("/desk/runs/<int:id>", permission=READ_RUN, scope="institution", on=Run)
def run(run: Run) -> ResponseReturnValue:
    me = person()
    at, asked = moment_of(run), asking.read(request.args)
    lines = learners.units(session(), run, at)
    counts = learners.counts(session(), run, at)
    log_access("view", "run", run.id)
    return render(
        "lms/tutoring/run.html",
        run=run,
        course=run.course,
        mode=terms.MODES[run.course.delivery_mode],
        at=at,
        counts=counts,
        rate=rate(counts.done, counts.all),
        forecast=_forecast(counts, at),
        units=lines,
        bars=chart.bars(lines),
        worst=max(lines, key=lambda line: line.stuck, default=None),
        asked=asked,
        chips=_chips(run, asked, counts, lines),
        heads=_heads(run, asked),
        views=saved.views(session(), me.person_id, PAGE_NAME),
        waiting=questions.waiting(session(), [run.id]),
        may=LOOK_AFTER.allows(me, run),
        hard=[
            one for some in hook().lms_stuck_questions(session=session(), run=run) for one in some
        ],
        every=request.args.get("picked") == "all",
        said=request.args.get("said", ""),
        **_list(run, at, asked, _total(asked, counts, lines)),
    )


@blueprint.post("/desk/runs/<int:id>/views", permission=LOOK_AFTER, scope="institution", on=Run)
def save_view(run: Run) -> ResponseReturnValue:
    """Form: `name`, and the filter as the list's own form holds it."""
    me = person()
    asked = asking.read(request.form)
    saved.save(
        session(),
        me,
        page=PAGE_NAME,
        name=request.form.get("name", ""),
        query=urlencode(asked.query()),
        now=now(),
    )
    return redirect(url("tutoring.run", id=run.id, **asked.query(said="saved")) + "#h-list", 303)


@blueprint.post("/desk/views/<int:id>/drop", permission=OWN_VIEW, scope="institution", on=SavedView)
def drop_view(view: SavedView) -> ResponseReturnValue:
    session().delete(view)
    back = request.form.get("run", type=int)
    return redirect(url("tutoring.run", id=back) if back else url("tutoring.desk"), 303)


def rate(part: int, whole: int) -> str:
    """“54.7%”, to the tenth, rounded half up; “0%” of nothing."""
    tenths = (part * 2000 + whole) // (2 * whole) if whole else 0
    return f"{tenths // 10}.{tenths % 10}%" if tenths % 10 else f"{tenths // 10}%"


def _forecast(counts: Counts, at: Moment) -> dict[str, Any] | None:
    """How many will be done on the last day at this pace; None once it is over."""
    if at.over or not counts.all:
        return None
    will = counts.done + counts.reaches
    return {
        "will": will,
        "rate": rate(will, counts.all),
        "short": counts.all - will,
        "stalled": counts.stalled,
        "slow": counts.all - will - counts.fresh - counts.stalled,
        "elapsed": max(0, (at.today - at.learn_from).days),
    }


def _total(asked: Asked, counts: Counts, lines: list[UnitLine]) -> int | None:
    """How many the filter finds, where it was counted already; a search was not."""
    if asked.q:
        return None
    if asked.show == "stuck":
        return sum(line.stuck for line in lines if line.position == asked.unit)
    return int(getattr(counts, asked.show))


def _list(run: Run, at: Moment, asked: Asked, total: int | None) -> dict[str, Any]:
    place = asking.read_place(request.args)
    rows, more = learners.page(session(), run, at, asked, place)
    last = sent.last(session(), run.id, {row.id: row.last_act_at for row in rows}, now=now())
    if total is None:
        total = learners.found(session(), run, at, asked)
    first = place.first if place.key else 1
    return {
        "rows": [_line(row, at) for row in rows],
        "sent": last,
        "total": total,
        "first": first,
        "last": first + len(rows) - 1,
        "previous": _previous(run, asked, place, rows, first, more=more),
        "following": _following(run, asked, place, rows, first, more=more),
    }


def _following(
    run: Run, asked: Asked, place: Place, rows: Any, first: int, *, more: bool
) -> str | None:
    if not rows or not (more or place.back):
        return None
    key = asking.write_key(learners.key_of(rows[-1], asked))
    return _here(run, asked, after=key, n=first + len(rows))


def _previous(
    run: Run, asked: Asked, place: Place, rows: Any, first: int, *, more: bool
) -> str | None:
    if not rows or place.key is None or (place.back and not more):
        return None
    key = asking.write_key(learners.key_of(rows[0], asked))
    return _here(run, asked, before=key, n=max(1, first - learners.PAGE))


def _line(row: Any, at: Moment) -> dict[str, Any]:
    marks = words.marks(learners.facts(row), at, words_here())
    return {
        "row": row,
        "marks": marks,
        "bar": "done"
        if row.progress_permille >= at.need
        else "risk"
        if marks[0][0] in {"late", "ask"}
        else "",
    }


def _chips(run: Run, asked: Asked, counts: Counts, lines: list[UnitLine]) -> list[dict[str, Any]]:
    say = words_here().text
    always = [
        ("all", say("모두"), counts.all),
        ("care", say("살필 사람"), counts.care),
        ("fresh", say("시작 전"), counts.fresh),
    ]
    reasons = [
        ("stalled", say("멈춤"), counts.stalled),
        ("behind", say("진도 늦음"), counts.behind),
        ("untested", say("평가 미응시"), counts.untested),
        ("failed", say("평가 통과 못 함"), counts.failed),
        ("devices", say("두 기기에서 겹침"), counts.devices),
    ]
    rest = [("pace", say("순항"), counts.pace), ("done", say("이수"), counts.done)]
    told = [*always, *(one for one in reasons if one[2] or one[0] == asked.show), *rest]
    chips = [
        {
            "text": text,
            "count": count,
            "href": _here(run, Asked(show=show, sort=asked.sort, turned=asked.turned)),  # type: ignore[arg-type]
            "current": asked.show == show,
        }
        for show, text, count in told
    ]
    chips[3:3] = [
        {
            "text": say("{n}차시에서 멈춤", n=line.position),
            "count": line.stuck,
            "href": _here(run, Asked(show="stuck", unit=line.position)),
            "current": asked.unit == line.position,
        }
        for line in _worth_a_chip(lines, asked)
    ]
    return chips


def _worth_a_chip(lines: list[UnitLine], asked: Asked) -> list[UnitLine]:
    most = max((line.stuck for line in lines), default=0)
    worst = next((line for line in lines if line.stuck and line.stuck == most), None)
    return [line for line in lines if line is worst or line.position == asked.unit]


def _heads(run: Run, asked: Asked) -> list[dict[str, Any]]:
    heads = []
    for sort, text in _HEADS:
        here = asked.sort == sort
        turned = not asked.turned if here else False
        other = Asked(show=asked.show, unit=asked.unit, q=asked.q, sort=sort, turned=turned)  # type: ignore[arg-type]
        heads.append(
            {
                "text": words_here().text(text),
                "href": _here(run, other),
                "num": sort == "score",
                "sorted": ("descending" if asked.descends else "ascending") if here else None,
            }
        )
    return heads


def _here(run: Run, asked: Asked, **more: Any) -> str:
    return f"{url('tutoring.run', id=run.id)}?{urlencode(asked.query(**more))}#h-list"
