"""Planning a meeting in the browser: what cannot be, and who is elsewhere, before it is saved."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.classroom import checking, conflicts, editing, listing, planning, providers
from lms.classroom import form as forms
from lms.classroom.models import Meeting
from lms.classroom.permissions import PLAN
from lms.classroom.planning import MeetingPlan
from lms.classroom.views.entrance import blueprint, field_of, reason, run_name
from lms.edge import hook, now, page, person, render, session, words_here
from lms.edge.rendering import url
from lms.errors import LMSError
from lms.learning.models import Run
from lms.learning.running.form import Form
from lms.learning.running.planning import Trouble
from lms.learning.running.views.entrance import log_view, sentence


@blueprint.get("/manage/runs/<int:id>/meetings/new", permission=PLAN, scope="institution", on=Run)
def new(run: Run) -> ResponseReturnValue:
    """`copy`: a meeting of the run to begin from."""
    values = forms.first_plan(person().zone)
    like = session().get(Meeting, request.args.get("copy", 0, type=int))
    if like is not None and like.run_id == run.id:
        values = _values(like)
    else:
        known = listing.activities(session(), run)
        if known:
            values |= {"activity": str(known[0].id), "title": known[0].title}
    return _form_page(run, None, values)


@blueprint.post("/manage/runs/<int:id>/meetings", permission=PLAN, scope="institution", on=Run)
def make(run: Run) -> ResponseReturnValue:
    return _take(run, None)


@blueprint.get("/manage/meetings/<int:id>/edit", permission=PLAN, scope="institution", on=Meeting)
def edit(meeting: Meeting) -> ResponseReturnValue:
    return _form_page(meeting.run, meeting, _values(meeting))


@blueprint.post("/manage/meetings/<int:id>/edit", permission=PLAN, scope="institution", on=Meeting)
def change(meeting: Meeting) -> ResponseReturnValue:
    return _take(meeting.run, meeting)


def _take(run: Run, meeting: Meeting | None) -> ResponseReturnValue:
    """Form: `act` check says what it would meet, find looks for an instructor; else it is saved."""
    me = person()
    form = Form(request.form, {"instructors": request.form.getlist("instructors")})
    act = request.form.get("act")
    if act == "find":
        return _form_page(run, meeting, _typed(form))
    if meeting is not None and meeting.state != "planned":
        _fill_frozen(form, meeting)
    told = forms.read(session(), form, me.institution_id, me.zone)
    if told is None:
        return _form_page(run, meeting, _typed(form), form=form)
    found = checking.troubles(session(), run, told, meeting)
    form.troubles += [one for one in found if one.grave]
    clashes = checking.conflicts_of(session(), me.institution_id, told, meeting)
    if act == "check" or form.troubles:
        return _form_page(
            run, meeting, _typed(form), form=form, clashes=clashes, hints=found, checked=True
        )
    try:
        made = _save(run, meeting, told)
    except LMSError as error:
        field = field_of(error, "blocks")
        form.troubles.append(Trouble(field, error.message, error.params))
        return _form_page(run, meeting, _typed(form), form=form, clashes=clashes, hints=found)
    return redirect(
        url("classroom.meeting", id=made.id, done="changed" if meeting else "made"), 303
    )


def _save(run: Run, meeting: Meeting | None, told: MeetingPlan) -> Meeting:
    how: dict[str, Any] = {"actor_id": person().person_id, "now": now()}
    if meeting is None:
        return editing.plan_meeting(session(), hook(), run, told, **how)
    editing.change_meeting(
        session(),
        hook(),
        meeting,
        told,
        reason=reason(),
        overrule=request.form.get("overrule", "").strip()[:500],
        **how,
    )
    return meeting


def _values(meeting: Meeting) -> dict[str, Any]:
    host = meeting.host.name if meeting.host else ""
    return forms.shown(editing.as_plan(meeting), person().zone, host)


def _typed(form: Form) -> dict[str, Any]:
    return {**form.one, "instructors": list(form.ticked("instructors"))}


def _fill_frozen(form: Form, meeting: Meeting) -> None:
    """What the form of a meeting that took sign-ups does not show stays as it is."""
    kept = _values(meeting)
    form.one = {
        **form.one,
        **{name: kept[name] for name in ("present", "grace", "check_out", "checks")},
    }


def _form_page(
    run: Run,
    meeting: Meeting | None,
    values: dict[str, Any],
    *,
    form: Form | None = None,
    clashes: list[conflicts.Conflict] | None = None,
    hints: list[Trouble] | None = None,
    checked: bool = False,
) -> ResponseReturnValue:
    me = person()
    wrong = form.troubles if form else []
    chosen = [int(one) for one in values.get("instructors", ()) if str(one).isdecimal()]
    find = str(values.get("find", "")).strip()[:80]
    pool = list(listing.pool(session(), me.institution_id, chosen))
    known = {one.id for one in pool}
    pool += [
        one for one in listing.by_name(session(), me.institution_id, find) if one.id not in known
    ]
    if clashes or find:
        log_view("conflicts", None)
    html = render(
        "lms/classroom/meeting_form.html",
        run=run,
        name=run_name(run),
        meeting=meeting,
        values=values,
        rows=forms.rows_of(values),
        errors={one.field: sentence(one.message, one.params) for one in reversed(wrong)},
        summary=[(f"f-{one.field}", sentence(one.message, one.params)) for one in wrong],
        clashes=[
            (one, sentence(conflicts.SAID[one.kind], {"who": one.who, "title": one.title}))
            for one in clashes or []
        ],
        hints=[sentence(one.message, one.params) for one in hints or [] if not one.grave],
        checked=checked,
        parts=planning.PARTS,
        providers=providers.known(hook()),
        **_options(run),
        pool=pool,
        skills=listing.skills_of(session(), [one.id for one in pool]),
        chosen=set(chosen),
        find=find,
    )
    return page(html, 422 if wrong else 200)


def _named(one: conflicts.Conflict) -> dict[str, Any]:
    return {"who": one.who, "title": one.title}


def _options(run: Run) -> dict[str, Any]:
    """What the form's lists offer: (value, text)."""
    say = words_here().text
    activities = listing.activities(session(), run)
    return {
        "activities": activities,
        "activity_options": [
            (str(one.id), say("{n}차시", n=one.unit) + " · " + one.title) for one in activities
        ],
        "kind_options": [(name, say(label)) for name, label in planning.KINDS.items()],
        "room_options": [
            (
                str(one.id),
                f"{one.building} {one.name} · " + say("{n}명까지", n=one.capacity),
            )
            for one in listing.in_use(session(), run.institution_id)
        ],
        "provider_options": [
            (one.name, say(one.label)) for one in providers.known(hook()).values()
        ],
    }
