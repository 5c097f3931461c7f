"""Nudging: see exactly who gets what, confirm it by its mark, see what became of it."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from lms.edge import now, person, render, session, state
from lms.edge.rendering import url
from lms.errors import ConflictError
from lms.learning.models import Enrolment, Run
from lms.learning.permissions import LOOK_AFTER, READ_RUN
from lms.people.models import Person
from lms.people.words import ROLE_WORDS
from lms.tutoring import asking, channels, planning, quiet, sending, sent, templates, words
from lms.tutoring.models import Nudge
from lms.tutoring.planning import Plan, Told
from lms.tutoring.risk import Moment
from lms.tutoring.templates import Text
from lms.tutoring.views.entrance import blueprint, moment_of
from lms.tutoring.views.learner import picked

PAGE = 50


@blueprint.get("/desk/runs/<int:id>/nudge", permission=LOOK_AFTER, scope="institution", on=Run)
def nudge(run: Run) -> ResponseReturnValue:
    """What would be sent: `who` or the list's filter, template, channel, time, `see` which."""
    at = moment_of(run)
    told, text, texts = _told(run, request.args)
    rows = picked(run, at, request.args)
    plan = _plan(run, at, rows, text, told)
    return _page(run, at, rows, plan, told, texts)


@blueprint.post("/desk/runs/<int:id>/nudge", permission=LOOK_AFTER, scope="institution", on=Run)
def send(run: Run) -> ResponseReturnValue:
    """Form: as the preview's, and its `mark`."""
    at = moment_of(run)
    templates.settle(session(), run.institution_id)
    told, text, texts = _told(run, request.form)
    rows = picked(run, at, request.form)
    plan = _plan(run, at, rows, text, told)
    try:
        count = sending.confirm(
            session(),
            run,
            plan,
            text,
            told,
            mark=request.form.get("mark", ""),
            actor_id=person().person_id,
            now=now(),
            zone=person().zone,
        )
    except ConflictError as error:
        return _page(run, at, rows, plan, told, texts, changed=error.message), error.status
    return redirect(url("tutoring.nudges", id=run.id, sent=count), 303)


@blueprint.get("/desk/runs/<int:id>/nudges", permission=READ_RUN, scope="institution", on=Run)
def nudges(run: Run) -> ResponseReturnValue:
    """What was sent in the run, newest first, and whether it helped."""
    before = request.args.get("before", type=int)
    query = (
        select(Nudge, Person.name.label("learner"), Enrolment.last_act_at)
        .join(Enrolment, Enrolment.id == Nudge.enrolment_id)
        .join(Person, Person.id == Nudge.person_id)
        .where(Nudge.run_id == run.id)
        .order_by(Nudge.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(Nudge.id < before)
    found = session().execute(query).all()
    rows = found[:PAGE]
    counted = session().execute(
        select(Nudge.outcome, func.count(), func.count(Nudge.acted_at))
        .where(Nudge.run_id == run.id)
        .group_by(Nudge.outcome)
    )
    return render(
        "lms/tutoring/nudges.html",
        run=run,
        course=run.course,
        lines=[
            {
                "nudge": one,
                "learner": name,
                "effect": sent.effect(one.outcome, one.ended_at, one.acted_at, last, now()),
            }
            for one, name, last in rows
        ],
        counts={outcome: (count, acted) for outcome, count, acted in counted},
        following=f"?before={rows[-1][0].id}" if len(found) > PAGE else None,
        first=before is None,
        just=request.args.get("sent", type=int),
        may=LOOK_AFTER.allows(person(), run),
        outcomes=words.OUTCOMES,
    )


@blueprint.post(
    "/desk/nudges/<int:id>/take-back", permission=LOOK_AFTER, scope="institution", on=Nudge
)
def take_back(nudge: Nudge) -> ResponseReturnValue:
    sending.take_back(session(), nudge, now=now())
    return redirect(url("tutoring.nudges", id=nudge.run_id), 303)


def _told(run: Run, values: Any) -> tuple[Told, Text, list[Text]]:
    texts = templates.active(session(), run.institution_id)
    told = planning.read(values, texts, list(_ways()))
    return told, templates.find(texts, told.template), texts


def _plan(run: Run, at: Moment, rows: list[Any], text: Text, told: Told) -> Plan:
    by = planning.sender(person(), ROLE_WORDS[_role(run)])
    return planning.plan(session(), state(), run, at, rows, text, told, by)


def _role(run: Run) -> str:
    me = person()
    if run.id in me.runs.get("course_manager", ()):
        return "course_manager"
    return "officer" if "officer" in me.roles else "institution_admin"


def _ways() -> dict[str, bool]:
    """The channels that there are, and whether each is but a rehearsal."""
    found = channels.notifiers(state())
    ways = {channels.MAIL: False}
    return ways | {name: found[name].rehearsal for name in words.CHANNELS if name in found}


def _page(
    run: Run,
    at: Moment,
    rows: list[Any],
    plan: Plan,
    told: Told,
    texts: list[Text],
    *,
    changed: str = "",
) -> str:
    see = min(max(0, request.values.get("see", 0, type=int)), max(0, len(plan.letters) - 1))
    values: Any = request.form if request.method == "POST" else request.args
    return render(
        "lms/tutoring/nudge.html",
        run=run,
        course=run.course,
        at=at,
        rows=rows,
        plan=plan,
        told=told,
        texts=texts,
        ways=_ways(),
        channels=words.CHANNELS,
        choices=quiet.choices(at.now, at.zone),
        left_out=planning.LEFT_OUT,
        see=see,
        letter=plan.letters[see] if plan.letters else None,
        every=values.get("picked") == "all" and "one" not in values,
        kept=asking.read(values).query(),
        longest=planning.LONGEST_EXTRA,
        changed=changed,
    )
