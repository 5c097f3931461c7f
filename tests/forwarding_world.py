"""Forwarding in tests: a store elsewhere, and what the scheduler does in a minute."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms import clock
from lms.db import Database
from lms.edge import State
from lms.outbox import claims
from lms.people.sealing import Sealer
from lms.xapi import forwarding, forwards
from lms.xapi.models import Forward
from tests import xapi_elsewhere, xapi_world
from tests.conftest import make_app
from tests.xapi_elsewhere import SECRET, USERNAME, Elsewhere
from tests.xapi_world import STATEMENT, System


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(database_url, tmp_path, LMS_FORWARD_PRIVATE="1")
    yield app
    app.extensions["lms"].db.dispose()


@pytest.fixture
def there() -> Iterator[Elsewhere]:
    with xapi_elsewhere.serving() as elsewhere:
        yield elsewhere


@pytest.fixture
def here(app: Flask) -> System:
    return xapi_world.system(app, "all")


def made(state: State, here: System, url: str, **more: Any) -> int:
    given = {"username": USERNAME, "secret": SECRET, "name": "저쪽", "reason": "시험"}
    with state.db.transaction() as session:
        return forwards.make(
            session,
            Sealer(state.settings.encryption_key()),
            here.institution_id,
            url=url,
            now=clock.now(),
            private=True,
            **{**given, **more},
        ).id


def post(here: System, *ids: int, **more: Any) -> list[str]:
    """Statements one by one, each with a number of its own."""
    said = [{**STATEMENT, "id": name(one), **more} for one in ids]
    for one in said:
        assert here.post(one).status_code == 200
    return [one["id"] for one in said]


def name(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


_minutes = count()


def run(state: State) -> None:
    """What the scheduler does in a minute."""
    forwarding.every_minute(
        state, clock.now() - timedelta(days=1) + timedelta(minutes=next(_minutes))
    )
    with state.db.transaction() as session:
        tasks = claims.claim(session, holder="test", most=100, life=timedelta(minutes=2))
    for task in tasks:
        if task.name == "xapi.forward":
            forwarding.send(state, task, clock.now())
        with state.db.transaction() as session:
            claims.keep(session.connection(), task)


def row(db: Database, forward_id: int) -> Forward:
    with db.reading() as session:
        return session.get_one(Forward, forward_id)
