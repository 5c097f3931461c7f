"""What the learning room gives: its pages, jobs, tasks and commands."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from lms.edge import Blueprint, Entry
from lms.hooks import hookimpl
from lms.learning import recount, telling
from lms.learning.commands import explain
from lms.learning.views import blueprint
from lms.outbox import Job


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[Entry]:
    return [Entry("배우기", "learn", "learning.courses", 20)]


@hookimpl
def lms_jobs() -> Iterable[Job]:
    return [
        # 03:10 and 03:40 in Seoul, when nobody learns.
        Job("learning.recount", recount.run, timedelta(days=1), timedelta(hours=18, minutes=10)),
        Job("learning.seal", recount.seal_day, timedelta(days=1), timedelta(hours=18, minutes=40)),
    ]


@hookimpl
def lms_tasks() -> dict[str, Any]:
    return {"learning.tell_completion": telling.tell_completion}


@hookimpl
def lms_commands() -> Iterable[click.Command]:
    return [explain]
