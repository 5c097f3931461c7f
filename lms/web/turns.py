"""Pages take turns: each is reckoned by one thread while the others wait for theirs.

Python lets one thread run at a time, and a page gives that up at every row that it reads; with
sixteen threads each row then costs a change of threads, and all pages become slower together:
measured, a third of the throughput on SQLite and two fifths on PostgreSQL. Requests that change
something take no turn, since they wait for the disk most of the time and share that wait.
"""

import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask

PATIENCE = 0.05
"""Seconds after which a page no longer waits for its turn: a certificate or a large table that
takes long holds up nobody for more than this."""

_SAFE = frozenset({"GET", "HEAD"})


def mount(app: Flask, state: Any) -> None:
    """Have the pages of ours in `app` take turns."""
    # On PostgreSQL a second page can be reckoned while the first one waits for its rows.
    most = 1 if state.db.is_sqlite else 2
    app.wsgi_app = Turns(app.wsgi_app, most=most, prefix=state.prefix)  # type: ignore[method-assign]  # how WSGI middleware is put on


class Turns:
    """WSGI middleware: at most `most` requests that read, under `prefix`, in `app` at once."""

    def __init__(self, app: WSGIApplication, *, most: int, prefix: str) -> None:
        self._app = app
        self._prefix = prefix
        self._free = threading.Lock() if most == 1 else threading.Semaphore(most)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if (
            environ["REQUEST_METHOD"] not in _SAFE
            or not environ["PATH_INFO"].startswith(self._prefix)
            or not self._free.acquire(timeout=PATIENCE)
        ):
            return self._app(environ, start_response)
        try:
            return self._app(environ, start_response)
        finally:
            # The body of a file is sent after this, and waits for the network without the turn.
            self._free.release()
