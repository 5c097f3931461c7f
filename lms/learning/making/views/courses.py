"""Courses as staff find them, and what is said of each beside its content."""

from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from lms.edge import now, person, render, session
from lms.edge.rendering import url
from lms.errors import ConflictError, InvalidError, LMSError
from lms.learning import terms
from lms.learning.making import copying, fields, listing
from lms.learning.making.permissions import MAKE, READ_MAKING
from lms.learning.making.views.picture import picture_of
from lms.learning.making.views.room import blueprint, course_page, sentence
from lms.learning.models import Course

STATE_WORDS = {
    "": "모두",
    "published": "발행함",
    "changed": "발행 안 한 변경",
    "draft": "초안",
    "standing": "직무상설",
    "archived": "보관함",
}


@blueprint.get("/manage/courses", permission=READ_MAKING, scope="institution")
def courses() -> ResponseReturnValue:
    me = person()
    asked = {
        "q": request.args.get("q", "").strip()[:80],
        "kind": request.args.get("kind", ""),
        "mode": request.args.get("mode", ""),
        "state": request.args.get("state", ""),
    }
    after = _after()
    query = listing.listed(
        me.institution_id,
        text=asked["q"],
        kind=asked["kind"],
        mode=asked["mode"],
        state=asked["state"],
        after=after,
    )
    found = list(session().execute(query))
    rows, more = found[: listing.PAGE], len(found) > listing.PAGE
    following = None
    if more:
        following = "?" + urlencode({**asked, "title": rows[-1].title, "id": rows[-1].id})
    return render(
        "lms/making/courses.html",
        rows=rows,
        asked=asked,
        counts=listing.counts(session(), me.institution_id),
        states=STATE_WORDS,
        kinds=terms.KINDS,
        modes=terms.MODES,
        following=following,
        first=after is None,
        may_make=MAKE.allows(me, None),
    )


@blueprint.get("/manage/courses/new", permission=MAKE, scope="institution")
def new() -> ResponseReturnValue:
    return _form(None, {"code": next_code(), "training_kind": "in_service"}, {})


@blueprint.post("/manage/courses", permission=MAKE, scope="institution")
def create() -> ResponseReturnValue:
    me = person()
    told, wrong = fields.parse(request.form)
    code = request.form.get("code", "").strip()
    if told is not None:
        try:
            course = fields.create(
                session(), me.institution_id, code, told, actor_id=me.person_id, now=now()
            )
        except (InvalidError, ConflictError) as error:
            return _form(None, request.form.to_dict(), {"code": error}), error.status
        return redirect(url("making.course", id=course.id, done="created"), 303)
    return _form(None, request.form.to_dict(), dict(wrong)), 422


@blueprint.get(
    "/manage/courses/<int:id>/facts", permission=READ_MAKING, scope="institution", on=Course
)
def facts(course: Course) -> ResponseReturnValue:
    return _form(course, _written(course), {}, done=request.args.get("done"))


@blueprint.post("/manage/courses/<int:id>/facts", permission=MAKE, scope="institution", on=Course)
def change(course: Course) -> ResponseReturnValue:
    told, wrong = fields.parse(request.form)
    if told is None:
        return _form(course, request.form.to_dict(), dict(wrong)), 422
    if request.form.get("mark") != _mark(course):
        error = ConflictError(
            "그사이에 다른 사람이 과정 정보를 고쳤습니다. 적은 것은 아래에 그대로 있습니다. "
            "지금 모습과 견주어 보고 다시 저장해 주십시오."
        )
        return _form(course, request.form.to_dict(), {"title": error}), error.status
    fields.change(session(), course, told, actor_id=person().person_id, now=now())
    return redirect(url("making.facts", id=course.id, done="saved"), 303)


@blueprint.post("/manage/courses/<int:id>/archive", permission=MAKE, scope="institution", on=Course)
def archive(course: Course) -> ResponseReturnValue:
    me = person()
    if request.form.get("act") == "restore":
        fields.unarchive(session(), course, actor_id=me.person_id, now=now())
        return redirect(url("making.facts", id=course.id, done="restored"), 303)
    reason = request.form.get("reason", "").strip()[:500]
    fields.archive(session(), course, reason=reason, actor_id=me.person_id, now=now())
    return redirect(url("making.facts", id=course.id, done="archived"), 303)


@blueprint.post("/manage/courses/<int:id>/copy", permission=MAKE, scope="institution", on=Course)
def copy(course: Course) -> ResponseReturnValue:
    made = copying.copy(
        session(),
        course,
        code=request.form.get("code", "").strip() or next_code(),
        title=request.form.get("title", "").strip() or course.title,
        actor_id=person().person_id,
        now=now(),
    )
    return redirect(url("making.course", id=made.id, done="copied"), 303)


def _form(
    course: Course | None,
    typed: dict[str, Any],
    wrong: dict[str, LMSError],
    done: str | None = None,
) -> str:
    errors = {name: sentence(error) for name, error in wrong.items()}
    shared: dict[str, Any] = {
        "typed": typed,
        "errors": errors,
        "kind_words": terms.KINDS,
        "mode_words": terms.MODES,
        "known": listing.known(session(), person().institution_id),
    }
    if course is None:
        return render("lms/making/new.html", **shared)
    return course_page(
        course,
        template="lms/making/facts.html",
        mark=_mark(course),
        image=picture_of(course),
        next_code=next_code(),
        done=done,
        **shared,
    )


def _written(course: Course) -> dict[str, Any]:
    """The course's fields as the form shows them."""
    hours, minutes = divmod(course.recognised_minutes, 60)
    told = {name: getattr(course, name) for name in fields.CourseFields.__struct_fields__}
    lists = {name: "\n".join(told[name]) for name in ("goals", "competencies")}
    return {**told, **lists, "hours": hours, "minutes": minutes, "code": course.code}


def _mark(course: Course) -> str:
    return fields.mark(fields.of_course(course))


def next_code() -> str:
    """A code that nobody has yet: the year and the next number."""
    stem = f"{now():%y}-"
    query = select(Course.code).where(
        Course.institution_id == person().institution_id, Course.code.like(f"{stem}%")
    )
    numbers = [code.removeprefix(stem) for code in session().scalars(query)]
    return f"{stem}{max((int(one) for one in numbers if one.isdecimal()), default=0) + 1:04}"


def _after() -> tuple[str, int] | None:
    title, course_id = request.args.get("title"), request.args.get("id", type=int)
    return (title, course_id) if title is not None and course_id is not None else None
