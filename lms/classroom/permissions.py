"""Who may do what with rooms, meetings and seats."""

from typing import Any

from lms.learning.permissions import looks_after, of_its_run
from lms.permissions import Permission, any_of, has_role, owns, signed_in

_OFFICE = has_role("officer", "institution_admin")


def teaches(actor: Any, thing: Any) -> bool:
    """They are one of the meeting's instructors."""
    if actor is None or thing is None:
        return False
    return any(one.person_id == actor.person_id for one in thing.instructors)


KEEP_ROOMS = Permission("rooms.keep", _OFFICE)
"""Adding rooms, changing them, taking them out of use; saying what instructors can teach."""

SEE_ROOMS = Permission("rooms.see", has_role("officer", "institution_admin", "auditor"))
"""The rooms, what is in them when, the week of the institution."""

PLAN = Permission("meetings.plan", _OFFICE)
"""Planning meetings, opening, moving, cancelling and restoring them; giving and taking seats."""

READ_MEETING = Permission(
    "meetings.read",
    any_of(looks_after, has_role("auditor"), of_its_run("instructor"), teaches),
)
"""A meeting with who has a seat and who waits."""

SETTLE = Permission("meetings.settle", any_of(looks_after, of_its_run("instructor"), teaches))
"""Saying who was there, and settling it: who teaches the meeting, and who looks after its run."""

OWN_MEETINGS = Permission("meetings.own", signed_in)
"""One's own meetings, as a learner and as an instructor, and one's calendar."""

OWN_SEAT = Permission("seats.own", owns, sees=owns)
"""One's own seat or place on a list: giving it back, accepting an offer, moving it."""
