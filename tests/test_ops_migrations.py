"""Our tables come and go; what is a host's is neither touched nor looked at."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from lms import migrations
from lms.db import Base, connect
from lms.plugins import plugin_manager


@pytest.fixture
def host_url(database_url: str) -> str:
    """A host's database, with people in it and a table of revisions of its own."""
    migrations.downgrade(database_url, "base")
    engine = connect(database_url)
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
            "CREATE INDEX ix_users_name ON users (name)",
            "INSERT INTO users (id, name) VALUES (1, 'host')",
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            "INSERT INTO alembic_version (version_num) VALUES ('hosts')",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return database_url


def look(url: str) -> tuple[set[str], list[str], list[str]]:
    """Every table, the host's people and the host's revision."""
    engine = connect(url)
    with engine.connect() as connection:
        tables = set(sa.inspect(connection).get_table_names())
        people = connection.exec_driver_sql("SELECT name FROM users").scalars().all()
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        seen = tables, list(people), list(revision.scalars())
    engine.dispose()
    return seen


def test_hosts_tables_are_left_alone(host_url: str) -> None:
    plugin_manager(third_parties=False)
    ours = {name for name in Base.metadata.tables if name.startswith("lms_")}
    theirs = {"users", "alembic_version"}
    migrations.upgrade(host_url)
    assert look(host_url) == (
        ours | theirs | {migrations.VERSION_TABLE},
        ["host"],
        ["hosts"],
    )
    assert migrations.current(host_url) == migrations.head()
    assert migrations.check(host_url, Base.metadata) == []
    migrations.upgrade(host_url)  # nothing to do is nothing done
    migrations.downgrade(host_url, "base")
    assert look(host_url) == (theirs | {migrations.VERSION_TABLE}, ["host"], ["hosts"])
    assert migrations.current(host_url) is None


def test_forgotten_change_is_found(database_url: str) -> None:
    """A column that no migration made is told; a table of a stranger's models is not."""
    plugin_manager(third_parties=False)
    models = sa.MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        table.to_metadata(models)
    models.tables["lms_lease"].append_column(sa.Column("note", sa.String))
    sa.Table("strangers", models, sa.Column("id", sa.Integer, primary_key=True))
    (line,) = migrations.check(database_url, models)
    assert line.startswith("add_column: lms_lease")


def test_migration_is_all_or_nothing(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite too: what a broken migration had done is undone with it."""
    versions = Path(migrations.__file__).parent / "versions"
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for path in (*versions.glob("0*.py"), versions.parent / "env.py"):
        (folder / path.relative_to(versions.parent)).write_text(path.read_text())
    (folder / "versions" / "9999_broken.py").write_text(
        f"from alembic import op\nrevision, down_revision = '9999', {migrations.head()!r}\n"
        "def upgrade():\n    op.execute('CREATE TABLE lms_half (id INTEGER)')\n"
        "    op.execute('no SQL at all')\n"
    )
    before = migrations.current(sqlite_url)
    monkeypatch.setattr(migrations, "__file__", str(folder / "__init__.py"))
    with pytest.raises(sa.exc.OperationalError, match="syntax error"):
        migrations.upgrade(sqlite_url)
    engine = connect(sqlite_url)
    assert "lms_half" not in sa.inspect(engine).get_table_names()
    engine.dispose()
    assert migrations.current(sqlite_url) == before
