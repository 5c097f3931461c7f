"""What the record store gives by hook."""

from collections.abc import Iterable

import click
import flask

from lms.hooks import hookimpl
from lms.xapi.commands import record_store
from lms.xapi.resources import xapi_1, xapi_2


@hookimpl
def lms_blueprints() -> Iterable[flask.Blueprint]:
    """The resources of the standard, under the address of each version."""
    return [xapi_2, xapi_1]


@hookimpl
def lms_commands() -> Iterable[click.Command]:
    """`lms record-store`."""
    return [record_store]
