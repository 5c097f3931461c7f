"""Statements that every request runs: put into SQL once, then run without the bookkeeping.

Of a small query through `session.execute` most of the time is the library's own: the cache key, the
context, the result's metadata. Here a statement is compiled at first use and afterwards goes to the
driver's cursor as it stands. Values are still converted by SQLAlchemy's types, errors are still
SQLAlchemy's, and listeners to `before_cursor_execute` still hear of it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Dialect
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

Row = TypeVar("Row")
_Convert = Callable[[Any], Any]


class Prepared(Generic[Row]):
    """`statement`, whose open values are `bindparam("name")`; each row becomes `shape(*row)`.

    ::

        class Line(NamedTuple):
            id: int
            title: str

        _LINES = Prepared(
            select(Course.id, Course.title).where(Course.version_id == bindparam("version_id")),
            Line,
        )
        lines = _LINES.all(session, version_id=7)

    Columns only, no ORM objects, in the order of the shape's fields. A list for `in_()` must stand
    in the statement; one that is known only later cannot be passed. An INSERT or UPDATE names each
    column's value itself (`.values(name=bindparam("its_name"))`): Python-side defaults are refused
    with TypeError at first use. Made once, at the top of a module; threads and databases share it.
    Raises what `Connection.execute` raises, and KeyError where a value is missing.
    """

    def __init__(self, statement: Any, shape: Callable[..., Row]) -> None:
        self._statement = statement
        self._shape = shape
        self._forms: dict[str, _Form] = {}

    def all(self, database: Session | Connection, **values: Any) -> list[Row]:
        """Every row of a SELECT, or of RETURNING."""
        shape = self._shape
        form, rows, _ = self._run(database, values, fetch=True)
        if not form.readers:
            return [shape(*row) for row in rows]
        found = []
        for told in rows:
            row = list(told)
            for place, read in form.readers:
                row[place] = read(row[place])
            found.append(shape(*row))
        return found

    def first(self, database: Session | Connection, **values: Any) -> Row | None:
        """The first row, None if there is none; the database finds them all, so limit it there."""
        rows = self.all(database, **values)
        return rows[0] if rows else None

    def run(self, database: Session | Connection, **values: Any) -> int:
        """Of a statement that returns no rows: how many it changed. Flushes no session."""
        return self._run(database, values, fetch=False)[2]

    def _run(
        self, database: Session | Connection, values: dict[str, Any], *, fetch: bool
    ) -> "tuple[_Form, Sequence[Sequence[Any]], int]":
        connection = database if isinstance(database, Connection) else database.connection()
        form = self._forms.get(connection.dialect.name)
        if form is None:
            form = _Form(self._statement, connection.dialect)
            self._forms[connection.dialect.name] = form
        told = form.parameters(values)
        if not fetch:
            return form, (), on_cursor(connection, form.sql, told, fetch=False)[1]
        look = form.look if form.readers is None else None
        rows, changed = on_cursor(connection, form.sql, told, fetch=True, look=look)
        return form, rows, changed


def on_cursor(
    connection: Connection,
    sql: str,
    told: Any,
    *,
    fetch: bool,
    many: bool = False,
    look: Callable[[Sequence[Sequence[Any]], Dialect], None] | None = None,
) -> tuple[Sequence[Sequence[Any]], int]:
    """Run the driver's own SQL on its cursor, inside the connection's transaction.

    `many`: once for each of `told`. `look` is shown the description of what is fetched. Returns the
    rows, none where nothing is fetched, and how many were changed. Errors are SQLAlchemy's.
    """
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        for note in connection.dispatch.before_cursor_execute:
            note(connection, cursor, sql, told, None, many)
        if many:
            cursor.executemany(sql, told)
        else:
            cursor.execute(sql, told)
        if look is not None:
            look(cursor.description or (), connection.dialect)
        rows = cursor.fetchall() if fetch else ()
        changed = cursor.rowcount
    except Exception as error:
        # As execute() does it: SQLAlchemy's own classes; a lost connection leaves its pool.
        connection._handle_dbapi_exception(error, sql, told, cursor, None)  # noqa: SLF001
    cursor.close()
    return rows, changed


class _Form:
    """A statement as one kind of database is told it."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        if compiled.prefetch:
            raise TypeError(f"{compiled.prefetch}: give the value; a default is not asked here")
        binds = compiled.binds
        expanded = compiled.construct_expanded_state(
            {name: None for name, bind in binds.items() if bind.required}
        )
        self.sql: str = expanded.statement
        writers = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bind in binds.items()
        } | dict(expanded.processors)
        self._open = tuple(name for name, bind in binds.items() if bind.required)
        self._writers = {name: write for name, write in writers.items() if write is not None}
        self._order = expanded.positiontup
        self._fixed = {
            name: self._written(name, value)
            for name, value in expanded.parameters.items()
            if name not in self._open
        }
        exported = getattr(statement, "exported_columns", ())
        self._types: list[TypeEngine[Any]] = [column.type for column in exported]
        self.readers: list[tuple[int, _Convert]] | None = None

    def parameters(self, values: dict[str, Any]) -> Any:
        """What the driver is given beside the SQL."""
        told = self._fixed.copy()
        for name in self._open:
            told[name] = self._written(name, values[name])
        return told if self._order is None else tuple(told[name] for name in self._order)

    def look(self, description: Sequence[Sequence[Any]], dialect: Dialect) -> None:
        """Learn from a first answer which columns need converting."""
        made = [
            kind.dialect_impl(dialect).result_processor(dialect, told[1])
            for kind, told in zip(self._types, description, strict=True)
        ]
        self.readers = [(place, read) for place, read in enumerate(made) if read is not None]

    def _written(self, name: str, value: Any) -> Any:
        write = self._writers.get(name)
        return value if write is None else write(value)
