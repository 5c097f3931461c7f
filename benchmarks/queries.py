"""How many statements of SQL a request costs, by the app in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from benchmarks.load import AGENT


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The SQL that runs meanwhile, in every thread; savepoints of the writer included."""
    database = app.extensions["lms"].db
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    for engine in (database.engine, database.reader):
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in (database.engine, database.reader):
            event.remove(engine, "before_cursor_execute", note)


def count(app: Flask, method: str, path: str, cookie: str, body: Any = None) -> tuple[int, int]:
    """(status, statements) of one request; asked twice, the second time counts for a GET."""
    client = app.test_client(use_cookies=False)
    headers = {"Cookie": cookie, "User-Agent": AGENT, "Sec-Fetch-Site": "same-origin"}
    base = app.extensions["lms"].settings.base_url

    def ask() -> int:
        return client.open(
            path, method=method, base_url=base, headers=headers, json=body
        ).status_code

    if method == "GET":
        ask()  # caches filled, first sight over
    with counted(app) as seen:
        status = ask()
    begins = ("BEGIN", "SAVEPOINT", "RELEASE")
    return status, sum(not one.startswith(begins) for one in seen)
