"""The session cookie, verified once a minute and not once a request.

A browser sends the same cookie until something in it changes, and the same text has the same
signature and content. Whether its person is still signed in is another question, and the database
is asked it at each request.
"""

import time
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
)

_SECONDS = 60.0
_MOST = 5000
"""Cookies kept at hand, of some hundred bytes each."""


class Cookies(SecureCookieSessionInterface):
    """Flask's own signed cookies, read with a memory of those that were good."""

    def __init__(self) -> None:
        self._good: dict[str, tuple[float, dict[str, Any]]] = {}

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the request's cookie says; empty when it is not ours or too old."""
        told = request.cookies.get(self.get_cookie_name(app), "")
        if not told:
            return self.session_class()
        known = self._good.get(told)
        if known is not None and time.monotonic() - known[0] < _SECONDS:
            return self.session_class(known[1])
        session = super().open_session(app, request)
        # What could be changed in place is not kept: the next request must not see the change.
        if session and all(isinstance(value, str | bool) for value in session.values()):
            if len(self._good) >= _MOST:
                self._good.clear()
            self._good[told] = time.monotonic(), dict(session)
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Sets the cookie where something in it changed; asks no settings where nothing did.

        Sessions that renew themselves at each request (`permanent`) are not among ours.
        """
        if session.modified:
            super().save_session(app, session, response)
        elif session.accessed:
            response.vary.add("Cookie")
