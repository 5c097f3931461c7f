"""What is known of an agent (Communication 2.4)."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, select

from lms.xapi.actors import Agent, identifier
from lms.xapi.models import Statement
from lms.xapi.voiding import is_voided

_MOST_LOOKED_AT = 50
"""Of an agent's statements, the latest are looked at for names."""


class _Named(msgspec.Struct):
    name: str | UnsetType = UNSET


class _Said(msgspec.Struct):
    actor: _Named


_decode = msgspec.json.Decoder(_Said).decode


def person(agent: Agent, names: list[str]) -> dict[str, Any]:
    """The Person object of an agent who goes by these names too (Communication 2.4.s5)."""
    told = {name: [value] for name, value in msgspec.to_builtins(agent).items()}
    told.pop("objectType", None)
    known = list(dict.fromkeys([*told.pop("name", []), *names]))
    return {"objectType": "Person", **({"name": known} if known else {}), **told}


def names(connection: Connection, institution_id: int, agent: Agent) -> list[str]:
    """The names that an agent has in the latest of its statements, the last one first."""
    rows = connection.execute(
        select(Statement.raw)
        .where(
            Statement.institution_id == institution_id,
            Statement.actor == identifier(agent),
            ~is_voided(),
        )
        .order_by(Statement.stored.desc(), Statement.id.desc())
        .limit(_MOST_LOOKED_AT)
    ).scalars()
    found = (_decode(raw).actor.name for raw in rows)
    return list(dict.fromkeys(name for name in found if isinstance(name, str)))
