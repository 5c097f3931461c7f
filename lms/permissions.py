"""Permissions: a name and the rule that grants it. A package lists its own in permissions.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

# Asked about who acts (None: nobody is signed in) and a thing (None: nothing in particular).
Rule = Callable[[Any, Any], bool]

ROLES = (
    "learner",
    "course_manager",
    "instructor",
    "officer",
    "school_officer",
    "institution_admin",
    "auditor",
    "operator",
)
"""Roles of a person in an institution; a course manager's role names one run, and a school
officer acts for the school that they belong to at the time."""

Scope = Literal["institution", "public", "platform"]
"""Whose rows a route may reach: its caller's institution's, nobody's in particular, everybody's."""


@dataclass(frozen=True)
class Permission:
    """`allows` answers 403 when false; `sees`, asked first, answers 404."""

    name: str
    allows: Rule
    sees: Rule | None = None


def any_of(*rules: Rule) -> Rule:
    return lambda actor, thing: any(rule(actor, thing) for rule in rules)


def all_of(*rules: Rule) -> Rule:
    return lambda actor, thing: all(rule(actor, thing) for rule in rules)


def anyone(_actor: Any, _thing: Any) -> bool:
    return True


def signed_in(actor: Any, _thing: Any) -> bool:
    return actor is not None


def has_role(*roles: str) -> Rule:
    """Any of the roles, anywhere in the caller's institution. Names a wrong role at import."""
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise ValueError(f"no such role: {sorted(unknown)}")
    wanted = frozenset(roles)
    return lambda actor, _thing: actor is not None and not wanted.isdisjoint(actor.roles)


def owns(actor: Any, thing: Any) -> bool:
    """The thing is about the person who asks."""
    return actor is not None and thing is not None and bool(thing.person_id == actor.person_id)
