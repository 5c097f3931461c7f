"""Whom a run is for: a rule over what the personnel system says of people at a date.

One rule, read twice: as SQL, to count and name whom it finds (`people`), and in Python, to say to
one person why not (`against`). Both must say the same.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import Session

from lms.errors import InvalidError
from lms.i18n import formats
from lms.people.models import Institution, Organisation, Person
from lms.people.posts import facts_at
from lms.people.settings import parse as settings_of
from lms.people.words import CATEGORIES

LEARNS = ("active", "leave")
"""Who has retired, or was forgotten, is no run's audience."""

NAMED = 5
"""People named as examples while a rule is edited."""

Band = tuple[int | None, int | None]
"""Whole years of service, from (included) and below (not included); None is no bound."""

OUTSIDE = {
    "status": "퇴직하여 신청할 수 없습니다. 다시 임용되었으면 인사 자료를 고쳐 달라고 해 주십시오.",
    "categories": "이 기수가 정한 직군이 아닙니다. 대상을 확인하고 다른 기수를 골라 주십시오.",
    "school_levels": "이 기수가 정한 학교급이 아닙니다. 대상을 확인하고 다른 기수를 골라 주십시오.",
    "ranks": "이 기수가 정한 직급이 아닙니다. 대상을 확인하고 다른 기수를 골라 주십시오.",
    "occupations": "이 기수가 정한 직종이 아닙니다. 대상을 확인하고 다른 기수를 골라 주십시오.",
    "organisations": "이 기수가 정한 소속이 아닙니다. 대상을 확인하고 다른 기수를 골라 주십시오.",
    "service": "이 기수가 정한 경력이 아닙니다. 대상을 확인하고 다른 기수를 골라 주십시오.",
    "retires": "이 기수가 정한 퇴직 예정일이 아닙니다. 대상을 확인하고 다른 기수를 골라 주십시오.",
    "in_post_since": (
        "이 기수가 정한 발령일보다 먼저 발령되었습니다. 대상을 확인하고 다른 기수를 골라 주십시오."
    ),
}
NOT_KNOWN = "인사 자료가 없어 대상인지 알 수 없습니다. 담당자에게 문의해 주십시오."


class Audience(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is said must hold; of the values of one field, any. Empty says nothing."""

    categories: tuple[str, ...] = ()
    school_levels: tuple[str, ...] = ()
    ranks: tuple[str, ...] = ()
    occupations: tuple[str, ...] = ()
    organisations: tuple[int, ...] = ()
    """Each with everything below it."""

    service: tuple[Band, ...] = ()
    retires_from: date | None = None
    retires_until: date | None = None
    """Local dates, both included."""

    in_post_since: date | None = None
    """New in their post on this day or later."""

    def __post_init__(self) -> None:
        for start, end in self.service:
            if start is not None and end is not None and start >= end:
                raise InvalidError(
                    "경력 구간은 앞의 햇수가 뒤의 햇수보다 작아야 합니다.", field="service"
                )
        if self.retires_from and self.retires_until and self.retires_from > self.retires_until:
            raise InvalidError(
                "퇴직 예정일의 시작이 끝보다 늦습니다. 두 날짜를 바꾸어 적어 주십시오.",
                field="retires_until",
            )


class Facts(NamedTuple):
    """What a rule is asked about, of one person at one date."""

    person_id: int
    organisation_id: int | None
    school_level: str | None
    staff_category: str
    rank: str | None
    occupation: str | None
    status: str
    first_appointed_on: date | None
    retires_on: date | None
    in_post_since: date | None


def parse(kept: Mapping[str, Any]) -> Audience:
    """The typed rule of a run. Raises msgspec.ValidationError."""
    return msgspec.convert(dict(kept), Audience)


def frozen(audience: Audience) -> dict[str, Any]:
    """The rule as a run keeps it; empty for everybody."""
    kept: dict[str, Any] = msgspec.to_builtins(audience)
    return kept


def bands(bounds: Sequence[int]) -> tuple[Band, ...]:
    """Half-open bands of years between the bounds: every number of years is in exactly one."""
    edges: list[int | None] = [None, *sorted(set(bounds)), None]
    return tuple(pairwise(edges))


def years(since: date, on: date) -> int:
    """Whole years from a date to another; negative before it. 29 February is passed on 1 March."""
    return on.year - since.year - ((on.month, on.day) < (since.month, since.day))


def latest(on: date, least: int) -> date:
    """The latest day from which `least` whole years have passed at `on`."""
    year = on.year - least
    try:
        return on.replace(year=year)
    except ValueError:  # 29 February of a year without one
        return date(year, 2, 28)


def within(session: Session, audience: Audience) -> frozenset[int]:
    """The organisations that the rule names, with all below them."""
    if not audience.organisations:
        return frozenset()
    return frozenset(session.scalars(_below(audience.organisations)))


def against(audience: Audience, facts: Facts, *, on: date, inside: Collection[int]) -> str | None:
    """Why the rule leaves somebody out (a msgid); None takes them in. `inside`: see `within`."""
    if facts.status not in LEARNS:
        return OUTSIDE["status"]
    for name, value in (
        ("categories", facts.staff_category),
        ("school_levels", facts.school_level),
        ("ranks", facts.rank),
        ("occupations", facts.occupation),
    ):
        wanted = getattr(audience, name)
        if wanted and value not in wanted:
            return OUTSIDE[name]
    if audience.organisations and facts.organisation_id not in inside:
        return OUTSIDE["organisations"]
    return _against_dates(audience, facts, on)


def _against_dates(audience: Audience, facts: Facts, on: date) -> str | None:
    since, retires, post = facts.first_appointed_on, facts.retires_on, facts.in_post_since
    if audience.service and (
        since is None or not any(_holds(band, years(since, on)) for band in audience.service)
    ):
        return OUTSIDE["service"]
    first, last = audience.retires_from, audience.retires_until
    early = first is not None and (retires is None or retires < first)
    if early or (last is not None and (retires is None or retires > last)):
        return OUTSIDE["retires"]
    if audience.in_post_since is not None and (post is None or post < audience.in_post_since):
        return OUTSIDE["in_post_since"]
    return None


def _holds(band: Band, served: int) -> bool:
    start, end = band
    return (start is None or served >= start) and (end is None or served < end)


def people(audience: Audience, institution_id: int, on: date) -> Select[Any]:
    """The ids of the people of an institution whom the rule takes in at a local date."""
    facts = facts_at(on)
    return select(facts.c.person_id).where(
        facts.c.institution_id == institution_id, *_holding(audience, facts.c, on)
    )


def _holding(audience: Audience, c: Any, on: date) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = [c.status.in_(LEARNS)]
    for wanted, column in (
        (audience.categories, c.staff_category),
        (audience.school_levels, c.school_level),
        (audience.ranks, c.rank),
        (audience.occupations, c.occupation),
    ):
        if wanted:
            clauses.append(column.in_(wanted))
    if audience.organisations:
        clauses.append(c.organisation_id.in_(_below(audience.organisations)))
    if audience.service:
        bound = [_in_band(c.first_appointed_on, band, on) for band in audience.service]
        clauses.append(or_(*bound))
    if audience.retires_from is not None:
        clauses.append(c.retires_on >= audience.retires_from)
    if audience.retires_until is not None:
        clauses.append(c.retires_on <= audience.retires_until)
    if audience.in_post_since is not None:
        clauses.append(c.in_post_since >= audience.in_post_since)
    return clauses


def _in_band(column: Any, band: Band, on: date) -> ColumnElement[bool]:
    start, end = band
    # Fewer years served is a later date.
    clause: ColumnElement[bool] = column.is_not(None)
    if start is not None:
        clause = clause & (column <= latest(on, start))
    if end is not None:
        clause = clause & (column > latest(on, end))
    return clause


def _below(organisations: Sequence[int]) -> Select[Any]:
    tree = select(Organisation.id).where(Organisation.id.in_(organisations)).cte(recursive=True)
    tree = tree.union(select(Organisation.id).where(Organisation.parent_id == tree.c.id))
    return select(tree.c.id)


def known(session: Session, person_ids: Collection[int], on: date) -> dict[int, Facts]:
    """What is known of these people at a date, by id; forgotten ones are not among them."""
    facts = facts_at(on)
    columns = [facts.c[name] for name in Facts._fields]
    rows = session.execute(select(*columns).where(facts.c.person_id.in_(person_ids)))
    return {row[0]: Facts(*row) for row in rows}


def admits(session: Session, audience: Audience, person_id: int, on: date) -> str | None:
    """The sentence (a msgid) against somebody's joining at a local date; None takes them in."""
    facts = known(session, [person_id], on).get(person_id)
    if facts is None:
        return NOT_KNOWN
    return against(audience, facts, on=on, inside=within(session, audience))


def counted(
    session: Session, audience: Audience, institution_id: int, on: date
) -> tuple[int, list[Row[Any]]]:
    """How many people the rule finds, and the first few of them by name: (id, name, organisation).

    Two queries whatever the number of people.
    """
    facts = facts_at(on)
    taken = (facts.c.institution_id == institution_id, *_holding(audience, facts.c, on))
    total = session.scalar(select(func.count()).select_from(facts).where(*taken)) or 0
    examples = session.execute(
        select(facts.c.person_id, facts.c.name, Organisation.name.label("organisation"))
        .select_from(facts)
        .outerjoin(Organisation, Organisation.id == facts.c.organisation_id)
        .where(*taken)
        .order_by(facts.c.name, facts.c.person_id)
        .limit(NAMED)
    ).all()
    return total, list(examples)


def describe(
    audience: Audience,
    *,
    organisations: Mapping[int, str] | None = None,
    say: Callable[[str], str] = str,
    locale: str = "ko",
) -> list[tuple[str, dict[str, Any]]]:
    """The rule in sentences, (msgid, params) each; empty for everybody.

    `organisations`: their names, by id. `say` turns our own words into the reader's language.
    """
    names = organisations or {}
    told: list[tuple[str, dict[str, Any]]] = []
    for label, values in (
        ("직군: {what}", [say(CATEGORIES.get(one, one)) for one in audience.categories]),
        ("학교급: {what}", audience.school_levels),
        ("직급: {what}", audience.ranks),
        ("직종: {what}", audience.occupations),
        ("소속: {what}", [names.get(one, f"#{one}") for one in audience.organisations]),
    ):
        if values:
            told.append((label, {"what": ", ".join(values)}))
    told += [band_words(band) for band in audience.service]
    for label, day in (
        ("퇴직 예정일이 {day} 이후", audience.retires_from),
        ("퇴직 예정일이 {day} 이전", audience.retires_until),
        ("{day} 이후 발령", audience.in_post_since),
    ):
        if day is not None:
            told.append((label, {"day": formats.day_full(day, locale)}))
    return told


def band_words(band: Band) -> tuple[str, dict[str, Any]]:
    start, end = band
    if start is None:
        return "경력 {end}년 미만", {"end": end}
    if end is None:
        return "경력 {start}년 이상", {"start": start}
    return "경력 {start}년 이상 {end}년 미만", {"start": start, "end": end}


def choices(session: Session, institution_id: int) -> dict[str, list[str]]:
    """The values that the institution's people and schools have, for a form: three queries."""
    from_people = {
        name: _distinct(session, institution_id, name) for name in ("rank", "occupation")
    }
    levels = session.scalars(
        select(Organisation.school_level)
        .where(Organisation.institution_id == institution_id, Organisation.school_level != "")
        .distinct()
    )
    return {
        "ranks": from_people["rank"],
        "occupations": from_people["occupation"],
        "school_levels": sorted(one for one in levels if one),
    }


def _distinct(session: Session, institution_id: int, name: str) -> list[str]:
    column = getattr(Person, name)
    found = session.scalars(
        select(column).where(Person.institution_id == institution_id, column != "").distinct()
    )
    return sorted(one for one in found if one)


def bounds_of(institution: Institution) -> tuple[int, ...]:
    """The years at which the institution's bands of service meet."""
    return settings_of(institution.settings).service_bounds
