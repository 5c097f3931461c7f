"""A nudge from the sender's word to the post: kept once, asked again at the last moment.

Nothing is sent here: a mail is promised to the outbox in the very transaction that says it went;
a gateway is told the nudge's own key, by which it sends once what it is told twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.db import insert_or_ignore
from lms.errors import ConflictError, InvalidError
from lms.learning.models import Enrolment, Run
from lms.learning.service import zone_of
from lms.outbox import Task, promise
from lms.people.models import Person
from lms.tutoring import channels, quiet, unwanted
from lms.tutoring.models import Nudge
from lms.tutoring.planning import Plan, Told
from lms.tutoring.templates import Text

DONE = "그사이에 이수했습니다."
LEFT = "그사이에 수강을 취소했습니다."
OVER = "학습 기간이 끝났습니다."
UNWANTED = "받지 않겠다고 했습니다."
NO_ADDRESS = "보낼 주소가 없습니다."
TODAY = "그사이에 다른 독려를 받았습니다."
TAKEN_BACK = "보내기 전에 거두었습니다."
NO_GATEWAY = "이 방법으로 보낼 수 없습니다. 운영자에게 알려 주십시오."
CHANGED = "보는 사이에 사정이 달라졌습니다. 받을 사람과 글을 다시 확인해 주십시오."


def confirm(
    session: Session, run: Run, plan: Plan, text: Text, told: Told, *, mark: str, actor_id: int,
    now: datetime, zone: str,
) -> int:  # fmt: skip
    """Keep the planned letters and promise each; returns how many are new.

    Raises ConflictError when the plan is no longer what the sender saw (`mark`), InvalidError when
    nobody is left to write to. Confirming twice sends once.
    """
    if mark != plan.mark:
        raise ConflictError(CHANGED)
    if not plan.letters:
        raise InvalidError("받을 사람이 없습니다. 사람을 다시 골라 주십시오.")
    step = clock.local_day(plan.due, zone).isoformat()
    rows = [
        {
            "institution_id": run.institution_id,
            "run_id": run.id,
            "enrolment_id": one.enrolment_id,
            "person_id": one.person_id,
            "template_id": text.id,
            "key": f"hand:{one.enrolment_id}:{text.id}:{told.channel}:{step}",
            "channel": told.channel,
            "subject": one.subject,
            "body": one.body,
            "actor_id": actor_id,
            "at": now,
            "due": plan.due,
            "outcome": "queued",
        }
        for one in plan.letters
    ]
    connection = session.connection()
    new = connection.execute(insert_or_ignore(connection, Nudge).returning(Nudge.id), rows)
    ids = new.scalars().all()
    for nudge_id in ids:
        _promise(session, nudge_id, run.institution_id, plan.due, now)
    return len(ids)


def take_back(session: Session, nudge: Nudge, *, now: datetime) -> None:
    """Stop a nudge that has not gone yet. Raises ConflictError when it has."""
    session.refresh(nudge, with_for_update=True)
    if nudge.outcome != "queued":
        raise ConflictError("이미 보냈거나 거둔 독려입니다. 보낸 독려에서 확인해 주십시오.")
    end(nudge, "dropped", TAKEN_BACK, now)


def send_nudge(state: Any, task: Task, now: datetime) -> None:
    """Keep a `tutoring.send_nudge` task: send it, put it off to the morning, or drop it and say
    why. Twice is harmless."""
    with state.db.transaction() as session:
        nudge = _locked(session, task.payload["nudge"])
        if nudge is None:
            return
        zone = zone_of(session, nudge.institution_id)
        due = quiet.next_open(now, zone)
        if due > now:
            nudge.due = due
            _promise(session, nudge.id, nudge.institution_id, due, now)
            return
        person = session.get_one(Person, nudge.person_id)
        why = against(session, nudge, person, now=now, zone=zone)
        if why is not None:
            end(nudge, "dropped", why, now)
            return
        if nudge.channel == channels.MAIL:
            post(session, state, [nudge], person, key=f"nudge:{nudge.id}:mail", now=now)
            return
        gateway = channels.notifiers(state).get(nudge.channel)
        if gateway is None:
            end(nudge, "failed", NO_GATEWAY, now)
            return
        to = channels.address(person, nudge.channel) or ""
    # Outside the transaction: a gateway may be slow. It knows the key, should we come again.
    gateway.send(state, key=nudge.key, to=to, subject=nudge.subject, body=nudge.body, now=now)
    with state.db.transaction() as session:
        again = _locked(session, nudge.id)
        if again is not None:
            end(again, "sent", None, now)


def against(
    session: Session, nudge: Nudge, person: Person, *, now: datetime, zone: str
) -> str | None:
    """Why a nudge must not go after all (a msgid); None lets it go.

    Under the person's lock, so that of two at once the second sees that the first went.
    """
    enrolment = session.get_one(Enrolment, nudge.enrolment_id, populate_existing=True)
    if enrolment.completed_at is not None:
        return DONE
    if enrolment.state != "enrolled" or person.status != "active":
        return LEFT
    today = clock.local_day(now, zone)
    if today > enrolment.run.learn_until or enrolment.run.state in {"closed", "cancelled"}:
        return OVER
    if not channels.wants(person, nudge.channel):
        return UNWANTED
    if not channels.address(person, nudge.channel):
        return NO_ADDRESS
    told = session.scalar(
        select(Nudge.id)
        .where(
            Nudge.person_id == person.id,
            Nudge.outcome == "sent",
            Nudge.ended_at >= clock.start_of_day(today, zone),
        )
        .limit(1)
    )
    return TODAY if told is not None else None


def post(
    session: Session,
    state: Any,
    nudges: Sequence[Nudge],
    person: Person,
    *,
    key: str,
    now: datetime,
    subject: str | None = None,
    body: str | None = None,
) -> None:
    """Promise one mail for these nudges of a person, and say that they went."""
    promise(
        session,
        "mail.send",
        key=key,
        now=now,
        institution_id=person.institution_id,
        to=person.email,
        subject=subject or nudges[0].subject,
        body=body or nudges[0].body,
        unsubscribe=unwanted.link(state, person.id, channels.MAIL),
    )
    for nudge in nudges:
        end(nudge, "sent", None, now)


def end(nudge: Nudge, outcome: str, why: str | None, now: datetime) -> None:
    """Say what became of a nudge."""
    nudge.outcome, nudge.why, nudge.ended_at = outcome, why, now


def _locked(session: Session, nudge_id: int) -> Nudge | None:
    """The nudge if it still waits, its person locked: one message at a time to each."""
    nudge = session.get(Nudge, nudge_id)
    if nudge is None:
        return None
    lock_person(session, nudge.person_id)
    session.refresh(nudge, with_for_update=True)
    return nudge if nudge.outcome == "queued" else None


def lock_person(session: Session, person_id: int) -> Person:
    """The person, their row locked until the transaction ends."""
    return session.scalars(
        select(Person)
        .where(Person.id == person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _promise(
    session: Session, nudge_id: int, institution_id: int, due: datetime, now: datetime
) -> None:
    promise(
        session,
        "tutoring.send_nudge",
        key=f"nudge:{nudge_id}:{due.isoformat()}",
        now=now,
        due=due,
        institution_id=institution_id,
        nudge=nudge_id,
    )
