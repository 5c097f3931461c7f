"""An app with one more room, whose views a test writes itself."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from flask import Flask

from lms import extension, plugins
from lms.edge import Blueprint
from lms.hooks import hookimpl
from lms.permissions import Permission, anyone
from tests.conftest import make_app

OPEN = Permission("test:open", anyone)
view: dict[str, Callable[[], Any]] = {}
"""«now»: what /room does, by GET and by POST."""


def room() -> Blueprint:
    """A room with one address, which does what `view` says."""
    made = Blueprint("room", __name__)

    def read() -> Any:
        return view["now"]()

    def write() -> Any:
        return view["now"]()

    shared: Any = {"permission": OPEN, "scope": "public"}
    made.add_url_rule("/room", view_func=read, **shared)
    made.add_url_rule("/room", view_func=write, methods=["POST"], **shared)
    return made


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
