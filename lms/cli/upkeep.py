"""Commands that look after an installation."""

from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import select, update

from lms import checks, clock, migrations
from lms.cli import environment
from lms.config import Settings
from lms.db import Database
from lms.outbox import Task


@click.command()
@click.option("--down", metavar="TARGET", help="Go back to this revision («base» for none).")
def migrate(down: str | None) -> None:
    """Bring the database's tables to what this code knows. A host's own tables stay as they are."""
    settings = environment.settings()
    if down is not None:
        migrations.downgrade(settings.database, down)
    else:
        migrations.upgrade(settings.database)
    click.echo(f"The database is at {migrations.current(settings.database) or 'no revision'}.")


@click.command()
def check() -> None:
    """Check the installation: durability, tables, clocks, hosts, keys, disk."""
    settings = environment.settings()
    db = Database(settings.database, threads=2)
    try:
        if not passed(settings, db):
            raise click.exceptions.Exit(1)
    finally:
        db.dispose()


def passed(settings: Settings, db: Database, *, quiet: bool = False) -> bool:
    """Say each finding in a line (only what is wrong when `quiet`); False when one is fatal."""
    findings = checks.every(settings, db)
    if all(finding.ok or not finding.fatal for finding in findings):
        findings += _told_by_rooms(db)
    for finding in findings:
        if not (quiet and finding.ok):
            mark = "ok  " if finding.ok else "FAIL" if finding.fatal else "look"
            click.echo(f"{mark}  {finding.name:<11} {finding.text}", err=quiet)
    return all(finding.ok or not finding.fatal for finding in findings)


def _told_by_rooms(db: Database) -> list[checks.Finding]:
    from lms.plugins import plugin_manager

    hook = plugin_manager().hook
    with db.reader.connect() as connection:
        told = hook.lms_findings(connection=connection, hook=hook, now=clock.now())
        return [finding for some in told for finding in some]


@click.command()
@click.option("--again", metavar="KEY", help="Try a task that was given up once more.")
def outbox(again: str | None) -> None:
    """List the promised tasks that wait and those that were given up."""
    settings = environment.settings()
    db = Database(settings.database, threads=2)
    try:
        if again is not None:
            _again(db, again, clock.now())
        _list(db)
    finally:
        db.dispose()


def _again(db: Database, key: str, now: datetime) -> None:
    fresh: dict[str, Any] = {"failed_at": None, "attempts": 0, "due": now, "claimed_until": None}
    with db.transaction() as session:
        given_up = (Task.key == key, Task.failed_at.is_not(None), Task.done_at.is_(None))
        if not session.connection().execute(update(Task).where(*given_up).values(fresh)).rowcount:
            raise click.ClickException(f"No task with the key {key!r} was given up.")


def _list(db: Database) -> None:
    with db.reading() as session:
        tasks = session.scalars(
            select(Task).where(Task.done_at.is_(None)).order_by(Task.due).limit(100)
        ).all()
    for task in tasks:
        stands = "given up" if task.failed_at else f"due {_short(task.due)}"
        click.echo(f"{stands:<24} tries {task.attempts:>2}  {task.key}  {task.error or ''}")
    click.echo(f"{len(tasks)} tasks are open." if len(tasks) < 100 else "The first 100 are shown.")


def _short(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
