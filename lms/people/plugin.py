"""What the people room gives by hook."""

from collections.abc import Iterable
from pathlib import Path

import click
import flask

from lms.hooks import hookimpl
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
