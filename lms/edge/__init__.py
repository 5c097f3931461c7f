"""Where HTTP comes in: who is asking, may they, and one transaction around the answer."""

from lms.edge.blueprint import Blueprint
from lms.edge.context import (
    State,
    client_address,
    current_person,
    hook,
    now,
    person,
    sealer,
    session,
    state,
    words_here,
)
from lms.edge.menu import Entry
from lms.edge.parsing import json_body
from lms.edge.rendering import json_answer, page, render

__all__ = [
    "Blueprint",
    "Entry",
    "State",
    "client_address",
    "current_person",
    "hook",
    "json_answer",
    "json_body",
    "now",
    "page",
    "person",
    "render",
    "sealer",
    "session",
    "state",
    "words_here",
]
