"""What the classroom gives."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lms.classroom import clockwork, seats, telling, with_runs
from lms.classroom.kind import MeetingKind
from lms.classroom.providers import Generic, Provider
from lms.classroom.views import MENU, blueprint
from lms.edge import Blueprint, Entry
from lms.hooks import hookimpl


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [blueprint]


@hookimpl
def lms_menu() -> Iterable[Entry]:
    return MENU


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_activity_kinds() -> Iterable[MeetingKind]:
    return [MeetingKind()]


@hookimpl
def lms_tasks() -> dict[str, Any]:
    return {
        "classroom.fire": clockwork.fire,
        "classroom.tell_meeting": telling.tell_meeting,
        "classroom.tell_seat": telling.tell_seat,
        "classroom.tell_lapsed": telling.tell_lapsed,
    }


@hookimpl
def lms_meeting_providers() -> Iterable[Provider]:
    return [Generic()]


@hookimpl
def lms_after_withdrawal(session: Any, enrolment: Any, hook: Any, now: Any) -> None:
    seats.enrolment_ended(session, hook, enrolment, now=now)


@hookimpl
def lms_after_run_cancelled(
    session: Any, run: Any, reason: str, actor_id: int | None, now: Any
) -> None:
    with_runs.cancel_all(session, run, reason=reason, actor_id=actor_id, now=now)
