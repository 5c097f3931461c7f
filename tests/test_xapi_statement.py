"""Statements: valid ones are read whole, each broken rule is named by its path."""

import copy
import json
import uuid
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import tincan

from lms.errors import InvalidError
from lms.xapi import building, vocabulary
from lms.xapi.statement import read, read_all
from tests.factories import NOW
from tests.xapi_samples import (
    ACTIVITY,
    AGENTS,
    BASE,
    GROUP,
    GROUPS,
    ID,
    MBOX,
    SUB,
    VALID,
    WRONG,
    around,
    came,
    encoded,
    told,
)


def path_of(value: Any, version: str) -> str | None:
    with pytest.raises(InvalidError) as refused:
        read(encoded(value) if not isinstance(value, bytes) else value, version=version)
    return refused.value.field


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
@pytest.mark.parametrize("name", VALID)
def test_a_valid_statement_is_read_whole(name: str, version: str) -> None:
    received = read(encoded(VALID[name]), version=version)
    got = {key: json.loads(bytes(part)) for key, part in received.members.items()}
    expected = copy.deepcopy(VALID[name])
    if name == "single context activity":
        expected["context"]["contextActivities"]["parent"] = [ACTIVITY]
    if name == "leap second":
        expected["timestamp"] = "2016-12-31T23:59:60Z"
    if name == "far offset":
        expected["timestamp"] = "2026-01-01T13:04:05Z"
    assert got == expected


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
@pytest.mark.parametrize("name", WRONG)
def test_a_broken_rule_is_named_by_its_path(name: str, version: str) -> None:
    value, path = WRONG[name]
    found = path_of(value, version)
    assert found is not None
    assert found.startswith(path)


def test_context_agents_and_groups_come_with_2_0() -> None:
    for name, given in (("contextAgents", AGENTS), ("contextGroups", GROUPS)):
        statement = around(**{name: given})
        read(encoded(statement), version="2.0.0")
        assert path_of(statement, "1.0.3") == f"$.context.{name}"
        assert path_of({**statement, "version": "1.0.0"}, "2.0.0") == f"$.context.{name}"
        read(encoded(told(object={**SUB, "context": {name: given}})), version="2.0.1")
        inner = path_of(told(object={**SUB, "context": {name: given}}), "1.0.0")
        assert inner == f"$.object.context.{name}"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("contextAgents", [{"objectType": "Agent", "agent": MBOX}]),
        ("contextAgents", [{"agent": MBOX}]),
        ("contextAgents", [{"objectType": "contextAgent", "agent": GROUP}]),
        ("contextAgents", [{"objectType": "contextAgent", "agent": MBOX, "relevantTypes": []}]),
        ("contextAgents", [{"objectType": "contextAgent", "agent": MBOX, "relevantTypes": ["a"]}]),
        ("contextAgents", AGENTS[0]),
        ("contextGroups", [{"objectType": "contextGroup", "group": MBOX}]),
        ("contextGroups", [{"objectType": "contextAgent", "group": GROUP}]),
        ("contextGroups", [{"objectType": "contextGroup"}]),
    ],
)
def test_context_agents_and_groups_have_rules_too(name: str, given: Any) -> None:
    found = path_of(around(**{name: given}), "2.0.0")
    assert found is not None
    assert found.startswith(f"$.context.{name}")


def test_2_0_wants_rfc_3339_and_1_0_takes_iso_8601() -> None:
    for loose in ("2026-01-02T03:04Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05+09"):
        read(encoded(told(timestamp=loose)), version="1.0.3")
        assert path_of(told(timestamp=loose), "2.0.0") == "$.timestamp"


def test_a_statement_of_2_0_does_not_come_in_a_request_of_1_0() -> None:
    assert path_of(told(version="2.0.0"), "1.0.3") == "$.version"
    assert read(encoded(told(version="2.0.0")), version="2.0.0").version == "2.0.0"
    assert read(encoded(told(version="1.0.2")), version="2.0.0").version == "1.0.2"


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"", "$"),
        (b"{", "$"),
        (b"nonsense", "$"),
        (b"\xff\xfe{}", "$"),
        (encoded(BASE).replace(b"did", b"d\xffd"), "$"),
        (encoded(came(extensions={"http://a/b": "X"})).replace(b"X", b"\xff"), "$"),
        (encoded(came(extensions={"http://a/b": "X"})).replace(b"X", b"\\ud800"), "$"),
        (encoded(came(extensions={"http://a/b": 7})).replace(b": 7", b": NaN"), "$"),
        (
            encoded(came(extensions={"http://a/b": 7})).replace(b"7", b"[" * 99999 + b"]" * 99999),
            "$",
        ),
        (encoded(BASE).replace(b'{"actor"', b'{"actor": {"openid": "http://a/"}, "actor"'), "$"),
        (encoded(came(extensions={"http://a/b": {"c": 1}})).replace(b"1}", b'1, "c": 2}'), "$"),
        (
            encoded(came(extensions={"http://a/b": {"c": ":"}})).replace(
                b'":"}', b'"\\u003A", "c": 2}'
            ),
            "$",
        ),
    ],
)
def test_what_is_no_json_or_says_a_thing_twice_is_refused(raw: bytes, path: str) -> None:
    assert path_of(raw, "1.0.3") == path


def test_escaped_colons_are_no_second_keys() -> None:
    raw = encoded(came(extensions={"http://a/b": "X"})).replace(b"X", b"\\u003a\\u003c\\u003A")
    assert bytes(read(raw, version="1.0.3").members["result"]) == (
        b'{"extensions": {"http://a/b": "\\u003a\\u003c\\u003A"}}'
    )


def test_a_batch_names_the_place_and_refuses_an_id_that_stands_twice() -> None:
    with pytest.raises(InvalidError) as refused:
        read_all([encoded(BASE), encoded(told(id="x"))], version="1.0.3")
    assert refused.value.field == "$[1].id"
    with pytest.raises(InvalidError) as refused:
        read_all(
            [encoded(BASE), encoded(told(id=ID)), encoded(told(id=ID.upper()))], version="2.0.0"
        )
    assert refused.value.field == "$[2].id"


def test_a_refusal_says_the_rule_in_words() -> None:
    with pytest.raises(InvalidError) as refused:
        read(encoded(told(verb={"id": "did"})), version="1.0.3")
    assert refused.value.params == {
        "path": "$.verb.id",
        "rule": "an IRI with a scheme (Data 2.2, 4.3)",
    }


def test_our_own_statements_are_valid_and_whole() -> None:
    raw = building.statement(
        actor_home="https://i1.example",
        actor_name="account-1",
        verb=vocabulary.COMPLETED,
        activity_id="https://i1.example/activities/1",
        activity_type=vocabulary.TYPE_VIDEO,
        activity_name="영상",
        registration=ID,
        timestamp=NOW,
        result={
            "completion": True,
            "score": {"scaled": 0.9},
            "extensions": {vocabulary.EXT_PROGRESS: 0.95},
        },
        context_activities={"category": [{"id": vocabulary.PROFILE_VIDEO}]},
        extensions={vocabulary.EXT_SESSION: "s"},
        statement_id="00000000-0000-4000-8000-000000000001",
    )
    assert msgspec.json.decode(raw) == {
        "id": "00000000-0000-4000-8000-000000000001",
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": "https://i1.example", "name": "account-1"},
        },
        "verb": {
            "id": vocabulary.COMPLETED,
            "display": {"en": "completed", "ko": "마쳤음"},
        },
        "object": {
            "objectType": "Activity",
            "id": "https://i1.example/activities/1",
            "definition": {"type": vocabulary.TYPE_VIDEO, "name": {"ko": "영상"}},
        },
        "result": {
            "completion": True,
            "score": {"scaled": 0.9},
            "extensions": {vocabulary.EXT_PROGRESS: 0.95},
        },
        "context": {
            "registration": ID,
            "platform": "Ieum",
            "contextActivities": {
                "category": [{"objectType": "Activity", "id": vocabulary.PROFILE_VIDEO}]
            },
            "extensions": {vocabulary.EXT_SESSION: "s"},
        },
        "timestamp": "2026-11-23T05:03:12+00:00",
        "authority": {
            "objectType": "Agent",
            "account": {"homePage": "https://i1.example", "name": "lms"},
        },
    }
    for version in ("1.0.3", "2.0.0"):
        assert read(raw, version=version).registration == ID


@pytest.mark.parametrize("number", range(4))
def test_a_statement_of_ours_is_what_tincan_makes_of_it(number: int) -> None:
    """Most of it is laid out once for all learners: nothing of one may stay for the next."""
    interaction = {
        "interaction_type": "choice",
        "correct_responses_pattern": ["a[,]b"],
        "choices": [{"id": "a", "description": {"ko": "가"}}],
    }
    result = {
        "completion": True,
        "success": number % 2 == 0,
        "response": "a[,]b",
        "duration": "PT90.50S",
        "score": {"scaled": number / 4, "raw": number, "min": 0, "max": 4},
        "extensions": {vocabulary.EXT_PROGRESS: number / 4},
    }
    beside = {"parent": [{"id": "https://i1.example/courses/1"}]}
    id_, registration = str(uuid.uuid4()), str(uuid.uuid4())
    at = NOW + timedelta(microseconds=number)
    raw = building.statement(
        actor_home="https://i1.example",
        actor_name=f"account-{number}",
        verb=vocabulary.ANSWERED,
        activity_id="https://i1.example/activities/1/questions/1",
        activity_type=vocabulary.TYPE_INTERACTION,
        activity_name={"ko": "문항", "en": "Question"},
        registration=registration,
        timestamp=at,
        interaction=interaction,
        result=result,
        context_activities=beside,
        extensions={vocabulary.EXT_SESSION: str(number)} if number else None,
        statement_id=id_,
    )
    context: dict[str, Any] = {"registration": registration, "platform": "Ieum"}
    context["context_activities"] = beside
    if number:
        context["extensions"] = {vocabulary.EXT_SESSION: str(number)}
    name = {"ko": "문항", "en": "Question"}
    made = tincan.Statement(
        id=id_,
        actor={"account": {"home_page": "https://i1.example", "name": f"account-{number}"}},
        verb={"id": vocabulary.ANSWERED, "display": vocabulary.DISPLAY[vocabulary.ANSWERED]},
        object={
            "object_type": "Activity",
            "id": "https://i1.example/activities/1/questions/1",
            "definition": {"type": vocabulary.TYPE_INTERACTION, "name": name, **interaction},
        },
        result=result,
        context=context,
        authority={"account": {"home_page": "https://i1.example", "name": "lms"}},
    )
    made.timestamp = at
    del made.version
    assert msgspec.json.decode(raw) == made.as_version()


def test_every_verb_of_ours_has_words() -> None:
    verbs = {
        value
        for name, value in vars(vocabulary).items()
        if isinstance(value, str) and "/verbs/" in value and name.isupper()
    }
    assert set(vocabulary.DISPLAY) == verbs
