"""A course out as one file, and in again."""

from urllib.parse import quote

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, render, session, state
from lms.edge.rendering import json_answer, url, wants_json
from lms.errors import ConflictError, InvalidError, LMSError, NotFoundError, TooLargeError
from lms.files.uploads import Upload, clean_name
from lms.learning.making import copying, drafts, fields, package, unpacking
from lms.learning.making.permissions import MAKE, READ_MAKING
from lms.learning.making.views.courses import next_code
from lms.learning.making.views.room import blueprint, receive, refusal, sentence
from lms.learning.models import Course


@blueprint.get(
    "/manage/courses/<int:id>/export", permission=READ_MAKING, scope="institution", on=Course
)
def export(course: Course) -> ResponseReturnValue:
    """The version that is asked for; else the newest, else the draft."""
    number = request.args.get("version", type=int)
    if request.args.get("version") == "draft":
        units = drafts.of_course(session(), course).units
    else:
        version = (
            drafts.newest(session(), course.id)
            if number is None
            else drafts.version_of(session(), course.id, number)
        )
        if version is None and number is not None:
            raise NotFoundError("그런 판이 없습니다. 판 목록에서 골라 주십시오.")
        units = (
            drafts.of_version(version)
            if version is not None
            else drafts.of_course(session(), course).units
        )
    packed = package.manifest(session(), course, units)
    name = clean_name(f"{course.code} {course.title}{package.ENDING}")
    return Response(
        package.written(packed, state().storage),
        mimetype="application/zip",
        headers={
            "Content-Disposition": (
                f"attachment; filename=\"course{package.ENDING}\"; filename*=UTF-8''{quote(name)}"
            )
        },
    )


@blueprint.get("/manage/courses/import", permission=MAKE, scope="institution")
def bring() -> ResponseReturnValue:
    return _form({})


@blueprint.post("/manage/courses/import", permission=MAKE, scope="institution", writes=False)
def bring_in() -> ResponseReturnValue:
    """Everything is checked and stored before the one short transaction that makes the course."""
    limit = state().settings.package_mebibytes << 20
    try:
        course_id = _made(receive("file", limit=limit).get("file"), limit)
    except (InvalidError, ConflictError, TooLargeError) as error:
        return _refused(error)
    address = url("making.course", id=course_id, done="imported")
    return json_answer({"go": address}) if wants_json() else redirect(address, 303)


def _made(upload: Upload | None, limit: int) -> int:
    here, me = state(), person()
    if upload is None:
        raise InvalidError("과정 파일을 골라 주십시오.", field="file")
    code = request.form.get("code", "").strip() or next_code()
    fields.check_code(session(), me.institution_id, code)
    session().close()
    with unpacking.opened(upload, here.kinds, limit=limit) as packed:
        held = packed.held(here.storage)
    with here.db.transaction() as own:
        made = copying.bring_in(
            own,
            me.institution_id,
            packed.manifest,
            held,
            code=code,
            actor_id=me.person_id,
            now=now(),
        )
        return made.id


def _refused(error: LMSError) -> ResponseReturnValue:
    field = "code" if isinstance(error, ConflictError) else getattr(error, "field", None) or "file"
    errors = {field: sentence(error)}
    if wants_json():
        return refusal(error.status, errors, {}, 0)
    return _form(errors), error.status


def _form(errors: dict[str, str]) -> str:
    typed = request.form.get("code") if request.method == "POST" else None
    return render(
        "lms/making/import.html",
        errors=errors,
        code=typed or next_code(),
        limit=state().settings.package_mebibytes,
    )
