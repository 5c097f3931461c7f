"""What the tutoring room gives."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lms.edge import Blueprint, Entry
from lms.hooks import hookimpl
from lms.outbox import Handler, Job
from lms.tutoring import deciding, forgetting, notices, questions, reminding, sending
from lms.tutoring.channels import Rehearsal
from lms.tutoring.views import MENU, blueprint


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[Entry]:
    return MENU


@hookimpl
def lms_notifiers() -> Iterable[Rehearsal]:
    return [Rehearsal("sms"), Rehearsal("alimtalk")]


@hookimpl
def lms_notices(session: Session, run_ids: Sequence[int]) -> Iterable[Any]:
    return notices.standing(session, run_ids)


@hookimpl
def lms_to_decide(session: Session, actor: Any) -> Iterable[Any]:
    return deciding.waits(session, actor)


@hookimpl
def lms_jobs() -> Iterable[Job]:
    return [
        Job("tutoring.hourly", reminding.hourly, timedelta(hours=1), timedelta(minutes=5)),
        # 02:40 in Seoul.
        Job(
            "tutoring.forget",
            forgetting.nightly,
            timedelta(days=1),
            timedelta(hours=17, minutes=40),
        ),
    ]


@hookimpl
def lms_tasks() -> dict[str, Handler]:
    return {
        "tutoring.send_nudge": sending.send_nudge,
        "tutoring.send_digest": reminding.send_digest,
        "tutoring.remind": reminding.remind,
        "tutoring.tell_answer": questions.tell_answer,
    }
