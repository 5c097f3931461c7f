"""Synthetic people with plain HR facts, made in batches so that any number fits in memory."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import insert

from lms.demo import names
from lms.demo.institutions import Made
from lms.people import registering
from lms.people.models import Institution, Person
from lms.people.sealing import Sealer

BATCH = 500
_SPACE = UUID("5b0a7f0e-7f3e-5c55-9a0e-1e0a5e0d1e0a")


def batches(
    state: Any, institution: Institution, made: Made, count: int, *, now: datetime
) -> Iterator[int]:
    """Insert `count` people; yields the size of each batch once it is committed."""
    sealer = Sealer(state.settings.encryption_key())
    places = made.organisations[institution.id]
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        rows = [_row(sealer, institution, places, number, now) for number in numbers]
        with state.db.transaction() as session:
            session.execute(insert(Person), rows)
        yield len(rows)


def _row(
    sealer: Sealer, institution: Institution, places: list[int], number: int, now: datetime
) -> dict[str, Any]:
    one = names.person(number)
    subject = f"demo-{number}"
    return {
        "institution_id": institution.id,
        "issuer": "local",
        "subject": subject,
        # Deterministic, unlike a real person's: the demo's statements can be compared.
        "account_name": str(uuid5(_SPACE, f"{institution.code}:{number}")),
        "name": one.name,
        "email": None,
        "organisation_id": places[one.organisation_index],
        "staff_category": one.staff_category,
        "rank": one.rank,
        "occupation": one.occupation,
        "first_appointed_on": one.first_appointed,
        "status": one.status,
        "birth_date_sealed": sealer.seal(one.birth_date.isoformat()),
        "born_mark": registering.born_mark(sealer, one.name, one.birth_date),
        "neis_sealed": sealer.seal(one.neis),
        "neis_mark": sealer.mark(one.neis),
        "locale": None,
        "theme": "",
        "created_at": now,
    }
