"""Documents as a system keeps them; each resource in each version."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from lms.xapi.models import Document
from tests.conftest import make_app, make_sqlite
from tests.xapi_samples import encoded
from tests.xapi_world import System, system

IRI = "http://example.kr/course"
AGENT = {"mbox": "mailto:a@example.kr"}
ACCOUNT = {"account": {"homePage": "http://example.kr/", "name": "b"}, "objectType": "Agent"}
ONE = "7ccd3322-e1a5-411a-a67d-6a735c76f119"
TWO = "0b2c4e5a-7d1f-4c3b-9a8e-112233445566"


@dataclass
class Shelf:
    """One of the resources, as a system uses it."""

    asking: System
    path: str
    about: dict[str, str]
    id_name: str

    def ask(self, method: str, name: str | None = "d", **more: Any) -> TestResponse:
        query = {**self.about, **more.pop("query", {})}
        if name is not None:
            query[self.id_name] = name
        query = {key: value for key, value in query.items() if value is not None}
        headers = more.pop("headers", {})
        return self.asking.ask(method, self.path, query_string=query, headers=headers, **more)

    def write(
        self,
        method: str,
        value: Any,
        name: str = "d",
        *,
        kind: str = "application/json",
        **more: Any,
    ) -> int:
        data = value if isinstance(value, bytes) else encoded(value)
        return self.ask(method, name, data=data, content_type=kind, **more).status_code

    def put(self, value: Any, name: str = "d", **more: Any) -> int:
        """With the condition that a profile wants, whatever was there before."""
        more.setdefault("headers", self.now(name))
        return self.write("PUT", value, name, **more)

    def post(self, value: Any, name: str = "d", **more: Any) -> int:
        return self.write("POST", value, name, **more)

    def get(self, name: str = "d", **more: Any) -> TestResponse:
        return self.ask("GET", name, **more)

    def value(self, name: str = "d", **more: Any) -> Any:
        answer = self.get(name, **more)
        return answer.get_json() if answer.status_code == 200 else answer.status_code

    def names(self, **query: Any) -> list[str]:
        answer = self.ask("GET", None, query=query)
        assert answer.status_code == 200, answer.text
        found: list[str] = answer.get_json()
        return sorted(found)

    def now(self, name: str = "d") -> dict[str, str]:
        etag = self.get(name).headers.get("ETag")
        return {"If-Match": etag} if etag else {"If-None-Match": "*"}


def shelf(asking: System, which: str) -> Shelf:
    agent = encoded(AGENT).decode()
    return {
        "state": Shelf(asking, "activities/state", {"activityId": IRI, "agent": agent}, "stateId"),
        "activity": Shelf(asking, "activities/profile", {"activityId": IRI}, "profileId"),
        "agent": Shelf(asking, "agents/profile", {"agent": agent}, "profileId"),
    }[which]


def rows(asking: System) -> list[Document]:
    """All documents of its institution."""
    with asking.app.extensions["lms"].db.reading() as session:
        mine = Document.institution_id == asking.institution_id
        return list(session.scalars(select(Document).where(mine)))


KINDS = ("state", "activity", "agent")
PROFILES = ("activity", "agent")


@pytest.fixture(scope="module")
def one_app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """For what happens inside one institution: each test has one of its own."""
    folder = tmp_path_factory.mktemp("documents")
    made = make_app(make_sqlite(sqlite_template, folder), folder)
    yield made
    made.extensions["lms"].db.dispose()


@pytest.fixture(params=["1.0.3", "2.0.0"])
def spoken(request: pytest.FixtureRequest, one_app: Flask) -> System:
    """A system that speaks each version."""
    made = system(one_app)
    made.version = request.param
    return made


@pytest.fixture(params=KINDS)
def kept(request: pytest.FixtureRequest, spoken: System) -> Shelf:
    """Each resource in each version."""
    return shelf(spoken, request.param)


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest, spoken: System) -> Shelf:
    return shelf(spoken, request.param)


@pytest.fixture
def states(spoken: System) -> Shelf:
    return shelf(spoken, "state")


def together(work: Callable[[int], Any], items: Sequence[int]) -> list[Any]:
    """What each answers, all at once."""
    answers: dict[int, Any] = {}
    start = threading.Barrier(len(items))

    def run(item: int) -> None:
        start.wait()
        answers[item] = work(item)

    threads = [threading.Thread(target=run, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers.get(item) for item in items]
