"""The audit trail and the access log are read alike: with names, narrowed by who, what and when."""

from datetime import date
from typing import Any, Protocol

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from lms import clock
from lms.people.models import AccessRow, AuditRow, Person

Trail = type[AuditRow] | type[AccessRow]


class Sought(Protocol):
    """What narrows both; empty is all. `since` and `until`: local dates, both included."""

    @property
    def who(self) -> str: ...
    @property
    def act(self) -> str: ...
    @property
    def since(self) -> date | None: ...
    @property
    def until(self) -> date | None: ...


def told(
    trail: Trail, institution_id: int, wanted: Sought, *more: Any, zone: str
) -> Select[tuple[Any, ...]]:
    """The rows that are sought, with `more` columns and the names of who and, of a person, whom."""
    actor, subject = aliased(Person), aliased(Person)
    query: Select[tuple[Any, ...]] = (
        select(
            trail.id,
            trail.at,
            trail.act,
            trail.subject,
            trail.subject_id,
            trail.reason,
            trail.actor_id,
            *more,
            actor.name.label("actor"),
            subject.name.label("subject_name"),
        )
        .outerjoin(actor, actor.id == trail.actor_id)
        .outerjoin(subject, (trail.subject == "person") & (subject.id == trail.subject_id))
        .where(trail.institution_id == institution_id)
    )
    if wanted.who:
        query = query.where(trail.actor_id.in_(named(institution_id, wanted.who)))
    if wanted.act:
        query = query.where(trail.act == wanted.act)
    if wanted.since is not None:
        query = query.where(trail.at >= clock.start_of_day(wanted.since, zone))
    if wanted.until is not None:
        query = query.where(trail.at < clock.end_of_day(wanted.until, zone))
    return query


def named(institution_id: int, text: str) -> Select[int]:
    """Ids of the institution's people with `text` in their name."""
    return select(Person.id).where(
        Person.institution_id == institution_id, Person.name.icontains(text, autoescape=True)
    )
