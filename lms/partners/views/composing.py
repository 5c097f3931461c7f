"""A school puts its programme together: name and period, courses, people; then it asks."""

from datetime import timedelta
from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, render, session
from lms.edge.rendering import url
from lms.errors import InvalidError
from lms.learning import terms
from lms.partners import composing, reading, school_runs, staff
from lms.partners.composing import Told
from lms.partners.models import SchoolRequest
from lms.partners.permissions import COMPOSE
from lms.partners.views.entrance import back, blueprint, day, text, today
from lms.people.words import CATEGORIES


@blueprint.get("/school-runs/new", permission=COMPOSE, scope="institution")
def new() -> ResponseReturnValue:
    start = today() + timedelta(days=14)
    return render(
        "lms/partners/new.html",
        school=person().organisation,
        first=start,
        last=start + timedelta(days=29),
        today=today(),
    )


@blueprint.post("/school-runs", permission=COMPOSE, scope="institution")
def make() -> ResponseReturnValue:
    """Form: `title`, `learn_from`, `learn_until`, `message`."""
    me = person()
    assert me.organisation_id is not None  # noqa: S101  COMPOSE asks for it
    row = composing.draft(
        session(),
        _told(),
        institution_id=me.institution_id,
        organisation_id=me.organisation_id,
        actor_id=me.person_id,
        now=now(),
    )
    return back(row, "made")


@blueprint.post("/school-runs/<int:id>", permission=COMPOSE, scope="institution", on=SchoolRequest)
def change(row: SchoolRequest) -> ResponseReturnValue:
    """Form: as for a new one, and `mark` of what was read."""
    composing.change(session(), row, _told(), known=text("mark"))
    return back(row, "saved")


@blueprint.post(
    "/school-runs/<int:id>/courses", permission=COMPOSE, scope="institution", on=SchoolRequest
)
def courses(row: SchoolRequest) -> ResponseReturnValue:
    """Form: `act` put · drop · up · down, `course`; `q` is kept."""
    act, course_id = text("act"), request.form.get("course", type=int)
    if course_id is None or act not in {"put", "drop", "up", "down"}:
        raise InvalidError("담거나 뺄 과정을 골라 주십시오.", field="course")
    if act == "put":
        composing.put_course(session(), row, course_id)
    elif act == "drop":
        composing.drop_course(session(), row, course_id)
    else:
        composing.shift_course(session(), row, course_id, by=-1 if act == "up" else 1)
    more = {"q": text("q")} if text("q") else {}
    return back(row, "", "#h-courses", **more)


@blueprint.get(
    "/school-runs/<int:id>/people", permission=COMPOSE, scope="institution", on=SchoolRequest
)
def choose(row: SchoolRequest) -> ResponseReturnValue:
    """The school's staff with boxes; only those on the page are taken or left by saving it."""
    asked = request.args.get("q", "").strip()[:80]
    found = staff.listed(
        session(), row.institution_id, row.organisation_id, text=asked, after=_after()
    )
    rows, more = found[: staff.PAGE], len(found) > staff.PAGE
    following = None
    if more:
        place = {"q": asked, "after": f"{rows[-1].id}-{rows[-1].name}"}
        following = url("partners.choose", id=row.id, **place)
    return render(
        "lms/partners/people.html",
        row=row,
        editable=row.state in school_runs.EDITABLE,
        rows=rows,
        picked=set(row.people),
        total=staff.counted(session(), row.institution_id, row.organisation_id),
        q=asked,
        first=_after() is None,
        following=following,
        mark=school_runs.mark(row),
        categories=CATEGORIES,
    )


@blueprint.post(
    "/school-runs/<int:id>/people", permission=COMPOSE, scope="institution", on=SchoolRequest
)
def people(row: SchoolRequest) -> ResponseReturnValue:
    """Form: `act` choose (`shown`, `who`) · all · none · drop (`who`) · paste (`names`)."""
    act = text("act")
    home = (row.institution_id, row.organisation_id)
    row = school_runs.edited(session(), row, text("mark") or None)
    who = {int(one) for one in request.form.getlist("who") if one.isdecimal() and len(one) < 19}
    if act == "all":
        composing.set_people(session(), row, staff.everybody(session(), *home))
        return back(row, "people", "#h-people")
    if act == "none":
        composing.set_people(session(), row, [])
        return back(row, "people", "#h-people")
    if act == "drop":
        composing.set_people(session(), row, [one for one in row.people if one not in who])
        return back(row, "people", "#h-people")
    if act == "paste":
        return _paste(row, home)
    if act != "choose":
        raise InvalidError("무엇을 할지 골라 주십시오.", field="act")
    shown = {int(one) for one in text("shown", 20_000).split(",") if one.isdecimal()}
    kept = [one for one in row.people if one in who or one not in shown]
    added = [one for one in sorted(who & shown) if one not in row.people]
    composing.set_people(session(), row, kept + staff.only(session(), *home, added))
    return back(row, "people", "#h-people")


def _paste(row: SchoolRequest, home: tuple[int, int]) -> ResponseReturnValue:
    """Add who is meant, and say of the other names why not; nobody is guessed."""
    found = staff.pasted(session(), *home, text("names", 20_000))
    fresh = [one for one in found.found if one not in row.people]
    composing.set_people(session(), row, [*row.people, *fresh])
    if not found.unknown and not found.doubtful:
        return back(row, "people", "#h-people")
    return render("lms/partners/pasted.html", row=row, found=found, added=len(fresh))


@blueprint.post(
    "/school-runs/<int:id>/ask", permission=COMPOSE, scope="institution", on=SchoolRequest
)
def ask(row: SchoolRequest) -> ResponseReturnValue:
    """Form: `mark`."""
    school_runs.ask(
        session(),
        row,
        known=text("mark"),
        actor_id=person().person_id,
        now=now(),
        today=today(),
    )
    return back(row, "asked")


@blueprint.post(
    "/school-runs/<int:id>/withdraw", permission=COMPOSE, scope="institution", on=SchoolRequest
)
def withdraw(row: SchoolRequest) -> ResponseReturnValue:
    """Form: `reason`, may be empty."""
    school_runs.withdraw(
        session(), row, reason=text("reason"), actor_id=person().person_id, now=now()
    )
    return redirect(url("partners.requests", state="all"), 303)


def compose_page(row: SchoolRequest, said: str) -> ResponseReturnValue:
    """The page on which a school puts its programme together."""
    asked = request.args.get("q", "").strip()[:80]
    found = reading.found(session(), row.institution_id, asked) if asked else ()
    members = staff.named(session(), row)
    return render(
        "lms/partners/compose.html",
        row=row,
        school=row.organisation.name,
        courses=reading.chosen(session(), row),
        found=found[: reading.FOUND],
        more=len(found) > reading.FOUND,
        q=asked,
        members=members,
        gone=len(row.people) - len(members),
        total=staff.counted(session(), row.institution_id, row.organisation_id),
        mark=school_runs.mark(row),
        today=today(),
        said=said,
        kinds=terms.KINDS,
        steps=_steps(row),
    )


def _steps(row: SchoolRequest) -> dict[str, bool]:
    """What is there already, for the way to the button that sends."""
    return {
        "period": row.learn_from >= today(),
        "courses": bool(row.courses),
        "people": bool(row.people),
    }


def _told() -> Told:
    return Told(
        title=text("title"),
        learn_from=day("learn_from"),
        learn_until=day("learn_until"),
        message=text("message", 4000),
    )


def _after() -> Any:
    number, dash, name = request.args.get("after", "").partition("-")
    return (name, int(number)) if dash and number.isascii() and number.isdigit() else None
