"""Who and what a query finds: agents and activities, near and far, and what refers to them."""

import itertools
import json
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import delete, func, select

from lms.db import Database
from lms.xapi import echoes, links, querying, store, vocabulary
from lms.xapi.actors import Actor, identifier
from lms.xapi.commands import record_store
from lms.xapi.models import LINK, Reference
from lms.xapi.store import Authority
from tests import factories
from tests.factories import NOW
from tests.xapi_samples import VALID
from tests.xapi_world import STATEMENT, System, number, system

WHO = {"mbox": "mailto:who@example.kr"}
OTHER = {"mbox": "mailto:other@example.kr"}
TEAM = {"objectType": "Group", "account": {"homePage": "http://example.kr", "name": "team"}}
NAMELESS = {"objectType": "Group", "member": [OTHER, WHO]}
WHERE = "http://example.kr/where"
PLACE = {"id": WHERE}
SUB = {**STATEMENT, "objectType": "SubStatement"}


@pytest.fixture
def vendor(app: Flask) -> System:
    return system(app)


@pytest.fixture
def quick(sqlite_app: Flask) -> System:
    """On SQLite only, for what no database changes."""
    return system(sqlite_app)


def told(**more: Any) -> dict[str, Any]:
    return {**STATEMENT, **more}


def to(id_: str, **more: Any) -> dict[str, Any]:
    """A statement that refers to another."""
    return told(
        actor=OTHER,
        verb={"id": "http://example.kr/confirmed"},
        object={"objectType": "StatementRef", "id": id_},
        **more,
    )


def voiding(id_: str) -> dict[str, Any]:
    return {**to(id_), "verb": {"id": vocabulary.VOIDED}}


def put(to: System, value: Any) -> str:
    [id_] = to.post(value).get_json()
    return str(id_)


DIRECT = {
    "actor": told(actor=WHO),
    "member of an anonymous group that acts": told(actor=NAMELESS),
    "member of an identified group that acts": told(actor={**TEAM, "member": [WHO]}),
    "object": told(object={"objectType": "Agent", **WHO}),
    "member of a group as object": told(object=NAMELESS),
}
NEAR = {
    "instructor": told(context={"instructor": WHO}),
    "member of instructors": told(context={"instructor": NAMELESS}),
    "member of the team": told(context={"team": {**TEAM, "member": [WHO]}}),
    "actor of a SubStatement": told(object={**SUB, "actor": WHO}),
    "object of a SubStatement": told(object={**SUB, "object": {"objectType": "Agent", **WHO}}),
    "instructor in a SubStatement": told(object={**SUB, "context": {"instructor": WHO}}),
    "team in a SubStatement": told(object={**SUB, "context": {"team": NAMELESS}}),
}
NEAR_OF_2 = {
    "context agent": told(
        context={"contextAgents": [{"objectType": "contextAgent", "agent": WHO}]}
    ),
    "context group": told(
        context={"contextGroups": [{"objectType": "contextGroup", "group": NAMELESS}]}
    ),
    "context agent in a SubStatement": told(
        object={
            **SUB,
            "context": {"contextAgents": [{"objectType": "contextAgent", "agent": WHO}]},
        }
    ),
}


def test_the_agent_filter_finds_actor_and_object_and_members_of_groups(vendor: System) -> None:
    """2.1.3.s1.table1.row3."""
    ids = [put(vendor, one) for one in DIRECT.values()]
    for one in NEAR.values():
        put(vendor, one)
    put(vendor, STATEMENT)
    assert vendor.found(agent=json.dumps(WHO), ascending="true") == ids
    named = {**WHO, "mbox": "mailto:who@EXAMPLE.KR", "name": "누구", "objectType": "Agent"}
    assert vendor.found(agent=json.dumps(named), ascending="true") == ids


def test_an_identified_group_is_found_by_its_own_identifier(vendor: System) -> None:
    ids = [put(vendor, told(actor={**TEAM, "member": [WHO]})), put(vendor, told(object=TEAM))]
    near = put(vendor, told(context={"team": TEAM}))
    put(vendor, told(actor=NAMELESS))
    asked = json.dumps({**TEAM, "member": [OTHER]})
    assert vendor.found(agent=asked, ascending="true") == ids
    assert vendor.found(agent=asked, related_agents="true") == [near, *ids[::-1]]


def test_related_agents_finds_who_is_around_as_well(vendor: System) -> None:
    """2.1.3.s1.table1.row8; context agents and groups since 2.0."""
    vendor.version = "2.0.0"
    ids = [put(vendor, one) for one in (DIRECT | NEAR | NEAR_OF_2).values()]
    put(vendor, STATEMENT)
    asked = {"agent": json.dumps(WHO), "ascending": "true"}
    assert vendor.found(**asked, related_agents="true") == ids
    assert vendor.found(**asked, related_agents="false") == ids[: len(DIRECT)]


def test_related_agents_finds_the_authority(vendor: System) -> None:
    db: Database = vendor.app.extensions["lms"].db
    ids = [put(vendor, STATEMENT) for _ in range(2)]
    account = vendor.get(statementId=ids[0]).get_json()["authority"]
    assert vendor.found(agent=json.dumps(account)) == []
    assert vendor.found(agent=json.dumps(account), related_agents="true") == ids[::-1]
    elsewhere = {"account": {**account["account"], "homePage": "http://elsewhere.example"}}
    assert vendor.found(agent=json.dumps(elsewhere), related_agents="true") == []
    # Who is trusted may bring one, or the two of an OAuth consumer (Data 2.4.9.s3.b3).
    pair = {"objectType": "Group", "member": [WHO, {"openid": "http://example.kr/consumer"}]}
    for authority in (WHO, pair):
        brought = json.dumps(told(authority=authority, context={"instructor": WHO})).encode()
        [kept] = db.writer.do(
            lambda at, brought=brought: store.add(
                at, vendor.institution_id, [brought], authority=store.LMS, now=NOW
            )
        )
        assert kept.statement_id in vendor.found(agent=json.dumps(WHO), related_agents="true")
    learner = Authority("launch-1", "http://home.example", account="learner")
    raw = json.dumps(STATEMENT).encode()
    [kept] = db.writer.do(
        lambda at: store.add(at, vendor.institution_id, [raw], authority=learner, now=NOW)
    )
    by = json.dumps({"account": {"homePage": "http://home.example", "name": "learner"}})
    assert vendor.found(agent=by, related_agents="true") == [kept.statement_id]


def test_related_activities_finds_what_is_around_as_well(vendor: System) -> None:
    """2.1.3.s1.table1.row7."""
    around = {"contextActivities": {"parent": [PLACE]}}
    values = {
        "object": told(object={"objectType": "Activity", **PLACE}),
        **{
            role: told(context={"contextActivities": {role: PLACE}})
            for role in ("parent", "grouping", "category", "other")
        },
        "object of a SubStatement": told(object={**SUB, "object": PLACE}),
        "context of a SubStatement": told(object={**SUB, "context": around}),
    }
    ids = [put(vendor, one) for one in values.values()]
    put(vendor, STATEMENT)
    assert vendor.found(activity=WHERE, related_activities="true", ascending="true") == ids
    assert vendor.found(activity=WHERE) == ids[:1]


def test_a_reference_is_found_by_what_it_refers_to(vendor: System) -> None:
    """2.1.3.s3: «Andrew confirmed» is found where «Ben passed explosives training» is."""
    registration = str(uuid.uuid4())
    around = {
        "registration": registration,
        "instructor": OTHER,
        "contextActivities": {"parent": PLACE},
    }
    passed = put(vendor, told(actor=NAMELESS, context=around))
    confirmed = put(vendor, to(passed))
    put(vendor, to(str(uuid.uuid4())))
    both = [confirmed, passed]
    asked: list[dict[str, str]] = [
        {"agent": json.dumps(WHO)},
        {"verb": "http://example.kr/did"},
        {"activity": "http://example.kr/a"},
        {"registration": registration},
        {"activity": WHERE, "related_activities": "true"},
        {"agent": json.dumps(WHO), "verb": "http://example.kr/did", "registration": registration},
    ]
    for query in asked:
        assert vendor.found(**query) == both, query
        assert vendor.found(**query, ascending="true") == both[::-1]
        assert vendor.found(**query, limit=1) == both[:1]
    # All that is asked must be true of one of the two.
    assert vendor.found(agent=json.dumps(WHO), verb="http://example.kr/confirmed") == []
    # It is asked for one statement by its id: no reference is followed.
    assert vendor.get(statementId=passed).get_json()["id"] == passed


def test_time_and_order_are_those_of_the_reference(vendor: System) -> None:
    """2.1.3.s3: since, until and limit apply to the statement that refers."""
    passed = put(vendor, told(actor=WHO))
    confirmed = put(vendor, to(passed))
    at = {one: vendor.get(statementId=one).get_json()["stored"] for one in (passed, confirmed)}
    asked = {"agent": json.dumps(WHO)}
    assert vendor.found(**asked, since=at[passed]) == [confirmed]
    assert vendor.found(**asked, until=at[passed]) == [passed]
    more = vendor.get(**asked, limit=1).get_json()["more"]
    second = vendor.ask("GET", more).get_json()
    assert ([one["id"] for one in second["statements"]], second["more"]) == ([passed], "")


@pytest.mark.parametrize("order", ["012", "021", "102", "120", "201", "210", "all", "back"])
def test_chains_are_followed_whichever_came_first(vendor: System, order: str) -> None:
    """2.1.3.s3: «a» is a match where a targets b, which targets c, which matches."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    values = [
        told(actor=WHO, id=ids[0]),
        {**to(ids[0].upper()), "id": ids[1]},
        {**to(ids[1]), "id": ids[2]},
    ]
    if order in {"all", "back"}:
        vendor.post(values if order == "all" else values[::-1])
    else:
        for one in order:
            put(vendor, values[int(one)])
    assert sorted(vendor.found(agent=json.dumps(WHO))) == sorted(ids)
    assert sorted(vendor.found(verb="http://example.kr/confirmed")) == sorted(ids[1:])


def test_references_in_a_circle_end(vendor: System) -> None:
    one, other = (str(uuid.uuid4()) for _ in range(2))
    put(vendor, {**to(other), "id": one, "actor": WHO})
    put(vendor, {**to(one), "id": other})
    put(vendor, {**to(own := str(uuid.uuid4())), "id": own})
    assert vendor.found(agent=json.dumps(WHO)) == [other, one]
    assert vendor.found(agent=json.dumps(OTHER)) == [own, other, one]


def test_a_chain_is_followed_no_further_than_it_says(quick: System) -> None:
    ids = [str(uuid.uuid4()) for _ in range(echoes.MOST_STEPS + 8)]
    quick.post([told(actor=WHO, id=ids[0])])
    for before, id_ in itertools.pairwise(ids):
        put(quick, {**to(before), "id": id_})
    assert len(quick.found(agent=json.dumps(WHO))) == echoes.MOST_STEPS + 1


def test_what_refers_to_a_voided_statement_is_found_as_before(vendor: System) -> None:
    """2.1.4.s1.b1 and b2."""
    passed = put(vendor, told(actor=WHO))
    confirmed = put(vendor, to(passed))
    asked = {"agent": json.dumps(WHO)}
    by = put(vendor, voiding(passed))
    assert vendor.found(**asked) == [by, confirmed]
    # What refers to the voiding one is found too; a voided reference is not.
    again = put(vendor, to(by))
    hides = put(vendor, voiding(confirmed))
    assert vendor.found(**asked) == [hides, again, by]


def test_a_statement_that_was_voided_before_it_came_is_hidden(vendor: System) -> None:
    """Data 2.3.2.s2.b3 and b5, in both versions."""
    for version in ("1.0.3", "2.0.0"):
        vendor.version = version
        id_ = str(uuid.uuid4())
        by = put(vendor, voiding(id_))
        put(vendor, told(actor=WHO, id=id_))
        assert vendor.found(agent=json.dumps(WHO), limit=1) == [by]
        assert vendor.get(statementId=id_).status_code == 404
        assert vendor.get(voidedStatementId=id_).status_code == 200


def test_references_of_another_institution_are_not_followed(vendor: System) -> None:
    stranger = system(vendor.app)
    id_ = str(uuid.uuid4())
    early = put(stranger, to(id_))
    put(vendor, told(actor=WHO, id=id_))
    put(stranger, to(id_))
    assert stranger.found(agent=json.dumps(WHO)) == []
    put(stranger, told(actor=WHO, id=id_))
    assert (len(stranger.found(agent=json.dumps(WHO))), early in stranger.found()) == (3, True)


def test_who_reads_only_what_is_theirs_learns_nothing_of_others(vendor: System) -> None:
    """Communication 4.2: statements/read/mine."""
    secret = put(vendor, told(actor=WHO))
    other = system(
        vendor.app,
        "statements/write",
        "statements/read/mine",
        institution_id=vendor.institution_id,
    )
    own = put(other, told(actor=WHO))
    about_own, about_secret = put(other, to(own)), put(other, to(secret))
    put(vendor, to(own))
    assert other.found(agent=json.dumps(WHO)) == [about_own, own]
    assert other.found() == [about_secret, about_own, own]
    assert other.get(statementId=secret).status_code == 404


def test_chains_made_by_many_at_once_are_whole(db: Database) -> None:
    """Each in a transaction of its own, as other processes would."""
    with db.transaction() as session:
        home = factories.institution(session).id
    ids = [str(uuid.uuid4()) for _ in range(12)]
    values = [{**to(before), "id": id_} for before, id_ in itertools.pairwise(ids)]
    values = [told(actor=WHO, id=ids[0]), *values]
    by = Authority("rs-1", "http://home.example")

    def alone(value: Any) -> None:
        with db.transaction() as session:
            at, raw = session.connection(), json.dumps(value).encode()
            store.add(at, home, [raw], authority=by, now=NOW)

    threads = [threading.Thread(target=alone, args=(one,)) for one in values]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    db.writer.do(lambda at: echoes.sweep(at, since=NOW - timedelta(days=1)))
    with db.reading() as session:
        query = querying.read_query({"agent": json.dumps(WHO)})
        found = querying.find(session.connection(), home, query).found
    assert sorted(one.statement_id for one in found) == sorted(ids)


def test_references_that_crossed_their_statement_are_followed_soon(vendor: System) -> None:
    """Of two transactions that ran at once, neither saw the other."""
    db: Database = vendor.app.extensions["lms"].db
    id_ = str(uuid.uuid4())
    reference = put(vendor, to(id_))
    raw = json.dumps(told(actor=WHO, id=id_)).encode()
    # For our own nobody waits: it is as if it had not been seen.
    db.writer.do(
        lambda at: store.add(at, vendor.institution_id, [raw], authority=store.LMS, now=NOW)
    )
    assert vendor.found(agent=json.dumps(WHO)) == [id_]
    long_ago = NOW - timedelta(days=3650)
    assert db.writer.do(lambda at: echoes.sweep(at, since=NOW + timedelta(days=3650))) == 0
    echoes.follow_late(vendor.app.extensions["lms"], datetime.now(UTC) + timedelta(hours=1))
    assert db.writer.do(lambda at: echoes.sweep(at, since=long_ago)) == 0
    assert sorted(vendor.found(agent=json.dumps(WHO))) == sorted([reference, id_])


def test_a_plain_statement_has_no_links(quick: System) -> None:
    put(quick, STATEMENT)
    put(quick, told(context={"registration": str(uuid.uuid4()), "platform": "p"}))
    with quick.app.extensions["lms"].db.reading() as session:
        assert session.scalar(select(func.count()).select_from(LINK)) == 0
    assert number(quick.app, Reference) == 0


def test_the_key_of_an_agent_is_one_however_it_is_read() -> None:
    import msgspec

    for value in VALID.values():
        actor = value["actor"]
        assert links.identity(actor) == identifier(msgspec.convert(actor, Actor))


def test_links_can_be_made_anew(app: Flask, db: Database) -> None:
    """They are an index: of a store from before they were there, too."""
    id_ = str(uuid.uuid4())
    values = [
        told(id=id_, actor=NAMELESS, context={"contextActivities": {"parent": PLACE}}),
        to(id_),
    ]
    with db.transaction() as session:
        store.add(
            session.connection(),
            factories.institution(session).id,
            [json.dumps(one).encode() for one in values],
            authority=Authority("rs-1", "http://home.example"),
            now=NOW,
        )

    def links_there() -> list[Any]:
        with db.reading() as session:
            return sorted(map(tuple, session.execute(select(LINK))))

    before = links_there()
    assert len(before) == 9
    state = app.extensions["lms"]
    for followed in (1, 0):
        if followed:
            with db.transaction() as session:
                session.execute(delete(LINK))
                session.execute(delete(Reference))
        ran = CliRunner().invoke(record_store, ["link"], obj=state)
        assert (ran.exit_code, ran.output) == (0, f"references followed: {followed}\n")
        assert links_there() == before
