"""What the package gives Ieum, by hook."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ieum_note.kind import NAME, NoteKind
from ieum_note.views import blueprint
from lms import hookimpl
from lms.learning.models import ActivityResult


@hookimpl
def lms_activity_kinds() -> Iterable[NoteKind]:
    return [NoteKind()]


@hookimpl
def lms_blueprints() -> Iterable[flask.Blueprint]:
    return [blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_before_launch(session: Session, enrolment: Any, activity: Any, now: datetime) -> str | None:
    """A note is about what was learnt: something has to be done first."""
    if activity.kind != NAME:
        return None
    done = session.scalar(
        select(func.count())
        .select_from(ActivityResult)
        .where(ActivityResult.enrolment_id == enrolment.id, ActivityResult.done)
    )
    return None if done else "먼저 다른 활동을 마친 뒤에 쓸 수 있습니다."
