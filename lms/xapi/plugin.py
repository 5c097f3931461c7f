"""What the record store gives by hook."""

from collections.abc import Iterable

import click
import flask

from lms.hooks import hookimpl
from lms.xapi.api import api
from lms.xapi.commands import record_store


@hookimpl
def lms_blueprints() -> Iterable[flask.Blueprint]:
    """The resources of the standard."""
    return [api]


@hookimpl
def lms_commands() -> Iterable[click.Command]:
    """`lms record-store`."""
    return [record_store]
