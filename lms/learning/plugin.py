"""What the learning room gives: its pages, jobs, tasks and commands."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from lms.edge import Blueprint, Entry
from lms.hooks import hookimpl
from lms.learning import linking, recount, telling, voiding
from lms.learning.commands import explain
from lms.learning.making.views import blueprint as making
from lms.learning.models import Enrolment
from lms.learning.running import deciding, jobs, names, results_views, telling_results
from lms.learning.running import telling as places
from lms.learning.running.views import MENU as RUNS
from lms.learning.running.views import blueprint as running
from lms.learning.views import blueprint
from lms.outbox import Job


@hookimpl
def lms_blueprints() -> Iterable[Blueprint]:
    return [blueprint, making, results_views.blueprint, running]


@hookimpl
def lms_templates() -> Iterable[str]:
    return [str(Path(__file__).parent / "templates")]


@hookimpl
def lms_menu() -> Iterable[Entry]:
    return [
        Entry("배우기", "learn", "learning.courses", 20),
        Entry(
            "과정",
            "board",
            "making.courses",
            30,
            frozenset({"officer", "institution_admin", "auditor"}),
        ),
        *RUNS,
    ]


@hookimpl
def lms_jobs() -> Iterable[Job]:
    return [
        Job("learning.begin_runs", jobs.begin, timedelta(hours=1)),
        # 03:10 and 03:40 in Seoul, when nobody learns.
        Job("learning.recount", recount.run, timedelta(days=1), timedelta(hours=18, minutes=10)),
        Job("learning.seal", recount.seal_day, timedelta(days=1), timedelta(hours=18, minutes=40)),
    ]


@hookimpl
def lms_tasks() -> dict[str, Any]:
    return {
        "learning.tell_completion": telling.tell_completion,
        "learning.tell_results": telling_results.tell_results,
        "learning.tell_place": places.tell_place,
        "learning.tell_lapsed": places.tell_lapsed,
        "learning.tell_cancelled": places.tell_cancelled,
    }


@hookimpl
def lms_to_decide(session: Any, actor: Any, hook: Any, now: Any) -> Iterable[Any]:
    return deciding.waits(session, hook, actor, now)


@hookimpl
def lms_run_names(session: Any, institution_id: int, run_ids: list[int] | None) -> dict[int, str]:
    return names.named(session, institution_id, run_ids)


@hookimpl
def lms_launch_over(session: Any, institution_id: int, registration: str) -> str | None:
    return linking.launch_over(session, institution_id, registration)


@hookimpl
def lms_statement_links(session: Any, statement: Any, actor: Any) -> Iterable[Any]:
    return linking.links_of(session, statement, actor)


@hookimpl
def lms_after_voiding(connection: Any, institution_id: int, voided: Any, by: str, now: Any) -> None:
    voiding.after_voiding(connection, institution_id, voided, by=by, now=now)


@hookimpl
def lms_run_registrations(institution_id: int, run_id: int) -> Any:
    return select(Enrolment.registration).where(
        Enrolment.institution_id == institution_id, Enrolment.run_id == run_id
    )


@hookimpl
def lms_commands() -> Iterable[click.Command]:
    return [explain]
