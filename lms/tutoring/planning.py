"""Who would get which text, and who is left out and why: what a sender sees before confirming."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.i18n import Words, words
from lms.learning.models import Enrolment, Run
from lms.people.settings import parse
from lms.tutoring import channels, quiet, unwanted, wording
from lms.tutoring.models import Nudge
from lms.tutoring.risk import Moment
from lms.tutoring.templates import Text

RECENTLY = timedelta(days=3)
LONGEST_EXTRA = 1000

LeftOut = Literal["done", "over", "gone", "unwanted", "no_address", "today", "recent"]
LEFT_OUT: dict[LeftOut, str] = {
    "done": "이미 이수한 사람",
    "over": "학습 기간이 끝난 사람",
    "gone": "퇴직하거나 휴직한 사람",
    "unwanted": "수신을 원하지 않는 사람",
    "no_address": "주소를 모르는 사람",
    "today": "오늘 이미 받은 사람",
    "recent": "사흘 안에 이미 받은 사람",
}
"""Why somebody gets nothing, in the order that it is asked (msgids)."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender chose."""

    template: str
    channel: str = channels.MAIL
    when: quiet.When = "now"
    extra: str = ""
    """A sentence of the sender's own, after the template's."""

    link: bool = True
    """Whether the address of where one stopped is added."""


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name a message goes."""

    person_id: int
    name: str
    role: str
    """A msgid: what the sender is."""

    phone: str | None
    institution: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What one person gets, to the letter."""

    enrolment_id: int
    person_id: int
    name: str
    to: str
    subject: str
    body: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen if it were confirmed now; `mark` names all of it."""

    letters: tuple[Letter, ...]
    left_out: dict[LeftOut, list[str]]
    due: datetime
    mark: str

    @property
    def chosen(self) -> int:
        return len(self.letters) + sum(len(names) for names in self.left_out.values())


def read(values: Any, texts: Sequence[Text], known: Sequence[str]) -> Told:
    """What a form or an address says; what it does not know is as if it were not there."""
    names = [one.name for one in texts]
    when: Any = values.get("when", "")
    name, channel = values.get("template", ""), values.get("channel", "")
    return Told(
        template=name if name in names else names[0] if names else "",
        channel=channel if channel in known else channels.MAIL,
        when=when if when in get_args(quiet.When) else "now",
        extra=values.get("extra", "").strip()[:LONGEST_EXTRA],
        link="template" not in values or values.get("link") == "1",
    )


def sender(actor: Any, role: str) -> Sender:
    """The person who acts, as a message names them."""
    settings = parse(dict(actor.institution_settings))
    return Sender(
        person_id=actor.person_id,
        name=actor.name,
        role=role,
        phone=settings.help_phone,
        institution=actor.institution_name,
    )


def plan(
    session: Session,
    state: Any,
    run: Run,
    at: Moment,
    rows: Sequence[Any],
    text: Text,
    told: Told,
    by: Sender,
) -> Plan:
    """The plan for these rows of `lms.tutoring.learners`: one query, whatever their number."""
    choices = quiet.choices(at.now, at.zone)
    due = choices.get(told.when, choices["now"])
    today, recent = _lately(session, run, at)
    letters: list[Letter] = []
    left_out: dict[LeftOut, list[str]] = {}
    for row in rows:
        why = _against(row, at, told, today=today, recent=recent)
        if why is None:
            letters.append(_letter(state, run, at, row, text, told, by))
        else:
            left_out.setdefault(why, []).append(row.name)
    ordered = {code: left_out[code] for code in LEFT_OUT if code in left_out}
    return Plan(
        letters=tuple(letters),
        left_out=ordered,
        due=due,
        mark=_mark(told, due, letters, ordered),
    )


def address(state: Any, row: Any) -> str:
    """Where a learner goes on: the page of the activity where they stopped."""
    path = f"{state.prefix.rstrip('/')}/enrolments/{row.id}"
    where = f"?activity={row.last_activity_id}" if row.last_activity_id else ""
    return f"{state.settings.base_url.rstrip('/')}{path}{where}"


def link_line(state: Any, row: Any, say: Words) -> str:
    return say.text("이어서 하기: {address}", address=address(state, row))


def signed(name: str, phone: str | None) -> str:
    return f"{name} · {phone}" if phone else name


def _letter(
    state: Any, run: Run, at: Moment, row: Any, text: Text, told: Told, by: Sender
) -> Letter:
    say = words(row.locale or "ko")
    values = wording.values(row, run, at, institution=by.institution, say=say)
    parts = [wording.fill(text.body, values)]
    if told.extra:
        parts.append(told.extra)
    if told.link:
        parts.append(link_line(state, row, say))
    parts.append(
        signed(say.text("{role} {name} 드림", role=say.text(by.role), name=by.name), by.phone)
    )
    if told.channel == channels.MAIL:
        parts.append(stop_line(state, row.person_id, say))
    return Letter(
        enrolment_id=row.id,
        person_id=row.person_id,
        name=row.name,
        to=channels.address(row, told.channel) or "",
        subject=wording.fill(text.subject, values),
        body="\n\n".join(parts),
    )


def stop_line(state: Any, person_id: int, say: Words) -> str:
    """The last line of every mail: how to get no more of them."""
    address = unwanted.link(state, person_id, channels.MAIL)
    return say.text("이런 메일을 받지 않으시려면: {address}", address=address)


def _against(
    row: Any, at: Moment, told: Told, *, today: set[int], recent: set[int]
) -> LeftOut | None:
    holds: dict[LeftOut, bool] = {
        "done": row.completed_at is not None,
        "over": at.over,
        "gone": row.status != "active",
        "unwanted": not channels.wants(row, told.channel),
        "no_address": not channels.address(row, told.channel),
        "today": row.person_id in today,
        "recent": row.id in recent,
    }
    return next((code for code in LEFT_OUT if holds[code]), None)


def _lately(session: Session, run: Run, at: Moment) -> tuple[set[int], set[int]]:
    """People told anything today, and enrolments of this run told lately (or about to be)."""
    morning = clock.start_of_day(at.today, at.zone)
    when = func.coalesce(Nudge.ended_at, Nudge.due)
    here = select(Enrolment.person_id).where(Enrolment.run_id == run.id)
    rows = session.execute(
        select(Nudge.person_id, Nudge.enrolment_id, when.label("at")).where(
            Nudge.person_id.in_(here),
            Nudge.at > at.now - RECENTLY - timedelta(days=7),
            Nudge.outcome.in_(("sent", "queued")),
            or_(Nudge.ended_at.is_(None), Nudge.ended_at > at.now - RECENTLY),
        )
    ).all()
    today = {row.person_id for row in rows if row.at >= morning}
    return today, {row.enrolment_id for row in rows}


def _mark(
    told: Told, due: datetime, letters: Sequence[Letter], left_out: dict[LeftOut, list[str]]
) -> str:
    # «Now» moves on while one reads; a chosen time, and the day, are part of what is confirmed.
    when = due.isoformat() if told.when != "now" else due.date().isoformat()
    said = msgspec.json.encode([told, when, sorted(letters, key=lambda one: one.enrolment_id)])
    return hashlib.sha256(said + msgspec.json.encode(left_out, order="sorted")).hexdigest()
