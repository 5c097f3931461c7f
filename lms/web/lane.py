"""The short way for statements: what systems send all day passes Flask by where all is well.

Of a single statement that is kept, reading and keeping it takes half of the time, and the other
half is what Flask does for any request: contexts, routing, cookies, a chain of functions before and
after. A request that is sure to be nothing out of the way is answered here, with the very functions
and headers of the long way. Whatever is not (another kind of body or version, credentials that were
not looked up a moment ago, any refusal) goes the long way from its beginning, so that there is one
place that refuses.
"""

import io
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask

from lms import clock
from lms.edge.log import log
from lms.web import headers
from lms.xapi import signatures
from lms.xapi.credentials import Known
from lms.xapi.resources import answers, callers, seam, statements
from lms.xapi.resources.callers import Remembered
from lms.xapi.statement import read_all

_MOST_BYTES = 4 << 20
_OK = "200 OK"


def mount(app: Flask, state: Any) -> None:
    """Have `app`, which is ours alone, answer statements by the short way where it can."""
    app.wsgi_app = Lane(app.wsgi_app, state)  # type: ignore[method-assign]  # how WSGI middleware is put on


class Lane:
    """WSGI middleware in front of Flask; `state`: the app's."""

    def __init__(self, app: WSGIApplication, state: Any) -> None:
        self._app = app
        self._state = state
        root = state.prefix.rstrip("/")
        self._paths = {f"{root}/xapi/statements", f"{root}/xapi/1.0.3/statements"}
        self._secure = [
            (name, value)
            for _, name, value in headers.of(
                state.settings.content_base, secure=state.settings.secure
            )
        ]
        self._remembered: Remembered = callers.remembered_of(state.db)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"] not in self._paths:
            return self._app(environ, start_response)
        begun, body = time.perf_counter(), b""
        try:
            asked = self._asked(environ)
            if asked is None:
                return self._app(environ, start_response)
            version, known, length = asked
            body = environ["wsgi.input"].read(length)
            told = self._kept(body, version, known)
        except Exception:  # the long way says what is wrong
            environ["wsgi.input"] = io.BytesIO(body)
            return self._app(environ, start_response)
        listed = [("Content-Type", "application/json"), *self._secure]
        listed += answers.of_statements(version, clock.now())
        if answers.is_worth_packing(told):
            listed.append(("Vary", "Accept-Encoding"))
            if answers.takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
                told = answers.packed(told)
                listed.append(("Content-Encoding", "gzip"))
        listed.append(("Content-Length", str(len(told))))
        start_response(_OK, listed)
        log.info(
            "request",
            method="POST",
            route=environ["PATH_INFO"],
            status=200,
            ms=round((time.perf_counter() - begun) * 1000, 1),
        )
        return [told]

    def _asked(self, environ: WSGIEnvironment) -> tuple[str, Known, int] | None:
        """Version, credentials and length of a plain request; None for any other."""
        version = environ.get("HTTP_X_EXPERIENCE_API_VERSION", "")
        if (
            version not in seam.VERSIONS
            or environ.get("CONTENT_TYPE") != "application/json"
            or environ.get("QUERY_STRING")
            or "HTTP_CONTENT_ENCODING" in environ
            or "HTTP_TRANSFER_ENCODING" in environ
            or self._is_content_host(environ)
        ):
            return None
        length = int(environ.get("CONTENT_LENGTH") or 0)
        known = self._remembered.find(environ.get("HTTP_AUTHORIZATION", ""), clock.now())
        return None if known is None or not 0 < length <= _MOST_BYTES else (version, known, length)

    def _is_content_host(self, environ: WSGIEnvironment) -> bool:
        host = environ.get("HTTP_HOST", "").rpartition(":")[0] or environ.get("HTTP_HOST", "")
        return not host or host.lower() == self._state.content_host

    def _kept(self, body: bytes, version: str, known: Known) -> bytes:
        """The answer. Raises whatever the long way will say better."""
        caller = callers.as_remembered(known, "statements/write")
        received = read_all(statements.batch(body.strip(statements.BLANK)), version=version)
        signatures.check(received, {})
        kept = statements.keep(self._state, caller, received) if received else []
        return statements.ids(received, kept)
