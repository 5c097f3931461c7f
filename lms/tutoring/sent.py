"""What was sent to learners and whether it helped, and when somebody called them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from lms.learning.models import Enrolment
from lms.people.models import Person
from lms.tutoring.models import LearnerNote, Nudge

HELPS = timedelta(days=3)
"""Within this time after a message an act counts as its effect."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The last that reached, or is to reach, a learner: a message or a call."""

    at: datetime
    how: str
    """mail · sms · alimtalk · call"""

    outcome: str
    effect: str
    """acted · quiet (it did not help) · open (too early to say) · none (a call, or not sent)"""


def effect(
    outcome: str,
    ended_at: datetime | None,
    acted_at: datetime | None,
    last_act_at: datetime | None,
    now: datetime,
) -> str:
    """Whether a message helped: see `Sent.effect`."""
    if outcome != "sent" or ended_at is None:
        return "none"
    until = ended_at + HELPS
    if acted_at is not None or (last_act_at is not None and ended_at < last_act_at <= until):
        return "acted"
    return "open" if now < until else "quiet"


def last(
    session: Session, run_id: int, last_acts: dict[int, datetime | None], *, now: datetime
) -> dict[int, Sent]:
    """The last message or call of each of these enrolments (id → last act): two queries."""
    ids = list(last_acts)
    newest = (
        select(func.max(Nudge.id))
        .where(Nudge.enrolment_id.in_(ids), Nudge.outcome.in_(("sent", "queued")))
        .group_by(Nudge.enrolment_id)
    )
    found: dict[int, Sent] = {}
    for nudge in session.execute(
        select(
            Nudge.enrolment_id, Nudge.channel, Nudge.outcome, Nudge.due, Nudge.ended_at,
            Nudge.acted_at,
        ).where(Nudge.id.in_(newest))
    ):  # fmt: skip
        acted = last_acts[nudge.enrolment_id]
        found[nudge.enrolment_id] = Sent(
            at=nudge.ended_at or nudge.due,
            how=nudge.channel,
            outcome=nudge.outcome,
            effect=effect(nudge.outcome, nudge.ended_at, nudge.acted_at, acted, now),
        )
    calls = (
        select(LearnerNote.enrolment_id, func.max(LearnerNote.at).label("at"))
        .where(LearnerNote.enrolment_id.in_(ids), LearnerNote.kind == "call")
        .group_by(LearnerNote.enrolment_id)
    )
    for call in session.execute(calls):
        known = found.get(call.enrolment_id)
        if known is None or known.at < call.at:
            found[call.enrolment_id] = Sent(at=call.at, how="call", outcome="sent", effect="none")
    return found


def of_enrolment(session: Session, enrolment_id: int) -> Sequence[Any]:
    """Every nudge of an enrolment, newest first, with who wrote it."""
    return session.execute(
        select(Nudge, Person.name.label("author"))
        .outerjoin(Person, Person.id == Nudge.actor_id)
        .where(Nudge.enrolment_id == enrolment_id)
        .order_by(Nudge.id.desc())
        .limit(100)
    ).all()


def note_effects(session: Session, *, now: datetime) -> int:
    """Write down the first act after each message while it counts; returns how many were new.

    An enrolment keeps only its last act: this is asked every hour.
    """
    rows = session.execute(
        select(Nudge.id, Nudge.ended_at, Enrolment.last_act_at)
        .join(Enrolment, Enrolment.id == Nudge.enrolment_id)
        .where(
            Nudge.outcome == "sent",
            Nudge.acted_at.is_(None),
            Nudge.ended_at > now - HELPS - timedelta(hours=2),
            Enrolment.last_act_at > Nudge.ended_at,
        )
    ).all()
    new = [
        {"of": row.id, "acted": row.last_act_at}
        for row in rows
        if row.last_act_at <= row.ended_at + HELPS
    ]
    if new:
        told = update(Nudge).where(Nudge.id == bindparam("of")).values(acted_at=bindparam("acted"))
        session.connection().execute(told, new)
    return len(new)
