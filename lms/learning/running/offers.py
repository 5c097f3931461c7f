"""What a course offers to one person: its runs, what they may do about each, and why not."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, lazyload

from lms.learning.models import Enrolment, Run, Waiting
from lms.learning.running import audience as audiences
from lms.learning.running.counter import application
from lms.people.models import Person


class Offer(NamedTuple):
    """A run as it stands to somebody."""

    run: Run
    enrolment: Enrolment | None
    waiting_id: int | None
    place: int
    """On the waiting list, from 1; 0 for who does not wait."""

    free: int | None
    """Seats left; None without a limit."""

    line: int
    """How many wait."""

    state: str
    """learning · done · enrolled (before its first day) · waiting · open · full · soon · over"""

    apply_from: date
    apply_until: date
    may_withdraw_until: date
    against: str | None = None
    """Why the run is not for the person (a msgid), where they could apply otherwise."""


def to_all(person_id: int) -> ColumnElement[bool]:
    """Runs that somebody may hear of: a school's own are for who belongs to it."""
    mine = select(Person.organisation_id).where(Person.id == person_id).scalar_subquery()
    return or_(Run.organisation_id.is_(None), Run.organisation_id == mine)


_INSIDE = (
    select(func.count())
    .where(Enrolment.run_id == Run.id, Enrolment.state == "enrolled")
    .correlate(Run)
    .scalar_subquery()
)
_LINE = (
    select(func.count())
    .where(Waiting.run_id == Run.id, Waiting.ended_at.is_(None))
    .correlate(Run)
    .scalar_subquery()
)


def of_course(session: Session, course_id: int, person_id: int, today: date) -> list[Offer]:
    """The course's runs that are on or to come, those first that the person is in: two queries."""
    rows = session.execute(
        select(Run, Enrolment, Waiting.id, _INSIDE, _LINE, _place(person_id))
        .outerjoin(
            Enrolment,
            and_(
                Enrolment.run_id == Run.id,
                Enrolment.person_id == person_id,
                Enrolment.state == "enrolled",
            ),
        )
        .outerjoin(
            Waiting,
            and_(
                Waiting.run_id == Run.id,
                Waiting.person_id == person_id,
                Waiting.ended_at.is_(None),
            ),
        )
        .where(
            Run.course_id == course_id,
            Run.state.in_(("open", "running")),
            Run.learn_until >= today,
            or_(Enrolment.id.is_not(None), to_all(person_id)),
        )
        .order_by(Run.learn_from, Run.id)
        .options(lazyload(Enrolment.run), lazyload(Run.course))
    )
    offers = [
        _offer(run, enrolment, waiting_id, taken, waits, place, today)
        for run, enrolment, waiting_id, taken, waits, place in rows
    ]
    offers = _with_reasons(session, offers, person_id, today)
    return sorted(offers, key=lambda one: _ORDER.index(one.state))


def _with_reasons(
    session: Session, offers: list[Offer], person_id: int, today: date
) -> list[Offer]:
    """Said before somebody applies in vain; asked only where a run has an audience."""
    if any(one.state in ("learning", "enrolled") for one in offers):
        return [one._replace(against=ELSEWHERE) if one.state in _APPLIES else one for one in offers]
    if not any(one.run.audience and one.state in _APPLIES for one in offers):
        return offers
    facts = audiences.known(session, [person_id], today).get(person_id)
    found = []
    for one in offers:
        against = None
        if one.run.audience and one.state in _APPLIES:
            audience = audiences.parse(one.run.audience)
            inside = audiences.within(session, audience)
            against = (
                audiences.against(audience, facts, on=today, inside=inside)
                if facts
                else audiences.NOT_KNOWN
            )
        found.append(one._replace(against=against))
    return found


ELSEWHERE = "지금 듣는 수강을 마치거나 취소한 뒤에 신청할 수 있습니다."
_APPLIES = ("open", "full", "soon")
_ORDER = ("learning", "enrolled", "waiting", "open", "full", "soon", "done", "over")


def chosen(offers: Sequence[Offer], run_id: int | None) -> Offer | None:
    """The run that was asked for; without one, the first that takes people now."""
    if run_id is not None:
        return next((one for one in offers if one.run.id == run_id), None)
    takes = ("learning", "enrolled", "done", "open", "full", "waiting")
    fits = [one for one in offers if one.state in takes]
    return next((one for one in fits if one.against is None), fits[0] if fits else None)


def _place(person_id: int) -> ColumnElement[int]:
    """How many stand before the person or are the person."""
    behind = Waiting.__table__.alias("behind")
    mine = Waiting.__table__.alias("mine")
    last = (
        select(mine.c.id)
        .where(mine.c.run_id == Run.id, mine.c.person_id == person_id, mine.c.ended_at.is_(None))
        .correlate(Run)
        .scalar_subquery()
    )
    query = select(func.count()).where(
        behind.c.run_id == Run.id, behind.c.ended_at.is_(None), behind.c.id <= last
    )
    return query.correlate(Run).scalar_subquery()


def _offer(
    run: Run,
    enrolment: Enrolment | None,
    waiting_id: int | None,
    inside: int,
    line: int,
    place: int,
    today: date,
) -> Offer:
    first, last = application(run)
    free = None if run.seats is None else max(0, run.seats - inside)
    return Offer(
        run=run,
        enrolment=enrolment,
        waiting_id=waiting_id,
        place=place,
        free=free,
        line=line,
        state=_state(run, enrolment, waiting_id, free, line, today),
        apply_from=first,
        apply_until=last,
        may_withdraw_until=run.withdraw_until or run.learn_until,
    )


def _state(
    run: Run,
    enrolment: Enrolment | None,
    waiting_id: int | None,
    free: int | None,
    line: int,
    today: date,
) -> str:
    if enrolment is not None:
        if enrolment.completed_at is not None:
            return "done"
        return "learning" if today >= run.learn_from else "enrolled"
    if waiting_id is not None:
        return "waiting"
    first, last = application(run)
    if today < first:
        return "soon"
    if today > last:
        return "over"
    return "full" if free is not None and (free == 0 or line) else "open"
