"""Telling a database that is away from one that refuses."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


def is_disconnect(error: BaseException) -> bool:
    """Whether the database went away or is refusing work, rather than refusing this statement."""
    if isinstance(error, PoolTimeoutError):  # no connection came free in time
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    text = str(error.orig).lower()
    return any(
        sign in text
        for sign in (
            "database is locked",
            "connection refused",
            "server closed the connection",
            "the connection is closed",
            "starting up",
            "shutting down",
            "terminating connection",
            "too many clients",
            "disk is full",
            "disk i/o error",
            "connection timeout",
        )
    )
