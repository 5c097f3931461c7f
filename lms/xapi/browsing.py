"""Statements as people read them: a line each for a list, and what one has to do with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from lms.people.models import Institution, Organisation, Person
from lms.xapi import formats, vocabulary
from lms.xapi.models import Statement, Voiding

_MOST_NAMESAKES = 20
_FALLBACK = ("ko", "en")
_WEAKEST = "mbox_sha1sum"


@dataclass(frozen=True)
class Link:
    """What a statement has to do with. `what`: a msgid; `text`: as it is shown."""

    what: str
    text: str
    href: str | None = None


@dataclass(frozen=True)
class Line:
    """A statement in a list."""

    statement_id: str
    stored: datetime
    who: str
    person_id: int | None
    verb: str
    verb_said: str
    thing: str
    score: int | None
    """Permille of what could be had."""

    success: bool | None
    completion: bool | None


def lines(
    session: Session, institution: Institution, raws: Sequence[bytes], *, locale: str
) -> list[Line]:
    """The statements in their order; people of the institution by name, in one query for all."""
    told = [msgspec.json.decode(raw) for raw in raws]
    mine = {name for one in told if (name := _account(one["actor"], institution.home_page))}
    people = people_named(session, institution.id, mine)
    return [_line(one, people, institution.home_page, locale) for one in told]


def people_named(
    session: Session, institution_id: int, accounts: Iterable[str]
) -> dict[str, tuple[int, str]]:
    """Account name → the id and the name of that person of the institution."""
    wanted = sorted(set(accounts))
    if not wanted:
        return {}
    rows = session.execute(
        select(Person.account_name, Person.id, Person.name).where(
            Person.institution_id == institution_id, Person.account_name.in_(wanted)
        )
    )
    return {row.account_name: (row.id, row.name) for row in rows}


def namesakes(session: Session, institution_id: int, name: str) -> Sequence[Any]:
    """People of exactly that name: account_name, name, organisation, rank; some at most."""
    return session.execute(
        select(Person.account_name, Person.name, Person.rank, Organisation.name.label("place"))
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Person.institution_id == institution_id, Person.name == name)
        .order_by(Person.id)
        .limit(_MOST_NAMESAKES)
    ).all()


def row_of(session: Session, institution_id: int, statement_id: str) -> Any:
    """A statement's columns and which statement voids it; None if there is none of that id."""
    return session.execute(
        select(
            Statement.statement_id,
            Statement.institution_id,
            Statement.stored,
            Statement.timestamp,
            Statement.actor,
            Statement.verb,
            Statement.activity,
            Statement.registration,
            Statement.authority,
            Statement.version,
            Statement.raw,
            Voiding.statement_id.label("voided_by"),
        )
        .outerjoin(
            Voiding,
            (Voiding.institution_id == Statement.institution_id)
            & (Voiding.target == Statement.statement_id)
            & (Statement.verb != vocabulary.VOIDED),
        )
        .where(
            Statement.institution_id == institution_id,
            Statement.statement_id == statement_id.lower(),
        )
    ).one_or_none()


def hourly(
    session: Session, institution_id: int, hours: Sequence[tuple[datetime, datetime]]
) -> list[int]:
    """How many statements were stored in each half-open span, in one query on the index."""
    counts = [
        select(func.count())
        .where(
            Statement.institution_id == institution_id,
            Statement.stored >= since,
            Statement.stored < until,
        )
        .scalar_subquery()
        for since, until in hours
    ]
    return list(session.execute(select(*counts)).one())


def counted(session: Session, institution_id: int, *, most: int) -> int:
    """How many statements there are; `most` + 1 where there are more, since counting takes time."""
    some = (
        select(literal(1))
        .select_from(Statement)
        .where(Statement.institution_id == institution_id)
        .limit(most + 1)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0


def last_stored(session: Session, institution_id: int) -> datetime | None:
    """When the newest statement was stored."""
    return session.scalar(
        select(func.max(Statement.stored)).where(Statement.institution_id == institution_id)
    )


def size(session: Session) -> int:
    """Octets that the whole database takes, with everything else that is in it."""
    if session.get_bind().dialect.name == "postgresql":
        return session.scalar(select(func.pg_database_size(func.current_database()))) or 0
    connection = session.connection()
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def _line(told: Any, people: Mapping[str, tuple[int, str]], home: str, locale: str) -> Line:
    actor, result = told["actor"], told.get("result", {})
    person = people.get(_account(actor, home))
    verb = told["verb"]["id"]
    said = vocabulary.DISPLAY.get(verb) or told["verb"].get("display", {})
    scaled = result.get("score", {}).get("scaled")
    return Line(
        statement_id=told["id"],
        stored=formats.read_timestamp(told["stored"]),
        who=person[1] if person else actor_said(actor),
        person_id=person[0] if person else None,
        verb=verb,
        verb_said=in_language(said, locale) or verb.rstrip("/").rpartition("/")[2],
        thing=thing_said(told["object"], locale),
        score=None if scaled is None else round(scaled * 1000),
        success=result.get("success"),
        completion=result.get("completion"),
    )


def actor_said(actor: Mapping[str, Any]) -> str:
    """What an agent or group is called, or else known by; empty for a group without a name."""
    account = actor.get("account", {})
    return str(
        actor.get("name")
        or actor.get("mbox", "").removeprefix("mailto:")
        or account.get("name")
        or actor.get("openid")
        or actor.get(_WEAKEST)
        or ", ".join(actor_said(one) for one in actor.get("member", ())[:3])
    )


def thing_said(thing: Mapping[str, Any], locale: str) -> str:
    """What the object of a statement is called, or else known by."""
    kind = thing.get("objectType", "Activity")
    if kind in {"Agent", "Group"}:
        return actor_said(thing)
    if kind == "SubStatement":
        return thing_said(thing["object"], locale)
    name = in_language(thing.get("definition", {}).get("name", {}), locale)
    return name or str(thing["id"])


def in_language(said: Mapping[str, str], locale: str) -> str:
    """A language map's text for a reader of `locale`, or what comes nearest; empty for none."""
    for wanted in (locale, *_FALLBACK):
        for tag, text in said.items():
            if tag.lower().partition("-")[0] == wanted:
                return text
    return next(iter(said.values()), "")


def _account(actor: Mapping[str, Any], home: str) -> str:
    account = actor.get("account", {})
    return str(account.get("name", "")) if account.get("homePage") == home else ""
