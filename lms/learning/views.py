"""Pages of learning: the catalogue, a course, and the page where one learns."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lms import clock
from lms.edge import Blueprint, hook, now, person, render, session, state, words_here
from lms.edge.rendering import url
from lms.errors import ClosedError, NotFoundError
from lms.files.links import content_url
from lms.learning import pages, queries, rows, rules, service, terms
from lms.learning.evaluate import Clause, evaluate
from lms.learning.facts import ActivityFacts, UnitFacts
from lms.learning.kinds import Place, kind_of
from lms.learning.models import (
    Completion,
    Course,
    CourseVersion,
    Enrolment,
    Run,
    Unit,
    Waiting,
)
from lms.learning.opening import Standing
from lms.learning.permissions import ENROL, LEARN, SEE_COURSES
from lms.learning.rows import EnrolmentRow
from lms.learning.running import audience as audiences
from lms.learning.running import joining, offers
from lms.learning.running.views.entrance import audience_words
from lms.people.models import Person

blueprint = Blueprint("learning", __name__)


@blueprint.get("/courses", permission=SEE_COURSES, scope="institution")
def courses() -> ResponseReturnValue:
    me = person()
    text = request.args.get("q", "").strip()[:80]
    kind, mode = request.args.get("kind", ""), request.args.get("mode", "")
    query = queries.catalogue(me.institution_id, text=text, kind=kind, mode=mode, after=_after())
    found = list(session().execute(query))
    more = found[queries.PAGE :]
    found = found[: queries.PAGE]
    today = clock.local_day(now(), me.zone)
    runs = queries.open_runs(session(), [row.id for row in found], me.person_id, today)
    following = None
    if more:
        kept = {"q": text, "kind": kind, "mode": mode, "title": found[-1].title}
        following = f"?{urlencode({**kept, 'id': found[-1].id})}"
    return render(
        "lms/learning/courses.html",
        cards=[_card(row, runs.get(row.id)) for row in found],
        counts=queries.counts(session(), me.institution_id),
        kinds=terms.KINDS,
        modes=terms.MODES,
        q=text,
        kind=kind,
        mode=mode,
        following=following,
        today=today,
        first=_after() is None,
    )


@blueprint.get("/courses/<int:id>", permission=SEE_COURSES, scope="institution", on=Course)
def course(course: Course) -> ResponseReturnValue:
    me = person()
    today = clock.local_day(now(), me.zone)
    offered = offers.of_course(session(), course.id, me.person_id, today)
    offer = offers.chosen(offered, None) or next(iter(offered), None)
    run, enrolment = (offer.run, offer.enrolment) if offer else (None, None)
    units = _outline(course, run)
    return render(
        "lms/learning/about.html",
        course=course,
        offers=offered,
        for_whom={
            one.run.id: audience_words(audiences.parse(one.run.audience))
            for one in offered
            if one.run.audience
        },
        run=run,
        enrolment=enrolment,
        done=request.args.get("done"),
        units=units,
        rule=rules.parse(run.rule) if run else None,
        image=_image(course.thumbnail, course.institution_id, 960),
        kind=terms.KINDS[course.training_kind],
        mode=terms.MODES[course.delivery_mode],
        today=today,
    )


@blueprint.post("/courses/<int:id>/enrol", permission=ENROL, scope="institution", on=Course)
def enrol(course: Course) -> ResponseReturnValue:
    me = person()
    today = clock.local_day(now(), me.zone)
    offered = offers.of_course(session(), course.id, me.person_id, today)
    offer = offers.chosen(offered, request.form.get("run", type=int))
    if offer is None:
        raise ClosedError("지금 열려 있는 기수가 없습니다. 다음 기수가 열리면 신청해 주십시오.")
    learner = session().get_one(Person, me.person_id)
    found = joining.join(session(), hook(), learner, offer.run, actor_id=me.person_id, now=now())
    if isinstance(found, Waiting) or today < offer.run.learn_from:
        done = "waiting" if isinstance(found, Waiting) else "enrolled"
        return redirect(url("learning.course", id=course.id, done=done), 303)
    return redirect(url("learning.enrolment", id=found.id), 303)


@blueprint.get(
    "/enrolments/<int:id>",
    permission=LEARN,
    scope="institution",
    on=Enrolment,
    row=rows.enrolment,
)
def enrolment(enrolment: EnrolmentRow) -> ResponseReturnValue:
    me = person()
    rule = rules.parse(enrolment.run.rule)
    today = clock.local_day(now(), me.zone)
    units = service.load_units(session(), enrolment)
    standings = service.standings(enrolment, rule, units, today=today, zone=me.zone)
    asked = request.args.get("activity", type=int)
    target = asked or pages.next_activity(standings, enrolment.last_activity_id)
    if target is None:
        target = units[0].activities[0].activity_id
    return render(
        "lms/learning/course.html",
        **_place(enrolment, rule, target, standings),
        **_standing(enrolment, rule, standings, target),
        today=today,
        notices=_notices(enrolment),
    )


def _notices(enrolment: EnrolmentRow) -> list[Any]:
    found = hook().lms_notices(session=session(), run_ids=[enrolment.run_id])
    return [one for some in found for one in some]


def _place(
    enrolment: EnrolmentRow, rule: rules.RuleSet, target: int, standings: list[Standing]
) -> dict[str, Any]:
    """The left of the page: the activity itself, or the sentence why it is closed."""
    unit, facts = _find(standings, target)
    activity = rows.activity(session(), target)
    kind = kind_of(state().kinds, activity.kind)
    closed = None
    try:
        service.check_open(
            session(),
            hook(),
            enrolment,
            activity,
            now=now(),
            zone=person().zone,
            known=standings,
        )
    except ClosedError as error:
        closed = words_here().text(error.message, **error.params)
    context: dict[str, Any] = {}
    # What was completed stays open to read again, though nothing more is counted.
    if closed is None or enrolment.completed_at is not None:
        place = Place(state(), person(), enrolment, activity, rule, facts, now())
        context = kind.context(session(), place)
    return {
        "activity": activity,
        "kind": kind,
        "k": context,
        "closed": closed if not context else None,
        "only_review": closed is not None and bool(context),
        "unit": unit,
        "following": _following(standings, target),
    }


def _find(standings: list[Standing], activity_id: int) -> tuple[UnitFacts, ActivityFacts]:
    for standing in standings:
        for one in standing.unit.activities:
            if one.activity_id == activity_id:
                return standing.unit, one
    raise NotFoundError("이 과정에 없는 활동입니다. 과정 화면에서 활동을 다시 골라 주십시오.")


def _standing(
    enrolment: EnrolmentRow, rule: rules.RuleSet, standings: list[Standing], target: int
) -> dict[str, Any]:
    """The right of the page: what is there, what is missing, the units."""
    words = words_here()
    facts = [one for standing in standings for one in standing.unit.activities]
    completion = _completion(enrolment)
    clause = (
        msgspec.convert(completion.verdict, Clause) if completion else evaluate(rule, facts).clause
    )
    return {
        "enrolment": enrolment,
        "course": enrolment.run.course,
        "rule": rule,
        "run": enrolment.run,
        "tree": pages.explain_tree(clause, words),
        "next_step": None
        if completion
        else pages.next_step(standings, enrolment.id, target, words),
        "units": pages.unit_lines(standings, enrolment.id, target, words),
        "done_units": sum(standing.state == "done" for standing in standings),
        "completion": completion,
        "certificate_url": _certificate_url(completion),
        "kind_name": terms.KINDS[enrolment.run.course.training_kind],
        "mode_name": terms.MODES[enrolment.run.course.delivery_mode],
    }


def _completion(enrolment: EnrolmentRow) -> Completion | None:
    if enrolment.completed_at is None:
        return None
    return session().scalar(select(Completion).filter_by(enrolment_id=enrolment.id))


def _certificate_url(completion: Completion | None) -> str | None:
    return url("credentials.of_completion", id=completion.id) if completion else None


def _following(standings: list[Standing], target: int) -> dict[str, Any] | None:
    order = [(one, standing) for standing in standings for one in standing.unit.activities]
    at = next(index for index, (one, _) in enumerate(order) if one.activity_id == target)
    if at + 1 == len(order):
        return None
    one, standing = order[at + 1]
    return {"id": one.activity_id, "title": one.title, "unit": standing.unit.position}


def _outline(course: Course, run: Run | None) -> list[Unit]:
    version_id = run.version_id if run else None
    if version_id is None:
        version_id = session().scalar(
            select(CourseVersion.id)
            .filter_by(course_id=course.id)
            .order_by(CourseVersion.number.desc())
            .limit(1)
        )
    query = (
        select(Unit)
        .where(Unit.version_id == version_id)
        .order_by(Unit.position)
        .options(joinedload(Unit.activities))
    )
    return list(session().scalars(query).unique())


def _card(row: Any, now_on: tuple[Run, Enrolment | None, int | None] | None) -> dict[str, Any]:
    run, enrolment, free = now_on or (None, None, None)
    return {
        "id": row.id,
        "title": row.title,
        "kind": terms.KINDS[row.training_kind],
        "mode": terms.MODES[row.delivery_mode],
        "minutes": row.recognised_minutes,
        "lead": row.legal_basis or row.task_name,
        "image": _image(row.thumbnail, person().institution_id, 640),
        "run": run,
        "enrolment": enrolment,
        "free": free,
        "apply_until": run and (run.apply_until or run.learn_until),
    }


def _image(widths: dict[str, Any], institution_id: int, width: int) -> str | None:
    file_id = widths.get(str(width))
    if file_id is None:
        return None
    return content_url(
        state(), file_id, institution_id=institution_id, now=now(), name=f"{width}.webp"
    )


def _after() -> tuple[str, int] | None:
    title, course_id = request.args.get("title"), request.args.get("id", type=int)
    return (title, course_id) if title and course_id is not None else None
