"""What `assessments` gives to the LMS."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, has_request_context

from assessments import api, awaiting, demo, marking_views, statistics
from assessments.kind import QuizKind
from lms.edge.rendering import url
from lms.hooks import hookimpl
from lms.learning.kinds import Kind
from lms.learning.running.closing import Unmarked

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lms.learning.models import Run
    from lms.people.models import Institution


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    # From `api`, so that its routes are there when the blueprint is mounted.
    return [api.blueprint, marking_views.blueprint]


@hookimpl
def lms_activity_kinds() -> Iterable[Kind]:
    return [QuizKind()]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_unmarked(session: "Session", run_ids: Sequence[int]) -> Iterable[Unmarked]:
    # A job or a command asks too, and has no address to give.
    href = url("marking.queue") if has_request_context() else ""
    return [
        Unmarked(
            run_id=run_id,
            activity_id=activity_id,
            title=title,
            count=count,
            since=since,
            href=href,
        )
        for run_id, activity_id, title, count, since in awaiting.in_runs(session, run_ids)
    ]


@hookimpl
def lms_stuck_questions(session: "Session", run: "Run") -> Iterable[statistics.Hard]:
    return statistics.hardest(session, run)


@hookimpl
def lms_demo(
    state: Any, institution: "Institution", runs: Mapping[str, int], now: datetime
) -> None:
    demo.build(state, institution, runs, now=now)
