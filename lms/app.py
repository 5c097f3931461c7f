"""The LMS on its own: a Flask app with nothing in it but us."""

from collections.abc import Callable
from typing import Any

import flask_login
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from lms import config as settings_of
from lms.edge import failures
from lms.extension import LMS
from lms.people.actor import Identity
from lms.people.login import SignedIn, signed_in_token
from lms.web import headers
from lms.web.cookies import Cookies
from lms.web.logging import configure


class Site(Flask):
    """A Flask app that knows that none of its views is a coroutine."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is: Flask looks at each one anew, seven times a request."""
        return func


def create_app(*, gathered_log: bool = False, **config: Any) -> Flask:
    """A standalone app; settings LMS_… from `config`, then from the environment.

    `gathered_log`: see lms.web.logging.configure.
    """
    settings = settings_of.load(config)
    app = Site("lms.standalone", static_folder=None)
    app.session_interface = Cookies()
    app.config.from_mapping(config)
    app.config.update(
        SECRET_KEY=settings.signing_secret(),
        SESSION_COOKIE_NAME="__Host-lms" if settings.secure else "lms",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        MAX_CONTENT_LENGTH=settings.upload_mebibytes << 20,
        MAX_FORM_MEMORY_SIZE=2 << 20,
    )
    configure(gathered=gathered_log)
    manager = flask_login.LoginManager(app)
    manager.user_loader(SignedIn)
    LMS(identify=_signed_in).init_app(app, url_prefix="/", standalone=True)
    # What no route of ours answers is answered in our manner too.
    app.register_error_handler(404, failures.refuse_http)
    app.register_error_handler(405, failures.refuse_http)
    app.register_error_handler(413, failures.refuse_http)
    app.after_request(headers.secure)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    return app


def _signed_in() -> Identity | None:
    token = signed_in_token()
    return Identity(sign_in=token) if token else None
