"""Statements as a course player sends them, some 1.2 kB each."""

import itertools
import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

VERBS = ("completed", "initialized", "progressed", "answered", "terminated", "passed")
AGENTS = 1_000
ACTIVITIES = 200
HOME = "https://lms.example.org"
_SPACE = uuid.UUID("6f1c2f0e-6c1b-4e43-9d0c-1f3a7f1f8a10")


def statement(number: int, statement_id: str | None = None) -> dict[str, Any]:
    """The statement `number`: the same each time, but for a new id where none is given."""
    agent, activity = number % AGENTS, number % ACTIVITIES
    verb = VERBS[number % len(VERBS)]
    course = f"{HOME}/courses/{number % 20}"
    return {
        "id": statement_id or str(uuid.uuid4()),
        "actor": {
            "objectType": "Agent",
            "name": f"First{agent} Last{agent}",
            "account": {"homePage": HOME, "name": f"learner{agent}"},
        },
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}", "display": {"en-US": verb}},
        "object": {
            "objectType": "Activity",
            "id": f"{course}/activities/{activity}",
            "definition": {
                "name": {"en-US": f"Lesson {activity}"},
                "type": "http://adlnet.gov/expapi/activities/lesson",
                "description": {
                    "en-US": "A lesson of a self-paced online course: a page of text and a video."
                },
            },
        },
        "result": {
            "completion": verb == "completed",
            "success": True,
            "duration": "PT4M12S",
            "score": {"scaled": 0.85, "raw": 85, "min": 0, "max": 100},
        },
        "context": {
            "registration": registration(number),
            "platform": "Example LMS",
            "language": "en-US",
            "contextActivities": {
                "parent": [{"id": course, "objectType": "Activity"}],
                "category": [
                    {
                        "id": "https://w3id.org/xapi/cmi5/context/categories/cmi5",
                        "objectType": "Activity",
                    }
                ],
            },
        },
        "timestamp": f"2026-{1 + number % 12:02}-{1 + number // 12 % 28:02}T"
        f"{number % 24:02}:{number // 24 % 60:02}:{number % 60:02}.000Z",
    }


def registration(number: int) -> str:
    """Some thirty statements of an agent share one."""
    return str(uuid.uuid5(_SPACE, f"{number % AGENTS}/{number // AGENTS // 30}"))


def known_id(number: int) -> str:
    """The id under which a filled store holds the statement `number`."""
    return str(uuid.uuid5(_SPACE, str(number)))


def encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def singles(start: int) -> Iterator[bytes]:
    """Bodies of one statement each, without end."""
    for number in itertools.count(start):
        yield encoded(statement(number))


def fifties(start: int) -> Iterator[bytes]:
    """Bodies of fifty."""
    for number in itertools.count(start, 50):
        yield encoded([statement(one) for one in range(number, number + 50)])


def by_agent(number: int) -> str:
    """The query for what an agent did, newest fifty."""
    told = statement(number, "-")
    agent = encoded(told["actor"]).decode()
    return urlencode({"agent": agent, "verb": told["verb"]["id"], "limit": 50})


def by_registration(number: int) -> str:
    return urlencode({"registration": registration(number)})


def by_id(number: int) -> str:
    return urlencode({"statementId": known_id(number)})
