"""What the record store gives by hook."""

from collections.abc import Iterable

from flask import Blueprint

from lms.hooks import hookimpl
from lms.xapi import api


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    """The resources of the standard."""
    return [api.api]
