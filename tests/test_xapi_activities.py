"""Activities and agents, and how canonical definitions come to be (Communication 2.4, 2.5)."""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as some
from msgspec import Raw
from sqlalchemy import Connection, event

from lms.db import Database
from lms.xapi import canon, store
from lms.xapi.models import KnownActivity
from lms.xapi.store import LMS, Authority
from tests import factories
from tests.factories import NOW
from tests.xapi_samples import encoded
from tests.xapi_world import STATEMENT, System, number, system

IRI = "http://example.kr/course"
AGENT = {"mbox": "mailto:a@example.kr"}
OTHERS = Authority("rs-other", "http://example.kr/")
versions = pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])


@pytest.fixture
def quick(sqlite_app: Flask) -> System:
    return system(sqlite_app)


def about(definition: dict[str, Any] | None, iri: str = IRI, **more: Any) -> dict[str, Any]:
    thing = {"id": iri, **({} if definition is None else {"definition": definition})}
    return {**STATEMENT, "object": thing, **more}


def known(asking: System, iri: str = IRI, **more: Any) -> Any:
    answer = asking.ask("GET", "activities", query_string={"activityId": iri}, **more)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


# The resource


@versions
def test_activity_of_which_nothing_is_known_is_given_all_the_same(
    quick: System, version: str
) -> None:
    quick.version = version
    assert known(quick) == {"objectType": "Activity", "id": IRI}
    assert quick.post(about(None)).status_code == 200
    assert known(quick) == {"objectType": "Activity", "id": IRI}


@versions
def test_activity_has_its_canonical_definition(quick: System, version: str) -> None:
    quick.version = version
    told = {
        "name": {"ko": "과정", "en": "Course"},
        "description": {"ko": "설명"},
        "type": "http://adlnet.gov/expapi/activities/course",
        "moreInfo": "http://example.kr/more",
        "extensions": {"http://example.kr/x": [1.50, None, {"a": 1}]},
    }
    assert quick.post(about(told)).status_code == 200
    assert known(quick) == {"objectType": "Activity", "id": IRI, "definition": told}


@versions
@pytest.mark.parametrize("path", ["activities", "agents"])
def test_answer_has_the_tag_of_its_body(quick: System, version: str, path: str) -> None:
    """Communication 3.1.s4.b1, b2, b4; 1.1.s3 for HEAD."""
    quick.version = version
    query = {"activityId": IRI} if path == "activities" else {"agent": encoded(AGENT)}
    got = quick.ask("GET", path, query_string=query)
    assert got.headers["ETag"] == f'"{hashlib.sha1(got.data, usedforsecurity=False).hexdigest()}"'
    head = quick.ask("HEAD", path, query_string=query)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", got.headers["ETag"])
    again = quick.ask(
        "GET", path, query_string=query, headers={"If-None-Match": got.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


WRONG_ACTIVITIES = [
    ({}, "activityId"),
    ({"activityId": ""}, "activityId"),
    ({"activityId": "course"}, "activityId"),
    ({"activityId": IRI, "activityid": IRI}, "activityid"),
    ({"activityId": IRI, "since": "2026-01-01T00:00:00Z"}, "since"),
]


@versions
@pytest.mark.parametrize(("query", "path"), WRONG_ACTIVITIES)
def test_wrong_parameter_of_activities(
    quick: System, version: str, query: dict[str, str], path: str
) -> None:
    quick.version = version
    answer = quick.ask("GET", "activities", query_string=query)
    assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, path)


WRONG_AGENTS = [
    None,
    "",
    "a@example.kr",
    "null",
    "[]",
    encoded({}),
    encoded({**AGENT, "openid": "http://a.kr/"}),
    encoded({**AGENT, "objectType": "Group"}),
    encoded({"objectType": "Group", "member": [AGENT]}),
    encoded({"mbox": "a@example.kr"}),
    encoded({"mbox": ["mailto:a@example.kr"]}),
    encoded({**AGENT, "name": None}),
    encoded({"account": {"homePage": "http://a.kr/"}}),
    b'{"mbox":"mailto:a@example.kr","x":1}',
]


@versions
@pytest.mark.parametrize("agent", WRONG_AGENTS)
def test_wrong_agent(quick: System, version: str, agent: Any) -> None:
    quick.version = version
    query = {} if agent is None else {"agent": agent}
    answer = quick.ask("GET", "agents", query_string=query)
    assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, "agent")


AGENTS = [
    {"mbox": "mailto:a@example.kr"},
    {"mbox_sha1sum": "a" * 40},
    {"openid": "http://example.kr/a"},
    {"account": {"homePage": "http://example.kr/", "name": "a"}},
]


@versions
@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: next(iter(agent)))
def test_person_of_an_agent(quick: System, version: str, agent: dict[str, Any]) -> None:
    """2.4.s3.b3: what came with the request, whatever else is known; 2.4.s6: all in lists."""
    quick.version = version
    ((name, value),) = agent.items()
    told = quick.ask("GET", "agents", query_string={"agent": encoded(agent)}).get_json()
    assert told == {"objectType": "Person", name: [value]}
    for called in ("가", "나", "가"):
        assert quick.post({**STATEMENT, "actor": {**agent, "name": called}}).status_code == 200
    asked = {**agent, "name": "다", "objectType": "Agent"}
    told = quick.ask("GET", "agents", query_string={"agent": encoded(asked)}).get_json()
    assert told == {"objectType": "Person", "name": ["다", "가", "나"], name: [value]}


def test_names_are_for_those_who_may_read_statements(quick: System) -> None:
    assert quick.post({**STATEMENT, "actor": {**AGENT, "name": "가"}}).status_code == 200
    for scope, names in (("profile", None), ("statements/read", ["가"]), ("all/read", ["가"])):
        asking = system(quick.app, scope, institution_id=quick.institution_id)
        told = asking.ask("GET", "agents", query_string={"agent": encoded(AGENT)}).get_json()
        assert told.get("name") == names
    stranger = system(quick.app)
    told = stranger.ask("GET", "agents", query_string={"agent": encoded(AGENT)}).get_json()
    assert told == {"objectType": "Person", "mbox": [AGENT["mbox"]]}


@pytest.mark.parametrize("path", ["activities", "agents"])
def test_scope_is_needed(quick: System, path: str) -> None:
    query = {"activityId": IRI, "agent": encoded(AGENT)}
    query = {"activityId": IRI} if path == "activities" else {"agent": query["agent"]}
    for scope, status in (
        ("statements/write", 403),
        ("state", 403),
        ("profile", 200),
        ("all/read", 200),
    ):
        asking = system(quick.app, scope, institution_id=quick.institution_id)
        assert asking.ask("GET", path, query_string=query).status_code == status, scope
    assert quick.ask("PUT", path, query_string=query).status_code == 405
    assert quick.ask("POST", path, query_string=query).status_code == 405


# What becomes canonical


def test_language_maps_are_united_and_later_values_stand(quick: System) -> None:
    quick.post(about({"name": {"ko": "하나", "en": "one"}, "type": "http://a.kr/t"}))
    quick.post(about({"name": {"ko": "둘"}, "extensions": {"http://a.kr/x": 1}}))
    quick.post(about({"type": "http://a.kr/u", "extensions": {"http://a.kr/y": 2}}))
    assert known(quick)["definition"] == {
        "name": {"ko": "둘", "en": "one"},
        "type": "http://a.kr/u",
        "extensions": {"http://a.kr/x": 1, "http://a.kr/y": 2},
    }


def test_the_same_definitions_in_turn_follow_each_other(quick: System) -> None:
    """What a process remembers is the last definition, not any that it ever saw."""
    for name in ("하나", "하나", "하나", "둘", "하나", "하나", "둘", "둘"):
        quick.post(about({"name": {"ko": name}}))
        assert known(quick)["definition"]["name"] == {"ko": name}


def test_activities_anywhere_in_a_statement_are_known(quick: System) -> None:
    def named(iri: str) -> dict[str, Any]:
        return {"id": iri, "definition": {"name": {"ko": iri[-1]}}}

    inner = {
        "objectType": "SubStatement",
        "actor": AGENT,
        "verb": {"id": "http://example.kr/did"},
        "object": named("http://a.kr/1"),
        "context": {"contextActivities": {"other": named("http://a.kr/2")}},
    }
    around = {
        "contextActivities": {
            "parent": [named("http://a.kr/3"), named("http://a.kr/4")],
            "category": named("http://a.kr/5"),
        }
    }
    assert quick.post({**STATEMENT, "object": inner, "context": around}).status_code == 200
    for digit in "12345":
        assert known(quick, f"http://a.kr/{digit}")["definition"] == {"name": {"ko": digit}}


def test_statement_that_was_there_changes_nothing(quick: System) -> None:
    """2.1.2.s2.b4: definitions are not compared, so the same statement may bring another."""
    id_ = "7ccd3322-e1a5-411a-a67d-6a735c76f119"
    assert quick.post(about({"name": {"ko": "하나"}}, id=id_)).status_code == 200
    assert quick.post(about({"name": {"ko": "둘"}}, id=id_)).status_code == 200
    assert known(quick)["definition"] == {"name": {"ko": "하나"}}


def test_refused_statements_teach_nothing(quick: System) -> None:
    id_ = "7ccd3322-e1a5-411a-a67d-6a735c76f119"
    quick.post(about(None, id=id_))
    other = {**about(None, id=id_), "verb": {"id": "http://example.kr/else"}}
    answer = quick.post([about({"name": {"ko": "하나"}}), other])
    assert answer.status_code == 409
    assert known(quick) == {"objectType": "Activity", "id": IRI}
    assert quick.post(about({"name": {"ko": "하나"}})).status_code == 200
    assert known(quick)["definition"] == {"name": {"ko": "하나"}}


def test_who_may_not_define_teaches_nothing(quick: System) -> None:
    """Communication 4.2: «define»."""
    asking = system(quick.app, "statements/write", institution_id=quick.institution_id)
    assert asking.post(about({"name": {"ko": "하나"}})).status_code == 200
    assert known(quick) == {"objectType": "Activity", "id": IRI}
    both = system(quick.app, "statements/write", "define", institution_id=quick.institution_id)
    assert both.post(about({"name": {"ko": "둘"}})).status_code == 200
    assert known(quick)["definition"] == {"name": {"ko": "둘"}}


def test_activities_of_another_institution_are_others(quick: System) -> None:
    stranger = system(quick.app)
    quick.post(about({"name": {"ko": "우리"}}))
    assert known(stranger) == {"objectType": "Activity", "id": IRI}
    stranger.post(about({"name": {"ko": "남"}}))
    assert known(quick)["definition"] == {"name": {"ko": "우리"}}


def test_odd_values_are_given_back(quick: System) -> None:
    """What a JSON column would refuse or round."""
    long = "http://example.kr/" + "길" * 2_000
    told = {
        "name": {"ko": "\x00 null, \U0001f600"},
        "extensions": {"http://a.kr/x": {"big": 12345678901234567, "small": 0.1}},
    }
    quick.post(about(told, long))
    assert known(quick, long) == {"objectType": "Activity", "id": long, "definition": told}


def test_definition_does_not_grow_for_ever(quick: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canon, "MOST_BYTES", 100)
    for n in range(6):
        quick.post(about({"extensions": {f"http://a.kr/{n}": "x" * 20}}))
    assert known(quick)["definition"] == {
        "extensions": {f"http://a.kr/{n}": "x" * 20 for n in (4, 5)}
    }
    quick.post(about({"name": {"ko": "x" * 200}}))
    assert "name" not in known(quick)["definition"]


# The LMS's own, and what it costs


def keep(
    db: Database,
    home: int,
    *definitions: dict[str, Any],
    authority: Authority = LMS,
    iri: str = IRI,
) -> int:
    """How many SQL statements beside the one that stores; each definition in a statement."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if "lms_xapi_activity" in sql:
            seen.append(sql)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with db.transaction() as session:
            said = [encoded(about(one, iri)) for one in definitions]
            store.add(session.connection(), home, said, authority=authority, now=NOW)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def canonical(db: Database, home: int, *iris: str) -> dict[str, dict[str, Any]]:
    with db.reading() as session:
        return canon.definitions(session.connection(), home, iris or [IRI])


@pytest.fixture
def home(db: Database) -> int:
    with db.transaction() as session:
        return factories.institution(session).id


def test_definition_that_stands_costs_nothing(db: Database, home: int) -> None:
    told = {"name": {"ko": "하나"}, "type": "http://a.kr/t"}
    assert [keep(db, home, told) for _ in range(4)] == [2, 1, 0, 0]  # write, look, remember
    assert keep(db, home, told, told, told) == 0
    assert keep(db, home, {"name": {"ko": "둘"}}) > 0
    assert canonical(db, home) == {IRI: {"name": {"ko": "둘"}, "type": "http://a.kr/t"}}


def test_what_the_lms_defined_nobody_else_redefines(db: Database, home: int) -> None:
    keep(db, home, {"name": {"en": "theirs"}}, authority=OTHERS)
    keep(db, home, {"name": {"ko": "우리"}})
    keep(db, home, {"name": {"ko": "남", "en": "theirs"}}, authority=OTHERS)
    assert canonical(db, home) == {IRI: {"name": {"ko": "우리"}}}
    costs = [
        keep(db, home, {"name": {"ko": "남", "en": "theirs"}}, authority=OTHERS) for _ in range(2)
    ]
    assert costs == [0, 0]
    keep(db, home, {"name": {"ko": "새로"}})
    assert canonical(db, home) == {IRI: {"name": {"ko": "새로"}}}


def test_what_was_rolled_back_is_not_remembered(db: Database, home: int) -> None:
    told = encoded(about({"name": {"ko": "하나"}}))

    def twice(connection: Connection) -> None:
        for _ in range(3):
            store.add(connection, home, [told], authority=LMS, now=NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), db.transaction() as session:
        twice(session.connection())
    with pytest.raises(ZeroDivisionError):
        db.writer.do(twice, key=home)  # undone to its savepoint, in a commit of others
    assert canonical(db, home) == {}
    db.writer.do(lambda connection: store.add(connection, home, [told], authority=LMS, now=NOW))
    assert canonical(db, home) == {IRI: {"name": {"ko": "하나"}}}


def test_undone_job_leaves_the_others_of_its_commit_right(db: Database, home: int) -> None:
    """Jobs of one commit: the second is undone, the third says the same as the second."""
    first, second = (encoded(about({"name": {"ko": name}})) for name in ("하나", "둘"))
    held, go = threading.Event(), threading.Event()

    def job(said: bytes, *, fail: bool) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            store.add(connection, home, [said], authority=LMS, now=NOW)
            if fail:
                raise ZeroDivisionError

        return work

    def wait(_connection: Connection) -> None:
        held.set()
        go.wait(5)

    def ask(work: Callable[[Connection], None], answers: list[Any]) -> None:
        try:
            answers.append(db.writer.do(work))
        except ZeroDivisionError as error:
            answers.append(error)

    answers: list[Any] = []
    works = [wait, job(first, fail=False), job(second, fail=True), job(second, fail=False)]
    threads = []
    for work in works:
        threads.append(threading.Thread(target=ask, args=(work, answers)))
        threads[-1].start()
        held.wait(5)
        while db.writer._waiting.qsize() < len(threads) - 1:
            pass
    go.set()
    for thread in threads:
        thread.join()
    assert canonical(db, home) == {IRI: {"name": {"ko": "둘"}}}
    assert number_of(db) == 1


def number_of(db: Database) -> int:
    with db.reading() as session:
        return session.query(KnownActivity).count()


def test_many_who_define_one_activity_lose_nothing(app: Flask) -> None:
    db: Database = app.extensions["lms"].db
    with db.transaction() as session:
        home = factories.institution(session).id
    languages = ["ko", "en", "ja", "fr", "de", "es", "it", "nl"]

    def tell(language: str) -> None:
        for n in range(3):
            iris = [f"http://a.kr/{one}" for one in range(4)]
            said = [encoded(about({"name": {language: str(n)}}, iri)) for iri in iris]
            with db.transaction() as session:
                if language > "f":
                    said.reverse()
                store.add(session.connection(), home, said, authority=OTHERS, now=NOW)

    together(tell, languages)
    iris = [f"http://a.kr/{one}" for one in range(4)]
    assert canonical(db, home, *iris) == {
        iri: {"name": dict.fromkeys(sorted(languages), "2")} for iri in iris
    }
    assert number(app, KnownActivity) == 4


def together(work: Callable[[Any], None], items: Sequence[Any]) -> None:
    failed: list[BaseException] = []
    start = threading.Barrier(len(items))

    def run(item: Any) -> None:
        start.wait()
        try:
            work(item)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=run, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


# Merging by itself

CHOICE = {
    "interactionType": "choice",
    "correctResponsesPattern": ["a"],
    "choices": [{"id": "a", "description": {"ko": "가"}}, {"id": "b"}],
}


def merged(old: dict[str, Any], new: dict[str, Any], *, ours: bool = False) -> Any:
    read = msgspec.json.Decoder(dict[str, Raw]).decode
    first = canon.merge({}, read(encoded(old)))
    return json.loads(msgspec.json.encode(canon.merge(first, read(encoded(new)), ours=ours)))


def test_right_answers_are_not_changed_by_others() -> None:
    """Data 2.4.4.1.s4.b5."""
    new = {
        "interactionType": "choice",
        "correctResponsesPattern": ["b"],
        "choices": [{"id": "a", "description": {"en": "A"}}, {"id": "c"}],
    }
    choices = [{"id": "a", "description": {"ko": "가", "en": "A"}}, {"id": "c"}]
    assert merged(CHOICE, new) == {**CHOICE, "choices": choices}
    assert merged(CHOICE, new, ours=True) == {**new, "choices": choices}


def test_interaction_of_another_kind() -> None:
    new = {"name": {"ko": "이름"}, "interactionType": "likert", "scale": [{"id": "1"}]}
    assert merged(CHOICE, new) == {**CHOICE, "name": {"ko": "이름"}}
    assert merged(CHOICE, new, ours=True) == new
    assert merged(CHOICE, {"name": {"ko": "이름"}}, ours=True) == {**CHOICE, "name": {"ko": "이름"}}


texts = some.text(max_size=5)
definitions = some.fixed_dictionaries(
    {},
    optional={
        "name": some.dictionaries(some.sampled_from(["ko", "en", "ja"]), texts),
        "description": some.dictionaries(some.sampled_from(["ko", "en", "ja"]), texts),
        "type": texts,
        "extensions": some.dictionaries(
            some.sampled_from(["a:b", "a:c"]),
            some.recursive(some.none() | some.integers() | texts, some.lists, max_leaves=4),
        ),
    },
)


@given(definitions, definitions)
def test_merging_unites_maps_and_takes_later_values(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    united: dict[str, Any] = {
        name: {**old.get(name, {}), **new[name]}
        for name in ("name", "description", "extensions")
        if name in new
    }
    made: dict[str, Any] = {**old, **new, **united}
    assert merged(old, new) == made
    assert merged(merged(old, new), new) == merged(old, new)
