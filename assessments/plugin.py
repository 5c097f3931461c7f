"""What `assessments` gives to the LMS."""

from collections.abc import Iterable
from pathlib import Path

from flask import Blueprint

from assessments import api
from assessments.kind import QuizKind
from lms.hooks import hookimpl
from lms.learning.kinds import Kind


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    # From `api`, so that its routes are there when the blueprint is mounted.
    return [api.blueprint]


@hookimpl
def lms_activity_kinds() -> Iterable[Kind]:
    return [QuizKind()]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]
