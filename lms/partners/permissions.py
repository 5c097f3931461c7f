"""Who may do what with school runs: a school officer for the own school of the moment."""

from typing import Any

from lms.permissions import Permission, any_of, has_role

_OFFICE = has_role("officer", "institution_admin")
_READERS = has_role("officer", "institution_admin", "auditor")


def for_own_school(actor: Any, thing: Any) -> bool:
    """A school officer, and the thing is the school's to which they belong at this request.

    Who was transferred acts for the new school from then on, who belongs to none for nobody.
    """
    if actor is None or "school_officer" not in actor.roles or actor.organisation_id is None:
        return False
    return thing is None or bool(thing.organisation_id == actor.organisation_id)


def asked_of_office(actor: Any, thing: Any) -> bool:
    """What a school has sent at least once; what it only drafts is its own business."""
    return _READERS(actor, thing) and (thing is None or thing.asked_at is not None)


_reads = any_of(for_own_school, asked_of_office)


def _sees(actor: Any, thing: Any) -> bool:
    return thing is None or _reads(actor, thing)


COMPOSE = Permission("school_runs.compose", for_own_school, sees=_sees)
"""Making a request for the own school: courses, period, staff; sending it and taking it back."""

READ = Permission("school_runs.read", _reads, sees=_sees)
"""A school's requests and how its staff do in the runs that came of them."""

TAKE_AWAY = Permission(
    "school_runs.take_away",
    any_of(for_own_school, _OFFICE),
    sees=_sees,
)
"""Downloading the staff's progress, with a reason."""

DECIDE = Permission("school_runs.decide", _OFFICE, sees=_sees)
"""Approving a school's request, or sending it back with a reason."""
