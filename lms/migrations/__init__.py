"""The tables' history: Alembic without an ini file, blind to every table that is not ours.

A host's tables may stand in the same database. Only names that begin with `lms_` are looked at, and
the revision stands in a table of our own, so that neither history touches the other's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.engine import URL

from lms.db.engine import connect
from lms.migrations.options import OPTIONS, VERSION_TABLE

__all__ = ["VERSION_TABLE", "check", "current", "downgrade", "head", "knows", "revise", "upgrade"]

_LOCK = 0x6C6D73_6D6967
"""PostgreSQL's advisory lock «lmsmig»: of two starting hosts the second waits."""


def upgrade(url: URL | str, target: str = "head") -> None:
    """Bring the database to `target` in one transaction; nothing is done where it stands there."""
    with _connection(url) as connection:
        command.upgrade(_config(connection), target)


def downgrade(url: URL | str, target: str) -> None:
    """Take the database back to `target` (a revision, `-1`, `base`) in one transaction."""
    with _connection(url) as connection:
        command.downgrade(_config(connection), target)


@cache
def head() -> str | None:
    """The newest revision that this code knows; None while there is none."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this code has the revision; a newer one's it has not."""
    return any(
        script.revision == revision
        for script in ScriptDirectory.from_config(_config()).walk_revisions()
    )


def current(where: URL | str | Connection) -> str | None:
    """The revision that a database stands at; None for one without our tables."""
    if isinstance(where, Connection):
        context = MigrationContext.configure(where, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()
    with _connection(where) as connection:
        return current(connection)


def check(url: URL | str, metadata: MetaData) -> list[str]:
    """How the models and the database differ, a line each; empty when they are alike.

    Load the plugins first (lms.plugins.plugin_manager): only imported models are compared.
    """
    with _connection(url) as connection:
        options = OPTIONS | {"target_metadata": metadata}
        context = MigrationContext.configure(connection, opts=options)
        return [_line(difference) for difference in compare_metadata(context, metadata)]


def revise(url: URL | str, metadata: MetaData, message: str) -> Path:
    """Write the migration from the database at head to the models; see tools/new_migration.py."""
    with _connection(url) as connection:
        config = _config(connection)
        config.attributes["metadata"] = metadata
        number = f"{len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1:04}"
        script = command.revision(config, message, autogenerate=True, rev_id=number)
        if script is None or isinstance(script, list):
            raise RuntimeError("Alembic wrote no file.")
        path = Path(script.path)
        path.write_text("".join(line for line in _lines(path) if "# ### " not in line))
        return path


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connection(url: URL | str) -> Iterator[Connection]:
    """A connection in one transaction, alone among those that migrate."""
    engine = connect(url, threads=1)
    if engine.dialect.name == "sqlite":
        # A table that is rebuilt is dropped for a moment; its rows' children must not go with it.
        event.listen(engine, "connect", _leave_foreign_keys)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection
            _check_foreign_keys(connection)
    finally:
        engine.dispose()


def _leave_foreign_keys(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys=OFF")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = [
        row
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check")
        if row[0].startswith("lms_")
    ]
    if broken:
        raise RuntimeError(f"The migration would leave rows without their parents: {broken[:5]}")


def _line(difference: Any) -> str:
    if isinstance(difference, list):
        return "; ".join(_line(one) for one in difference)
    what, *things = difference
    return f"{what}: " + ", ".join(str(thing) for thing in things if thing is not None)
