"""Whatever comes in is answered, and only what was acknowledged is kept."""

from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lms.errors import InvalidError
from lms.xapi.statement import read
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
