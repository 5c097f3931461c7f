"""The demo institute: building it, and telling programs its accounts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
from sqlalchemy import text

from lms.cli import environment
from lms.config import Settings
from lms.db import Database


class Account(msgspec.Struct):
    """Somebody to sign in as."""

    role: str
    institution: str
    login: str
    password: str


class RecordStore(msgspec.Struct):
    """Basic credentials of the first institution's statements."""

    endpoint: str
    username: str
    password: str


class Listing(msgspec.Struct):
    """What var/demo.json holds."""

    base_url: str
    accounts: list[Account]
    record_store: RecordStore


@dataclass(frozen=True)
class Told:
    """The accounts of the demo institute, and the file that lists them for programs."""

    accounts: list[Account]
    path: Path


@click.command()
@click.option("--people", type=click.IntRange(min=1), default=2000, show_default=True)
def demo(people: int) -> None:
    """Build the demo institute in an empty database."""
    state = environment.state()
    try:
        if _is_built(state.db):
            raise click.ClickException(
                "There is an institution in this database already. The demo institute is built "
                "only where there is none: name another by LMS_DATABASE_URL or LMS_VAR."
            )
        told = _build(state, people)
    finally:
        state.db.dispose()
    click.echo(f"Built. The accounts are in {told.path}.")


def prepare(settings: Settings) -> Told | None:
    """Build the demo where there is nothing, and list its accounts; None for a database that is
    somebody's own."""
    db = Database(settings.database, threads=1)
    try:
        built = _is_built(db)
    finally:
        db.dispose()
    if built and _half(settings).exists():
        raise click.ClickException(
            "Building the demo institute was broken off, so half of it stands in the database. "
            f"Empty the database and delete {settings.folder}, then start again."
        )
    if built:
        return _listed_before(settings)
    state = environment.state()
    try:
        return _build(state, 2000)
    finally:
        state.db.dispose()


def _is_built(db: Database) -> bool:
    with db.reading() as session:
        return session.execute(text("SELECT 1 FROM lms_institution LIMIT 1")).first() is not None


def _build(state: Any, people: int) -> Told:
    from lms.demo.build import build  # its data and drawing are not loaded by other commands

    half = _half(state.settings)
    half.write_text("Stands while the demo institute is built.\n")
    with click.progressbar(length=people, label=f"Building {people} people") as bar:
        made = build(state, people=people, progress=bar.update)
    told = _tell(state.settings, msgspec.convert(made, _Made, from_attributes=True))
    half.unlink()
    return told


def _half(settings: Settings) -> Path:
    return settings.folder / "demo.half"


class _Made(msgspec.Struct):
    accounts: list[Account]
    record_store: dict[str, str]


def _listed_before(settings: Settings) -> Told | None:
    path = settings.folder / "demo.json"
    if not path.exists():
        return None
    kept = msgspec.json.decode(path.read_bytes(), type=Listing)
    store = kept.record_store
    made = _Made(kept.accounts, {"username": store.username, "password": store.password})
    return _tell(settings, made)


def _tell(settings: Settings, made: _Made) -> Told:
    """Write var/demo.json anew: the address may be another than at the last start."""
    base = settings.base_url.rstrip("/")
    store = RecordStore(
        f"{base}/xapi/", made.record_store["username"], made.record_store["password"]
    )
    path = settings.folder / "demo.json"
    text_ = msgspec.json.format(msgspec.json.encode(Listing(base, made.accounts, store)), indent=2)
    path.write_bytes(text_ + b"\n")
    return Told(made.accounts, path)
