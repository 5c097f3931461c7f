"""Building our own statements, with tincan; it is never on the way of those that come in."""

import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import tincan

from lms.xapi import vocabulary

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ID = "00000000-0000-4000-8000-000000000000"
_LAID_OUT = 4096
"""Of how many verbs with activities the unchanging parts are remembered, of a few KB each."""


def statement(
    *,
    actor_home: str,
    actor_name: str,
    verb: str,
    activity_id: str,
    activity_type: str,
    activity_name: dict[str, str] | str,
    registration: str,
    timestamp: datetime,
    interaction: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
    context_activities: dict[str, Any] | None = None,
    extensions: dict[str, Any] | None = None,
    statement_id: str | None = None,
) -> bytes:
    """«An account did this to an activity», as JSON that the store takes.

    `activity_name`: by language, or Korean alone. `extensions`: of the context. `statement_id`: a
    UUID; made when None. `interaction`: what makes the activity an interaction (Data 2.4.4.1), in
    tincan's names: interaction_type, correct_responses_pattern, choices.
    """
    name = {"ko": activity_name} if isinstance(activity_name, str) else activity_name
    definition = {"type": activity_type, "name": name, **(interaction or {})}
    frame = _frame(_encode((actor_home, verb, activity_id, definition, context_activities)))
    context: dict[str, Any] = {**frame.context, "registration": registration}
    if extensions:
        context["extensions"] = extensions
    said: dict[str, Any] = {
        **frame.members,
        "id": statement_id or str(uuid.uuid4()),
        "actor": {**frame.actor, "account": {"name": actor_name, "homePage": actor_home}},
        "timestamp": timestamp.isoformat(),
        "context": context,
    }
    if result:
        said["result"] = tincan.Result(result).as_version()
    return _encode(said)


class _Frame(NamedTuple):
    """The parts of a statement that are the same for every learner, as tincan writes them."""

    members: dict[str, msgspec.Raw]
    actor: dict[str, msgspec.Raw]
    context: dict[str, msgspec.Raw]


@lru_cache(maxsize=_LAID_OUT)
def _frame(fixed: bytes) -> _Frame:
    # Keyed by JSON, since what is named in it are dictionaries. tincan takes some 150 microseconds
    # for a whole statement, of which nine tenths say the same each time.
    home, verb, activity_id, definition, around = _decode(fixed)
    context: dict[str, Any] = {"registration": _ID, "platform": "Ieum"}
    if around:
        context["context_activities"] = around
    built = tincan.Statement(
        {
            "id": _ID,
            "actor": {"account": {"home_page": home, "name": "learner"}},
            "verb": {"id": verb, "display": vocabulary.DISPLAY.get(verb, {})},
            "object": {"object_type": "Activity", "id": activity_id, "definition": definition},
            "context": context,
            # The store trusts this one: see lms.xapi.store.LMS.
            "authority": {"account": {"home_page": home, "name": "lms"}},
        }
    )
    # Data 2.4.10.s4: senders leave the version to the store; tincan would say its own.
    del built.version
    members = _decode_members(_encode(built.as_version()))
    return _Frame(members, _decode_members(members["actor"]), _decode_members(members["context"]))
