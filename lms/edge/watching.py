"""Writing down who looked at, or took away, what is about others."""

from typing import Any

from sqlalchemy import Connection

from lms.edge.context import client_address, now, person, state
from lms.people import access


def log_access(
    act: Any, subject: str, subject_id: int | None, *, reason: str | None = None, wait: bool = False
) -> None:
    """A row of the access log; a download, and with `wait` a look, goes on once it is kept."""
    me, address, at = person(), client_address(), now()

    def work(connection: Connection) -> None:
        access.log(
            connection,
            me,
            address=address,
            act=act,
            subject=subject,
            subject_id=subject_id,
            reason=reason,
            now=at,
        )

    writer = state().db.writer
    if wait or act == "download":
        writer.do(work)
    else:
        writer.later(work)
