"""Many rows in one statement, prepared: what the writer inserts and updates for a whole commit.

SQLAlchemy puts the SQL of an INSERT of many rows together anew each time and asks each value's
type; of fifty rows that costs more than the database takes. Here each database gets statements
that stay the same: PostgreSQL one with arrays of the columns, in its binary form, SQLite one of as
many rows as there are. Values are converted by SQLAlchemy's types, errors are SQLAlchemy's.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, Generic, TypeVar, cast

import msgspec
from sqlalchemy import Connection, Dialect, String, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from lms.db.base import Base
from lms.db.prepared import Prepared, on_cursor

Row = TypeVar("Row")
_Convert = Callable[[Any], Any]
Values = Sequence[Any]

_MOST_ROWS = 100
"""In one statement on SQLite, whose driver keeps some hundred statements prepared."""


class InsertMany:
    """INSERT of any number of rows into `model`'s table, each with `columns` in that order.

    Made once, at the top of a module. `or_ignore`: no row is made where a unique key stands.
    Columns that are left out must have a default in the database or be nullable.
    """

    def __init__(
        self, model: type[Base], columns: Sequence[str], *, or_ignore: bool = False
    ) -> None:
        self._table: Any = model.__table__
        self._names = list(columns)
        self._end = " ON CONFLICT DO NOTHING" if or_ignore else ""
        self._forms: dict[str, _Form] = {}

    def run(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Insert them; nothing is asked back."""
        form = self._form(connection.dialect)
        if form.arrays:
            on_cursor(connection, form.sql, form.columns(rows), fetch=False)
        else:
            self._in_parts(connection, form, form.rows(rows))

    def ids(self, connection: Connection, rows: Sequence[Values], *, key: str) -> dict[Any, int]:
        """Insert them; of those that were made the new id, by the value of the column `key`."""
        form = self._form(connection.dialect)
        place = self._names.index(key)
        if form.arrays:
            sql = f"{form.sql} RETURNING {key}, id"
            made, _ = on_cursor(connection, sql, form.columns(rows), fetch=True)
            return dict(cast("Sequence[tuple[Any, int]]", made))
        if len(rows) == 1:
            sql = f"{self._sql(form, 1)} RETURNING id"
            made, _ = on_cursor(connection, sql, form.rows(rows)[0], fetch=True)
            return {rows[0][place]: made[0][0]} if made else {}
        # Here nobody else can insert before our commit, so the ids are ours to give: RETURNING
        # would go back and forth between the database and Python's lock for each row.
        table = self._table.name
        [(last,)] = on_cursor(connection, f"SELECT max(id) FROM {table}", (), fetch=True)[0]  # noqa: S608
        first = (last or 0) + 1
        wanted = {row[place]: first + number for number, row in enumerate(rows)}
        told = [(first + number, *row) for number, row in enumerate(form.rows(rows))]
        if self._in_parts(connection, form, told, with_id=True) == len(told):
            return wanted
        sql = f"SELECT id FROM {table} WHERE id >= ?"  # noqa: S608
        kept = {id_ for (id_,) in on_cursor(connection, sql, (first,), fetch=True)[0]}
        return {value: id_ for value, id_ in wanted.items() if id_ in kept}

    def _in_parts(
        self,
        connection: Connection,
        form: "_Form",
        rows: Sequence[tuple[Any, ...]],
        *,
        with_id: bool = False,
    ) -> int:
        """Insert in statements of at most _MOST_ROWS rows; returns how many rows were made."""
        made = 0
        for start in range(0, len(rows), _MOST_ROWS):
            part = rows[start : start + _MOST_ROWS]
            sql = self._sql(form, len(part), with_id=with_id)
            made += on_cursor(connection, sql, list(chain.from_iterable(part)), fetch=False)[1]
        return made

    def _sql(self, form: "_Form", size: int, *, with_id: bool = False) -> str:
        sql = form.parts.get((size, with_id))
        if sql is None:
            names = ["id", *form.names] if with_id else form.names
            row = f"({', '.join('?' for _ in names)})"
            into = f"INSERT INTO {self._table.name} ({', '.join(names)})"
            sql = f"{into} VALUES {', '.join(row for _ in range(size))}{self._end}"
            form.parts[size, with_id] = sql
        return sql

    def _form(self, dialect: Dialect) -> "_Form":
        form = self._forms.get(dialect.name)
        if form is None:
            columns = [self._table.c[name] for name in self._names]
            form = _Form(dialect, [(column.name, column.type) for column in columns])
            names = ", ".join(form.names)
            into = f"INSERT INTO {self._table.name} ({names})"
            form.sql = f"{into} SELECT * FROM {form.unnest}{self._end}"  # noqa: S608
            self._forms[dialect.name] = form
        return form


class PreparedIn(Generic[Row]):
    """A SELECT of the rows in which `column` is one of any number of values: see Prepared.

    `statement` says the rest; its other open values are given by name.
    """

    def __init__(self, statement: Any, column: Any, shape: Callable[..., Row]) -> None:
        values = bindparam("values_", type_=ARRAY(column.type))
        self._any = Prepared(statement.where(column == func.any(values)), shape)
        told = func.json_each(bindparam("values_", type_=String)).table_valued("value").c.value
        self._each = Prepared(statement.where(column.in_(select(told))), shape)

    def all(self, connection: Connection, values: Iterable[Any], **more: Any) -> list[Row]:
        """Every row, for values of JSON's own types."""
        listed = list(values)
        if connection.dialect.name == "postgresql":
            return self._any.all(connection, values_=listed, **more)
        return self._each.all(connection, values_=msgspec.json.encode(listed).decode(), **more)


class UpdateMany:
    """UPDATE of rows of `model`'s table by their `id`: each row is the id, then `columns`."""

    def __init__(self, model: type[Base], columns: Sequence[str]) -> None:
        self._table: Any = model.__table__
        self._names = list(columns)
        self._forms: dict[str, _Form] = {}

    def run(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Update them; an id that is not there is passed over."""
        form = self._form(connection.dialect)
        if form.arrays:
            on_cursor(connection, form.sql, form.columns(rows), fetch=False)
            return
        for start in range(0, len(rows), _MOST_ROWS):
            part = rows[start : start + _MOST_ROWS]
            told = list(chain.from_iterable(form.rows(part)))
            on_cursor(connection, self._part(form, len(part)), told, fetch=False)

    def _part(self, form: "_Form", size: int) -> str:
        sql = form.parts.get((size, True))
        if sql is None:
            table, names = self._table.name, form.names[1:]
            row = f"({', '.join('?' for _ in form.names)})"
            source = f"(VALUES {', '.join(row for _ in range(size))}) AS new"
            sets = ", ".join(f"{name} = new.column{place}" for place, name in enumerate(names, 2))
            # CROSS JOIN in effect: SQLite reads the few new rows and looks each id up.
            sql = f"UPDATE {table} SET {sets} FROM {source} WHERE {table}.id = new.column1"  # noqa: S608
            form.parts[size, True] = sql
        return sql

    def _form(self, dialect: Dialect) -> "_Form":
        form = self._forms.get(dialect.name)
        if form is None:
            columns = [self._table.c[name] for name in ("id", *self._names)]
            form = _Form(dialect, [(column.name, column.type) for column in columns])
            table = self._table.name
            sets = ", ".join(f"{name} = new.{name}" for name in form.names[1:])
            source = f"FROM {form.unnest} AS new ({', '.join(form.names)})"
            form.sql = f"UPDATE {table} SET {sets} {source} WHERE {table}.id = new.id"  # noqa: S608
            self._forms[dialect.name] = form
        return form


class _Form:
    """How one kind of database is told rows of some columns."""

    def __init__(self, dialect: Dialect, columns: Sequence[tuple[str, TypeEngine[Any]]]) -> None:
        quote = dialect.identifier_preparer.quote
        self.sql = ""
        self.arrays = dialect.name == "postgresql"
        self.names = [quote(name) for name, _ in columns]
        self.parts: dict[tuple[int, bool], str] = {}
        kinds = [kind.compile(dialect) for _, kind in columns]
        self.unnest = f"unnest({', '.join(f'%b::{kind}[]' for kind in kinds)})"
        made = [kind.dialect_impl(dialect).bind_processor(dialect) for _, kind in columns]
        self._writers = [(place, write) for place, write in enumerate(made) if write is not None]

    def rows(self, rows: Sequence[Values]) -> list[tuple[Any, ...]]:
        if not self._writers:
            return [tuple(row) for row in rows]
        found = []
        for row in rows:
            told = list(row)
            for place, write in self._writers:
                told[place] = write(told[place])
            found.append(tuple(told))
        return found

    def columns(self, rows: Sequence[Values]) -> list[list[Any]]:
        return [list(column) for column in zip(*self.rows(rows), strict=True)]
