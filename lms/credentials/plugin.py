"""What the credentials room gives: certificates by hook, its pages, its commands."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pluggy
from sqlalchemy.orm import Session

from lms.credentials import review_views, service
from lms.credentials.commands import verify_number
from lms.credentials.views import blueprint
from lms.edge import Blueprint, Entry
from lms.hooks import hookimpl
from lms.learning.models import Completion


@hookimpl
def lms_after_completion(
    session: Session, completion: Completion, hook: pluggy.HookRelay, now: datetime
) -> None:
    service.issue(session, hook, completion, now=now)


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [blueprint, review_views.blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[Entry]:
    return [Entry("내 기록", "record", "credentials.record", 50)]


@hookimpl
def lms_to_decide(session: Session, actor: Any) -> Iterable[Any]:
    return review_views.waits(session, actor)


@hookimpl
def lms_commands() -> Iterable[click.Command]:
    return [verify_number]
