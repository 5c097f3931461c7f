"""Backup and restore: `lms backup FILE`, `lms restore FILE`."""

from pathlib import Path

import click

from lms import checks, clock
from lms.cli import dumping, environment, restoring
from lms.config import Settings
from lms.db import Database
from lms.files import Storage
from lms.plugins import plugin_manager

_FILE = click.Path(dir_okay=False, path_type=Path)
_KEYS_STAY = (
    "The keys are not in it. Keep {folder}/secret and {folder}/data.key (or LMS_SECRET and "
    "LMS_DATA_KEY) elsewhere: without data.key nobody can read birth dates and NEIS numbers."
)


_KEYS_MISSING = (
    "The keys were not in it. Put the old ones into {folder}/secret and {folder}/data.key (or set "
    "LMS_SECRET and LMS_DATA_KEY) before people come back."
)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--with-keys", is_flag=True, help="Put the secret and the data key in: guard it.")
def backup(file: Path, with_keys: bool) -> None:
    """Write everything to FILE (.tar.gz) while people go on working."""
    settings = environment.settings()
    _know_all_tables()
    if file.exists():
        raise click.ClickException(f"{file} is there already. Choose another name.")
    keys = {}
    if with_keys:
        keys = {"secret": settings.signing_secret(), "data.key": settings.encryption_key()}
    db, storage = _open(settings)
    try:
        with db.reading() as session:
            finding = checks.at_head(session.connection())
        if not finding.ok:
            raise click.ClickException(finding.text)
        dumped = dumping.dump(db, storage, file, keys=keys, now=clock.now())
    except OSError as error:
        raise click.ClickException(f"No backup was written: {error}.") from error
    finally:
        db.dispose()
    rows = sum(entry.rows for entry in dumped.manifest.tables)
    tables, files = len(dumped.manifest.tables), len(dumped.manifest.files)
    size = file.stat().st_size >> 10
    click.echo(f"{file}: {rows} rows of {tables} tables and {files} files in {size} kB.")
    click.echo(
        "The keys are in it: whoever has the file can read everything."
        if with_keys
        else _KEYS_STAY.format(folder=settings.folder)
    )
    for complaint in dumped.complaints:
        click.echo(f"look  {complaint}", err=True)
    if dumped.complaints:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("file", type=_FILE)
def restore(file: Path) -> None:
    """Read FILE into an empty database and LMS_VAR; refuses to overwrite anything."""
    settings = environment.settings()
    _know_all_tables()
    manifest = restoring.verify(file)
    db, storage = _open(settings)
    try:
        restoring.refuse_unless_empty(db, storage)
        if manifest.keys:
            restoring.restore_keys(file, manifest, settings)
        restoring.restore(file, manifest, db, storage)
        for line in restoring.report(manifest, db, storage):
            click.echo(line)
    finally:
        db.dispose()
    click.echo(f"Restored what was saved on {manifest.made_at:%Y-%m-%d %H:%M} UTC.")
    if not manifest.keys:
        click.echo(_KEYS_MISSING.format(folder=settings.folder))


def _open(settings: Settings) -> tuple[Database, Storage]:
    return Database(settings.database, threads=2), Storage(settings.folder / "files")


def _know_all_tables() -> None:
    plugin_manager()
