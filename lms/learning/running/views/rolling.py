"""A year's rolling runs of a standing course in one act, and the templates they are made by."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms import clock
from lms.edge import hook, now, page, person, render, session, words_here
from lms.edge.rendering import url
from lms.errors import InvalidError
from lms.learning.models import Course, RunTemplate
from lms.learning.permissions import KEEP_RUNS, LIST_RUNS
from lms.learning.running import listing, templates
from lms.learning.running.templates import Template
from lms.learning.running.views.editing import content_of, course_of
from lms.learning.running.views.entrance import (
    audience_words,
    blueprint,
    rule_words,
    run_name,
    sentence,
)

MONTHS = range(1, 13)


@blueprint.get("/manage/runs/roll", permission=KEEP_RUNS, scope="institution")
def roll() -> ResponseReturnValue:
    """The form, and with `?months=` the preview of what it would make."""
    course = course_of(request.args.get("course", type=int))
    today = clock.local_day(now(), person().zone)
    year = request.args.get("year", type=int) or today.year + (today.month > 10)
    chosen = _months(request.args.getlist("months"))
    name = request.args.get("name", "").strip()[:80] or words_here().text("{n}월 상설")
    template_id = request.args.get("template", type=int)
    template = _template(course, template_id)
    previewed = _preview(course, template, _year(year), chosen, name) if chosen else []
    html = render(
        "lms/learning/run_roll.html",
        course=course,
        year=year,
        months=MONTHS,
        chosen=chosen or set(MONTHS),
        name=name,
        templates=templates.listed(session(), person().institution_id),
        template_id=template_id,
        managers=listing.known_managers(session(), person().institution_id),
        picked={int(one) for one in request.args.getlist("managers") if one.isdecimal()},
        opened=bool(request.args.get("opened")),
        previewed=previewed,
        new=sum(line["state"] == "new" for line in previewed),
        bad=sum(line["state"] == "bad" for line in previewed),
        rule=rule_words(template.rule),
        audience=audience_words(template.audience),
        way=template.way,
    )
    return page(html)


@blueprint.post("/manage/runs/roll", permission=KEEP_RUNS, scope="institution")
def roll_now() -> ResponseReturnValue:
    course = course_of(request.form.get("course", type=int))
    known = {row.id for row in listing.known_managers(session(), person().institution_id)}
    chosen = {int(one) for one in request.form.getlist("managers") if one.isdecimal()}
    templates.roll(
        session(),
        hook(),
        course,
        _template(course, request.form.get("template", type=int)),
        _year(request.form.get("year", type=int)),
        _months(request.form.getlist("months")),
        name=request.form.get("name", "").strip()[:80],
        managers=sorted(chosen & known),
        opened=bool(request.form.get("opened")),
        actor_id=person().person_id,
        now=now(),
    )
    return redirect(url("running.runs_page", course=course.id, done="rolled"), 303)


@blueprint.get("/manage/runs/templates", permission=LIST_RUNS, scope="institution")
def templates_page() -> ResponseReturnValue:
    lines = [
        {"row": row, "told": (told := templates.parse(row)), "rule": rule_words(told.rule)}
        for row in templates.listed(session(), person().institution_id)
    ]
    return render(
        "lms/learning/run_templates.html",
        lines=lines,
        may_keep=KEEP_RUNS.allows(person(), None),
        done=request.args.get("done"),
    )


@blueprint.post(
    "/manage/runs/templates/<int:id>/delete",
    permission=KEEP_RUNS,
    scope="institution",
    on=RunTemplate,
)
def delete_template(row: RunTemplate) -> ResponseReturnValue:
    """Form: `name`, as it stood on the page: another may have been saved under this one since."""
    if request.form.get("name") != row.name:
        raise InvalidError("양식이 그사이 바뀌었습니다. 목록을 새로 고친 뒤에 지워 주십시오.")
    templates.delete(session(), row, actor_id=person().person_id, now=now())
    return redirect(url("running.templates_page", done="deleted"), 303)


def _template(course: Course, template_id: int | None) -> Template:
    if template_id:
        return templates.parse(templates.find(session(), course.institution_id, template_id))
    return Template(rule=templates.usual_rule(session(), course, content_of(course)))


def _preview(
    course: Course, template: Template, year: int, chosen: set[int], name: str
) -> list[dict[str, Any]]:
    found = templates.year_of_months(session(), course, template, year, chosen, name=name)
    return [
        {
            "plan": month.plan,
            "there": run_name(month.there) if month.there else None,
            "run_id": month.there.id if month.there else None,
            "state": "there" if month.there else "bad" if month.troubles else "new",
            "wrong": [sentence(one.message, one.params) for one in month.troubles],
        }
        for month in found
    ]


def _months(given: list[str]) -> set[int]:
    return {int(one) for one in given if one.isdecimal() and int(one) in MONTHS}


def _year(year: int | None) -> int:
    if year is None or not 2000 <= year <= 2100:
        raise InvalidError("해를 2026처럼 네 자리로 적어 주십시오.", field="year")
    return year
