"""What the assembly itself gives: home, uploaded content, health."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lms.edge import Blueprint, Entry
from lms.hooks import hookimpl
from lms.web import content, health, home, manage


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [home.blueprint, content.blueprint, health.blueprint, manage.blueprint]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[Entry]:
    return [home.ENTRY, manage.ENTRY]


@hookimpl
def lms_to_decide(session: Any, actor: Any) -> Iterable[Any]:
    return manage.given_up(session, actor)
