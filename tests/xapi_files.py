"""Statements with files beside them, as a system sends them and reads them back."""

import email
import hashlib
from email.policy import compat32
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from lms.db import Database
from lms.xapi.models import StatementAttachment
from tests.xapi_samples import encoded
from tests.xapi_world import STATEMENT, System

BOUNDARY = "abcABC0123'()+_,-./:=?"
TEXT = b"here is a simple attachment"


def sha(data: bytes, name: str = "sha256") -> str:
    return hashlib.new(name, data).hexdigest()


def attachment(data: bytes, **more: Any) -> dict[str, Any]:
    told = {
        "usageType": "http://example.kr/usage",
        "display": {"ko": "첨부"},
        "contentType": "text/plain; charset=ascii",
        "length": len(data),
        "sha2": sha(data),
        **more,
    }
    return {key: value for key, value in told.items() if value is not None}


def stated(*attached: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**STATEMENT, "attachments": list(attached), **more}


def part(data: bytes, **headers: str | None) -> bytes:
    """A file's part; a header that is None is left out, underscores stand for hyphens."""
    told = {
        "Content_Type": "text/plain",
        "Content_Transfer_Encoding": "binary",
        "X_Experience_API_Hash": sha(data),
        **headers,
    }
    lines = [f"{key.replace('_', '-')}: {value}" for key, value in told.items() if value]
    return "\r\n".join([*lines, "", ""]).encode() + data


def json_part(value: Any, content_type: str | None = "application/json") -> bytes:
    data = value if isinstance(value, bytes) else encoded(value)
    head = f"Content-Type: {content_type}\r\n".encode() if content_type else b""
    return head + b"\r\n" + data


def body(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    line = b"--" + boundary.encode()
    return b"".join(line + b"\r\n" + one + b"\r\n" for one in parts) + line + b"--\r\n"


def send(
    system: System,
    value: Any,
    *parts: bytes,
    method: str = "POST",
    content_type: str | None = None,
    **more: Any,
) -> TestResponse:
    data = body(json_part(value), *parts)
    return send_raw(system, data, method=method, content_type=content_type, **more)


def send_raw(
    system: System,
    data: bytes,
    *,
    method: str = "POST",
    content_type: str | None = None,
    **more: Any,
) -> TestResponse:
    given = content_type or f'multipart/mixed; boundary="{BOUNDARY}"'
    return system.ask(method, data=data, content_type=given, **more)


def parts_of(answer: TestResponse) -> list[tuple[dict[str, str], bytes]]:
    """Read by the standard library, whose reader knows nothing of ours."""
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.data, policy=compat32)
    assert message.get_content_type() == "multipart/mixed"
    assert message.defects == []
    parts: Any = message.get_payload()
    return [(dict(one.items()), one.get_payload(decode=True)) for one in parts]


def files_of(answer: TestResponse) -> list[tuple[str, str, str, bytes]]:
    """Of each file: hash, type, length as told, and its bytes."""
    first, *rest = parts_of(answer)
    assert first[0] == {"Content-Type": "application/json"}
    assert all(head["Content-Transfer-Encoding"] == "binary" for head, _ in rest)
    return [
        (
            head["X-Experience-API-Hash"],
            head["Content-Type"],
            head["Content-Length"],
            data,
        )
        for head, data in rest
    ]


def told(
    data: bytes, content_type: str = "text/plain; charset=ascii"
) -> tuple[str, str, str, bytes]:
    return sha(data), content_type, str(len(data)), data


def rows(vendor: System) -> list[tuple[Any, ...]]:
    """What is kept: institution, statement, number, hash as named, hash in storage, size."""
    db: Database = vendor.app.extensions["lms"].db
    one = StatementAttachment
    wanted = select(
        one.institution_id, one.statement_id, one.number, one.sha2, one.sha256, one.size
    )
    with db.reading() as session:
        return [tuple(row) for row in session.execute(wanted.order_by(one.id))]
