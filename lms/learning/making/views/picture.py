"""The picture of a course."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from lms.edge import now, person, state
from lms.edge.rendering import json_answer, url, wants_json
from lms.errors import InvalidError, NotFoundError
from lms.files import service as files
from lms.files.links import content_url
from lms.files.thumbnails import resize_image
from lms.learning.making import fields
from lms.learning.making.permissions import MAKE
from lms.learning.making.views.room import blueprint, receive
from lms.learning.models import Course

MOST_BYTES = 20 << 20


@blueprint.post(
    "/manage/courses/<int:id>/picture",
    permission=MAKE,
    scope="institution",
    on=Course,
    writes=False,
)
def picture(course: Course) -> ResponseReturnValue:
    here, me, course_id = state(), person(), course.id
    found = receive("picture", limit=MOST_BYTES).get("picture")
    if found is None and request.form.get("act") != "remove":
        raise InvalidError("그림 파일을 골라 주십시오.", field="picture")
    # Decoding takes a second or two, and is done before anything is locked.
    drawn = resize_image(found.stream.read()) if found is not None else {}
    stored = {width: here.storage.put(data) for width, data in drawn.items()}
    with here.db.transaction() as own:
        row = own.get(Course, course_id)
        if row is None:
            raise NotFoundError("찾는 것이 없습니다. 주소를 다시 확인해 주십시오.")
        ids = {
            str(width): files.register(
                own,
                me.institution_id,
                sha256=sha256,
                size=size,
                name=f"{row.code}-{width}.webp",
                media_type="image/webp",
                now=now(),
            ).id
            for width, (sha256, size) in stored.items()
        }
        fields.set_thumbnail(own, row, ids, actor_id=me.person_id, now=now())
    address = url("making.facts", id=course_id, done="picture")
    return json_answer({"go": address}) if wants_json() else redirect(address, 303)


def picture_of(course: Course, width: int = 640) -> str | None:
    """A link to the course's picture, if it has one."""
    file_id = course.thumbnail.get(str(width))
    if file_id is None:
        return None
    return content_url(
        state(), file_id, institution_id=course.institution_id, now=now(), name=f"{width}.webp"
    )
