"""A course made from another, or from a file."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from lms.files import uploads
from lms.files.uploads import Held
from lms.learning.making import drafts, editing, fields, unpacking
from lms.learning.making.package import Manifest
from lms.learning.models import Course


def copy(
    session: Session, course: Course, *, code: str, title: str, actor_id: int, now: datetime
) -> Course:
    """A new course with what is said of this one, and its draft as it stands now."""
    told = msgspec.structs.replace(fields.of_course(course), title=editing.titled(title))
    made = fields.create(
        session,
        course.institution_id,
        code,
        told,
        act="course.copy",
        actor_id=actor_id,
        now=now,
        source=course.id,
        duty=dict(course.duty),
        thumbnail=dict(course.thumbnail),
    )
    draft = drafts.of_course(session, course)
    drafts.begin(session, made, draft.units, actor_id=actor_id, now=now)
    return made


def bring_in(
    session: Session,
    institution_id: int,
    manifest: Manifest,
    held: Sequence[Held],
    *,
    code: str,
    actor_id: int,
    now: datetime,
) -> Course:
    """A new course out of a package whose files are in storage already; its draft, to be looked at
    and published. Raises InvalidError, ConflictError for its code."""
    ids: dict[tuple[str, str], int] = {}
    for one in held:
        row = uploads.enter(session, institution_id, one, now=now)
        ids[one.sha256, one.name] = row.id
    thumbnail: dict[str, Any] = {
        width: ids[packed.sha256, packed.name] for width, packed in manifest.thumbnail.items()
    }
    made = fields.create(
        session,
        institution_id,
        code,
        manifest.course,
        act="course.import",
        actor_id=actor_id,
        now=now,
        duty=dict(manifest.duty),
        thumbnail=thumbnail,
    )
    units = unpacking.units(manifest, ids)
    drafts.begin(session, made, units, actor_id=actor_id, now=now)
    return made
