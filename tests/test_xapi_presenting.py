"""Formats of what a query gives back, and the one language of each map (Communication 2.1.3)."""

import json
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from lms.xapi.presenting import Chooser
from lms.xapi.statement import read
from tests.xapi_samples import VALID
from tests.xapi_world import STATEMENT, System, system

WHO = {"mbox": "mailto:who@example.kr", "name": "누구"}
SHORT = {"mbox": "mailto:who@example.kr"}
NAMES = {"en-US": "Lesson", "ko": "수업"}
DEFINITION = {
    "name": NAMES,
    "description": {"ko": "설명", "en-US": "Description"},
    "type": "http://example.kr/type",
    "interactionType": "choice",
    "choices": [{"id": "a", "description": {"ko": "가", "en-US": "A"}}, {"id": "b"}],
    "extensions": {"http://example.kr/e": {"ko": "하나", "en-US": "one"}},
}
THING = {"id": "http://example.kr/thing", "definition": DEFINITION}
VERB = {"id": "http://example.kr/did", "display": {"en-US": "did", "ko": "했다"}}
RESULT = b'{"score": {"raw": 1.0, "max": 1E2}}'


@pytest.fixture
def quick(sqlite_app: Flask) -> System:
    return system(sqlite_app)


@pytest.fixture
def vendor(app: Flask) -> System:
    return system(app)


def put(to: System, value: Any) -> str:
    [id_] = to.post(value).get_json()
    return str(id_)


def asked(to: System, query: dict[str, Any], languages: str = "") -> Any:
    return to.ask("GET", query_string=query, headers={"Accept-Language": languages or None})


def test_ids_leaves_only_what_identifies(quick: System) -> None:
    """2.1.3.s1.table1.row12: agents, activities, verbs and groups; anonymous ones by members."""
    quick.version = "2.0.0"
    nameless = {
        "objectType": "Group",
        "name": "모둠",
        "member": [WHO, {**WHO, "objectType": "Agent"}],
    }
    team = {"objectType": "Group", "openid": "http://example.kr/team", "member": [WHO]}
    context = {
        "registration": str(uuid.uuid4()),
        "platform": "p",
        "instructor": WHO,
        "team": team,
        "contextActivities": {"parent": [THING], "other": [THING]},
        "contextAgents": [
            {"objectType": "contextAgent", "agent": WHO, "relevantTypes": ["http://example.kr/t"]}
        ],
        "contextGroups": [{"objectType": "contextGroup", "group": nameless}],
        "extensions": {"http://example.kr/e": {"name": "stays"}},
    }
    within = {key: value for key, value in context.items() if key != "platform"}
    inner = {"actor": WHO, "verb": VERB, "object": {"objectType": "Agent", **WHO}}
    value = {
        "actor": nameless,
        "verb": VERB,
        "object": {"objectType": "SubStatement", **inner, "context": within},
        "context": within,
    }
    short_group = {"objectType": "Group", "member": [SHORT, {**SHORT, "objectType": "Agent"}]}
    short_context = {
        **within,
        "instructor": SHORT,
        "team": {"objectType": "Group", "openid": "http://example.kr/team"},
        "contextActivities": {
            "parent": [{"id": THING["id"]}],
            "other": [{"id": THING["id"]}],
        },
        "contextAgents": [{**context["contextAgents"][0], "agent": SHORT}],
        "contextGroups": [{"objectType": "contextGroup", "group": short_group}],
    }
    id_ = put(quick, value)
    told = asked(quick, {"statementId": id_, "format": "ids"}).get_json()
    whole = quick.get(statementId=id_).get_json()
    assert told == {
        **whole,
        "actor": short_group,
        "verb": {"id": VERB["id"]},
        "object": {
            "objectType": "SubStatement",
            "actor": SHORT,
            "verb": {"id": VERB["id"]},
            "object": {"objectType": "Agent", **SHORT},
            "context": short_context,
        },
        "context": short_context,
    }
    plain = put(
        quick, {**STATEMENT, "object": {**THING, "objectType": "Activity"}, "context": context}
    )
    first = asked(quick, {"format": "ids", "limit": 1}).get_json()["statements"][0]
    assert (first["id"], first["object"]) == (plain, {"objectType": "Activity", "id": THING["id"]})
    assert first["context"]["platform"] == "p"


def test_every_valid_statement_has_each_format(quick: System) -> None:
    """What is given out as ids or canonical is as valid as what came."""
    quick.version = "2.0.0"
    for name, value in VALID.items():
        if name != "voiding":
            assert quick.post(value).status_code == 200, name
    for form in ("ids", "canonical", "exact"):
        found = quick.get(format=form).get_json()["statements"]
        assert len(found) == len(VALID) - 1
        for one in found:
            read(json.dumps(one).encode(), version="2.0.0")


def test_exact_is_byte_for_byte_and_other_formats_keep_the_rest(quick: System) -> None:
    raw = json.dumps({**STATEMENT, "actor": WHO}).encode()[:-1] + b',"result":' + RESULT + b"}"
    [id_] = quick.post(raw).get_json()
    exact = quick.get(statementId=id_).data
    assert quick.get(statementId=id_, format="exact").data == exact
    assert json.dumps(WHO).encode() in exact
    for form in ("ids", "canonical", "exact"):
        assert b'"result":' + RESULT in quick.get(statementId=id_, format=form).data
        assert b'"result":' + RESULT in quick.get(format=form).data


def test_canonical_gives_what_is_known_of_activities_in_one_language(vendor: System) -> None:
    """2.1.3.s1.table1.row12 and s4.b1: definitions as the store knows them, agents as they came."""
    put(vendor, {**STATEMENT, "object": THING})
    bare = {"id": THING["id"]}
    sub = {"objectType": "SubStatement", "actor": WHO, "verb": VERB, "object": bare}
    context = {"contextActivities": {"grouping": [bare], "category": [{"id": "http://a/unknown"}]}}
    ids = [
        put(vendor, {**STATEMENT, "actor": WHO, "verb": VERB, "object": bare, "context": context}),
        put(vendor, {**STATEMENT, "object": {**sub, "context": context}}),
    ]
    known = {
        **DEFINITION,
        "name": {"ko": "수업"},
        "description": {"ko": "설명"},
        "choices": [{"id": "a", "description": {"ko": "가"}}, {"id": "b"}],
    }
    around = {
        "grouping": [{**bare, "definition": known}],
        "category": [{"id": "http://a/unknown"}],
    }
    query = {"format": "canonical", "ascending": "true"}
    for one, other in (
        [
            asked(vendor, {"statementId": id_, "format": "canonical"}, "ko").get_json()
            for id_ in ids
        ],
        asked(vendor, query, "ko").get_json()["statements"][1:],
    ):
        assert one["object"] == {**bare, "definition": known}
        assert one["context"]["contextActivities"] == around
        assert (one["actor"], one["verb"]["display"]) == (WHO, {"ko": "했다"})
        assert other["object"]["object"] == {**bare, "definition": known}
        assert other["object"]["context"]["contextActivities"] == around
        assert other["object"]["verb"]["display"] == {"ko": "했다"}


def test_more_goes_on_in_the_same_format_and_language(vendor: System) -> None:
    sub = {"objectType": "SubStatement", **STATEMENT, "actor": WHO}
    for _ in range(3):
        put(vendor, {**STATEMENT, "verb": VERB, "object": sub})
    who = json.dumps(SHORT)
    query = {"limit": 1, "agent": who, "related_agents": "true"}
    for form, told in (
        ("canonical", {**VERB, "display": {"ko": "했다"}}),
        ("ids", {"id": VERB["id"]}),
    ):
        answer = asked(vendor, {**query, "format": form}, "ko").get_json()
        seen = answer["statements"]
        while answer["more"]:
            answer = vendor.ask("GET", answer["more"], headers={"Accept-Language": "en"}).get_json()
            seen += answer["statements"]
        assert [one["verb"] for one in seen] == [told] * 3


def test_a_page_of_canonical_statements_costs_one_query_more(quick: System) -> None:
    asked_: list[str] = []
    reader = quick.app.extensions["lms"].db.reader
    event.listen(reader, "before_cursor_execute", lambda *told: asked_.append(told[2]))
    quick.post([{**STATEMENT, "object": {**THING, "id": f"http://a/{one}"}} for one in range(20)])
    counts = []
    for form in ("exact", "ids", "canonical"):
        asked_.clear()
        assert len(quick.get(format=form).get_json()["statements"]) == 20
        counts.append(len([sql for sql in asked_ if sql.startswith("SELECT")]))
    assert counts == [2, 2, 3]


@pytest.mark.parametrize(
    ("header", "tags", "chosen"),
    [
        ("", ["fr", "ko"], "fr"),
        ("ko", ["fr", "ko"], "ko"),
        ("KO-kr", ["fr", "ko-KR"], "ko-KR"),
        ("en", ["fr", "en-GB", "en"], "en"),
        ("en", ["fr", "en-GB", "en-US"], "en-GB"),
        ("en-US", ["fr", "en"], "en"),
        ("en-US", ["fr", "en-GB"], "en-GB"),
        ("zh-Hant-TW", ["fr", "zh", "zh-Hant"], "zh-Hant"),
        ("fr;q=0.5, en;q=0.8", ["fr", "en"], "en"),
        ("fr, en", ["en", "fr"], "fr"),
        ("fr;q=0.9, en-US, *;q=0.1", ["ko", "fr", "en"], "fr"),
        ("*", ["ko", "fr"], "ko"),
        ("en;q=0, *", ["en", "fr"], "fr"),
        ("en;q=0", ["en", "fr"], "fr"),
        ("en-GB;q=0, en", ["en-GB", "en-US"], "en-US"),
        ("ja", ["ko", "fr"], "ko"),
        ("e", ["ko", "en"], "ko"),
        (";;,q=1,en;q=9,fr;q=0.1234,de;q=0.2", ["en", "fr", "de"], "de"),
        ("ja", ["en"], "en"),
    ],
)
def test_the_language_that_fits_best_is_chosen(header: str, tags: list[str], chosen: str) -> None:
    """2.1.3.s4.b5: RFC 2616 14.4, for each map by itself; and always one."""
    assert Chooser(header)({tag: tag.upper() for tag in tags}) == {chosen: chosen.upper()}


def test_an_empty_map_stays_empty() -> None:
    assert Chooser("ko")({}) == {}
