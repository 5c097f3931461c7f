"""Statements are found by every parameter, page by page."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from lms.errors import InvalidError
from lms.xapi import querying
from tests.factories import NOW
from tests.xapi_samples import ID
from tests.xapi_world import STATEMENT, System, system


@pytest.fixture
def vendor(app: Flask) -> System:
    return system(app)


@pytest.fixture
def quick(sqlite_app: Flask) -> System:
    """On SQLite only, for what no database changes."""
    return system(sqlite_app)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"statementId": ID, "voidedStatementId": ID}, "statementId"),
        ({"statementId": ID, "limit": 1}, "limit"),
        ({"statementId": "1"}, "statementId"),
        ({"StatementId": ID}, "StatementId"),
        ({"unknown": 1}, "unknown"),
        ({"agent": "a"}, "agent"),
        ({"agent": "{}"}, "agent"),
        ({"agent": '{"objectType":"Group","member":[{"mbox":"mailto:a@b.kr"}]}'}, "agent"),
        ({"verb": "did"}, "verb"),
        ({"activity": "a b"}, "activity"),
        ({"registration": "1"}, "registration"),
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-02-30T00:00:00Z"}, "until"),
        ({"limit": -1}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"ascending": "yes"}, "ascending"),
        ({"format": "Exact"}, "format"),
        ({"format": "full"}, "format"),
        ({"attachments": "True"}, "attachments"),
        ({"related_agents": "1"}, "related_agents"),
        ({"related_activities": ""}, "related_activities"),
        ({"statementId": ID, "related_agents": "true"}, "related_agents"),
        ({"voidedStatementId": ID, "agent": "{}"}, "agent"),
        ({"statementId": ID, "format": "Ids"}, "format"),
        ({"statementId": ID, "attachments": "yes"}, "attachments"),
        ({"Verb": "http://a/"}, "Verb"),
        ({"relatedAgents": "true"}, "relatedAgents"),
        ({"more": "abc", "format": "ids"}, "format"),
        ({"limit": [1, 2]}, "limit"),
        ({"more": "abc"}, "more"),
        ({"more": "가"}, "more"),
        ({"more": "abc", "limit": 1}, "limit"),
    ],
)
def test_a_wrong_parameter_is_named(quick: System, query: dict[str, Any], path: str) -> None:
    answer = quick.get(**query)
    assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, path)


@pytest.mark.parametrize("name", ["since", "until"])
def test_an_instant_is_one_of_the_versions_standard(quick: System, name: str) -> None:
    for text in ("2026-01-02T03:04Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05+0900"):
        quick.version = "1.0.3"
        assert quick.get(**{name: text}).status_code == 200
        quick.version = "2.0.0"
        answer = quick.get(**{name: text})
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, name)
    assert quick.get(**{name: "2026-01-02T03:04:05+09:00"}).status_code == 200


def test_statements_are_found_by_each_parameter(vendor: System) -> None:
    registration = str(uuid.uuid4())
    account = {"account": {"homePage": "http://a.kr", "name": "가"}}
    each: dict[str, dict[str, Any]] = {
        "agent": {"actor": account},
        "verb": {"verb": {"id": "http://example.kr/saw"}},
        "activity": {"object": {"id": "http://example.kr/b"}},
        "registration": {"context": {"registration": registration}},
    }
    ids = {key: vendor.post({**STATEMENT, **more}).get_json()[0] for key, more in each.items()}
    asked = {
        "agent": json.dumps({"name": "다른 이름", **account}),
        "verb": "http://example.kr/saw",
        "activity": "http://example.kr/b",
        "registration": registration.upper(),
    }
    for name, value in asked.items():
        assert vendor.found(**{name: value}) == [ids[name]]
    assert vendor.found(agent='{"mbox":"mailto:a@EXAMPLE.kr"}', verb=asked["verb"]) == [ids["verb"]]
    assert vendor.found(activity="http://example.kr/c") == []
    order = list(ids.values())
    assert vendor.found() == order[::-1]
    assert vendor.found(ascending="true") == order
    assert vendor.found(limit=2) == order[:1:-1]
    second = vendor.get(statementId=order[1]).get_json()["stored"]
    assert vendor.found(since=second) == order[:1:-1]
    assert vendor.found(until=second) == order[1::-1]
    local = datetime.fromisoformat(second) + timedelta(hours=9)
    assert vendor.found(until=local.isoformat().replace("+00:00", "+09:00")) == order[1::-1]
    assert vendor.get(activity="http://example.kr/c").get_json() == {"statements": [], "more": ""}


def test_paging_is_stable_while_statements_come(vendor: System) -> None:
    # Ten with one and the same stored instant, and then one more for each page.
    ids = vendor.post([STATEMENT] * 10).get_json()
    for query, expected in (({}, ids[::-1]), ({"ascending": "true"}, ids)):
        seen, answer = [], vendor.get(limit=3, verb="http://example.kr/did", **query).get_json()
        while True:
            seen += [one["id"] for one in answer["statements"]]
            if not answer["more"]:
                break
            assert answer["more"].startswith("/xapi/statements?more=")
            assert len(answer["statements"]) == 3
            vendor.post({**STATEMENT, "verb": {"id": "http://example.kr/saw"}})
            if not query:
                vendor.post(STATEMENT)
            answer = vendor.ask("GET", answer["more"]).get_json()
        assert seen[:10] == expected[:10] if not query else seen[:10] == ids
        assert len(seen) == len(set(seen))


def test_a_page_of_another_system_shows_nothing_of_ours(vendor: System) -> None:
    vendor.post([STATEMENT] * 3)
    more = vendor.get(limit=1).get_json()["more"]
    stranger = system(vendor.app)
    assert stranger.ask("GET", more).get_json() == {"statements": [], "more": ""}
    assert stranger.found() == []
    id_ = vendor.found()[0]
    assert stranger.get(statementId=id_).status_code == 404


def test_a_page_costs_two_queries_whatever_its_size(quick: System) -> None:
    asked: list[str] = []
    reader = quick.app.extensions["lms"].db.reader
    event.listen(reader, "before_cursor_execute", lambda *told: asked.append(told[2]))
    counts = []
    for more in (1, 2):
        quick.post([STATEMENT] * more)
        asked.clear()
        quick.get()
        counts.append(len([sql for sql in asked if sql.startswith("SELECT")]))
    assert counts == [2, 2]


def test_the_word_for_more_is_ours_alone() -> None:
    query = querying.Query(verb="http://a/", limit=3, after=(NOW, 7))
    assert querying.read_more(querying.write_more(query, "s"), "s") == query
    with pytest.raises(InvalidError):
        querying.read_more(querying.write_more(query, "s"), "other")
