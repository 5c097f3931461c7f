"""Who may do what with courses and enrolments."""

from typing import Any

from lms.learning.models import Run
from lms.permissions import Permission, Rule, any_of, has_role, owns, signed_in


def of_its_run(role: str) -> Rule:
    """The role for the very run that the thing is, or belongs to (`run_id`)."""

    def allows(actor: Any, thing: Any) -> bool:
        if actor is None or thing is None:
            return False
        run_id = thing.id if isinstance(thing, Run) else thing.run_id
        return run_id in actor.runs.get(role, ())

    return allows


SEE_COURSES = Permission("courses:see", signed_in)
ENROL = Permission("courses:enrol", has_role("learner"))
LEARN = Permission("enrolment:learn", owns, sees=owns)

_OFFICE = has_role("officer", "institution_admin")
looks_after: Rule = any_of(_OFFICE, of_its_run("course_manager"))
"""The run's course managers, and the office for every run of its institution."""

LOOK_AFTER = Permission("runs.look_after", looks_after)
"""Looking after the learners of a run: nudges, notes, answers, notices, hand-over."""

READ_RUN = Permission(
    "runs.read", any_of(looks_after, has_role("auditor"), of_its_run("instructor"))
)
"""How the learners of a run are doing."""

CLOSE_RUN = Permission("runs.close", _OFFICE)
"""Closing a run, opening it again, recomputing it, noting that its results were told."""

LIST_RUNS = Permission("runs.list", has_role("officer", "institution_admin", "auditor"))
"""Every run of the institution."""

KEEP_RUNS = Permission("runs.keep", _OFFICE)
"""Making, opening and cancelling runs; letting people in and out of them."""
