"""What the people room gives by hook."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import click
import flask

from lms.hooks import hookimpl
from lms.outbox import Job
from lms.people import pruning
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
def lms_jobs() -> Iterable[Job]:
    # 04:20 in Seoul, when nobody learns.
    return [Job("people.prune", pruning.run, timedelta(days=1), timedelta(hours=19, minutes=20))]


@hookimpl
def lms_commands() -> Iterable[click.Command]:
    return [person, institution]
