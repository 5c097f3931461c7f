"""The draft: units and activities put in order, and each activity's own form."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, session, state
from lms.edge.rendering import json_answer, url, wants_json
from lms.errors import ConflictError, InvalidError, LMSError, NotFoundError
from lms.files.uploads import Held, Upload, Uploads, placed
from lms.learning.kinds import Editor, Read, editor_of
from lms.learning.making import checking, comparing, drafts, editing, publishing
from lms.learning.making.drafts import Draft, DraftActivity, DraftUnit
from lms.learning.making.editing import Act
from lms.learning.making.permissions import MAKE, READ_MAKING
from lms.learning.making.views.room import (
    blueprint,
    course_page,
    enter,
    hold,
    receive,
    refusal,
    sentence,
    tickets,
    told,
)
from lms.learning.models import Course

DONE = {
    "created": "과정을 만들었습니다. 이제 차시와 활동을 넣어 주십시오.",
    "copied": "과정을 베꼈습니다. 고친 뒤에 발행해 주십시오.",
    "imported": "과정을 들여왔습니다. 살펴본 뒤에 발행해 주십시오.",
    "published": "발행했습니다. 이제 여는 기수는 새 판으로 배웁니다.",
}


@blueprint.get("/manage/courses/<int:id>", permission=READ_MAKING, scope="institution", on=Course)
def course(course: Course) -> ResponseReturnValue:
    return _course(course, done=request.args.get("done"))


@blueprint.post("/manage/courses/<int:id>/draft", permission=MAKE, scope="institution", on=Course)
def edit(course: Course) -> ResponseReturnValue:
    """One change of the draft's order or names: see _act."""
    form = request.form
    key = drafts.new_key() if form.get("act") == "activity_add" else form.get("key", "")
    try:
        revision = form.get("revision", -1, type=int)
        drafts.change(
            session(), course, revision, _act(form, key), actor_id=person().person_id, now=now()
        )
    except LMSError as error:
        if wants_json():
            raise
        return _course(course, refused=sentence(error)), error.status
    if form["act"] == "activity_add":
        address = url("making.activity", id=course.id, key=key)
    else:
        gone = {"removed": key} if form["act"] in {"unit_delete", "activity_delete"} else {}
        address = url("making.course", id=course.id, **gone) + f"#{_anchor(form, key)}"
    return json_answer({"go": address}) if wants_json() else redirect(address, 303)


@blueprint.get(
    "/manage/courses/<int:id>/activities/<key>",
    permission=READ_MAKING,
    scope="institution",
    on=Course,
)
def activity(course: Course, key: str) -> ResponseReturnValue:
    draft = drafts.of_course(session(), course)
    unit, found = _found(draft, key)
    editor = editor_of(state().kinds.get(found.kind))
    shown = editor.context(found.config) if editor is not None else {}
    return _activity(course, draft, unit, found, shown, done=request.args.get("done"))


@blueprint.post(
    "/manage/courses/<int:id>/activities/<key>",
    permission=MAKE,
    scope="institution",
    on=Course,
    writes=False,
)
def save(course: Course, key: str) -> ResponseReturnValue:
    """Take the form: files first and outside of any transaction, then the draft in one."""
    course_id = course.id
    draft = drafts.of_course(session(), course)
    _, found = _found(draft, key)
    editor = editor_of(state().kinds.get(found.kind))
    files = receive(*(editor.uploads if editor is not None else ()))
    read = Read(found.config)
    if editor is not None:
        read = editor.read(request.form, files, dict(found.config))
    good = placed(read.config)
    held = {name: hold(upload) for name, upload in good.items()}
    typed = _typed(found, read.config)
    back = _Back(course_id, typed, _waiting(editor, files, good, held))
    if read.problems:
        errors = {one.field or "title": sentence(one) for one in reversed(read.problems)}
        return _again(back, errors, 422)
    try:
        _keep(course_id, typed, held)
    except (ConflictError, InvalidError) as error:
        field = getattr(error, "field", None) or "revision"
        return _again(back, {field: sentence(error)}, error.status)
    address = url("making.activity", id=course_id, key=key, done="saved")
    return json_answer({"go": address}) if wants_json() else redirect(address, 303)


class _Back(NamedTuple):
    """What a form that is refused brings back."""

    course_id: int
    typed: DraftActivity
    held: Mapping[str, Held]


def _typed(found: DraftActivity, config: dict[str, Any]) -> DraftActivity:
    form = request.form
    return DraftActivity(
        key=found.key,
        kind=found.kind,
        title=form.get("title", ""),
        role=form.get("role", found.role),
        config=config,
    )


def _waiting(
    editor: Editor | None, files: Uploads, good: Mapping[str, Upload], held: Mapping[str, Held]
) -> dict[str, Held]:
    """By the form's field, what is in storage already."""
    fields = editor.uploads if editor is not None else ()
    return {
        field: held[name]
        for field in fields
        for name, upload in good.items()
        if files.get(field) is upload
    }


def _keep(course_id: int, typed: DraftActivity, held: Mapping[str, Held]) -> None:
    form = request.form
    with state().db.transaction() as own:
        course = own.get_one(Course, course_id)
        ids = {name: enter(own, one) for name, one in held.items()}

        def act(draft: Draft) -> None:
            config = {**typed.config, **ids}
            editing.set_activity(typed.key, typed.title, typed.role, config)(draft)
            if form.get("unit"):
                editing.put_in(typed.key, form["unit"])(draft)

        revision = form.get("revision", -1, type=int)
        drafts.change(own, course, revision, act, actor_id=person().person_id, now=now())


def _again(back: _Back, errors: dict[str, str], status: int) -> ResponseReturnValue:
    """The form as it was sent, with what is wrong, on the draft as it stands now."""
    course = session().get_one(Course, back.course_id)
    draft = drafts.of_course(session(), course)
    unit, stored = _found(draft, back.typed.key)
    kept = tickets(back.held)
    if wants_json():
        return refusal(status, errors, kept, draft.revision)
    editor = editor_of(state().kinds.get(stored.kind))
    shown = editor.typed(request.form, stored.config) if editor is not None else {}
    differs: tuple[comparing.Field, ...] = ()
    if "revision" in errors:
        naming = publishing.naming(state().kinds, {})
        differs = tuple(comparing.fields_of(stored, back.typed, naming))
    html = _activity(
        course, draft, unit, back.typed, shown, errors=errors, held=kept, differs=differs
    )
    return html, status


def _activity(
    course: Course,
    draft: Draft,
    unit: DraftUnit,
    found: DraftActivity,
    shown: dict[str, Any],
    *,
    errors: Mapping[str, str] | None = None,
    held: Mapping[str, Any] | None = None,
    differs: Sequence[comparing.Field] = (),
    done: str | None = None,
) -> str:
    kind = state().kinds.get(found.kind)
    todo = checking.of_activity(session(), state().kinds, course, unit, found.key)
    return course_page(
        course,
        draft,
        template="lms/making/activity.html",
        activity=found,
        unit=unit,
        number=draft.units.index(unit) + 1,
        kind=kind,
        editor=editor_of(kind),
        e=shown,
        differs=differs,
        errors=errors or {},
        held=held or {},
        todo=[told((one.message, one.params)) for one in todo],
        done=done,
        limit=state().settings.upload_mebibytes,
    )


def _course(course: Course, *, done: str | None = None, refused: str | None = None) -> str:
    draft = drafts.of_course(session(), course)
    problems = checking.problems(session(), state().kinds, course, draft.units)
    key = request.args.get("removed")
    removed = next((one for one in draft.removed if one.key == key), None)
    return course_page(
        course,
        draft,
        template="lms/making/course.html",
        done=DONE.get(done or ""),
        refused=refused,
        todo={one.key: told((one.message, one.params)) for one in problems},
        problems=len(problems),
        makeable=[one for one in state().kinds.values() if editor_of(one) is not None],
        removed=removed,
        gone=told(("「{title}」을(를) 지웠습니다.", {"title": removed.title})) if removed else None,
    )


def _act(form: Mapping[str, str], key: str) -> Act:
    """What a form asks for. Raises InvalidError for what is nothing we do."""
    title = form.get("title", "")
    to = int(form.get("to", "0")) if form.get("to", "0").isdecimal() else 0
    acts: dict[str, Act] = {
        "unit_add": editing.add_unit(title),
        "unit_rename": editing.rename_unit(key, title),
        "unit_up": editing.step_unit(key, -1),
        "unit_down": editing.step_unit(key, 1),
        "unit_move": editing.move_unit(key, to),
        "unit_delete": editing.remove_unit(key),
        "activity_up": editing.step_activity(key, -1),
        "activity_down": editing.step_activity(key, 1),
        "activity_move": editing.move_activity(key, form.get("unit", ""), to),
        "activity_delete": editing.remove_activity(key),
        "role": editing.set_role(key, form.get("role", "")),
        "restore": editing.restore(key),
    }
    if form.get("act") == "activity_add":
        kind = state().kinds.get(form.get("kind", ""))
        if kind is None or editor_of(kind) is None:
            raise InvalidError("넣을 활동의 종류를 골라 주십시오.", field="kind")
        name = title.strip() or told((kind.label, {}))
        return editing.add_activity(form.get("unit", ""), kind.name, name, key=key)
    if form.get("act") not in acts:
        raise InvalidError("무엇을 할지 알 수 없는 요청입니다. 화면을 새로 고쳐 다시 해 주십시오.")
    return acts[form["act"]]


def _anchor(form: Mapping[str, str], key: str) -> str:
    return "draft" if form["act"] in {"unit_add", "unit_delete", "activity_delete"} else f"k-{key}"


def _found(draft: Draft, key: str) -> tuple[DraftUnit, DraftActivity]:
    found = draft.find(key)
    if found is None:
        raise NotFoundError(editing.GONE)
    return found
