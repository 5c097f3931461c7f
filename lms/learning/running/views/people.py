"""A run's own page: who is in it, who waits, who was named; and letting people in and out."""

from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from lms.edge import hook, now, page, person, render, session
from lms.edge.rendering import url
from lms.errors import InvalidError, LMSError, NotFoundError
from lms.learning import rules
from lms.learning.models import CourseVersion, Enrolment, Nomination, Run, Waiting
from lms.learning.permissions import KEEP_RUNS, LIST_RUNS, LOOK_AFTER, READ_RUN
from lms.learning.running import audience as audiences
from lms.learning.running import joining, listing, nominating, runs, templates
from lms.learning.running.planning import STATES, WAYS
from lms.learning.running.views.entrance import (
    SOURCES,
    STATE_MARKS,
    audience_words,
    blueprint,
    log_view,
    rule_words,
    run_name,
    said,
)

LISTS = ("in", "waiting", "named", "out")


@blueprint.get("/manage/runs/<int:id>", permission=READ_RUN, scope="institution", on=Run)
def run(run: Run) -> ResponseReturnValue:
    return run_page(run)


@blueprint.post("/manage/runs/<int:id>/open", permission=KEEP_RUNS, scope="institution", on=Run)
def open_it(run: Run) -> ResponseReturnValue:
    try:
        runs.open_run(session(), hook(), run, actor_id=person().person_id, now=now())
    except LMSError as error:
        return run_page(run, error=error)
    return _back(run, "opened")


@blueprint.post("/manage/runs/<int:id>/cancel", permission=KEEP_RUNS, scope="institution", on=Run)
def cancel(run: Run) -> ResponseReturnValue:
    try:
        runs.cancel(
            session(), hook(), run, reason=_reason(), actor_id=person().person_id, now=now()
        )
    except LMSError as error:
        return run_page(run, error=error)
    return _back(run, "cancelled")


@blueprint.post("/manage/runs/<int:id>/people", permission=KEEP_RUNS, scope="institution", on=Run)
def let_in(run: Run) -> ResponseReturnValue:
    """Form: `person`; `reason` overrules audience, repetition and overlap."""
    who = request.form.get("person", type=int)
    if who is None:
        raise InvalidError("넣을 사람을 골라 주십시오.", field="person")
    found = joining.join_many(
        session(),
        hook(),
        run,
        [who],
        source="officer",
        overrule=_reason(),
        actor_id=person().person_id,
        now=now(),
    )[who]
    if isinstance(found, LMSError):
        return run_page(run, error=found, refused=who)
    return _back(run, "joined" if isinstance(found, Enrolment) else "queued", of=found)


@blueprint.post(
    "/manage/runs/<int:id>/people/<int:enrolment_id>/withdraw",
    permission=LOOK_AFTER,
    scope="institution",
    on=Run,
)
def let_out(run: Run, enrolment_id: int) -> ResponseReturnValue:
    row = _of_run(Enrolment, run, enrolment_id)
    try:
        joining.withdraw(
            session(), hook(), row, reason=_reason(), actor_id=person().person_id, now=now()
        )
    except LMSError as error:
        return run_page(run, error=error)
    return _back(run, "withdrawn")


@blueprint.post(
    "/manage/runs/<int:id>/waiting/<int:waiting_id>/end",
    permission=KEEP_RUNS,
    scope="institution",
    on=Run,
)
def end_waiting(run: Run, waiting_id: int) -> ResponseReturnValue:
    row = _of_run(Waiting, run, waiting_id)
    joining.leave_waiting(session(), row, reason=_reason(), actor_id=person().person_id, now=now())
    return _back(run, "unqueued", list="waiting")


@blueprint.post(
    "/manage/runs/<int:id>/nominations", permission=KEEP_RUNS, scope="institution", on=Run
)
def nominate(run: Run) -> ResponseReturnValue:
    who = request.form.get("person", type=int)
    known = {row.id for row in _found_people(run)}
    if who is None or who not in known:
        raise InvalidError("추천할 사람을 다시 찾아 골라 주십시오.", field="person")
    try:
        number = nominating.clean(request.form.get("number", ""))
        nominating.nominate(session(), run, {who: number}, actor_id=person().person_id, now=now())
    except LMSError as error:
        return run_page(run, error=error)
    return _back(run, "named", list="named")


@blueprint.post(
    "/manage/runs/<int:id>/nominations/<int:nomination_id>/end",
    permission=KEEP_RUNS,
    scope="institution",
    on=Run,
)
def end_nomination(run: Run, nomination_id: int) -> ResponseReturnValue:
    row = _of_run(Nomination, run, nomination_id)
    try:
        nominating.take_back(
            session(), row, reason=_reason(), actor_id=person().person_id, now=now()
        )
    except LMSError as error:
        return run_page(run, error=error)
    return _back(run, "unnamed", list="named")


@blueprint.post(
    "/manage/runs/<int:id>/nominations/enrol", permission=KEEP_RUNS, scope="institution", on=Run
)
def enrol_nominated(run: Run) -> ResponseReturnValue:
    found = nominating.enrol_all(session(), hook(), run, actor_id=person().person_id, now=now())
    refused = [one for one in found.values() if isinstance(one, LMSError)]
    inside = sum(isinstance(one, Enrolment) for one in found.values())
    if refused:
        return run_page(run, error=refused[0], tally={"in": inside, "out": len(refused)})
    return _back(run, "all", list="named")


@blueprint.post("/manage/runs/<int:id>/managers", permission=KEEP_RUNS, scope="institution", on=Run)
def give_manager(run: Run) -> ResponseReturnValue:
    """Form: `person`, and `act`: give or end."""
    who = request.form.get("person", type=int)
    held = set(runs.managers(session(), run.id))
    known = {row.id for row in _found_people(run)} | held
    if who is None or who not in known:
        raise InvalidError("맡길 사람을 다시 찾아 골라 주십시오.", field="person")
    ends = request.form.get("act") == "end"
    runs.look_after(
        session(),
        run,
        held - {who} if ends else held | {who},
        reason=_reason() or ("담당에서 뺌" if ends else "기수를 맡김"),
        actor_id=person().person_id,
        now=now(),
    )
    return _back(run, "ended" if ends else "given")


@blueprint.post("/manage/runs/<int:id>/template", permission=KEEP_RUNS, scope="institution", on=Run)
def save_template(run: Run) -> ResponseReturnValue:
    try:
        templates.save(
            session(),
            run.institution_id,
            request.form.get("name", ""),
            templates.of_plan(runs.as_plan(run)),
            actor_id=person().person_id,
            now=now(),
        )
    except LMSError as error:
        return run_page(run, error=error)
    return _back(run, "template")


def run_page(
    run: Run,
    *,
    error: LMSError | None = None,
    refused: int | None = None,
    tally: dict[str, int] | None = None,
) -> ResponseReturnValue:
    """The page, with a refusal where the form stood that caused it."""
    me = person()
    shown = request.args.get("list", "in")
    shown = shown if shown in LISTS else "in"
    find = request.values.get("find", "").strip()[:80]
    keeps = KEEP_RUNS.allows(me, run)
    log_view("run", run.id)
    version = session().get_one(CourseVersion, run.version_id)
    html = render(
        "lms/learning/run.html",
        run=run,
        course=run.course,
        version=version.number,
        name=run_name(run),
        states=STATES,
        marks=STATE_MARKS,
        sources=SOURCES,
        ways=WAYS,
        rule=rule_words(rules.parse(run.rule)),
        audience=audience_words(audiences.parse(run.audience)),
        counts=listing.tallies(session(), run.id),
        managers=listing.managers_of(session(), [run.id]).get(run.id, []),
        history=listing.history(session(), run.id),
        school=listing.organisations(session(), [run.organisation_id or 0]),
        shown=shown,
        find=find,
        found=_found_people(run) if find and keeps else [],
        **_rows(run, shown),
        error=said(error) if error else None,
        refused=refused,
        tally=tally,
        may_keep=keeps,
        may_look_after=LOOK_AFTER.allows(me, run),
        may_list=LIST_RUNS.allows(me, None),
        done=request.args.get("done"),
    )
    return page(html, error.status if error else 200)


def _rows(run: Run, shown: str) -> dict[str, Any]:
    """The list that is shown, a page of it, and where the next begins."""
    text = request.args.get("q", "").strip()[:80]
    after = request.args.get("after", type=int)
    if shown == "waiting":
        rows = listing.line(session(), run.id, after=after)
        key = rows[listing.PAGE - 1].Waiting.id if len(rows) > listing.PAGE else None
        first = joining.place_of(session(), rows[0].Waiting) if rows else 1
        return _cut(rows, {"list": shown, "after": key}) | {"q": text, "place": first}
    if shown == "named":
        rows = listing.nominated(session(), run.id, after=after)
        key = rows[listing.PAGE - 1].Nomination.id if len(rows) > listing.PAGE else None
        return _cut(rows, {"list": shown, "after": key}) | {"q": text, "place": 1}
    state = "withdrawn" if shown == "out" else "enrolled"
    name = request.args.get("name")
    key_after = (name, after) if name and after is not None else None
    rows = listing.inside(session(), run.id, state=state, text=text, after=key_after)
    last = rows[listing.PAGE - 1] if len(rows) > listing.PAGE else None
    key = last.Enrolment.id if last else None
    told = {"list": shown, "q": text, "name": last.name if last else "", "after": key}
    return _cut(rows, told) | {"q": text, "place": 1}


def _cut(rows: Any, following: dict[str, Any]) -> dict[str, Any]:
    more = following["after"] is not None
    kept = {name: value for name, value in following.items() if value not in {None, ""}}
    return {
        "rows": rows[: listing.PAGE],
        "following": f"?{urlencode(kept)}#people" if more else None,
        "first": "after" not in request.args,
    }


def _found_people(run: Run) -> Any:
    find = request.values.get("find", "").strip()[:80]
    return listing.candidates(session(), run.institution_id, find) if find else []


def _of_run(model: Any, run: Run, row_id: int) -> Any:
    """A row of this very run. Raises NotFoundError."""
    row = session().scalar(select(model).where(model.id == row_id, model.run_id == run.id))
    if row is None:
        raise NotFoundError("이 기수에 없는 줄입니다. 화면을 새로 고쳐 주십시오.")
    return row


def _reason() -> str:
    return request.form.get("reason", "").strip()[:500]


def _back(run: Run, done: str, *, of: Any = None, **more: Any) -> ResponseReturnValue:
    shown = {"list": "waiting"} if isinstance(of, Waiting) else more
    return redirect(url("running.run", id=run.id, done=done, **shown), 303)
