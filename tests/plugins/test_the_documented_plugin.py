"""The plugin that docs/plugins.md writes from start to end is run as it stands there."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from lms import clock, extension, plugins
from lms.learning import rules
from lms.learning.models import Completion
from tests import factories
from tests.conftest import make_app

PAGE = Path(__file__).parent.parent.parent / "docs" / "plugins.md"
OATH = {"kind": "oath", "title": "서약", "config": {"text": " 개인정보를 지키겠습니다. "}}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    package = tmp_path / "oath_plugin"
    for name, text in re.findall(
        r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.M | re.S
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    written = import_module("oath_plugin.plugin")

    def manager() -> Any:
        found = plugins.plugin_manager()
        found.register(written)
        found.check_pending()
        return found

    monkeypatch.setattr(extension, "plugin_manager", manager)
    app = make_app(sqlite_url, tmp_path)
    yield app
    app.extensions["lms"].db.dispose()
    for name in [name for name in sys.modules if name.startswith("oath_plugin")]:
        del sys.modules[name]


def at(monkeypatch: pytest.MonkeyPatch, hour: int) -> None:
    """It is that hour in Seoul."""
    now = datetime(2026, 11, 23, hour, tzinfo=UTC).replace(hour=(hour - 9) % 24)
    monkeypatch.setattr(clock, "now", lambda: now)


def test_the_oath_is_closed_before_nine_and_completes_after(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = app.extensions["lms"]
    with state.db.transaction() as session:
        home = factories.institution(session)
        who = factories.person(session, home)
        course = factories.course(session, state.kinds, home, [OATH])
        run = factories.run(session, course, rules.RuleSet(score_min=None))
        enrolment = factories.enrolment(session, state.hook, who, run)
        (oath,) = factories.activities(session, enrolment)
        assert oath.config == {"text": "개인정보를 지키겠습니다."}
    client = factories.browser(app)
    address = f"/enrolments/{enrolment.id}/oaths/{oath.id}"
    at(monkeypatch, 8)
    factories.sign_in(client, who)
    shown = client.get(f"/enrolments/{enrolment.id}")
    assert "서약은 아침 9시부터 할 수 있습니다." in shown.text
    assert client.post(address).status_code == 409
    at(monkeypatch, 9)
    factories.sign_in(client, who)
    shown = client.get(f"/enrolments/{enrolment.id}")
    assert f'action="{address}"' in shown.text
    assert client.post(address).status_code == 303
    with state.db.reading() as session:
        assert session.scalars(select(Completion.enrolment_id)).all() == [enrolment.id]
    assert "서약하셨습니다." in client.get(f"/enrolments/{enrolment.id}").text
