"""Asking of both versions whether a statement is taken, and where parts of one may stand."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from lms.errors import InvalidError
from lms.xapi.statement import Received, read
from tests.xapi_samples import ACTIVITY, MBOX, SUB, around, encoded, told

BOTH = ("1.0.3", "2.0.0")
Place = Callable[[Any], tuple[Any, str]]
"""Given a part, a statement that holds it and the path where."""


def taken(value: Any, *, versions: Iterable[str] = BOTH) -> None:
    """Each version takes the statement, and gives out what it got."""
    for version in versions:
        read(value if isinstance(value, bytes) else encoded(value), version=version)


def refused(value: Any, path: str, *, versions: Iterable[str] = BOTH) -> None:
    """Each version refuses the statement, naming `path` or something inside it."""
    for version in versions:
        with pytest.raises(InvalidError) as error:
            read(value if isinstance(value, bytes) else encoded(value), version=version)
        found = error.value.field or ""
        # A rule that several properties share is told at the object that holds them.
        assert found.startswith(path) or path.startswith(found + "."), (version, found, path)
        assert found != "$" or path == "$", error.value.params


def given_out(value: Any, version: str = "1.0.3") -> Received:
    return read(value if isinstance(value, bytes) else encoded(value), version=version)


def _inside(place: Place) -> Place:
    def made(part: Any) -> tuple[Any, str]:
        value, path = place(part)
        return told(object={**value, "objectType": "SubStatement"}), "$.object" + path[1:]

    return made


_ALONE: dict[str, Place] = {
    "actor": lambda agent: (told(actor=agent), "$.actor"),
    "instructor": lambda agent: (around(instructor=agent), "$.context.instructor"),
}
_MEMBERS: dict[str, Place] = {
    "member of a group": lambda agent: (
        told(actor={"objectType": "Group", "member": [MBOX, agent]}),
        "$.actor.member[1]",
    ),
    "member of an identified group": lambda agent: (
        told(actor={"objectType": "Group", **MBOX, "member": [agent]}),
        "$.actor.member[0]",
    ),
    "member of a team": lambda agent: (
        around(team={"objectType": "Group", "member": [agent]}),
        "$.context.team.member[0]",
    ),
}
AGENT_PLACES: dict[str, Place] = {
    **_ALONE,
    **_MEMBERS,
    **{f"{name} in a sub-statement": _inside(place) for name, place in _ALONE.items()},
    "authority": lambda agent: (told(authority=agent), "$.authority"),
    "object": lambda agent: (told(object={"objectType": "Agent", **agent}), "$.object"),
    "object of a sub-statement": lambda agent: (
        told(object={**SUB, "object": {"objectType": "Agent", **agent}}),
        "$.object.object",
    ),
}
"""Wherever an Agent may stand."""

MEMBER_PLACES = _MEMBERS

_GROUPS: dict[str, Place] = {
    **_ALONE,
    "team": lambda group: (around(team=group), "$.context.team"),
    "object": lambda group: (told(object=group), "$.object"),
}
GROUP_PLACES: dict[str, Place] = {
    **_GROUPS,
    **{
        f"{name} in a sub-statement": _inside(place)
        for name, place in _GROUPS.items()
        if name != "object"
    },
}
"""Wherever a Group may stand."""

ACTIVITY_PLACES: dict[str, Place] = {
    "object": lambda activity: (told(object=activity), "$.object"),
    "object of a sub-statement": lambda activity: (
        told(object={**SUB, "object": activity}),
        "$.object.object",
    ),
    **{
        f"context activity: {role}": lambda activity, role=role: (  # type: ignore[misc]
            around(contextActivities={role: [ACTIVITY, activity]}),
            f"$.context.contextActivities.{role}[1]",
        )
        for role in ("parent", "grouping", "category", "other")
    },
    "context activity alone": lambda activity: (
        around(contextActivities={"parent": activity}),
        "$.context.contextActivities.parent",
    ),
}
"""Wherever an Activity may stand."""

BODY_PLACES: dict[str, Place] = {
    "statement": lambda more: (told(**more), "$"),
    "sub-statement": lambda more: (told(object={**SUB, **more}), "$.object"),
}
"""What a statement and a sub-statement share."""


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: part for key, part in value.items() if key != name}
