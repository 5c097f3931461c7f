"""One learner of a run, as those see them who look after the run."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lms import clock
from lms.edge import now, person, render, session, words_here
from lms.edge.rendering import url
from lms.edge.watching import log_access
from lms.i18n import formats
from lms.learning import pages, rules, service
from lms.learning.evaluate import evaluate
from lms.learning.facts import UnitFacts
from lms.learning.models import Enrolment, Run
from lms.learning.opening import Standing
from lms.learning.permissions import LOOK_AFTER, READ_RUN
from lms.people.models import Person
from lms.tutoring import asking, learners, notes, questions, risk, sent, words
from lms.tutoring.risk import Facts, Moment
from lms.tutoring.views.entrance import blueprint, moment_of


@blueprint.get("/desk/enrolments/<int:id>", permission=READ_RUN, scope="institution", on=Enrolment)
def learner(enrolment: Enrolment) -> ResponseReturnValue:
    me = person()
    run = enrolment.run
    who = (
        session()
        .scalars(
            select(Person)
            .where(Person.id == enrolment.person_id)
            .options(joinedload(Person.organisation))
        )
        .one()
    )
    log_access("view", "person", who.id)
    at, rule = moment_of(run), rules.parse(run.rule)
    units = service.load_units(session(), enrolment)
    standings = service.standings(enrolment, rule, units, today=at.today, zone=me.zone)
    verdict = evaluate(rule, [one for unit in units for one in unit.activities])
    say = words_here()
    return render(
        "lms/tutoring/learner.html",
        enrolment=enrolment,
        run=run,
        course=run.course,
        who=who,
        at=at,
        marks=words.marks(_facts(enrolment, units), at, say),
        tree=pages.explain_tree(verdict.clause, say),
        events=[_event(standing, at) for standing in standings],
        nudges=_nudges(enrolment),
        notes=notes.of_enrolment(session(), enrolment.id),
        asked=questions.of_enrolment(session(), enrolment.id),
        kinds=words.NOTE_KINDS,
        outcomes=words.OUTCOMES,
        may=LOOK_AFTER.allows(me, run),
        expected=_expected(enrolment, at),
        said=request.args.get("said", ""),
    )


@blueprint.post(
    "/desk/enrolments/<int:id>/notes", permission=LOOK_AFTER, scope="institution", on=Enrolment
)
def note(enrolment: Enrolment) -> ResponseReturnValue:
    """Form: `kind` (call or note), `text`."""
    notes.add(
        session(),
        enrolment.run,
        [enrolment.id],
        kind=request.form.get("kind", "note"),
        text=request.form.get("text", ""),
        author_id=person().person_id,
        now=now(),
    )
    return redirect(url("tutoring.learner", id=enrolment.id, said="noted") + "#h-notes", 303)


@blueprint.get("/desk/runs/<int:id>/note", permission=LOOK_AFTER, scope="institution", on=Run)
def note_many(run: Run) -> ResponseReturnValue:
    """The same note for several: `who` ids, or everybody whom the filter finds."""
    rows = picked(run, moment_of(run), request.args)
    return render("lms/tutoring/note.html", run=run, course=run.course, rows=rows)


@blueprint.post("/desk/runs/<int:id>/note", permission=LOOK_AFTER, scope="institution", on=Run)
def note_them(run: Run) -> ResponseReturnValue:
    """Form: `who` ids, `kind`, `text`."""
    notes.add(
        session(),
        run,
        request.form.getlist("who", type=int),
        kind=request.form.get("kind", "call"),
        text=request.form.get("text", ""),
        author_id=person().person_id,
        now=now(),
    )
    return redirect(url("tutoring.run", id=run.id, said="noted"), 303)


def picked(run: Run, at: Moment, values: Any) -> list[Any]:
    """The learners that a list's form names: one, those marked, or all that its filter finds."""
    one = values.get("one", type=int)
    if one is not None:
        return list(learners.chosen(session(), run, at, [one]))
    if values.get("picked") == "all":
        return list(learners.every(session(), run, at, asking.read(values)))
    return list(learners.chosen(session(), run, at, values.getlist("who", type=int)[:1000]))


def _facts(enrolment: Enrolment, units: list[UnitFacts]) -> Facts:
    return Facts(
        enrolled_at=enrolment.enrolled_at,
        completed_at=enrolment.completed_at,
        last_act_at=enrolment.last_act_at,
        progress_permille=enrolment.progress_permille,
        score=enrolment.score,
        failed=any(one.passed is False for unit in units for one in unit.activities),
        overlapped_at=enrolment.overlapped_at,
    )


def _expected(enrolment: Enrolment, at: Moment) -> int:
    return risk.expected(Facts(enrolled_at=enrolment.enrolled_at), at)


def _event(standing: Standing, at: Moment) -> dict[str, Any]:
    """A unit on the timeline: when it was done, or how far it is and why it stops there."""
    say, unit = words_here(), standing.unit
    begun = min((one.first_at for one in unit.activities if one.first_at), default=None)
    told: dict[str, Any] = {
        "text": f"{unit.position}. {unit.title}",
        "icon": "s-done" if unit.done else "s-half" if begun else "s-todo",
        "wait": not unit.done and begun is None,
    }
    length = formats.mmss(sum(one.weight_ms for one in unit.activities))
    if unit.done_at is not None:
        told["when"] = _when(unit.done_at, at)
        told["note"] = say.text("{time} 분량", time=length)
    elif begun is not None:
        told["when"] = say.text("{day} 시작", day=clock.local_day(begun, at.zone))
        todo = [one for one in unit.activities if not one.finished]
        told["note"] = ", ".join(f"{one.title} {one.progress_permille // 10}%" for one in todo)
    elif standing.state == "closed":
        told["note"] = say.text(standing.reason, **standing.params)
    return told


def _when(moment: Any, at: Moment) -> str:
    day = formats.day(clock.local_day(moment, at.zone), words_here().locale)
    return f"{day} {formats.clock(moment, at.zone)}"


def _nudges(enrolment: Enrolment) -> list[dict[str, Any]]:
    return [
        {
            "nudge": nudge,
            "author": author,
            "effect": sent.effect(
                nudge.outcome, nudge.ended_at, nudge.acted_at, enrolment.last_act_at, now()
            ),
        }
        for nudge, author in sent.of_enrolment(session(), enrolment.id)
    ]
