"""Whatever comes in is answered, and only what was acknowledged is kept."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lms.errors import InvalidError
from lms.xapi.statement import read
from tests.xapi_making import Dice
from tests.xapi_rules import BOTH
from tests.xapi_samples import ID, VALID, encoded
from tests.xapi_world import System, number, system


@pytest.fixture
def vendor(app: Flask) -> System:
    return system(app)


_KEYS = (
    *("actor", "verb", "object", "result", "context", "id", "mbox", "account", "name", "member"),
    *("objectType", "definition", "extensions", "score", "raw", "timestamp", "registration"),
    *("contextActivities", "parent", "http://a/"),
)
_json = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=8)
    | some.sampled_from([ID, "http://a/", "Agent", "Group", "PT1S", "2026-01-01T00:00:00Z"]),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from(_KEYS) | some.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
_changed = some.builds(
    lambda base, key, value: {**base, key: value},
    some.sampled_from(list(VALID.values())),
    some.sampled_from(["actor", "verb", "object", "result", "context", "timestamp", "id", "x"]),
    _json,
)
_told = some.builds(
    lambda name, path, response, extension: {
        "actor": {"account": {"homePage": "http://a/" + path, "name": name}},
        "verb": {"id": "http://v/" + path, "display": {"ko": name}},
        "object": {"id": "http://o/" + path},
        "result": {"response": response, "extensions": {"http://e/" + path: extension}},
    },
    some.text(),
    some.text(max_size=8) | some.just(""),
    some.text(),
    _json,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    value=_json | _changed | _told | some.lists(_changed | _told, max_size=3),
    raw=some.binary(max_size=30),
)
def test_whatever_comes_is_answered_and_only_what_was_acknowledged_is_kept(
    vendor: System, value: Any, raw: bytes
) -> None:
    before = number(vendor.app)
    for version in ("1.0.3", "2.0.0"):
        vendor.version = version
        for data in (encoded(value), raw):
            answer = vendor.post(data)
            assert answer.status_code in {200, 400, 409}
            kept = number(vendor.app)
            if answer.status_code == 200:
                assert before <= kept <= before + len(answer.get_json())
            else:
                assert kept == before
            before = kept
    # Whatever was kept can be read back whole.
    msgspec.json.decode(vendor.get().data)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(value=_told)
def test_a_statement_keeps_its_meaning_and_its_mark_on_the_way(value: Any) -> None:
    try:
        received = read(encoded(value), version="1.0.3")
    except InvalidError:
        return
    again = read(msgspec.json.encode(received.members), version="1.0.3")
    assert msgspec.json.decode(msgspec.json.encode(received.members)) == value
    assert again.mark == received.mark


def is_read(raw: bytes, version: str) -> bool:
    """Whether a statement is taken; refused, it is with a path. Anything else that is raised is."""
    try:
        read(raw, version=version)
    except InvalidError as error:
        return not str(error.field).startswith("$")
    return True


def test_ten_thousand_malformed_statements_are_refused_or_kept_and_never_a_fault(
    sqlite_app: Flask,
) -> None:
    """Reading is where nearly all end; what it lets through is posted, and some of the rest."""
    vendor, dice = system(sqlite_app), Dice(1)
    made = [(dice.malformed(), BOTH[turn % 2]) for turn in range(10_000)]
    taken = [one for one in made if is_read(*one)]
    codes: dict[int, int] = {}
    for raw, vendor.version in taken + made[::50]:
        code = vendor.post(raw).status_code
        codes[code] = codes.get(code, 0) + 1
    assert codes.keys() <= {200, 400, 409}
    assert 30 < len(taken) < 500
    assert 30 < number(sqlite_app) <= codes[200]


def expected(sent: dict[str, Any], got: dict[str, Any], vendor: System) -> dict[str, Any]:
    """What the store gives out for what was sent (Data 2.4.6.2.s4, 2.4.7 to 2.4.10)."""
    given = {
        "id": got["id"],
        "stored": got["stored"],
        "timestamp": got["stored"],
        "authority": {
            "objectType": "Agent",
            "account": {"homePage": got["authority"]["account"]["homePage"]}
            | {"name": vendor.username},
        },
        "version": "2.0.0" if vendor.version == "2.0.0" else "1.0.0",
    }
    whole = given | _given_out(sent)
    if sent["object"].get("objectType") == "SubStatement":
        whole["object"] = _given_out(sent["object"])
    return whole


def _given_out(sent: dict[str, Any]) -> dict[str, Any]:
    out = dict(sent)
    if "timestamp" in sent:
        at = datetime.fromisoformat(sent["timestamp"])
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        fraction = sent["timestamp"].partition(".")[2]
        digits = fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]
        out["timestamp"] = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{digits}Z"
    around = sent.get("context", {}).get("contextActivities")
    if around is not None:
        listed = {name: one if isinstance(one, list) else [one] for name, one in around.items()}
        out["context"] = {**sent["context"], "contextActivities": listed}
    return out


@pytest.mark.parametrize("version", BOTH)
def test_valid_statements_come_back_as_they_were_byte_for_byte(
    sqlite_app: Flask, version: str
) -> None:
    vendor, dice = system(sqlite_app), Dice(2)
    vendor.version = version
    sent = [dice.valid(version) for _ in range(200)]
    ids = vendor.post(sent).get_json()
    assert [one.get("id", id_) for one, id_ in zip(sent, ids, strict=True)] == ids
    for one, id_ in zip(sent, ids, strict=True):
        raw = vendor.get(statementId=id_).data
        got = json.loads(raw)
        assert got == expected(one, got, vendor)
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        untouched = {name for name, part in one.items() if got[name] == part}
        assert untouched >= {"actor", "verb"}
        for name in untouched:
            assert bytes(members[name]) == encoded(one[name])
        # What came out is the same statement as what went in.
        marks = {read(each, version=version).mark for each in (encoded(one), raw)}
        assert len(marks) == 1
    assert vendor.post(sent[:0]).get_json() == []
    with_ids = [{**one, "id": id_} for one, id_ in zip(sent, ids, strict=True)]
    assert vendor.post(with_ids).get_json() == ids
    assert number(sqlite_app) == len(sent)
