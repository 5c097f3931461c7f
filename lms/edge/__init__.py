"""Where HTTP comes in: who is asking, may they, and one transaction around the answer."""

from lms.edge.blueprint import Blueprint
from lms.edge.context import (
    State,
    client_address,
    current_person,
    hook,
    now,
    person,
    session,
    state,
    words_here,
)
from lms.edge.menu import Entry
from lms.edge.parsing import json_body
from lms.edge.rendering import json_answer, render

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
    "person",
    "render",
    "session",
    "state",
    "words_here",
]
