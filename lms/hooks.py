"""The plugin API, whole. Our own packages use it too, so it works.

`session` is always the database's. A `before` hook may refuse with a reason that a person can
read; an `after` hook runs in the transaction of what it is told, may add rows and promise tasks,
and undoes all when it raises.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Blueprint
    from sqlalchemy.orm import Session

hookspec = pluggy.HookspecMarker("lms")
hookimpl = pluggy.HookimplMarker("lms")


@hookspec
def lms_blueprints() -> "Iterable[Blueprint]":  # type: ignore[empty-body]
    """Pages and API endpoints to mount under the LMS's prefix (lms.edge.Blueprint)."""


@hookspec
def lms_activity_kinds() -> "Iterable[Any]":  # type: ignore[empty-body]
    """Kinds of activity a course can hold: see lms.learning.kinds.Kind."""


@hookspec
def lms_jobs() -> "Iterable[Any]":  # type: ignore[empty-body]
    """Work to be done on the clock: see lms.outbox.Job."""


@hookspec
def lms_tasks() -> "dict[str, Any]":  # type: ignore[empty-body]
    """Names of promised tasks and the functions that keep them: see lms.outbox.Handler."""


@hookspec
def lms_commands() -> "Iterable[Any]":  # type: ignore[empty-body]
    """click commands to add to the `lms` command line; each gets the State as its `obj`."""


@hookspec
def lms_menu() -> "Iterable[Any]":  # type: ignore[empty-body]
    """Entries of the main menu: see lms.edge.menu.Entry."""


@hookspec
def lms_notifiers() -> "Iterable[Any]":  # type: ignore[empty-body]
    """Gateways for text messages and 알림톡: see lms.tutoring.channels.Notifier."""


@hookspec
def lms_templates() -> "Iterable[str]":  # type: ignore[empty-body]
    """Folders (absolute paths) with the plugin's templates; name them under your package's name."""


@hookspec(firstresult=True)
def lms_before_enrol(session: "Session", person: Any, run: Any, now: "datetime") -> str | None:
    """Asked before a person is enrolled. Answer with the reason against it, or None."""


@hookspec(firstresult=True)
def lms_before_launch(
    session: "Session", enrolment: Any, activity: Any, now: "datetime"
) -> str | None:
    """Asked before an activity opens. Answer with the reason it is closed, or None.

    On the way to a page both are columns (lms.learning.rows) and not the models' objects.
    """


@hookspec
def lms_unmarked(session: "Session", run_ids: "Sequence[int]") -> "Iterable[Any]":  # type: ignore[empty-body]
    """What waits for a mark in the runs: see lms.learning.running.closing.Unmarked.

    Asked before a run is closed, which what is unmarked forbids, and for pages that say what
    waits. One query for all the runs.
    """


@hookspec
def lms_to_decide(  # type: ignore[empty-body]
    session: "Session", actor: Any, hook: Any, now: "datetime"
) -> "Iterable[Any]":
    """What waits for a decision of `actor`: see lms.edge.deciding.Waits. A query for each kind.

    `hook`: the relay, for an implementation that asks others in turn.
    """


@hookspec
def lms_notices(session: "Session", run_ids: "Sequence[int]") -> "Iterable[Any]":  # type: ignore[empty-body]
    """What the learners of these runs should know, newest first: rows with `run_id`, `at`, `title`
    and `body` (plain text). One query for all the runs; shown where one learns."""


@hookspec
def lms_stuck_questions(session: "Session", run: Any) -> "Iterable[Any]":  # type: ignore[empty-body]
    """Questions that the learners of a run get wrong most, the hardest first: objects with `text`,
    `share` (permille wrong) and `href` (or None). Shown on the desk beside where learners stop."""


@hookspec(firstresult=True)
def lms_run_names(
    session: "Session", institution_id: int, run_ids: "list[int] | None"
) -> "dict[int, str] | None":
    """Runs of an institution as people call them, by id; None: those that are not over."""


@hookspec
def lms_after_enrolment(session: "Session", enrolment: Any, now: "datetime") -> None:
    """Told that a person was enrolled."""


@hookspec
def lms_after_statements(
    session: "Session", enrolment: Any, statements: "list[Any]", now: "datetime"
) -> None:
    """Told of the statements just stored for an enrolment, after its results were settled."""


@hookspec
def lms_after_completion(session: "Session", completion: Any, hook: Any, now: "datetime") -> None:
    """Told that an enrolment was completed, in the transaction of its last fact.

    `hook`: the relay, for an implementation that has news of its own to tell.
    """


@hookspec
def lms_after_certificate(session: "Session", certificate: Any, now: "datetime") -> None:
    """Told that a certificate was issued, in the transaction of its completion."""
