"""The draft, or a version, as a learner will see it; nothing of it is recorded."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, session, state
from lms.edge.rendering import url
from lms.errors import InvalidError, NotFoundError
from lms.learning.facts import ActivityFacts
from lms.learning.kinds import Place
from lms.learning.making import drafts
from lms.learning.making.drafts import DraftActivity, DraftUnit
from lms.learning.making.permissions import READ_MAKING
from lms.learning.making.views.room import blueprint, course_page, sentence
from lms.learning.models import Activity, Course, Enrolment
from lms.learning.rules import RuleSet
from lms.people.actor import Actor

RULE = RuleSet(ordered=False, free_skip=True)
"""Who makes a course looks at any part of it."""


@blueprint.get(
    "/manage/courses/<int:id>/preview", permission=READ_MAKING, scope="institution", on=Course
)
def preview(course: Course) -> ResponseReturnValue:
    which = request.args.get("version", "draft")
    units, based_on = _units(course, which)
    order = [(unit, one) for unit in units for one in unit.activities]
    asked = request.args.get("activity")
    at = next((place for place, (_, one) in enumerate(order) if one.key == asked), 0)
    shown: dict[str, Any] = {"activity": None, "unit": None, "closed": None}
    if order:
        shown = _shown(course, units, *order[at])
    return course_page(
        course,
        template="lms/making/preview.html",
        which=which,
        lines=_lines(course, units, order[at][1].key if order else "", which),
        following=order[at + 1][1] if at + 1 < len(order) else None,
        based_on=based_on,
        rule=RULE,
        only_review=True,
        **shown,
    )


def _units(course: Course, which: str) -> tuple[list[DraftUnit], int | None]:
    if which == "draft":
        draft = drafts.of_course(session(), course)
        return draft.units, draft.based_on
    number = int(which) if which.isdecimal() and len(which) < 10 else 0
    version = drafts.version_of(session(), course.id, number)
    if version is None:
        raise NotFoundError("그런 판이 없습니다. 판 목록에서 골라 주십시오.")
    return drafts.of_version(version), number


def _shown(
    course: Course, units: list[DraftUnit], unit: DraftUnit, found: DraftActivity
) -> dict[str, Any]:
    """What the learner's template is given, or the sentence that stands for it."""
    number = units.index(unit) + 1
    base = {"activity": found, "unit": unit, "number": number, "kind": None, "closed": None}
    kind = state().kinds.get(found.kind)
    if kind is None:
        return base | {"closed": "이 활동을 보여 줄 확장이 설치되어 있지 않습니다."}
    try:
        config = kind.check(dict(found.config))
    except InvalidError as error:
        return base | {"closed": sentence(error)}
    config |= {key: value for key, value in found.config.items() if key.endswith("_file")}
    place = _place(course, kind, found, config, number)
    ask = getattr(kind, "preview", None) or kind.context
    return base | {
        "kind": kind,
        "k": ask(session(), place),
        "enrolment": place.enrolment,
        "activity": place.activity,
    }


def _place(
    course: Course, kind: Any, found: DraftActivity, config: dict[str, Any], number: int
) -> Place:
    me: Actor = person()
    enrolment = Enrolment(
        id=0,
        institution_id=course.institution_id,
        run_id=0,
        person_id=me.person_id,
        registration="",
        state="enrolled",
        progress_permille=0,
        last_position_ms=0,
        enrolled_at=now(),
    )
    weight = kind.weight_ms(config)
    activity = Activity(
        id=0,
        institution_id=course.institution_id,
        unit_id=0,
        position=1,
        kind=found.kind,
        title=found.title,
        role=found.role,
        weight_ms=weight,
        config=config,
    )
    facts = ActivityFacts(
        activity_id=0,
        unit=number,
        kind=found.kind,
        role=found.role,
        title=found.title,
        weight_ms=weight,
    )
    return Place(state(), me, enrolment, activity, RULE, facts, now(), preview=True)


def _lines(course: Course, units: list[DraftUnit], here: str, which: str) -> list[dict[str, Any]]:
    """The units as the learner's page lists them."""
    lines = []
    for number, unit in enumerate(units, 1):
        is_here = any(one.key == here for one in unit.activities)
        parts = [
            {
                "title": one.title,
                "here": one.key == here,
                "href": url("making.preview", id=course.id, version=which, activity=one.key),
            }
            for one in unit.activities
        ]
        lines.append(
            {
                "name": f"{number}. {unit.title}",
                "status": "now" if is_here else "open" if parts else "closed",
                "href": parts[0]["href"] if parts else None,
                "here": is_here,
                "parts": parts,
            }
        )
    return lines
