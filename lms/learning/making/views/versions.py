"""Versions: what will change, what has changed, and the moment that freezes it."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, session, state
from lms.edge.rendering import url
from lms.errors import ConflictError, InvalidError, NotFoundError
from lms.learning.making import checking, drafts, listing, publishing
from lms.learning.making.comparing import Change
from lms.learning.making.drafts import DraftUnit
from lms.learning.making.permissions import MAKE, READ_MAKING
from lms.learning.making.views.room import blueprint, course_page, sentence, told
from lms.learning.models import Course

DRAFT = "draft"


@blueprint.get(
    "/manage/courses/<int:id>/publish", permission=READ_MAKING, scope="institution", on=Course
)
def ready(course: Course) -> ResponseReturnValue:
    """What stands in the way, what is new, and whom it touches."""
    return _ready(course)


@blueprint.post("/manage/courses/<int:id>/publish", permission=MAKE, scope="institution", on=Course)
def publish(course: Course) -> ResponseReturnValue:
    try:
        with session().begin_nested():  # a refusal leaves nothing behind, and still has a page
            publishing.publish(
                session(),
                state().kinds,
                course,
                request.form.get("revision", -1, type=int),
                actor_id=person().person_id,
                now=now(),
            )
    except (InvalidError, ConflictError) as error:
        return _ready(course, sentence(error)), error.status
    return redirect(url("making.course", id=course.id, done="published"), 303)


@blueprint.get(
    "/manage/courses/<int:id>/versions", permission=READ_MAKING, scope="institution", on=Course
)
def versions(course: Course) -> ResponseReturnValue:
    rows = listing.versions(session(), course)
    return course_page(
        course,
        template="lms/making/versions.html",
        rows=rows,
    )


@blueprint.get(
    "/manage/courses/<int:id>/diff", permission=READ_MAKING, scope="institution", on=Course
)
def diff(course: Course) -> ResponseReturnValue:
    """What differs between two versions, or a version and the draft."""
    rows = listing.versions(session(), course)
    numbers = [str(row["number"]) for row in rows]
    after = request.args.get("after", DRAFT)
    fallback = numbers[0] if after == DRAFT and numbers else numbers[-1] if numbers else DRAFT
    before = request.args.get("before", fallback)
    changes = publishing.compared(
        session(), state().kinds, _content(course, before), _content(course, after)
    )
    return course_page(
        course,
        template="lms/making/diff.html",
        before=before,
        after=after,
        numbers=numbers,
        changes=said(changes),
    )


def said(changes: list[Change]) -> list[dict[str, Any]]:
    """Changes in the reader's language."""
    return [{"kind": one.kind, "text": told(one.said), "fields": one.fields} for one in changes]


def _ready(course: Course, refused: str | None = None) -> str:
    draft = drafts.of_course(session(), course)
    problems = checking.problems(session(), state().kinds, course, draft.units)
    changes = publishing.unpublished(session(), state().kinds, course, draft)
    return course_page(
        course,
        draft,
        template="lms/making/publish.html",
        problems=[
            {
                "where": one,
                "text": told((one.message, one.params)),
                "href": _where(course, one),
            }
            for one in problems
        ],
        changes=said(changes),
        learning=listing.learning_now(session(), course),
        refused=refused,
    )


def _where(course: Course, problem: checking.Problem) -> str:
    if problem.is_activity:
        return url("making.activity", id=course.id, key=problem.key)
    anchor = f"k-{problem.key}" if problem.key else "draft"
    return url("making.course", id=course.id) + f"#{anchor}"


def _content(course: Course, which: str) -> list[DraftUnit]:
    if which == DRAFT:
        return drafts.of_course(session(), course).units
    number = int(which) if which.isdecimal() and len(which) < 10 else 0
    version = drafts.version_of(session(), course.id, number)
    if version is None:
        raise NotFoundError("그런 판이 없습니다. 판 목록에서 골라 주십시오.")
    return drafts.of_version(version)
