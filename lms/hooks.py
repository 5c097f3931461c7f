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
    from sqlalchemy import Connection
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


@hookspec
def lms_demo(state: Any, institution: Any, runs: "dict[str, int]", now: "datetime") -> None:
    """Told when the demo institute stands: add what shows your part of it, in a transaction of your
    own. `runs`: the institution's runs by the folder of their content (`lms/demo/content`)."""


@hookspec(firstresult=True)
def lms_before_enrol(session: "Session", person: Any, run: Any, now: "datetime") -> str | None:
    """Asked before a person is enrolled. Answer with the reason against it, or None."""


@hookspec
def lms_before_meeting(  # type: ignore[empty-body]
    session: "Session", meeting: Any, seat: Any, moment: str, now: "datetime"
) -> "Iterable[Any]":
    """Asked before somebody's seat is confirmed (`moment` is "seat") and before they check in
    ("check_in"). Answer with the reason against it, with lms.classroom.asking.Warn to say something
    and let them through, or None.

    `seat` may not be kept yet; it names `person_id` and `enrolment_id`. Who waits and is refused
    keeps their place, and the next in line is asked.
    """


@hookspec
def lms_after_meeting(session: "Session", meeting: Any, attendance: Any, now: "datetime") -> None:
    """Told that a person's attendance was settled, in the transaction that settles it; again when
    it is corrected (`attendance.revision` is higher then)."""


@hookspec
def lms_meeting_providers() -> "Iterable[Any]":  # type: ignore[empty-body]
    """Services for live meetings: see lms.classroom.providers.Provider."""


@hookspec(firstresult=True)
def lms_before_launch(
    session: "Session", enrolment: Any, activity: Any, now: "datetime"
) -> str | None:
    """Asked before an activity opens. Answer with the reason it is closed, or None.

    On the way to a page both are columns (lms.learning.rows) and not the models' objects.
    """


@hookspec(firstresult=True)
def lms_launch_over(
    session: "Session", institution_id: int, registration: str, now: "datetime"
) -> str | None:
    """Asked at each use of a launch token (lms.xapi.tokens). Answer with the reason why nothing
    may be written under this registration any more, or None."""


@hookspec
def lms_statement_links(session: "Session", statement: Any, actor: Any) -> "Iterable[Any]":  # type: ignore[empty-body]
    """What a statement has to do with, for the page that shows it: see lms.xapi.browsing.Link.

    `statement`: its columns, as lms.xapi.browsing.row_of gives them, of the institution of `actor`,
    who reads; an address that the reader may not open is left out. A few queries at most.
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
def lms_after_withdrawal(session: "Session", enrolment: Any, hook: Any, now: "datetime") -> None:
    """Told that an enrolment was withdrawn, under its lock, before its seat goes to the next.

    `hook`: the relay, for an implementation that asks others in turn.
    """


@hookspec
def lms_after_run_cancelled(
    session: "Session", run: Any, reason: str, actor_id: int | None, now: "datetime"
) -> None:
    """Told that a run was called off, under its lock."""


@hookspec
def lms_after_statements(
    session: "Session", enrolment: Any, statements: "list[Any]", now: "datetime"
) -> None:
    """Told of the statements just stored for an enrolment, after its results were settled."""


@hookspec
def lms_after_voiding(
    connection: "Connection",
    institution_id: int,
    voided: "Sequence[Any]",
    by: str,
    now: "datetime",
) -> None:
    """Told of statements just voided, in the transaction that voids them, often the writer's.

    `voided`: lms.xapi.store.Voided, each stored and not voided before; `by`: whose authority, as
    in Stored.authority.
    """


@hookspec(firstresult=True)
def lms_run_registrations(institution_id: int, run_id: int) -> Any:
    """The registrations of a run's enrolments: a SELECT of lower-case UUIDs, to narrow
    statements by."""


@hookspec
def lms_findings(connection: "Connection", hook: Any, now: "datetime") -> "Iterable[Any]":  # type: ignore[empty-body]
    """What `lms check` should say beside its own: see lms.checks.Finding. Reads only.

    `hook`: the relay, for an implementation that asks others in turn.
    """


@hookspec
def lms_after_completion(session: "Session", completion: Any, hook: Any, now: "datetime") -> None:
    """Told that an enrolment was completed, in the transaction of its last fact.

    `hook`: the relay, for an implementation that has news of its own to tell.
    """


@hookspec
def lms_after_certificate(session: "Session", certificate: Any, now: "datetime") -> None:
    """Told that a certificate was issued, in the transaction of its completion."""
