"""What is known of a person at a date equals a plain fold of what was told."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from lms.db import Database
from lms.errors import InvalidError
from lms.people import posts
from lms.people.models import AuditRow, Post
from lms.people.posts import Facts, Told
from tests import factories

FIRST = date(2026, 3, 1)
BORN_HERE = date(2026, 11, 23)
"""The local day of factories.NOW: since then the person is known."""


@contextmanager
def counting(db: Database) -> Iterator[list[str]]:
    """The statements that are run on the writing engine."""
    asked: list[str] = []

    def note(*told: Any) -> None:
        asked.append(told[2])

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


def facts_of(session: Any, person_id: int, on: date) -> Facts | None:
    facts = posts.facts_at(on)
    row = session.execute(select(facts).where(facts.c.person_id == person_id)).one_or_none()
    if row is None:
        return None
    return Facts(row.organisation_id, row.staff_category, row.rank, row.occupation, row.status)


@st.composite
def tellings(draw: st.DrawFn) -> list[tuple[int, Facts]]:
    """(days after FIRST, facts), in the order in which they are told."""
    return draw(
        st.lists(
            st.tuples(
                st.integers(0, 400),
                st.builds(
                    Facts,
                    organisation_id=st.none(),
                    staff_category=st.sampled_from(["teacher", "education_specialist"]),
                    rank=st.sampled_from([None, "교사", "교감"]),
                    occupation=st.none(),
                    status=st.sampled_from(posts.STATUSES),
                ),
            ),
            min_size=1,
            max_size=8,
        )
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tellings(), st.lists(st.integers(-30, 430), min_size=1, max_size=12))
def test_facts_at_any_date_are_a_fold_of_what_was_told(
    db: Database, told: list[tuple[int, Facts]], days: list[int]
) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home)
        plain: dict[date, Facts] = {}
        for after, facts in told:
            day = FIRST + timedelta(after)
            posts.tell(
                session,
                {person.id: [Told(day, facts, "transfer")]},
                institution_id=home.id,
                zone=home.zone,
                actor_id=None,
                now=factories.NOW,
                why="시험",
            )
            if not plain and day > BORN_HERE:
                plain[BORN_HERE] = posts.of_person(person)
            plain[day] = facts
        found = [facts_of(session, person.id, FIRST + timedelta(day)) for day in days]
        rows = session.scalars(
            select(Post).where(Post.person_id == person.id).order_by(Post.from_on)
        ).all()
    expected = [
        posts.fold([Told(day, facts, "") for day, facts in plain.items()], FIRST + timedelta(day))
        for day in days
    ]
    assert found == expected
    # Periods meet: neither a gap nor an overlap, and the last goes on.
    ends = [row.until_on for row in rows]
    assert ends == [row.from_on - timedelta(days=1) for row in rows[1:]] + [None]


def test_a_record_closes_the_open_period_and_keeps_what_was(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        old, new = (
            factories.organisation(session, home, "옛학교"),
            factories.organisation(session, home, "새학교"),
        )
        person = factories.person(session, home, organisation_id=old.id, rank="교사")
        change = {"actor_id": None, "now": factories.NOW}
        posts.record(
            session,
            person,
            from_on=date(2026, 3, 1),
            reason="joined",
            organisation_id=old.id,
            **change,
        )
        posts.record(
            session,
            person,
            from_on=date(2026, 9, 1),
            reason="transfer",
            organisation_id=new.id,
            **change,
        )
        posts.record(
            session, person, from_on=date(2027, 3, 1), reason="leave", status="leave", **change
        )
        kept = [
            (row.from_on, row.until_on, row.organisation_id, row.status, row.reason)
            for row in session.scalars(select(Post).order_by(Post.from_on))
        ]
        assert kept == [
            (date(2026, 3, 1), date(2026, 8, 31), old.id, "active", "joined"),
            (date(2026, 9, 1), date(2027, 2, 28), new.id, "active", "transfer"),
            (date(2027, 3, 1), None, new.id, "leave", "leave"),
        ]
        # What begins later is not mirrored before its day.
        assert (person.organisation_id, person.status) == (new.id, "active")
        trail = session.execute(select(AuditRow.act, AuditRow.reason, AuditRow.detail)).all()
        assert [tuple(row) for row in trail] == [
            (
                "post.record",
                "joined",
                {
                    "from": ["2026-03-01"],
                    "changed": ["organisation_id", "rank", "staff_category", "status"],
                },
            ),
            ("post.record", "transfer", {"from": ["2026-09-01"], "changed": ["organisation_id"]}),
            ("post.record", "leave", {"from": ["2027-03-01"], "changed": ["status"]}),
        ]


def test_what_begins_today_is_mirrored_on_its_day(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home, rank="교사")
        posts.record(
            session,
            person,
            from_on=date(2027, 3, 1),
            reason="leave",
            status="leave",
            actor_id=None,
            now=factories.NOW,
        )
        early = posts.begin_today(session, home.id, date(2027, 2, 28))
        on_the_day = posts.begin_today(session, home.id, date(2027, 3, 1))
        again = posts.begin_today(session, home.id, date(2027, 3, 2))
        session.refresh(person)
        assert (early, on_the_day, again, person.status) == (0, 1, 0, "leave")


def test_somebody_without_posts_is_what_their_row_says(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home, rank="교감", first_appointed_on=date(2001, 3, 1))
        gone = factories.person(session, home, status="forgotten")
        facts = posts.facts_at(date(1999, 1, 1))
        rows = session.execute(select(facts)).mappings().all()
        assert [dict(row) for row in rows] == [
            {
                "person_id": person.id,
                "institution_id": home.id,
                "name": person.name,
                "organisation_id": None,
                "school_level": None,
                "staff_category": "teacher",
                "rank": "교감",
                "occupation": None,
                "status": "active",
                "first_appointed_on": date(2001, 3, 1),
                "retires_on": None,
                "in_post_since": date(2001, 3, 1),
            }
        ]
        assert gone.id != person.id


def test_the_day_somebody_came_to_a_post_is_not_moved_by_leave(db: Database) -> None:
    with db.transaction() as session:
        home = factories.institution(session)
        school = factories.organisation(session, home)
        person = factories.person(session, home)
        change = {"actor_id": None, "now": factories.NOW}
        for day, reason, more in (
            (date(2024, 3, 1), "joined", {"organisation_id": school.id}),
            (date(2025, 3, 1), "leave", {"status": "leave"}),
            (date(2026, 3, 1), "return", {"status": "active"}),
        ):
            posts.record(session, person, from_on=day, reason=reason, **more, **change)
        since = [
            session.execute(select(posts.facts_at(day).c.in_post_since)).scalar_one()
            for day in (date(2024, 5, 1), date(2025, 5, 1), date(2026, 5, 1))
        ]
        assert since == [date(2024, 3, 1)] * 3


def test_an_unknown_reason_or_status_is_refused(sqlite_app: Any) -> None:
    db = sqlite_app.extensions["lms"].db
    with db.transaction() as session:
        person = factories.person(session, factories.institution(session))
        for more in ({"reason": "magic"}, {"reason": "leave", "status": "asleep"}):
            with pytest.raises(InvalidError, match="목록에서"):
                posts.record(
                    session,
                    person,
                    from_on=FIRST,
                    actor_id=None,
                    now=factories.NOW,
                    **more,
                )


def test_telling_many_costs_the_same_number_of_statements(db: Database) -> None:
    costs = []
    for many in (1, 30):
        with db.transaction() as session:
            home = factories.institution(session)
            people = [factories.person(session, home) for _ in range(many)]
            told = {
                person.id: [
                    Told(
                        date(2026, 3, 1), Facts(None, "teacher", "교사", None, "active"), "joined"
                    ),
                    Told(
                        date(2026, 9, 1),
                        Facts(None, "teacher", "교감", None, "active"),
                        "promotion",
                    ),
                ]
                for person in people
            }
            with counting(db) as asked:
                posts.tell(
                    session,
                    told,
                    institution_id=home.id,
                    zone=home.zone,
                    actor_id=None,
                    now=factories.NOW,
                    why="시험",
                )
        costs.append(len(asked))
    assert costs[0] == costs[1]
