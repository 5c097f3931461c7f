"""Who needs care and why: the function, and the same asked of the database."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from lms.i18n import words
from lms.learning.models import ActivityResult, Enrolment
from lms.learning.rules import RuleSet
from lms.tutoring import risk
from lms.tutoring.risk import Facts, Moment, Reason
from lms.tutoring.words import marks
from tests import factories, tutoring_world
from tests.factories import NOW
from tests.tutoring_world import FROM, UNTIL

DAY = timedelta(days=1)
BEGUN = {"enrolled_at": NOW - 22 * DAY}


def at(now: datetime = NOW, **more: Any) -> Moment:
    class Run:
        learn_from, learn_until = more.get("learn_from", FROM), more.get("learn_until", UNTIL)

    run: Any = Run()
    return risk.moment(run, RuleSet(), scored=more.get("scored", True), now=now, zone="Asia/Seoul")


@pytest.mark.parametrize(
    ("facts", "found", "standing"),
    [
        ({"completed_at": NOW, "failed": True}, [], "done"),
        ({}, [("never", 22)], "fresh"),
        ({"last_act_at": NOW - DAY, "progress_permille": 700}, [], "pace"),
        ({"last_act_at": NOW - DAY, "progress_permille": 300}, [("behind", 373)], "care"),
        ({"last_act_at": NOW - 15 * DAY, "progress_permille": 800}, [("stalled", 15)], "care"),
        (
            {"last_act_at": NOW - DAY, "progress_permille": 950, "score": 5500, "failed": True},
            [("failed", 5500)],
            "care",
        ),
        ({"last_act_at": NOW - DAY, "progress_permille": 950}, [("untested", 0)], "care"),
        (
            {"last_act_at": NOW - DAY, "progress_permille": 700, "overlapped_at": NOW - DAY},
            [("devices", 0)],
            "care",
        ),
        (
            {"last_act_at": NOW - 9 * DAY, "progress_permille": 100},
            [("stalled", 9), ("behind", 573)],
            "care",
        ),
    ],
)
def test_reasons_in_the_order_of_their_weight(
    facts: dict[str, Any], found: list[tuple[Any, int]], standing: str
) -> None:
    told = Facts(**BEGUN, **facts)
    assert risk.reasons(told, at()) == tuple(Reason(code, n) for code, n in found)
    assert risk.standing(told, at()) == standing


def test_a_day_is_a_day_on_the_institutions_wall() -> None:
    """Seven local days: last learnt at 23:59 of the 16th, in Seoul, is seven days on the 23rd."""
    late = datetime(2026, 11, 16, 14, 59, 59, tzinfo=UTC)
    facts = {**BEGUN, "progress_permille": 700}
    assert risk.reasons(Facts(**facts, last_act_at=late), at()) == (Reason("stalled", 7),)
    assert risk.reasons(Facts(**facts, last_act_at=late + timedelta(seconds=1)), at()) == ()


def test_before_the_first_day_nobody_is_late_and_after_the_last_everybody_who_is_not_done() -> None:
    early, over = at(NOW - 30 * DAY), at(NOW + 10 * DAY)
    facts = Facts(enrolled_at=NOW - 40 * DAY)
    assert risk.reasons(facts, early) == (Reason("waiting", 8),)
    assert [one.code for one in risk.reasons(facts, over)] == ["over", "never"]
    assert not risk.reaches(Facts(**BEGUN, last_act_at=NOW, progress_permille=890), over)


def test_who_joined_late_is_measured_from_then() -> None:
    late = Facts(enrolled_at=NOW - DAY, last_act_at=NOW, progress_permille=100)
    assert risk.expected(late, at()) < 150
    assert risk.standing(late, at()) == "pace"
    assert risk.reaches(late, at()) is False
    assert risk.reaches(Facts(enrolled_at=NOW - DAY, last_act_at=NOW, progress_permille=200), at())


def test_every_reason_is_said_in_words() -> None:
    told = Facts(
        enrolled_at=NOW - 22 * DAY,
        last_act_at=NOW - 9 * DAY,
        progress_permille=100,
        score=5500,
        failed=True,
        overlapped_at=NOW,
    )
    assert marks(told, at(), words("ko")) == [
        ("late", "9일째 멈춤"),
        ("ask", "평가 55점, 통과 못 함"),
        ("ask", "진도 57% 늦음"),
        ("checking", "두 기기에서 겹침"),
    ]
    assert marks(Facts(**BEGUN, completed_at=NOW), at(), words("ko")) == [("done", "이수")]


INSTANTS = st.integers(0, 50 * 86_400_000_000).map(
    lambda micros: datetime(2026, 10, 20, tzinfo=UTC) + timedelta(microseconds=micros)
)
FACTS = st.builds(
    Facts,
    enrolled_at=INSTANTS,
    completed_at=st.none() | INSTANTS,
    last_act_at=st.none() | INSTANTS,
    progress_permille=st.integers(0, 1000),
    score=st.none() | st.integers(0, 10000),
    failed=st.booleans(),
    overlapped_at=st.none() | INSTANTS,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    facts=st.lists(FACTS, min_size=1, max_size=12),
    now=INSTANTS,
    period=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    zone=st.sampled_from(["Asia/Seoul", "America/New_York", "Pacific/Apia"]),
)
def test_the_database_says_what_the_function_says(
    state: Any, facts: list[Facts], now: datetime, period: tuple[int, int], zone: str
) -> None:
    first = date(2026, 10, 25) + timedelta(days=period[0])
    with Session(state.db.engine) as session:
        world = tutoring_world.World(
            session, state, learn_from=first, learn_until=first + timedelta(days=period[1])
        )
        person = factories.person(session, world.home)
        rows = [
            tutoring_world.enrolled(
                world.run,
                person,
                attempt=number,
                enrolled_at=one.enrolled_at,
                completed_at=one.completed_at,
                last_act_at=one.last_act_at,
                progress_permille=one.progress_permille,
                score=one.score,
                overlapped_at=one.overlapped_at,
            )
            for number, one in enumerate(facts, 1)
        ]
        session.execute(insert(Enrolment), rows)
        ids = list(session.scalars(select(Enrolment.id).order_by(Enrolment.attempt)))
        _fail(session, world, [key for key, one in zip(ids, facts, strict=True) if one.failed])
        moment = risk.moment(world.run, RuleSet(), scored=True, now=now, zone=zone)
        said = session.execute(
            select(
                risk.standing_sql(moment).label("standing"),
                risk.rank_sql(moment).label("rank"),
                risk.reaches_sql(moment).label("reaches"),
                *(held.label(code) for code, held in risk.conditions(moment).items()),
            ).order_by(Enrolment.attempt)
        ).all()
        session.rollback()
    for row, one in zip(said, facts, strict=True):
        codes = {reason.code for reason in risk.reasons(one, moment)}
        told = row._mapping
        assert {code for code in risk.ORDER if told[code]} == codes
        assert told["standing"] == risk.standing(one, moment)
        assert told["rank"] == risk.rank(one, moment)
        assert bool(told["reaches"]) == risk.reaches(one, moment)


def _fail(session: Session, world: Any, ids: list[int]) -> None:
    if ids:
        activity = world.run.version.units[-1].activities[0].id
        row = {
            "institution_id": world.home.id,
            "activity_id": activity,
            "progress_permille": 1000,
            "passed": False,
            "done": True,
            "statements": [],
            "first_at": NOW,
        }
        session.execute(insert(ActivityResult), [{**row, "enrolment_id": one} for one in ids])
