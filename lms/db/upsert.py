"""INSERT … ON CONFLICT in the two dialects that have it alike."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite


def insert_for(connection: Connection, model: Any) -> Any:
    """The dialect's own INSERT, which knows `.on_conflict_do_update()` and `…_nothing()`."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(model)
    return sqlite.insert(model)


def insert_or_ignore(connection: Connection, model: Any) -> Any:
    """An INSERT that does nothing where a unique key stands already.

    Whether it made the row is told by `.returning(…)` and `.first()`, never by `rowcount`: psycopg
    gives -1 where SQLAlchemy asks for the new key by itself.
    """
    return insert_for(connection, model).on_conflict_do_nothing()
