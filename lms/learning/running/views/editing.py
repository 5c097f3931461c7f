"""Making and editing a run, opening it, calling it off."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import hook, json_answer, now, page, person, render, session, state, words_here
from lms.edge.rendering import url
from lms.errors import InvalidError, LMSError, NotFoundError
from lms.learning.models import Course, CourseVersion, Run
from lms.learning.permissions import KEEP_RUNS
from lms.learning.running import audience as audiences
from lms.learning.running import form as forms
from lms.learning.running import listing, planning, runs, templates
from lms.learning.running.form import Form
from lms.learning.running.planning import Outline, RunPlan, Trouble
from lms.learning.running.views.entrance import (
    audience_words,
    blueprint,
    log_view,
    run_name,
    sentence,
)
from lms.people.models import Institution
from lms.people.words import CATEGORIES

SPEEDS = (100, 125, 150, 175, 200, 250, 300)
MANY = ("categories", "school_levels", "service", "managers")


@blueprint.get("/manage/runs/new", permission=KEEP_RUNS, scope="institution")
def new() -> ResponseReturnValue:
    """The form for a run of `?course=`, filled in from a template or the institution's settings."""
    course = course_of(request.args.get("course", type=int))
    content = content_of(course)
    told = templates.first_plan(
        session(),
        course,
        content,
        template_id=request.args.get("template", type=int),
        today=_today(),
    )
    return _form_page(course, content, None, forms.shown(told, _names(told)), managers=())


@blueprint.post("/manage/runs", permission=KEEP_RUNS, scope="institution")
def make() -> ResponseReturnValue:
    me = person()
    course = course_of(request.form.get("course", type=int))
    content = content_of(course)
    form = typed()
    told = forms.read(session(), form, me.institution_id, content.scored_kinds)
    if request.form.get("act") == "count":
        return _counted_page(course, content, None, form)
    if told is not None:
        form.troubles += [one for one in planning.troubles(told, content) if one.grave]
    if told is None or form.troubles:
        return _form_page(course, content, None, _typed_values(form), form=form)
    run = runs.plan(session(), course, told, actor_id=me.person_id, now=now())
    _keep_managers(run, "기수를 만들며")
    return redirect(url("running.run", id=run.id, done="made"), 303)


@blueprint.get("/manage/runs/<int:id>/edit", permission=KEEP_RUNS, scope="institution", on=Run)
def edit(run: Run) -> ResponseReturnValue:
    told = runs.as_plan(run)
    return _form_page(
        run.course,
        content_of(run.course, run),
        run,
        forms.shown(told, _names(told)),
        managers=runs.managers(session(), run.id),
    )


@blueprint.post("/manage/runs/<int:id>/edit", permission=KEEP_RUNS, scope="institution", on=Run)
def change(run: Run) -> ResponseReturnValue:
    me, content = person(), content_of(run.course, run)
    form = typed()
    if request.form.get("act") == "count":
        return _counted_page(run.course, content, run, form)
    if run.state != "planned":
        _fill_frozen(form, run)
    told = forms.read(session(), form, me.institution_id, content.scored_kinds)
    if told is None:
        return _form_page(run.course, content, run, _typed_values(form), form=form)
    kept = runs.as_plan(run)
    told = planning.with_school(told, kept.organisation_id)
    if run.state != "planned":
        told = planning.with_frozen(told, kept)
    reason = request.form.get("reason", "").strip()[:500]
    try:
        runs.change(session(), hook(), run, told, reason=reason, actor_id=me.person_id, now=now())
    except LMSError as error:
        form.troubles.append(
            Trouble(getattr(error, "field", None) or "learn_from", error.message, error.params)
        )
        return _form_page(run.course, content, run, _typed_values(form), form=form)
    _keep_managers(run, reason or "준비 중 고침")
    return redirect(url("running.run", id=run.id, done="changed"), 303)


@blueprint.get("/manage/runs/audience", permission=KEEP_RUNS, scope="institution")
def audience() -> ResponseReturnValue:
    """How many people a rule finds, and a few by name: asked by the form's script."""
    form = Form(request.args, {name: request.args.getlist(name) for name in MANY})
    counted = _count(form)
    if counted["total"] is not None:
        log_view("audience", None)
    return json_answer(counted)


def course_of(course_id: int | None) -> Course:
    """The course inside the caller's institution. Raises InvalidError, NotFoundError."""
    if course_id is None:
        raise InvalidError("어느 과정의 기수인지 골라 주십시오.", field="course")
    course = session().get(Course, course_id)
    if course is None or course.institution_id != person().institution_id:
        raise NotFoundError("찾는 과정이 없습니다. 과정을 다시 골라 주십시오.")
    return course


def content_of(course: Course, run: Run | None = None) -> Outline:
    """What a run of the course teaches: its own version once open, else the newest."""
    version = None
    if run is not None and run.state != "planned":
        version = session().get_one(CourseVersion, run.version_id)
    version = version or planning.newest(session(), course.id)
    if version is None:
        raise NotFoundError(
            "게시한 판이 없는 과정입니다. 과정을 먼저 게시한 뒤에 기수를 만들어 주십시오."
        )
    return planning.outline(session(), version)


def typed() -> Form:
    return Form(request.form, {name: request.form.getlist(name) for name in MANY})


def _typed_values(form: Form) -> dict[str, Any]:
    return {**form.one, **{name: form.ticked(name) for name in MANY}}


def _names(told: RunPlan) -> dict[int, str]:
    return listing.organisations(session(), told.audience.organisations)


def _today() -> Any:
    return clock.local_day(now(), person().zone)


def _fill_frozen(form: Form, run: Run) -> None:
    """What an open run's form does not show any more stays as it is."""
    kept = forms.shown(runs.as_plan(run), {})
    fixed = {
        name: kept.get(name, "")
        for name in (
            "way", "progress", "scored", "score", "units_per_day", "speed", "score_opens",
            "repeat_years", "ordered", "free_skip",
        )
    }  # fmt: skip
    form.one = {**form.one, **fixed}


def _keep_managers(run: Run, reason: str) -> None:
    chosen = {int(one) for one in request.form.getlist("managers") if one.isdecimal()}
    allowed = {row.id for row in listing.known_managers(session(), run.institution_id)}
    allowed |= set(runs.managers(session(), run.id))
    runs.look_after(
        session(),
        run,
        chosen & allowed,
        reason=words_here().text(reason),
        actor_id=person().person_id,
        now=now(),
    )


def _count(form: Form) -> dict[str, Any]:
    """The audience that was typed, counted; a sentence where it means nothing."""
    me = person()
    told = forms.read_audience(session(), form, me.institution_id)
    if told is None:
        wrong = [sentence(one.message, one.params) for one in form.troubles]
        return {"total": None, "words": [], "examples": [], "text": " ".join(wrong)}
    total, examples = audiences.counted(session(), told, me.institution_id, _today())
    words = words_here()
    text = words.count("지금 {n}명이 대상입니다.", "지금 {n}명이 대상입니다.", total)
    if not total:
        text = words.text("지금은 아무도 대상이 아닙니다. 조건을 하나씩 빼 보십시오.")
    return {
        "total": total,
        "text": text,
        "words": audience_words(told),
        "examples": [
            {"name": row.name, "organisation": row.organisation or ""} for row in examples
        ],
    }


def _counted_page(
    course: Course, content: Outline, run: Run | None, form: Form
) -> ResponseReturnValue:
    log_view("audience", None)
    counted = _count(Form(form.one, form.many))
    return _form_page(course, content, run, _typed_values(form), counted=counted)


def _form_page(
    course: Course,
    content: Outline,
    run: Run | None,
    values: dict[str, Any],
    *,
    form: Form | None = None,
    managers: Any = None,
    counted: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    me = person()
    wrong = form.troubles if form else []
    institution = session().get_one(Institution, me.institution_id)
    bands = audiences.bands(audiences.bounds_of(institution))
    kept = [band for one in values.get("service", ()) if (band := forms.parse_band(one))]
    kinds = state().kinds
    html = render(
        "lms/learning/run_form.html",
        course=course,
        run=run,
        name=run_name(run) if run else "",
        version=content,
        values=values,
        errors={one.field: sentence(one.message, one.params) for one in reversed(wrong)},
        summary=[(f"f-{one.field}", sentence(one.message, one.params)) for one in wrong],
        ways=planning.WAYS,
        categories=CATEGORIES,
        choices=audiences.choices(session(), me.institution_id),
        bands=[
            (forms.band_key(band), sentence(*audiences.band_words(band)))
            for band in dict.fromkeys((*bands, *kept))
        ],
        kinds=[
            (kind, kinds[kind].label if kind in kinds else kind) for kind in content.scored_kinds
        ],
        speeds=[(str(one), f"{one / 100:g}×") for one in SPEEDS],
        managers=listing.known_managers(session(), me.institution_id),
        chosen={str(one) for one in (values.get("managers", ()) if managers is None else managers)},
        templates=templates.listed(session(), me.institution_id) if run is None else [],
        counted=counted,
    )
    return page(html, 422 if wrong else 200)
