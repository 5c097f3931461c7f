"""What Alembic is told, whoever calls it."""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON

from lms.db.base import UTCDateTime

VERSION_TABLE = "lms_alembic_version"
PREFIX = "lms_"
_JSON = "JSON(none_as_null=True)"
_JSONB = "JSONB(none_as_null=True)"


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether something found in the database is looked at."""
    return kind != "table" or (name is not None and name.startswith(PREFIX))


def include_object(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Whether a thing of the models or the database is compared."""
    if kind == "table":
        return name is not None and name.startswith(PREFIX)
    table = getattr(thing, "table", None)
    return table is None or table.name.startswith(PREFIX)


def render_item(kind: str, thing: Any, context: AutogenContext) -> str | Literal[False]:
    """Our own types as the plain ones under them: a migration must not change with today's code."""
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(thing, JSON):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return f"sa.{_JSON}.with_variant(postgresql.{_JSONB}, 'postgresql')"
    return False


OPTIONS: dict[str, Any] = {
    "version_table": VERSION_TABLE,
    "include_name": include_name,
    "include_object": include_object,
    "render_item": render_item,
    "render_as_batch": True,
    # SQLite's DDL rolls back too, once transactions are begun by hand (lms.db.engine).
    "transactional_ddl": True,
    "compare_type": True,
}
