"""What the people room gives by hook."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import flask

from lms.hooks import hookimpl
from lms.outbox import Job
from lms.people import hr_import, keeping
from lms.people.commands import person
from lms.people.founding import institution
from lms.people.views import MENU, blueprint


@hookimpl
def lms_blueprints() -> Iterable[flask.Blueprint]:
    return [blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[object]:
    return MENU


@hookimpl
def lms_commands() -> Iterable[click.Command]:
    return [person, institution]


@hookimpl
def lms_tasks() -> dict[str, Any]:
    return {hr_import.TASK: hr_import.keep_promise}


@hookimpl
def lms_jobs() -> Iterable[Job]:
    hour = timedelta(hours=1)
    return [
        # Soon after midnight wherever the institution is.
        Job("people.begin_posts", keeping.begin_posts, hour, timedelta(minutes=1)),
        Job("people.forget_sheets", keeping.forget_sheets, hour, timedelta(minutes=30)),
    ]
