"""Documents on both databases, under many writers, and under anything at all."""

from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as some
from werkzeug.http import parse_date

from lms.errors import InvalidError
from lms.people import service
from lms.people.models import Institution
from lms.xapi import documents, forgetting
from lms.xapi.documents import Conditions, Tags
from tests import documents_world, factories
from tests.documents_world import AGENT, IRI, KINDS, ONE, shelf, together
from tests.factories import NOW
from tests.xapi_samples import encoded
from tests.xapi_world import system

one_app = documents_world.one_app


# Both databases


@pytest.mark.parametrize("which", KINDS)
def test_life_of_a_document(app: Flask, which: str) -> None:
    kept = shelf(system(app), which)
    content = bytes(range(256))
    assert kept.put(content, kind="image/png") == 204
    assert kept.get().data == content
    assert kept.put({"a": "\x00"}) == 204
    assert kept.post({"b": "가"}) == 204
    assert kept.value() == {"a": "\x00", "b": "가"}
    assert kept.put({"c": 1}, headers={"If-Match": '"x"'}) == 412
    assert kept.put({"c": 1}, headers={"If-None-Match": "*"}) == 412
    since = parse_date(kept.get().headers["Last-Modified"])
    assert since is not None
    assert kept.names(since=since.isoformat().replace("+00:00", "Z")) == ["d"]
    assert kept.put({}, "e") == 204
    assert kept.names() == ["d", "e"]
    assert kept.ask("DELETE").status_code == 204
    assert kept.names() == ["e"]
    if which == "state":
        assert kept.ask("DELETE", None).status_code == 204
        assert kept.names() == []


def test_nothing_that_several_post_is_lost(app: Flask) -> None:
    kept = shelf(system(app), "activity")

    def work(n: int) -> int:
        return sum(kept.post({f"{n}-{m}": m}) == 204 for m in range(5))

    assert together(work, range(8)) == [5] * 8
    assert kept.value() == {f"{n}-{m}": m for n in range(8) for m in range(5)}


def test_of_several_who_expect_the_same_one_writes(app: Flask) -> None:
    kept = shelf(system(app), "agent")
    for turn in range(2):
        expected = kept.now()

        def work(n: int, turn: int = turn, expected: dict[str, str] = expected) -> int:
            return kept.put({"turn": turn, "n": n}, headers=expected)

        answers = together(work, range(8))
        assert sorted(answers) == [204] + [412] * 7
        assert kept.value() == {"turn": turn, "n": answers.index(204)}


def test_several_processes_lose_nothing(app: Flask) -> None:
    """Each with a connection and a transaction of its own, past the one writer of a process."""
    asking = system(app)
    db, context = app.extensions["lms"].db, documents.Context("activity_profile", IRI)
    home = asking.institution_id

    def work(n: int) -> None:
        for m in range(4):
            content = encoded({f"{n}-{m}": m})
            with db.transaction() as session:
                documents.post(
                    session.connection(),
                    home,
                    context,
                    "d",
                    content,
                    documents.JSON,
                    conditions=Conditions(),
                    now=NOW,
                )

    together(work, range(6))
    assert shelf(asking, "activity").value() == {f"{n}-{m}": m for n in range(6) for m in range(4)}


def test_documents_of_who_is_forgotten_go(app: Flask) -> None:
    asking, db = system(app), app.extensions["lms"].db
    with db.transaction() as session:
        home = session.get_one(Institution, asking.institution_id)
        gone, stays = (factories.person(session, home) for _ in range(2))
        accounts = [{"homePage": home.home_page, "name": one.account_name} for one in (gone, stays)]
        service.forget(session, gone, actor_id=None, now=NOW, reason="요청")
    agents = [{"agent": encoded({"account": one}).decode()} for one in accounts]
    states = [shelf(asking, "state"), shelf(asking, "state")]
    profiles = [shelf(asking, "agent"), shelf(asking, "agent")]
    for kept in (states, profiles):
        for one, agent in zip(kept, agents, strict=True):
            one.about = {**one.about, **agent}
            assert one.put({}) == 204
    assert shelf(asking, "activity").put({}) == 204
    for _ in range(2):
        forgetting.nightly(app.extensions["lms"], NOW)
        assert [one.names() for one in (*states, *profiles)] == [[], ["d"], [], ["d"]]
        assert shelf(asking, "activity").names() == ["d"]


# By themselves

values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=4),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=2), inner),
    max_leaves=5,
)
objects = some.dictionaries(some.text(max_size=2), values, max_size=4)


@given(objects, objects)
def test_merging_sets_what_is_at_the_top(old: dict[str, Any], new: dict[str, Any]) -> None:
    made = documents.merged(msgspec.json.encode(old), msgspec.json.encode(new))
    assert msgspec.json.decode(made) == {**old, **new}
    assert documents.merged(made, msgspec.json.encode(new)) == made


@given(some.binary(max_size=20), some.binary(max_size=20))
def test_merging_of_anything_is_done_or_refused(old: bytes, new: bytes) -> None:
    try:
        documents.merged(old, new)
    except InvalidError as error:
        assert error.field == "$"  # noqa: PT017


tags = some.sampled_from(["a", "b", "c"])
headers = some.none() | some.builds(
    lambda any_, strong, weak: Tags(any_, frozenset(strong), frozenset(strong | weak)),
    some.booleans(),
    some.sets(tags),
    some.sets(tags),
)


@given(some.builds(Conditions, headers, headers), some.none() | tags)
def test_conditions(told: Conditions, etag: str | None) -> None:
    """RFC 9110 13.1.1 and 13.1.2, said the other way round."""
    fails = False
    if told.match is not None:
        fails |= etag is None or (not told.match.any and etag not in told.match.strong)
    if told.none_match is not None and etag is not None:
        fails |= told.none_match.any or etag in told.none_match.weak
    assert told.hold(etag) is not fails


@pytest.mark.parametrize("which", KINDS)
def test_nothing_that_comes_is_our_fault(one_app: Flask, which: str) -> None:
    """Whatever stands in parameters, headers and body: never 5xx."""
    kept = shelf(system(one_app), which)
    names = ["activityId", "agent", "registration", "stateId", "profileId", "since", "x"]
    good = [IRI, encoded(AGENT).decode(), ONE, "d", "2026-01-01T00:00:00Z"]
    text = some.text(max_size=8) | some.sampled_from(good)
    line = some.text('aé"*,;/=W ', max_size=12)

    @given(
        method=some.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
        version=some.sampled_from(["1.0.3", "2.0.0"]),
        query=some.dictionaries(some.sampled_from(names), text),
        drop=some.booleans(),
        told=some.dictionaries(
            some.sampled_from(["If-Match", "If-None-Match", "Content-Type"]),
            line | some.sampled_from(["*", '"a"', "W/", '"', "application/json"]),
        ),
        data=some.binary(max_size=12) | some.sampled_from([b"{}", b'{"a":1}', b'{"\\ud800":1}']),
    )
    def ask(
        method: str,
        version: str,
        query: dict[str, str],
        drop: bool,
        told: dict[str, str],
        data: bytes,
    ) -> None:
        kept.asking.version = version
        meant = query if drop else {**kept.about, kept.id_name: "d", **query}
        answer = kept.asking.ask(method, kept.path, query_string=meant, headers=told, data=data)
        assert answer.status_code < 500, (method, meant, told, data)

    ask()
