"""Who may do what with attempts at a quiz."""

from typing import Any

from lms.permissions import Permission, has_role


def _own_attempt(actor: Any, attempt: Any) -> bool:
    return (
        actor is not None
        and attempt is not None
        and bool(attempt.enrolment.person_id == actor.person_id)
    )


def _of_a_run_looked_after(actor: Any, attempt: Any) -> bool:
    if actor is None or attempt is None:
        return False
    if actor.roles & {"officer", "institution_admin"}:
        return True
    run_id = attempt.enrolment.run_id
    return any(run_id in actor.runs.get(role, ()) for role in ("course_manager", "instructor"))


MARKING = Permission(
    "quiz:marking", has_role("course_manager", "instructor", "officer", "institution_admin")
)
"""The queue of what waits for a mark; whose runs are in it is asked of each."""

MARK = Permission("quiz:mark", _of_a_run_looked_after)
"""Reading and marking an attempt: the office, and who looks after or teaches its run."""

ANSWER = Permission("quiz:answer", _own_attempt, sees=_own_attempt)
