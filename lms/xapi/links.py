"""What a statement is found by beside its own columns, as numbers that an index holds in order.

Read from the statement as JSON, so that a stored one gives the same as one that comes in. Pure.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lms.xapi.actors import find_key, mailbox

AGENT = "agent"
"""The object is this agent, or it is a member of a group there or of the acting one (2.1.3)."""

AGENT_NEAR = "agent near"
"""Beside those: instructor, team, context agents, all of a SubStatement, a foreign authority."""

ACTIVITY_NEAR = "activity near"
"""Context activities, and the object and context activities of a SubStatement."""

AGENT_IS, ACTIVITY_IS, VERB_IS, REGISTRATION_IS = AGENT, "activity", "verb", "registration"
"""What stands in a statement's own columns, as a link of one that refers to it."""

_REMEMBERED = 16_384


@lru_cache(maxsize=_REMEMBERED)
def term(kind: str, key: str) -> int:
    """The number that stands for a kind of link and the key of what it leads to, of 64 bits.

    Two keys with one number would be found together, inside one institution: of a hundred million
    keys that happens to one in three thousand stores.
    """
    digest = hashlib.blake2b(f"{kind}\n{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def links_of(statement: dict[str, Any]) -> tuple[int, ...]:
    """The terms of a valid statement, without what its columns say; none for a plain one."""
    thing, context = statement["object"], statement.get("context", {})
    kind = thing.get("objectType", "Activity")
    own, *members = people(statement["actor"])
    agents = {*members, *(people(thing) if kind in {"Agent", "Group"} else ())}
    near = set(_people_around(context))
    activities = set(_activities_around(context))
    if kind == "SubStatement":
        inner, within = thing["object"], thing.get("context", {})
        near |= {*people(thing["actor"]), *_people_around(within)}
        activities |= set(_activities_around(within))
        if inner.get("objectType", "Activity") == "Activity":
            activities.add(find_key(inner["id"]))
        elif inner["objectType"] in {"Agent", "Group"}:
            near |= set(people(inner))
    agents -= {own, ""}
    near -= {own, "", *agents}
    activities -= {find_key(thing["id"]) if kind == "Activity" else ""}
    return (
        *(term(AGENT, key) for key in sorted(agents)),
        *(term(AGENT_NEAR, key) for key in sorted(near)),
        *(term(ACTIVITY_NEAR, key) for key in sorted(activities)),
    )


def people(actor: dict[str, Any]) -> list[str]:
    """The key of an agent or group, empty for an anonymous one, then those of its members."""
    return [identity(actor), *(identity(one) for one in actor.get("member", ()))]


def identity(actor: dict[str, Any]) -> str:
    """What `lms.xapi.actors.identifier` gives, of an agent or group as JSON."""
    if "account" in actor:
        return find_key(f"account:{actor['account']['homePage']}|{actor['account']['name']}")
    if "mbox" in actor:
        return find_key(mailbox(actor["mbox"]))
    if "mbox_sha1sum" in actor:
        return f"mbox_sha1sum:{actor['mbox_sha1sum'].lower()}"
    if "openid" in actor:
        return find_key(f"openid:{actor['openid']}")
    return ""


def _people_around(context: dict[str, Any]) -> Iterator[str]:
    for name in ("instructor", "team"):
        if name in context:
            yield from people(context[name])
    for name, part in (("contextAgents", "agent"), ("contextGroups", "group")):
        for one in context.get(name, ()):
            yield from people(one[part])


def _activities_around(context: dict[str, Any]) -> Iterator[str]:
    for given in context.get("contextActivities", {}).values():
        for one in given if isinstance(given, list) else [given]:
            yield find_key(one["id"])
