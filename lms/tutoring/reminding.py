"""Nudges that a rule writes: once a day each institution is looked through, and each person gets
at most one mail a day over all their runs."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.db import insert_or_ignore
from lms.i18n import words
from lms.learning import rules
from lms.learning.models import Activity, Enrolment, Run, Unit
from lms.learning.service import zone_of
from lms.outbox import Task, promise
from lms.people.models import Institution, Person, RoleGrant
from lms.people.settings import parse
from lms.tutoring import channels, planning, quiet, risk, sending, sent, templates, wording
from lms.tutoring.learners import STAFF
from lms.tutoring.models import Nudge, NudgeTemplate
from lms.tutoring.templates import Text

BEGINS = 9
"""The local hour from which an institution's day is looked through."""

WEEKS = 4
"""A silence is mentioned this often, a rule's length apart; then people have to look."""

BATCH = 500
MOVED = "그사이에 학습했습니다."
CHANGED = "규칙이 바뀌었거나 쓰지 않습니다."


def hourly(state: Any, slot: datetime) -> None:
    """Note what helped, and promise today's look through each institution where it is day."""
    with state.db.transaction() as session:
        sent.note_effects(session, now=slot)
    with state.db.reading() as session:
        zones = session.execute(select(Institution.id, Institution.zone)).all()
    for institution_id, zone in zones:
        here = slot.astimezone(ZoneInfo(zone))
        if BEGINS <= here.hour < quiet.BEGINS.hour:
            with state.db.transaction() as session:
                promise(
                    session,
                    "tutoring.remind",
                    key=f"remind:{institution_id}:{here.date()}",
                    now=slot,
                    institution_id=institution_id,
                )


def remind(state: Any, task: Task, now: datetime) -> None:
    """Keep a `tutoring.remind` task: write what the rules ask for, promise each person's digest."""
    institution_id = task.institution_id or 0
    with state.db.transaction() as session:
        templates.settle(session, institution_id)
        zone = zone_of(session, institution_id)
        texts = [one for one in templates.active(session, institution_id) if one.rule]
    # The nearer deadline first: who was told of it today is told nothing else of that run.
    for text in sorted(texts, key=lambda one: "days_left" not in one.rule):
        _write_all(state, institution_id, text, zone, now)
    _promise_digests(state, institution_id, zone, now)


def send_digest(state: Any, task: Task, now: datetime) -> None:
    """Keep a `tutoring.send_digest` task: one mail of all that waits for the person and still
    holds. Twice is harmless."""
    with state.db.transaction() as session:
        person = sending.lock_person(session, task.payload["person"])
        zone = zone_of(session, person.institution_id)
        if quiet.next_open(now, zone) > now:
            return  # too late today: tomorrow's look finds them still waiting
        waiting = session.scalars(
            select(Nudge)
            .where(
                Nudge.person_id == person.id,
                Nudge.outcome == "queued",
                Nudge.actor_id.is_(None),
            )
            .order_by(Nudge.id)
            .with_for_update()
        ).all()
        going = []
        for nudge in waiting:
            why = sending.against(session, nudge, person, now=now, zone=zone)
            why = why or _no_longer(session, nudge, now=now, zone=zone)
            if why == sending.TODAY:
                return  # told by hand today: these wait for tomorrow
            if why is None:
                going.append(nudge)
            else:
                sending.end(nudge, "dropped", why, now)
        if going:
            _post(session, state, person, going, zone, now)


def _post(
    session: Session, state: Any, person: Person, going: Sequence[Nudge], zone: str, now: datetime
) -> None:
    home = session.get_one(Institution, person.institution_id)
    phone = parse(dict(home.settings)).help_phone
    say = words(person.locale or "ko")
    signed = planning.signed(say.text("{name} 드림", name=home.name), phone)
    parts = [nudge.body for nudge in going]
    many = say.text("이어서 하실 과정이 {count}개 있습니다", count=len(going))
    sending.post(
        session,
        state,
        going,
        person,
        key=f"digest:{person.id}:{clock.local_day(now, zone)}:mail",
        now=now,
        subject=going[0].subject if len(going) == 1 else many,
        body="\n\n".join([*parts, signed, planning.stop_line(state, person.id, say)]),
    )


def _write_all(state: Any, institution_id: int, text: Text, zone: str, now: datetime) -> None:
    after = 0
    while True:
        with state.db.reading() as session:
            found = session.execute(
                _due(institution_id, text, zone, now).where(Enrolment.id > after).limit(BATCH)
            ).all()
        if not found:
            return
        after = found[-1].id
        rows = [_row(state, one, text, zone, now) for one in found if channels.wants(one, "mail")]
        new = [row for row in rows if row is not None]
        if new:
            with state.db.transaction() as session:
                connection = session.connection()
                connection.execute(insert_or_ignore(connection, Nudge), new)


def _due(institution_id: int, text: Text, zone: str, now: datetime) -> Any:
    """Enrolments that the rule speaks of today, with what the wording needs."""
    today = clock.local_day(now, zone)
    return (
        select(
            Enrolment.id,
            Enrolment.enrolled_at,
            Enrolment.last_act_at,
            Enrolment.progress_permille,
            Enrolment.last_activity_id,
            Enrolment.person_id,
            Person.name,
            Person.unwanted,
            Person.locale,
            Run,
            Unit.position.label("unit"),
            Institution.name.label("home"),
        )
        .select_from(Enrolment)
        .join(Run, Run.id == Enrolment.run_id)
        .join(Person, Person.id == Enrolment.person_id)
        .join(Institution, Institution.id == Enrolment.institution_id)
        .outerjoin(Activity, Activity.id == Enrolment.last_activity_id)
        .outerjoin(Unit, Unit.id == Activity.unit_id)
        .where(
            Run.institution_id == institution_id,
            Run.state.in_(("open", "running")),
            Run.learn_from <= today,
            Run.learn_until >= today,
            Enrolment.state == "enrolled",
            Enrolment.completed_at.is_(None),
            Person.status == "active",
            Person.email.is_not(None),
            ~_looks_after(),
            ~_told_lately(now),
            _asks(text, today, zone),
        )
        .order_by(Enrolment.id)
    )


def _looks_after() -> ColumnElement[bool]:
    """The person looks after the run, and is no late learner of it."""
    return (
        select(RoleGrant.id)
        .where(
            RoleGrant.person_id == Enrolment.person_id,
            RoleGrant.run_id == Enrolment.run_id,
            RoleGrant.role.in_(STAFF),
            RoleGrant.ended_at.is_(None),
        )
        .exists()
    )


def _told_lately(now: datetime) -> ColumnElement[bool]:
    return (
        select(Nudge.id)
        .where(
            Nudge.enrolment_id == Enrolment.id,
            or_(
                Nudge.outcome == "queued",
                and_(Nudge.outcome == "sent", Nudge.ended_at > now - planning.RECENTLY),
            ),
        )
        .exists()
    )


def _asks(text: Text, today: date, zone: str) -> ColumnElement[bool]:
    if days := text.rule.get("days_left"):
        return Run.learn_until <= today + timedelta(days=days)
    days = text.rule["silent_days"]
    before = clock.start_of_day(today - timedelta(days=days - 1), zone)
    began = Run.learn_from <= today - timedelta(days=days)
    never = and_(Enrolment.last_act_at.is_(None), Enrolment.enrolled_at < before, began)
    return or_(Enrolment.last_act_at < before, never)


def _row(state: Any, one: Any, text: Text, zone: str, now: datetime) -> dict[str, Any] | None:
    """The nudge's row; None when the rule has been kept often enough."""
    at = risk.moment(one.Run, rules.parse(one.Run.rule), scored=False, now=now, zone=zone)
    step = _step(one, text, at)
    if step is None:
        return None
    say = words(one.locale or "ko")
    values = wording.values(one, one.Run, at, institution=one.home, say=say)
    link = planning.link_line(state, one, say)
    return {
        "institution_id": one.Run.institution_id,
        "run_id": one.Run.id,
        "enrolment_id": one.id,
        "person_id": one.person_id,
        "template_id": text.id,
        "key": f"rule:{text.id}:{one.id}:{step}",
        "channel": channels.MAIL,
        "subject": wording.fill(text.subject, values),
        "body": f"{wording.fill(text.body, values)}\n{link}",
        "actor_id": None,
        "at": now,
        "due": now,
        "outcome": "queued",
    }


def _step(one: Any, text: Text, at: risk.Moment) -> str | None:
    """What makes the nudge one of a kind: the deadline, or how often this silence was mentioned."""
    if "days_left" in text.rule:
        return at.learn_until.isoformat()
    begun = clock.local_day(one.last_act_at or one.enrolled_at, at.zone)
    since = begun if one.last_act_at else max(begun, at.learn_from)
    times = (at.today - since).days // text.rule["silent_days"]
    return f"{since}:{times}" if times <= WEEKS else None


def _no_longer(session: Session, nudge: Nudge, *, now: datetime, zone: str) -> str | None:
    """Why the rule that wrote a nudge would not write it now (a msgid)."""
    template = session.get(NudgeTemplate, nudge.template_id)
    if template is None or not template.active or not template.rule:
        return CHANGED
    enrolment = session.get_one(Enrolment, nudge.enrolment_id)
    days = template.rule.get("silent_days")
    if days is None or enrolment.last_act_at is None:
        return None
    today = clock.local_day(now, zone)
    before = clock.start_of_day(today - timedelta(days=days - 1), zone)
    return None if enrolment.last_act_at < before else MOVED


def _promise_digests(state: Any, institution_id: int, zone: str, now: datetime) -> None:
    today, after = clock.local_day(now, zone), 0
    while True:
        with state.db.transaction() as session:
            people = session.scalars(
                select(Nudge.person_id)
                .where(
                    Nudge.institution_id == institution_id,
                    Nudge.outcome == "queued",
                    Nudge.actor_id.is_(None),
                    Nudge.person_id > after,
                )
                .distinct()
                .order_by(Nudge.person_id)
                .limit(BATCH)
            ).all()
            for person_id in people:
                promise(
                    session,
                    "tutoring.send_digest",
                    key=f"digest:{person_id}:{today}",
                    now=now,
                    institution_id=institution_id,
                    person=person_id,
                )
        if len(people) < BATCH:
            return
        after = people[-1]
