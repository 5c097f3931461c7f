"""Which sign-ins that were seen a moment ago still sign somebody in."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from lms.config import Settings
from lms.db import PreparedIn
from lms.people.models import Person, SignIn
from lms.people.service import GONE, STALE

_IN_FORCE = PreparedIn(
    select(SignIn.id)
    .join(Person, Person.id == SignIn.person_id)
    .where(
        SignIn.revoked_at.is_(None),
        SignIn.seen_at > bindparam("seen_after"),
        SignIn.created_at > bindparam("created_after"),
        Person.status.not_in(GONE),
    ),
    SignIn.id,
    int,
)


def ended(
    connection: Connection, sign_ins: Collection[int], *, now: datetime, settings: Settings
) -> set[int]:
    """Those of the sign-ins, by their ids, that sign nobody in any longer; one query for all.

    By the rules of lms.people.service.find_actor.
    """
    if not sign_ins:
        return set()
    told = {
        "seen_after": now - timedelta(minutes=settings.idle_minutes) - STALE,
        "created_after": now - timedelta(days=settings.sign_in_days),
    }
    return set(sign_ins) - set(_IN_FORCE.all(connection, sign_ins, **told))
