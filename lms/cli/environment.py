"""What the command line sets before anything reads it: child processes inherit it."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import click
from sqlalchemy.engine import make_url

from lms.config import SettingError, Settings, load
from lms.edge import State
from lms.extension import build_state

_SPELLINGS = ("postgres://", "postgresql://")
_DEFAULT_PORT = 8000


def prepare() -> None:
    """Put the database's URL and the site's address into the form that everything here reads."""
    url = os.environ.get("LMS_DATABASE_URL", "")
    for spelling in _SPELLINGS:
        if url.startswith(spelling):
            os.environ["LMS_DATABASE_URL"] = "postgresql+psycopg://" + url.removeprefix(spelling)
    if not os.environ.get("LMS_BASE_URL"):
        os.environ["LMS_BASE_URL"] = f"http://localhost:{port()}"


def port() -> int:
    """The port to listen on: PORT, else that of a local LMS_BASE_URL, else 8000."""
    given = os.environ.get("PORT", "").strip()
    if given:
        if not given.isdigit() or not 0 < int(given) < 65536:
            raise click.ClickException(f"PORT={given!r}: write a number from 1 to 65535.")
        return int(given)
    site = urlsplit(os.environ.get("LMS_BASE_URL", ""))
    return (site.hostname == "localhost" and site.port) or _DEFAULT_PORT


def settings() -> Settings:
    """The settings, with the folders they name made. A wrong one ends the command."""
    try:
        found = load()
    except SettingError as error:
        raise click.ClickException(str(error)) from error
    found.folder.mkdir(parents=True, exist_ok=True)
    url = make_url(found.database)
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    return found


def state() -> State:
    """What jobs and commands work on; close it with `state.db.dispose()`."""
    settings()
    return build_state({})
