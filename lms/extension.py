"""The Flask extension: the only thing a host site needs to know."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import flask
from flask import Flask, g
from werkzeug.exceptions import HTTPException

from lms import config as settings_of
from lms.db import Database
from lms.edge import State, failures, log, rendering
from lms.errors import LMSError
from lms.files import Storage
from lms.people.actor import Identity
from lms.plugins import plugin_manager
from lms.web import assets, headers, lane, turns


class LMS:
    """Mounts the LMS into an app. Keeps nothing of the app, so one LMS serves many.

    identify: who is signed in, as the host sees it.
    sign_in: where the host signs people in, given the address to come back to; without it who is
    not signed in gets a page that says so.
    """

    def __init__(
        self,
        identify: Callable[[], Identity | None],
        *,
        sign_in: Callable[[str], str] | None = None,
    ) -> None:
        self.identify = identify
        self.sign_in = sign_in

    def init_app(
        self, app: Flask, *, url_prefix: str = "/learn", standalone: bool = False
    ) -> State:
        """Add our blueprints under `url_prefix` and our state to app.extensions["lms"]."""
        prefix = "/" + url_prefix.strip("/")
        state = build_state(
            app.config,
            identify=self.identify,
            sign_in=self.sign_in,
            prefix=prefix,
            standalone=standalone,
        )
        app.extensions["lms"] = state
        root = Root("lms", __name__, url_prefix=None if prefix == "/" else prefix)
        for some in state.hook.lms_blueprints():
            for blueprint in some:
                root.register_blueprint(blueprint)
        root.register_error_handler(LMSError, failures.refuse)
        root.register_error_handler(HTTPException, failures.refuse_http)
        root.register_error_handler(Exception, failures.fail)
        root.before_request(_begin)
        if not standalone:  # alone, the app sets them on every answer, ours or not
            root.after_request(headers.secure)
        root.after_request(log.request_done)
        app.register_blueprint(root)
        turns.mount(app, state)
        if standalone:  # a host may want to see every request
            lane.mount(app, state)
        assets.mount(app, state)  # in front: a file needs no turn
        return state


class Root(flask.Blueprint):
    """Carries everything of ours under one prefix."""


def _begin() -> None:
    g.lms_begun = log.monotonic()


def build_state(
    config: Mapping[str, Any],
    *,
    identify: Callable[[], Identity | None] = lambda: None,
    sign_in: Callable[[str], str] | None = None,
    prefix: str = "/",
    standalone: bool = True,
) -> State:
    """All that jobs, commands and views share. Raises SettingError on a wrong setting."""
    settings = settings_of.load(config)
    manager = plugin_manager()
    folders = [folder for some in manager.hook.lms_templates() for folder in some]
    kinds = {kind.name: kind for some in manager.hook.lms_activity_kinds() for kind in some}
    entries = [entry for some in manager.hook.lms_menu() for entry in some]
    settings.folder.mkdir(parents=True, exist_ok=True)
    return State(
        settings=settings,
        db=Database(settings.database, threads=settings.threads),
        hook=manager.hook,
        identify=identify,
        sign_in=sign_in,
        pages=rendering.environments(folders, assets.base(prefix)),
        storage=Storage(settings.folder / "files"),
        kinds=kinds,
        menu=tuple(sorted(entries, key=lambda entry: entry.order)),
        prefix=prefix,
        asset_base=assets.base(prefix),
        secret=settings.signing_secret(),
        content_host=urlsplit(settings.content_base).hostname or "",
        standalone=standalone,
    )
