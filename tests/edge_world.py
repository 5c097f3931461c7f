"""An app with one more room, whose views a test writes itself."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from flask import Flask

from lms import extension, plugins
from lms.hooks import hookimpl
from tests.conftest import make_app


class Room:
    """A plugin that gives these blueprints."""

    def __init__(self, *blueprints: flask.Blueprint) -> None:
        self.blueprints = blueprints

    @hookimpl
    def lms_blueprints(self) -> Iterable[flask.Blueprint]:
        return self.blueprints


def app_with(
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    folder: Path,
    *blueprints: flask.Blueprint,
    **config: Any,
) -> Iterator[Flask]:
    """The standalone app with these blueprints beside ours."""

    def manager() -> Any:
        found = plugins.plugin_manager()
        found.register(Room(*blueprints))
        return found

    monkeypatch.setattr(extension, "plugin_manager", manager)
    app = make_app(url, folder, **config)
    yield app
    app.extensions["lms"].db.dispose()
