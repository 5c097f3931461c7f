"""`lms record-store import` and `export`: statements from files, and as files."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from lms import clock
from lms.xapi import exporting, files, importing
from lms.xapi.commands import home_of, of_institution
from lms.xapi.forward_commands import record_store
from lms.xapi.importing import IMPORTED, Problem
from lms.xapi.store import Authority

__all__ = ["record_store"]

_DAY = click.DateTime(["%Y-%m-%d"])


@record_store.command("import")
@of_institution
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--authority", default="", help="Who vouches for all of it; as each statement says if left out."
)
@click.option("--all-or-nothing", is_flag=True, help="Keep nothing if one statement is bad.")
@click.pass_obj
def import_(state: Any, /, *, code: str, path: Path, authority: str, all_or_nothing: bool) -> None:
    """Bring in the statements of a file: JSON or JSON Lines, also packed with gzip.

    What is refused stands in PATH.refused.jsonl, and the exit status is 1.
    """
    with state.db.reading() as session:
        home = home_of(session, code)
        home_id, home_page = home.id, home.home_page
    vouches = Authority("import", home_page, account=authority) if authority else IMPORTED
    refused = path.with_name(f"{path.name}.refused.jsonl")
    with (
        path.open("rb") as file,
        refused.open("wb") as aside,
        click.progressbar(length=path.stat().st_size, label=path.name) as bar,
    ):
        result = importing.bring_in(
            state.db,
            state.hook,
            home_id,
            files.rows(file, bar.update),
            now=clock.now,
            authority=vouches,
            all_or_nothing=all_or_nothing,
            tell=lambda problem: aside.write(msgspec.json.encode(problem) + b"\n"),
        )
    _tell(result, refused)


def _tell(result: importing.Result, refused: Path) -> None:
    click.echo(f"new: {result.new}\nknown: {result.known}\nrefused: {result.bad}")
    if not result.bad:
        refused.unlink()
        return
    for one in result.problems:
        click.echo(_said(one), err=True)
    click.echo(f"All that was refused: {refused}", err=True)
    raise click.exceptions.Exit(1)


def _said(one: Problem) -> str:
    return f"{one.place}  {one.path}  {one.error}"


@record_store.command("export")
@of_institution
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--from", "since", type=_DAY, help="First local day of storing.")
@click.option("--until", type=_DAY, help="Last local day of storing.")
@click.option(
    "--format", "form", default="jsonl", type=click.Choice(["jsonl", "parquet"]), show_default=True
)
@click.pass_obj
def export(
    state: Any,
    /,
    *,
    code: str,
    folder: Path,
    since: datetime | None,
    until: datetime | None,
    form: exporting.Format,
) -> None:
    """Write statements into FOLDER, one file for each day on which they were stored."""
    with state.db.reading() as session:
        home = home_of(session, code)
        try:
            number = exporting.export(
                session,
                home.id,
                folder,
                zone=home.zone,
                since=since.date() if since else None,
                until=until.date() if until else None,
                form=form,
                told=lambda path, count: click.echo(f"{path}\t{count}"),
            )
        except exporting.NoParquetError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{number} statements")
