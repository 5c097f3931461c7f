"""What the assembly itself gives: home, uploaded content, health."""

from collections.abc import Iterable
from pathlib import Path

from lms.edge import Blueprint, Entry
from lms.hooks import hookimpl
from lms.web import content, health, home


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [home.blueprint, content.blueprint, health.blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[Entry]:
    return [home.ENTRY]
