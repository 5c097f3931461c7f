"""Whom a run is for: the rule in SQL and the rule in Python say the same of everybody."""

from contextlib import contextmanager, suppress
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lms.errors import InvalidError
from lms.learning.running import audience as audiences
from lms.learning.running.audience import Audience, Facts
from lms.people.models import Post
from tests import factories
from tests.factories import NOW

ON = date(2026, 11, 23)
DAYS = st.dates(date(1980, 1, 1), date(2030, 12, 31)) | st.sampled_from(
    # The days around which bands turn, leap days among them.
    [
        date(year, 11, 23) + timedelta(days=off)
        for year in (1991, 1996, 2011, 2021)
        for off in (-1, 0, 1)
    ]
    + [date(2020, 2, 29), date(1996, 2, 29), date(2021, 2, 28), date(2021, 3, 1)]
)
TODAYS = st.sampled_from([ON, date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1)])
CATEGORIES = ["teacher", "local_official", "outsider"]
LEVELS = ["초등학교", "중학교"]
RANKS = ["교사", "수석교사", "7급"]
OCCUPATIONS = ["국어", "행정"]


def some(values):
    return st.lists(st.sampled_from(values), unique=True, max_size=2).map(tuple)


FACTS = st.fixed_dictionaries(
    {
        "staff_category": st.sampled_from(CATEGORIES),
        "school": st.sampled_from([None, 0, 1, 2, 3]),
        "rank": st.none() | st.sampled_from(RANKS),
        "occupation": st.none() | st.sampled_from(OCCUPATIONS),
        "status": st.sampled_from(["active", "active", "leave", "retired"]),
        "first_appointed_on": st.none() | DAYS,
        "retires_on": st.none() | DAYS,
        "post_from": st.none() | DAYS.filter(lambda day: day <= date(2024, 2, 28)),
    }
)
EDGE = st.integers(0, 40)
BANDS = st.lists(
    st.tuples(st.none() | EDGE, st.none() | EDGE).filter(
        lambda band: None in band or band[0] < band[1]
    ),
    max_size=3,
).map(tuple)


def ordered(pair):
    first, last = pair
    return (last, first) if first and last and first > last else pair


RULES = st.builds(
    lambda retires, schools, **more: (
        {"retires_from": retires[0], "retires_until": retires[1], **more},
        schools,
    ),
    retires=st.tuples(st.none() | DAYS, st.none() | DAYS).map(ordered),
    schools=some([0, 1, 2, 3]),
    categories=some(CATEGORIES),
    school_levels=some(LEVELS),
    ranks=some(RANKS),
    occupations=some(OCCUPATIONS),
    service=BANDS,
    in_post_since=st.none() | DAYS,
)
SLOW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class UndoneError(Exception):
    """Thrown to leave the database as it was."""


@contextmanager
def undone(db):
    with suppress(UndoneError), db.transaction() as session:
        yield session
        raise UndoneError


def world(session):
    """An office with two schools below it, one of which has a branch."""
    home = factories.institution(session)
    office = factories.organisation(session, home, "지원청")
    school = factories.organisation(session, home, "가람초")
    branch = factories.organisation(session, home, "가람초 분교")
    other = factories.organisation(session, home, "나래중")
    office.kind, office.school_level = "office", None
    school.school_level = branch.school_level = "초등학교"
    school.parent_id, branch.parent_id, other.parent_id = office.id, school.id, office.id
    return home, [office, school, branch, other]


def below(parents, chosen):
    """In Python: who stands under one of the chosen, by walking up."""
    found = set()
    for place in range(len(parents)):
        at = place
        while at is not None:
            if at in chosen:
                found.add(place)
            at = parents[at]
    return found


@SLOW
@given(people=st.lists(FACTS, min_size=1, max_size=8), rule=RULES, on=TODAYS)
def test_the_rule_in_sql_finds_exactly_whom_the_rule_in_python_takes_in(db, people, rule, on):
    told, chosen = rule
    with undone(db) as session:
        home, schools = world(session)
        audience = Audience(**told, organisations=tuple(schools[place].id for place in chosen))
        inside = {schools[place].id for place in below([None, 0, 1, 0], set(chosen))}
        wanted = set()
        for one in people:
            facts = person(session, home, schools, one)
            if audiences.against(audience, facts, on=on, inside=inside) is None:
                wanted.add(facts.person_id)
        assert audiences.within(session, audience) == frozenset(inside if chosen else ())
        query = audiences.people(audience, home.id, on)
        assert sorted(session.scalars(query)) == sorted(wanted)
        total, named = audiences.counted(session, audience, home.id, on)
        assert (total, len(named)) == (len(wanted), min(len(wanted), audiences.NAMED))
        assert {row.person_id for row in named} <= wanted
        for one in session.scalars(query):
            assert audiences.admits(session, audience, one, on) is None
        assert audiences.parse(audiences.frozen(audience)) == audience


def person(session, home, schools, one):
    told = dict(one)
    school, post_from = told.pop("school"), told.pop("post_from")
    place = schools[school] if school is not None else None
    who = factories.person(session, home, organisation_id=place.id if place else None, **told)
    if post_from is not None:
        # With a post in force, the post speaks and not the person's own row.
        factories.kept(
            session,
            Post(
                institution_id=home.id,
                person_id=who.id,
                from_on=post_from,
                organisation_id=who.organisation_id,
                staff_category=who.staff_category,
                rank=who.rank,
                occupation=who.occupation,
                status=who.status,
                reason="joined",
                recorded_at=NOW,
            ),
        )
        who.staff_category, who.rank = "education_worker", "딴 직급"
        session.flush()
    return Facts(
        person_id=who.id,
        organisation_id=place.id if place else None,
        school_level=place.school_level if place else None,
        in_post_since=post_from or told["first_appointed_on"],
        **told,
    )


@given(bounds=st.lists(EDGE, max_size=6), since=DAYS, on=DAYS)
def test_bands_between_any_bounds_hold_everybody_exactly_once(bounds, since, on):
    served = audiences.years(since, on)
    holding = [
        (start, end)
        for start, end in audiences.bands(bounds)
        if (start is None or served >= start) and (end is None or served < end)
    ]
    assert len(holding) == 1


@SLOW
@given(bounds=st.lists(EDGE, max_size=5), days=st.lists(DAYS, min_size=1, max_size=8), on=TODAYS)
def test_in_the_database_too_each_person_is_in_exactly_one_band(db, bounds, days, on):
    with undone(db) as session:
        home = factories.institution(session)
        ids = [factories.person(session, home, first_appointed_on=day).id for day in days]
        factories.person(session, home)  # whose first day is not known is in none
        found = []
        for band in audiences.bands(bounds):
            found += session.scalars(audiences.people(Audience(service=(band,)), home.id, on))
        assert sorted(found) == sorted(ids)


@given(since=DAYS, on=DAYS, least=EDGE)
def test_the_latest_day_is_where_the_years_turn(since, on, least):
    assert (audiences.years(since, on) >= least) == (since <= audiences.latest(on, least))


def test_a_leap_day_is_passed_on_the_first_of_march():
    assert audiences.years(date(2020, 2, 29), date(2021, 2, 28)) == 0
    assert audiences.years(date(2020, 2, 29), date(2021, 3, 1)) == 1
    assert audiences.years(date(2020, 2, 29), date(2024, 2, 29)) == 4


def test_a_rule_that_contradicts_itself_is_refused():
    with pytest.raises(InvalidError, match="경력 구간"):
        Audience(service=((5, 5),))
    with pytest.raises(InvalidError, match="퇴직 예정일"):
        Audience(retires_from=date(2026, 2, 1), retires_until=date(2026, 1, 1))


def test_the_rule_in_words():
    audience = Audience(
        categories=("teacher", "education_specialist"),
        school_levels=("중학교",),
        organisations=(3,),
        service=((None, 5), (5, 15), (35, None)),
        retires_until=date(2027, 8, 31),
        in_post_since=date(2026, 3, 1),
    )
    told = audiences.describe(audience, organisations={3: "가온중학교"})
    assert [text.format(**params) for text, params in told] == [
        "직군: 교원, 교육전문직",
        "학교급: 중학교",
        "소속: 가온중학교",
        "경력 5년 미만",
        "경력 5년 이상 15년 미만",
        "경력 35년 이상",
        "퇴직 예정일이 2027. 8. 31. 이전",
        "2026. 3. 1. 이후 발령",
    ]
    assert audiences.describe(Audience()) == []


def test_who_retired_and_who_is_unknown_hear_why(db):
    with db.transaction() as session:
        home = factories.institution(session)
        retired = factories.person(session, home, status="retired")
        forgotten = factories.person(session, home, status="forgotten")
        official = factories.person(session, home, staff_category="local_official")
        teachers = Audience(categories=("teacher",))
        assert audiences.admits(session, Audience(), retired.id, ON) == audiences.OUTSIDE["status"]
        assert audiences.admits(session, Audience(), forgotten.id, ON) == audiences.NOT_KNOWN
        against = audiences.admits(session, teachers, official.id, ON)
        assert against == audiences.OUTSIDE["categories"]
        assert audiences.admits(session, Audience(), official.id, ON) is None
