"""What is known of a person at a date: posts are periods that meet, each begun by one fact.

A fact holds from its day until the day before the next one. `Person` mirrors the fact of today, so
lists and sign-in need not ask for a date.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Subquery,
    bindparam,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session, aliased

from lms import clock
from lms.errors import InvalidError
from lms.people import audit
from lms.people.facts import (
    BEGINS_A_POST,
    REASONS,
    STATUSES,
    Facts,
    Told,
    fold,
    merged,
    of_person,
    periods,
    why_of,
)
from lms.people.models import Institution, Organisation, Person, Post

__all__ = [
    "REASONS",
    "STATUSES",
    "Facts",
    "Told",
    "begin_today",
    "facts_at",
    "fold",
    "history",
    "of_people",
    "of_person",
    "record",
    "tell",
    "why_of",
]


# ---- Asking ----


def facts_at(on: date) -> Subquery:
    """A selectable with one row a person: who is what at `on`, a local date.

    Columns: person_id, institution_id, name, organisation_id, school_level, staff_category, rank,
    occupation, status, first_appointed_on, retires_on, in_post_since. Somebody without posts is
    what `Person` says, at any date; somebody with posts has no row before the first of them.
    Forgotten people have none.
    """
    later = aliased(Post)
    since = (
        select(func.max(later.from_on))
        .where(
            later.person_id == Person.id,
            later.from_on <= on,
            later.reason.in_(BEGINS_A_POST),
        )
        .correlate(Person)
        .scalar_subquery()
    )
    posted = (
        _facts(Post, since)
        .join(Person, Person.id == Post.person_id)
        .where(Post.from_on <= on, or_(Post.until_on.is_(None), Post.until_on >= on))
    )
    any_post = select(Post.id).where(Post.person_id == Person.id).correlate(Person).exists()
    plain = _facts(Person, Person.first_appointed_on).where(~any_post)
    known = [
        query.outerjoin(Organisation, Organisation.id == held.organisation_id).where(
            Person.status != "forgotten"
        )
        for query, held in ((posted, Post), (plain, Person))
    ]
    return union_all(*known).subquery("facts")


def _facts(held: type[Post] | type[Person], since: ColumnElement[Any] | Any) -> Any:
    return select(
        Person.id.label("person_id"),
        Person.institution_id.label("institution_id"),
        Person.name.label("name"),
        held.organisation_id.label("organisation_id"),
        Organisation.school_level.label("school_level"),
        held.staff_category.label("staff_category"),
        held.rank.label("rank"),
        held.occupation.label("occupation"),
        held.status.label("status"),
        Person.first_appointed_on.label("first_appointed_on"),
        Person.retires_on.label("retires_on"),
        since.label("in_post_since"),
    ).select_from(held)


def history(session: Session, person_id: int) -> Sequence[Any]:
    """The person's posts, newest first, each with the name of its organisation."""
    return session.execute(
        select(Post, Organisation.name.label("organisation"))
        .outerjoin(Organisation, Organisation.id == Post.organisation_id)
        .where(Post.person_id == person_id)
        .order_by(Post.from_on.desc())
    ).all()


def of_people(session: Session | Connection, person_ids: Collection[int]) -> dict[int, list[Told]]:
    """Every fact that is recorded of each of these people, oldest first, in one query."""
    rows = session.execute(
        select(
            Post.person_id,
            Post.from_on,
            Post.reason,
            Post.organisation_id,
            Post.staff_category,
            Post.rank,
            Post.occupation,
            Post.status,
        )
        .where(Post.person_id.in_(person_ids))
        .order_by(Post.person_id, Post.from_on)
    )
    found: dict[int, list[Told]] = defaultdict(list)
    for row in rows:
        facts = Facts(row.organisation_id, row.staff_category, row.rank, row.occupation, row.status)
        found[row.person_id].append(Told(row.from_on, facts, row.reason))
    return found


# ---- Recording ----


def record(
    session: Session,
    person: Person,
    *,
    from_on: date,
    reason: str,
    actor_id: int | None,
    now: datetime,
    **changed: Any,
) -> Facts:
    """What is so of a person from a day on; what was known before stays known for its days.

    `changed`: fields of `Facts`; what is left out stays as it was on that day. `reason`: one of
    REASONS. Raises InvalidError for an unknown reason or status.
    """
    if reason not in REASONS or changed.get("status", "active") not in STATUSES:
        raise InvalidError("발령 구분이나 재직 상태를 목록에서 골라 주십시오.", field="reason")
    zone = session.scalars(
        select(Institution.zone).where(Institution.id == person.institution_id)
    ).one()
    known = of_people(session, [person.id]).get(person.id, [])
    before = fold(known, from_on) or of_person(person)
    facts = replace(before, **changed)
    tell(
        session,
        {person.id: [Told(from_on, facts, reason)]},
        institution_id=person.institution_id,
        zone=zone,
        actor_id=actor_id,
        now=now,
        why="",
    )
    session.refresh(person)
    return facts


def tell(
    session: Session | Connection,
    told: Mapping[int, Sequence[Told]],
    *,
    institution_id: int,
    zone: str,
    actor_id: int | None,
    now: datetime,
    why: str,
    just_made: Collection[int] = (),
) -> int:
    """Record facts of many people; how many people were changed. What is recorded is left alone.

    A handful of statements whatever the number of people. Each change leaves an audit row with
    `why` (or the post's own reason) that says from when and which fields. `just_made`: people of
    whom nothing was known before.
    """
    known = of_people(session, told.keys())
    today = clock.local_day(now, zone)
    unposted = told.keys() - known.keys() - set(just_made)
    base = _known_before(session, unposted, zone)
    changes = _Changes(institution_id, now)
    for person_id, news in told.items():
        old = known.get(person_id, [])
        whole = merged(old, news, base.get(person_id))
        if whole == old:
            continue
        changes.add(person_id, old, whole, today, why or news[0].reason)
    changes.write(session, actor_id)
    return len(changes.trail)


def due_today(
    session: Session | Connection, institution_id: int, today: date
) -> list[dict[str, Any]]:
    """People whom `Person` does not show as the post of today says, with what it should show."""
    differs = or_(
        *(getattr(Post, name).is_distinct_from(getattr(Person, name)) for name in _FIELDS)
    )
    due = session.execute(
        select(Post.person_id.label("of_person"), *(getattr(Post, name) for name in _FIELDS))
        .join(Person, Person.id == Post.person_id)
        .where(
            Post.institution_id == institution_id,
            Post.from_on <= today,
            or_(Post.until_on.is_(None), Post.until_on >= today),
            Person.status != "forgotten",
            differs,
        )
    )
    return [dict(row) for row in due.mappings()]


def begin_today(session: Session | Connection, institution_id: int, today: date) -> int:
    """Mirror in `Person` the posts that hold today; how many people that changed."""
    mirrors = due_today(session, institution_id, today)
    if mirrors:
        _connection(session).execute(_MIRROR, mirrors)
    return len(mirrors)


_FIELDS = tuple(Facts.__dataclass_fields__)
_POST_KEY = (
    Post.__table__.c.person_id == bindparam("of_person"),
    Post.__table__.c.from_on == bindparam("of_day"),
)
_MIRROR = (
    update(Person.__table__)  # type: ignore[arg-type]
    .where(Person.__table__.c.id == bindparam("of_person"))
    .values({name: bindparam(name) for name in _FIELDS})
)
_CHANGE = (
    update(Post.__table__)  # type: ignore[arg-type]
    .where(*_POST_KEY)
    .values({name: bindparam(name) for name in (*_FIELDS, "until_on", "reason", "recorded_at")})
)
_CLOSE = update(Post.__table__).where(*_POST_KEY).values(until_on=bindparam("until"))  # type: ignore[arg-type]


class _Changes:
    """What is to be written of many people, in one statement of each kind."""

    def __init__(self, institution_id: int, now: datetime) -> None:
        self._institution_id = institution_id
        self._now = now
        self._new: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._closed: list[dict[str, Any]] = []
        self._mirrors: list[dict[str, Any]] = []
        self.trail: list[dict[str, Any]] = []

    def add(
        self, person_id: int, old: Sequence[Told], whole: Sequence[Told], today: date, why: str
    ) -> None:
        before, after = periods(old), periods(whole)
        for from_on, (told, until_on) in after.items():
            was = before.get(from_on)
            values = asdict(told.facts) | {
                "until_on": until_on,
                "reason": told.reason,
                "recorded_at": self._now,
            }
            if was is None:
                self._new.append(
                    values
                    | {
                        "institution_id": self._institution_id,
                        "person_id": person_id,
                        "from_on": from_on,
                    }
                )
            elif was[0] != told:
                self._changed.append(values | {"of_person": person_id, "of_day": from_on})
            elif was[1] != until_on:
                self._closed.append({"of_person": person_id, "of_day": from_on, "until": until_on})
        facts = fold(whole, today)
        if facts is not None:
            self._mirrors.append({"of_person": person_id, **asdict(facts)})
        self.trail.append(_trail(person_id, old, whole, why))

    def write(self, session: Session | Connection, actor_id: int | None) -> None:
        connection = _connection(session)
        for statement, rows in (
            (_CLOSE, self._closed),
            (_CHANGE, self._changed),
            (insert(Post), self._new),
            (_MIRROR, self._mirrors),
        ):
            if rows:
                connection.execute(statement, rows)
        audit.write_many(
            session,
            self.trail,
            institution_id=self._institution_id,
            actor_id=actor_id,
            act="post.record",
            subject="person",
            now=self._now,
        )


def _connection(session: Session | Connection) -> Connection:
    return session if isinstance(session, Connection) else session.connection()


def _known_before(
    session: Session | Connection, person_ids: Collection[int], zone: str
) -> dict[int, Told]:
    """What `Person` said, since we know the person, of those who have no post yet."""
    if not person_ids:
        return {}
    rows = session.execute(
        select(Person.id, Person.created_at, *(getattr(Person, name) for name in _FIELDS)).where(
            Person.id.in_(person_ids)
        )
    )
    return {
        row.id: Told(clock.local_day(row.created_at, zone), of_person(row), "joined")
        for row in rows
    }


def _trail(person_id: int, old: Sequence[Told], whole: Sequence[Told], why: str) -> dict[str, Any]:
    """For the audit: from which days on which fields differ, and no value of theirs."""
    days = [one.from_on for one in whole if one not in old]
    fields = {
        name
        for day in days
        for name in _FIELDS
        if getattr(fold(old, day), name, None) != getattr(fold(whole, day), name)
    }
    return {
        "subject_id": person_id,
        "reason": why,
        "detail": {"from": [day.isoformat() for day in days], "changed": sorted(fields)},
    }
