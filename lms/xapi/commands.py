"""`lms record-store …`: credentials of an institution's record store."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import NotFoundError
from lms.people.models import Institution
from lms.xapi import credentials, echoes
from lms.xapi.models import Credential

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
of_institution = click.option(
    "--institution", "code", default="", help="Code of the institution; the only one when left out."
)
with_reason = click.option("--reason", required=True, help="Why; it stands in the audit trail.")


@click.group("record-store")
def record_store() -> None:
    """Credentials of systems that write or read xAPI statements."""


@record_store.command("add-credential")
@of_institution
@click.option("--name", required=True, help="Which system they are for.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(credentials.SCOPES)
)
@with_reason
@click.pass_obj
def add_credential(
    state: Any, /, *, code: str, name: str, scopes: tuple[str, ...], reason: str
) -> None:
    """Make credentials; the secret is shown once."""
    with state.db.transaction() as session:
        made, secret = credentials.make(
            session, home_of(session, code).id, name, scopes, now=clock.now(), reason=reason
        )
        told = made.username
    click.echo(f"username: {told}\nsecret:   {secret}")


@record_store.command()
@of_institution
@click.argument("username")
@with_reason
@click.pass_obj
def revoke(state: Any, /, *, code: str, username: str, reason: str) -> None:
    """End credentials at once."""
    with state.db.transaction() as session:
        home = home_of(session, code)
        credentials.revoke(session, home.id, username, now=clock.now(), reason=reason)
    click.echo(f"{username}: revoked")


@record_store.command()
@of_institution
@click.argument("username")
@click.option(
    "--hours", default=24, show_default=True, help="How long the old secret is still good."
)
@with_reason
@click.pass_obj
def rotate(state: Any, /, *, code: str, username: str, hours: int, reason: str) -> None:
    """Make a new secret; it is shown once."""
    with state.db.transaction() as session:
        home = home_of(session, code)
        _, secret = credentials.rotate(
            session,
            home.id,
            username,
            overlap=timedelta(hours=hours),
            now=clock.now(),
            reason=reason,
        )
    click.echo(f"username: {username}\nsecret:   {secret}")


@record_store.command("list")
@of_institution
@click.pass_obj
def list_(state: Any, /, *, code: str) -> None:
    """List credentials: username, state, scopes, name."""
    with state.db.reading() as session:
        wanted = select(Credential).where(Credential.institution_id == home_of(session, code).id)
        for one in session.scalars(wanted.order_by(Credential.id)):
            standing = "revoked" if one.revoked_at else "in use"
            click.echo(f"{one.username}\t{standing}\t{' '.join(one.scopes)}\t{one.name}")


@record_store.command()
@click.pass_obj
def link(state: Any) -> None:
    """Make anew what statements are found by beside their own columns; it may run meanwhile."""
    after: int | None = 0
    while after is not None:
        done = after
        with state.db.transaction() as session:
            after = echoes.link_anew(session.connection(), after=done)
    with state.db.transaction() as session:
        followed = echoes.sweep(session.connection(), since=_LONG_AGO)
    click.echo(f"references followed: {followed}")


def home_of(session: Session, code: str) -> Institution:
    wanted = select(Institution).limit(2)
    found = session.scalars(wanted.where(Institution.code == code) if code else wanted).all()
    if len(found) != 1:
        raise NotFoundError("기관을 --institution 코드로 짚어 주십시오.")
    return found[0]
