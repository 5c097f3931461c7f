"""INSERT … ON CONFLICT in the two dialects that have it alike, and the inserts of hot paths."""

from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, make_transient_to_detached

from lms.db.base import Base
from lms.db.prepared import Prepared

Model = TypeVar("Model", bound=Base)


def insert_for(connection: Connection, model: Any) -> Any:
    """The dialect's own INSERT, which knows `.on_conflict_do_update()` and `…_nothing()`."""
    return _insert(connection.dialect.name, model)


def insert_or_ignore(connection: Connection, model: Any) -> Any:
    """An INSERT that does nothing where a unique key stands already.

    Whether it made the row is told by `.returning(…)` and `.first()`, never by `rowcount`: psycopg
    gives -1 where SQLAlchemy asks for the new key by itself.
    """
    return insert_for(connection, model).on_conflict_do_nothing()


class Insert(Generic[Model]):
    """An INSERT of one row of `model`, prepared: see lms.db.prepared. It flushes no session.

    Made once, at the top of a module. Columns that may be NULL may be left out; all others must be
    given, those with a Python-side default too. `or_ignore`: no row is made where a unique key
    stands already.
    """

    def __init__(self, model: type[Model], *, or_ignore: bool = False) -> None:
        self._model = model
        self._or_ignore = or_ignore
        columns = [column for column in model.__table__.columns if not column.primary_key]
        self._names = [column.key for column in columns]
        self._empty = {column.key: None for column in columns if column.nullable}
        self._forms: dict[str, Prepared[int]] = {}

    def row(self, database: Session | Connection, **values: Any) -> int | None:
        """The new row's id; None where another stood in its way. Raises KeyError for a value
        that is not given."""
        connection = database if isinstance(database, Connection) else database.connection()
        dialect_name = connection.dialect.name
        form = self._forms.get(dialect_name)
        if form is None:
            form = self._forms[dialect_name] = self._prepared(dialect_name)
        return form.first(connection, **{**self._empty, **values})

    def held(self, session: Session, **values: Any) -> Model:
        """The new row as an object that the session holds, as after a flush and far cheaper."""
        made = self._model(**{**self._empty, **values}, id=self.row(session, **values))
        make_transient_to_detached(made)
        session.add(made)
        return made

    def _prepared(self, dialect_name: str) -> Prepared[int]:
        statement = _insert(dialect_name, self._model)
        statement = statement.values({name: bindparam(name) for name in self._names})
        if self._or_ignore:
            statement = statement.on_conflict_do_nothing()
        return Prepared(statement.returning(self._model.id), int)


def _insert(dialect_name: str, model: Any) -> Any:
    return postgresql.insert(model) if dialect_name == "postgresql" else sqlite.insert(model)
