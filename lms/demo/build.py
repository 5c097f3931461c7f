"""Builds the demo institute: the same one every time, but for the dates, which hang on today."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from lms import clock
from lms.demo import (
    catalogue,
    institutions,
    learning,
    making,
    meetings,
    partners,
    personnel,
    population,
    running,
    tutoring,
)
from lms.demo.institutions import DemoAccount
from lms.xapi import credentials


@dataclass
class Built:
    """What programs are told of the demo institute."""

    accounts: list[DemoAccount] = field(default_factory=list)
    record_store: dict[str, str] = field(default_factory=dict)


def build(state: Any, *, people: int, progress: Callable[[int], object] = lambda n: None) -> Built:
    """Fill an empty database; `progress` hears of each batch of people made.

    Each part is a transaction of its own, so that the write lock is never held for long.
    """
    built, now = Built(), clock.now()
    with state.db.transaction() as session:
        made = institutions.make(session, now=now)
        built.record_store = _record_store(session, made.first.id, now=now)
    for institution in (made.first, made.second):
        count = people if institution is made.first else min(people, 60)
        for batch in population.batches(state, institution, made, count, now=now):
            progress(batch if institution is made.first else 0)
    catalogue.make(state, made, now=now)
    built.accounts = institutions.open_accounts(state, made, now=now)
    personnel.build(state, made, now=now)
    learning.make(state, made, now=now)
    tutoring.make(state, made, now=now)
    running.build(state, made, now=now)
    partners.build(state, made, now=now)
    making.build(state, made, now=now)
    meetings.build(state, made, now=now)
    state.hook.lms_demo(state=state, institution=made.first, runs=dict(made.runs), now=now)
    return built


def _record_store(session: Session, institution_id: int, *, now: Any) -> dict[str, str]:
    credential, secret = credentials.make(session, institution_id, "demo", ["all"], now=now)
    return {"username": credential.username, "password": secret}
