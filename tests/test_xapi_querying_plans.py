"""No query reads the whole table: what the databases themselves say of how they will find."""

import itertools
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, event

from content import reading_acts
from lms.db import Database
from lms.xapi import querying, store
from lms.xapi.querying import Query
from lms.xapi.store import Authority
from tests import factories
from tests.factories import NOW

HOME = "https://home.example"
REGISTRATION = str(uuid.uuid4())
AGENT = f"account:{HOME}|rs-1"
QUERIES = [
    Query(
        agent=AGENT if agents else None,
        related_agents=agents == "near",
        activity="http://example.kr/a" if activities else None,
        related_activities=activities == "near",
        verb="http://example.kr/did" if verb else None,
        registration=REGISTRATION if registration else None,
        since=NOW if time else None,
        until=NOW + timedelta(days=1) if time else None,
        after=(NOW + timedelta(hours=2), 7) if time else None,
        ascending=time,
        limit=50,
    )
    for agents, activities, verb, registration, time in itertools.product(
        ["", "own", "near"], ["", "own", "near"], [False, True], [False, True], [False, True]
    )
]


def driver(query: Query, authority: str | None) -> str:
    """The index that the first branch is to walk."""
    for value, name in (
        (query.registration, "registration"),
        (query.agent, "actor"),
        (query.activity, "activity"),
        (query.verb, "verb"),
        (authority, "authority"),
    ):
        if value is not None:
            return f"ix_lms_statement_{name}"
    return "ix_lms_statement_stored"


@pytest.fixture
def home(db: Database) -> int:
    """An institution with statements enough that an index is worth while."""
    with db.transaction() as session:
        made = factories.institution(session, home_page=HOME).id
        statement: dict[str, Any] = {
            "actor": {"mbox": "mailto:a@example.kr"},
            "verb": {"id": "http://example.kr/did"},
            "object": {"id": "http://example.kr/a"},
        }
        for number in range(20):
            some = [
                msgspec.json.encode(
                    {
                        **statement,
                        "actor": {"mbox": f"mailto:{number}-{one % 7}@example.kr"},
                        "verb": {"id": f"http://example.kr/{one % 5}"},
                        "object": {"id": f"http://example.kr/{one % 11}"},
                        "context": {
                            "contextActivities": {"category": [{"id": f"http://c/{one % 3}"}]},
                            "registration": str(uuid.UUID(int=number)),
                        },
                    }
                )
                for one in range(100)
            ]
            at = NOW + timedelta(minutes=number)
            authority = Authority(f"rs-{number % 4}", HOME)
            store.add(session.connection(), made, some, authority=authority, now=at)
    if not db.is_sqlite:
        with db.transaction() as session:
            session.connection().exec_driver_sql("ANALYZE")
    return made


def plan(to: Connection, home: int, query: Query, authority: str | None) -> list[str]:
    return plan_of(to, lambda: querying.find(to, home, query, authority=authority))


def plan_of(to: Connection, asks: Callable[[], Any]) -> list[str]:
    """How the database would find what `asks` asks for last."""
    asked: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:
        asked.append(told[2:4])

    event.listen(to.engine, "before_cursor_execute", note)
    asks()
    event.remove(to.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if to.dialect.name == "sqlite" else "EXPLAIN "
    found = to.exec_driver_sql(explain + asked[-1][0], asked[-1][1])
    return [row[-1] for row in found]


def test_what_is_asked_of_one_enrolment_walks_its_registration(db: Database, home: int) -> None:
    """Never the index of our authority, nor of an activity: those have everybody's statements."""
    asks: list[Callable[[Connection], Any]] = [
        lambda to: list(store.of_registration(to, home, REGISTRATION)),
        lambda to: list(store.of_registrations(to, home, [REGISTRATION, str(uuid.uuid4())])),
        lambda to: reading_acts._LAUNCHED.all(
            to, institution_id=home, registration=REGISTRATION, activity="http://example.kr/a"
        ),
    ]
    with db.reading() as session:
        to = session.connection()
        if not db.is_sqlite:
            to.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for ask in asks:
            said = "\n".join(plan_of(to, lambda ask=ask: ask(to)))  # type: ignore[misc]
            assert "ix_lms_statement_registration" in said, said
            assert not re.search(r"ix_lms_statement_(authority|activity|verb|stored)\b", said), said


def test_no_query_scans(db: Database, home: int) -> None:
    """2.1.3: each way to be found walks an index in stored order, as far as the page goes."""
    with db.reading() as session:
        to = session.connection()
        if not db.is_sqlite:
            # These few rows fit into some pages, which PostgreSQL would rather read whole.
            to.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for query, authority in zip(QUERIES, itertools.cycle([None, "rs-2", "rs-3"]), strict=False):
            lines = plan(to, home, query, authority)
            said = "\n".join(lines)
            assert "Seq Scan" not in said, (query, said)
            if not db.is_sqlite:
                continue
            scanned = [one for one in lines if re.match(r"SCAN (?!anon_)", one)]
            assert (scanned, "AUTOMATIC" in said) == ([], False), (query, said)
            walked = [one for one in lines if one.startswith("SEARCH lms_statement USING INDEX")]
            assert {one.split()[4] for one in walked} - {"ix_lms_statement_authority"} <= {
                driver(query, authority)
            }, (query, said)
            assert driver(query, authority) in walked[0], (query, said)
            # What is sorted are pages, and never all that matches.
            sorts = [one for one in lines if "TEMP B-TREE FOR" in one]
            assert len(sorts) == (2 if "UNION" in said else 0), (query, said)
