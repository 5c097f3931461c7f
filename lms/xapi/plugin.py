"""What the record store gives by hook."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import flask
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from lms.checks import Finding
from lms.hooks import hookimpl
from lms.outbox import Handler, Job
from lms.xapi import echoes, forgetting, forwarding
from lms.xapi.moving_commands import record_store
from lms.xapi.resources import xapi_1, xapi_2
from lms.xapi.views import MENU, blueprint, forwards_late


@hookimpl
def lms_blueprints() -> Iterable[flask.Blueprint]:
    """The resources of the standard, under the address of each version; the pages."""
    return [xapi_2, xapi_1, blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[object]:
    return MENU


@hookimpl
def lms_jobs() -> Iterable[Job]:
    return [
        Job("xapi.follow_references", echoes.follow_late, timedelta(minutes=5)),
        Job("xapi.forward", forwarding.every_minute, timedelta(minutes=1)),
        # 02:50 in Seoul.
        Job(
            "xapi.forget",
            forgetting.nightly,
            timedelta(days=1),
            timedelta(hours=17, minutes=50),
        ),
    ]


@hookimpl
def lms_tasks() -> dict[str, Handler]:
    return {"xapi.forward": forwarding.send}


@hookimpl
def lms_findings(connection: Connection, hook: Any, now: datetime) -> Iterable[Finding]:
    return [forwarding.finding(connection, hook, now)]


@hookimpl
def lms_to_decide(session: Session, actor: Any, hook: Any, now: datetime) -> Iterable[Any]:
    return forwards_late(session, actor, hook, now)


@hookimpl
def lms_commands() -> Iterable[click.Command]:
    """`lms record-store`."""
    return [record_store]
