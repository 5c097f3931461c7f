"""Building our own statements, with tincan; it is never on the way of those that come in."""

import uuid
from datetime import datetime
from typing import Any

import msgspec
import tincan

from lms.xapi import vocabulary


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
    UUID of version 4, which is all that tincan takes; made when None. `interaction`: what makes the
    activity an interaction (Data 2.4.4.1), in tincan's names: interaction_type,
    correct_responses_pattern, choices.
    """
    name = {"ko": activity_name} if isinstance(activity_name, str) else activity_name
    context: dict[str, Any] = {"registration": registration, "platform": "Ieum"}
    if context_activities:
        context["context_activities"] = context_activities
    if extensions:
        context["extensions"] = extensions
    said: dict[str, Any] = {
        "id": statement_id or str(uuid.uuid4()),
        "actor": {"account": {"home_page": actor_home, "name": actor_name}},
        "verb": {"id": verb, "display": vocabulary.DISPLAY.get(verb, {})},
        "object": {
            "object_type": "Activity",
            "id": activity_id,
            "definition": {"type": activity_type, "name": name, **(interaction or {})},
        },
        "context": context,
        # The store trusts this one: see lms.xapi.store.LMS.
        "authority": {"account": {"home_page": actor_home, "name": "lms"}},
    }
    if result:
        said["result"] = result
    built = tincan.Statement(said)
    built.timestamp = timestamp
    # Data 2.4.10.s4: senders leave the version to the store; tincan would say its own.
    del built.version
    return msgspec.json.encode(built.as_version())
