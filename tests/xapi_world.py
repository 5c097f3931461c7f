"""A system with credentials, as it speaks to the record store."""

import base64
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from lms.db import Database
from lms.xapi import credentials
from lms.xapi.models import Statement
from tests import factories
from tests.factories import NOW
from tests.xapi_samples import encoded

STATEMENT: dict[str, Any] = {
    "actor": {"mbox": "mailto:a@example.kr"},
    "verb": {"id": "http://example.kr/did"},
    "object": {"id": "http://example.kr/a"},
}


@dataclass
class System:
    """A system with credentials that speaks to the record store."""

    app: Flask
    institution_id: int
    username: str
    secret: str
    version: str | None = "1.0.3"

    def ask(self, method: str, path: str = "statements", **more: Any) -> TestResponse:
        headers = {
            "Authorization": "Basic "
            + base64.b64encode(f"{self.username}:{self.secret}".encode()).decode(),
            **({"X-Experience-API-Version": self.version} if self.version else {}),
            **more.pop("headers", {}),
        }
        headers = {key: value for key, value in headers.items() if value is not None}
        address = path if path.startswith("/") else f"/xapi/{path}"
        return self.app.test_client().open(address, method=method, headers=headers, **more)

    def post(self, value: Any, **more: Any) -> TestResponse:
        data = value if isinstance(value, bytes) else encoded(value)
        return self.ask("POST", data=data, content_type="application/json", **more)

    def put(self, id_: str | None, value: Any) -> TestResponse:
        query = {} if id_ is None else {"statementId": id_}
        return self.ask(
            "PUT", data=encoded(value), content_type="application/json", query_string=query
        )

    def get(self, **query: Any) -> TestResponse:
        return self.ask("GET", query_string=query)

    def found(self, **query: Any) -> list[str]:
        return [one["id"] for one in self.get(**query).get_json()["statements"]]


def system(app: Flask, *scopes: str, institution_id: int | None = None) -> System:
    db: Database = app.extensions["lms"].db
    with db.transaction() as session:
        home = institution_id or factories.institution(session).id
        made, secret = credentials.make(session, home, "시험", scopes or ["all"], now=NOW)
        return System(app, home, made.username, secret)


def number(app: Flask, model: type = Statement) -> int:
    with app.extensions["lms"].db.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0
