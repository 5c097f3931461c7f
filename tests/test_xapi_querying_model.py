"""Queries against a filter in plain Python that knows no index, over statements made at random."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from lms.db import Database
from lms.errors import ForbiddenError, InvalidError
from lms.xapi import echoes, querying, store, vocabulary
from lms.xapi.querying import Query
from lms.xapi.store import Authority
from tests import factories
from tests.factories import NOW

HOME = "https://home.example"
AGENTS = [
    {"mbox": "mailto:a@example.kr"},
    {"account": {"homePage": HOME, "name": "b"}},
    {"openid": "https://id.example.kr/c"},
    {"mbox_sha1sum": "A" * 40},
    {"account": {"homePage": HOME, "name": "rs-1"}},
]
GROUP = {"objectType": "Group", "account": {"homePage": HOME, "name": "group"}}
ACTIVITIES = [f"http://example.kr/{one}" for one in "abcd"]
VERBS = ["http://example.kr/did", "http://example.kr/saw", "http://example.kr/made"]
REGISTRATIONS = [str(uuid.UUID(int=one)) for one in (7, 8)]
AUTHORITIES = [Authority("rs-1", HOME, voids_others=True), Authority("rs-2", HOME), store.LMS]


@dataclass
class Kept:
    """A statement as the model knows it."""

    value: dict[str, Any]
    stored: datetime
    authority: str
    row: int


class Maker:
    """Statements at random, of few names, so that many queries find some."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.ids = [str(uuid.UUID(int=self.chance.getrandbits(128), version=4)) for _ in range(160)]

    def often(self, part: float) -> bool:
        return self.chance.random() < part

    def agent(self) -> dict[str, Any]:
        if self.often(0.7):
            return dict(self.chance.choice(AGENTS))
        members = self.chance.sample(AGENTS, self.chance.randint(1, 3))
        if self.often(0.5):
            return {**GROUP, "member": members}
        return {"objectType": "Group", "member": members}

    def group(self) -> dict[str, Any]:
        while "objectType" not in (one := self.agent()):
            pass
        return one

    def activity(self) -> dict[str, Any]:
        return {"id": self.chance.choice(ACTIVITIES)}

    def context(self, version: str) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if self.often(0.5):
            told["registration"] = self.chance.choice(REGISTRATIONS).upper()
        if self.often(0.2):
            told["instructor"] = self.agent()
        if self.often(0.2):
            told["team"] = self.group()
        if self.often(0.4):
            roles = self.chance.sample(["parent", "grouping", "category", "other"], 2)
            told["contextActivities"] = {
                roles[0]: [self.activity(), self.activity()],
                roles[1]: self.activity(),
            }
        if version == "2.0.0" and self.often(0.4):
            agent = dict(self.chance.choice(AGENTS))
            told["contextAgents"] = [{"objectType": "contextAgent", "agent": agent}]
            told["contextGroups"] = [{"objectType": "contextGroup", "group": self.group()}]
        return told

    def thing(self, version: str, *, inside: bool = False) -> dict[str, Any]:
        kind = self.chance.random()
        if kind < 0.4:
            return self.activity()
        if kind < 0.55:
            return {"objectType": "Agent", **self.agent()}
        if kind < 0.85 or inside:
            return {"objectType": "StatementRef", "id": self.chance.choice(self.ids)}
        return {"objectType": "SubStatement", **self.body(version, inside=True)}

    def body(self, version: str, *, inside: bool = False) -> dict[str, Any]:
        told = {
            "actor": self.agent(),
            "verb": {"id": self.chance.choice(VERBS)},
            "object": self.thing(version, inside=inside),
        }
        if context := self.context(version):
            told["context"] = context
        return told

    def statement(self, id_: str, version: str) -> dict[str, Any]:
        told = {"id": id_, **self.body(version)}
        if told["object"].get("objectType") == "StatementRef" and self.often(0.2):
            told["verb"] = {"id": vocabulary.VOIDED}
        return told


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether both have the same inverse functional identifier."""
    for name in ("mbox", "mbox_sha1sum", "openid", "account"):
        if name in one and name in other:
            return str(one[name]).lower() == str(other[name]).lower()
    return False


def is_agent(value: dict[str, Any], agent: dict[str, Any]) -> bool:
    return same(value, agent) or any(same(one, agent) for one in value.get("member", []))


def agents_of(value: dict[str, Any], *, near: bool) -> Iterator[dict[str, Any]]:
    yield value["actor"]
    thing = value["object"]
    if thing.get("objectType") in {"Agent", "Group"}:
        yield thing
    if not near:
        return
    context = value.get("context", {})
    yield from (context[name] for name in ("instructor", "team") if name in context)
    yield from (one["agent"] for one in context.get("contextAgents", []))
    yield from (one["group"] for one in context.get("contextGroups", []))
    if "authority" in value:
        yield value["authority"]
    if thing.get("objectType") == "SubStatement":
        yield from agents_of(thing, near=True)


def activities_of(value: dict[str, Any], *, near: bool) -> Iterator[str]:
    thing = value["object"]
    if thing.get("objectType", "Activity") == "Activity":
        yield thing["id"]
    if not near:
        return
    for given in value.get("context", {}).get("contextActivities", {}).values():
        yield from (one["id"] for one in (given if isinstance(given, list) else [given]))
    if thing.get("objectType") == "SubStatement":
        yield from activities_of(thing, near=True)


@dataclass
class Asked:
    """A query as a client asks it."""

    agent: dict[str, Any] | None
    verb: str | None
    activity: str | None
    registration: str | None
    near_agents: bool
    near_activities: bool
    since: datetime | None
    until: datetime | None
    ascending: bool
    authority: str | None

    def parameters(self) -> dict[str, str]:
        told = {
            "agent": None if self.agent is None else msgspec.json.encode(self.agent).decode(),
            "verb": self.verb,
            "activity": self.activity,
            "registration": self.registration,
            "related_agents": "true" if self.near_agents else "false",
            "related_activities": "true" if self.near_activities else "false",
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "ascending": "true" if self.ascending else "false",
        }
        return {name: value for name, value in told.items() if value is not None}


def says(one: Kept, asked: Asked) -> bool:
    """Whether the statement itself meets what is asked (2.1.3.s1)."""
    value = one.value
    registration = value.get("context", {}).get("registration")
    return (
        (asked.verb is None or value["verb"]["id"] == asked.verb)
        and (asked.registration is None or (registration or "").lower() == asked.registration)
        and (
            asked.activity is None
            or asked.activity in activities_of(value, near=asked.near_activities)
        )
        and (
            asked.agent is None
            or any(is_agent(who, asked.agent) for who in agents_of(value, near=asked.near_agents))
        )
        and asked.authority in {None, one.authority}
    )


def expected(world: dict[str, Kept], asked: Asked) -> list[str]:
    """Ids in order, by the letter of 2.1.3.s3 and 2.1.4."""
    voided = {
        one.value["object"]["id"]
        for one in world.values()
        if one.value["verb"]["id"] == vocabulary.VOIDED
    }

    def meets(id_: str) -> bool:
        seen: set[str] = set()
        while id_ in world and id_ not in seen:
            if says(world[id_], asked):
                return True
            seen.add(id_)
            thing = world[id_].value["object"]
            if thing.get("objectType") != "StatementRef":
                return False
            id_ = thing["id"]
        return False

    found = [
        (one.stored, one.row, id_)
        for id_, one in world.items()
        if (id_ not in voided or one.value["verb"]["id"] == vocabulary.VOIDED)
        and (asked.since is None or one.stored > asked.since)
        and (asked.until is None or one.stored <= asked.until)
        and asked.authority in {None, one.authority}
        and meets(id_)
    ]
    return [id_ for *_, id_ in sorted(found, reverse=not asked.ascending)]


def filled(db: Database, home: int, maker: Maker) -> dict[str, Kept]:
    """The statements in batches of any size and order, most of what is referred to among them."""
    waiting = maker.chance.sample(maker.ids, 140)
    world: dict[str, Kept] = {}
    now, row = NOW, 0
    while waiting:
        size = maker.chance.choice([1, 1, 1, 2, 9])
        some, waiting = waiting[:size], waiting[size:]
        version = maker.chance.choice(["1.0.3", "2.0.0"])
        values = [maker.statement(id_, version) for id_ in some]
        authority = maker.chance.choice(AUTHORITIES)
        batch = [msgspec.json.encode(one) for one in values]
        try:
            kept = db.writer.do(
                lambda to, batch=batch, authority=authority, now=now, version=version: store.add(
                    to, home, batch, authority=authority, now=now, version=version
                )
            )
        except (InvalidError, ForbiddenError):  # a voiding that 2.0 or the rights refuse
            continue
        for one in kept:
            row += 1
            raw = msgspec.json.decode(one.raw)
            world[one.statement_id] = Kept(raw, now, authority.name, row)
        now += timedelta(seconds=maker.chance.choice([0, 1]))
    # Ids of the LMS's own statements are not waited for, since nobody knows them before.
    db.writer.do(lambda to: echoes.sweep(to, since=NOW - timedelta(days=1)))
    return world


def question(maker: Maker, world: dict[str, Kept]) -> Asked:
    def maybe(values: list[Any], part: float) -> Any:
        return maker.chance.choice(values) if maker.often(part) else None

    instants = [one.stored for one in world.values()]
    return Asked(
        agent=maybe([*AGENTS, GROUP], 0.5),
        verb=maybe([*VERBS, vocabulary.VOIDED], 0.4),
        activity=maybe(ACTIVITIES, 0.4),
        registration=maybe(REGISTRATIONS, 0.3),
        near_agents=maker.often(0.5),
        near_activities=maker.often(0.5),
        since=maybe(instants, 0.2),
        until=maybe(instants, 0.2),
        ascending=maker.often(0.5),
        authority=maybe(["rs-1", "rs-2"], 0.2),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_every_query_finds_what_a_plain_filter_finds(db: Database, seed: int) -> None:
    maker = Maker(seed)
    with db.transaction() as session:
        home = factories.institution(session, home_page=HOME).id
        factories.institution(session)
    world = filled(db, home, maker)
    hits = 0
    with db.reading() as session:
        to = session.connection()
        for _ in range(200):
            asked = question(maker, world)
            query: Query | None = querying.read_query(asked.parameters())
            query = msgspec.structs.replace(query, limit=maker.chance.choice([1, 3, 10, 500]))
            seen: list[str] = []
            while query is not None:
                page = querying.find(to, home, query, authority=asked.authority)
                assert len(page.found) <= query.limit
                seen += [one.statement_id for one in page.found]
                query = page.more
            assert seen == expected(world, asked), asked
            hits += bool(seen)
    assert hits > 100
