"""`lms record-store …`: other record stores that statements are forwarded to."""

from typing import Any

import click

from lms import clock
from lms.people.sealing import Sealer
from lms.xapi import forwards
from lms.xapi.commands import home_of, of_institution, record_store, with_reason

__all__ = ["record_store"]


@record_store.command("add-forward")
@of_institution
@click.option("--name", required=True, help="What the other store is called here.")
@click.option("--url", required=True, help="Where its resources are, e.g. https://host/xapi.")
@click.option("--username", required=True, help="Of the credentials that it gave us.")
@click.option(
    "--secret",
    envvar="LMS_FORWARD_SECRET",
    prompt=True,
    hide_input=True,
    help="Theirs too; asked for, or taken from LMS_FORWARD_SECRET.",
)
@click.option(
    "--xapi-version",
    "version",
    default="1.0.3",
    type=click.Choice(forwards.VERSIONS),
    show_default=True,
    help="Version of the standard that it is asked to speak.",
)
@click.option("--verb", default="", help="Send this verb alone (an IRI).")
@click.option("--activity", default="", help="Send activities alone whose IRI begins so.")
@click.option("--registration", default="", help="Send this registration alone (a UUID).")
@click.option("--run", "run_id", type=int, help="Send this run's registrations alone (its id).")
@click.option("--with-past", is_flag=True, help="Send what is stored already, too.")
@with_reason
@click.pass_obj
def add_forward(state: Any, /, *, code: str, reason: str, **given: Any) -> None:
    """Have statements sent on to another record store."""
    settings = state.settings
    with state.db.transaction() as session:
        made = forwards.make(
            session,
            Sealer(settings.encryption_key()),
            home_of(session, code).id,
            private=settings.forward_private,
            reason=reason,
            now=clock.now(),
            **given,
        )
        told = f"{made.id}\t{made.name}\t{made.url}"
    click.echo(told)


@record_store.command("forwards")
@of_institution
@click.pass_obj
def list_forwards(state: Any, /, *, code: str) -> None:
    """List other stores: number, name, state, sent, refused, oldest unsent, last error."""
    with state.db.reading() as session:
        rows = forwards.standing(session, home_of(session, code).id)
        oldest = forwards.oldest_unsent(session.connection(), rows, state.hook)
    for one in rows:
        standing = "paused" if one.paused_at else "waits" if one.retry_at else "in use"
        unsent = f"unsent since {oldest[one.id]:%Y-%m-%dT%H:%M:%SZ}" if one.id in oldest else "-"
        told = (one.id, one.name, standing, one.sent, one.refused, unsent, one.last_error or "-")
        click.echo("\t".join(map(str, told)))


@record_store.command("pause-forward")
@of_institution
@click.argument("name")
@click.option("--resume", is_flag=True, help="Go on where it stopped.")
@with_reason
@click.pass_obj
def pause_forward(state: Any, /, *, code: str, name: str, resume: bool, reason: str) -> None:
    """Send nothing to a store for now; NAME or its number."""
    with state.db.transaction() as session:
        row = forwards.named(session, home_of(session, code).id, name)
        forwards.pause(session, row, paused=not resume, reason=reason, now=clock.now())
    click.echo(f"{name}: {'in use' if resume else 'paused'}")


@record_store.command("remove-forward")
@of_institution
@click.argument("name")
@with_reason
@click.pass_obj
def remove_forward(state: Any, /, *, code: str, name: str, reason: str) -> None:
    """Send nothing to a store any more, and forget its secret; NAME or its number."""
    with state.db.transaction() as session:
        row = forwards.named(session, home_of(session, code).id, name)
        forwards.remove(session, row, reason=reason, now=clock.now())
    click.echo(f"{name}: removed")
