"""What content gives the LMS: kinds of activity, their templates, the players' API."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from content import api, reading
from content.video import VideoKind
from lms.edge import Blueprint
from lms.hooks import hookimpl


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [api.blueprint, *reading.BLUEPRINTS]


@hookimpl
def lms_activity_kinds() -> Iterable[Any]:
    return [VideoKind(), *reading.KINDS]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]
