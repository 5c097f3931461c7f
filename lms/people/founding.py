"""`lms institution …`: what has to be there before anybody can come in."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import ConflictError, InvalidError
from lms.people import audit
from lms.people.models import Institution


@click.group()
def institution() -> None:
    """Institutions: each owns its people, courses, numbers and settings."""


@institution.command()
@click.argument("code")
@click.argument("name")
@click.option("--short-name", default="", help="What fits beside the brand; the name by default.")
@click.option("--home-page", required=True, help="IRI that names it in statements; for ever.")
@click.option("--host", default=None, help="A host name that is this institution's alone.")
@click.option("--zone", default="Asia/Seoul", show_default=True)
@click.pass_obj
def add(state: Any, /, **given: str) -> None:
    """Found the institution CODE (short, for certificate numbers) called NAME."""
    with state.db.transaction() as session:
        made = found(session, now=clock.now(), **given)
        click.echo(f"{made.code}: {made.name} ({made.home_page})")


@institution.command("list")
@click.pass_obj
def show(state: Any, /) -> None:
    """List the institutions."""
    with state.db.reading() as session:
        for one in session.scalars(select(Institution).order_by(Institution.id)):
            click.echo(f"{one.code}\t{one.name}\t{one.host or '-'}\t{one.home_page}")


def found(
    session: Session,
    *,
    code: str,
    name: str,
    short_name: str = "",
    home_page: str,
    host: str | None = None,
    zone: str = "Asia/Seoul",
    now: datetime,
) -> Institution:
    """A new institution, with its audit row.

    Raises InvalidError for a home page that is no web address or an empty code or name,
    ConflictError for a code, host or home page that another institution has.
    """
    if not code.strip() or not name.strip() or urlsplit(home_page).scheme not in {"http", "https"}:
        raise InvalidError("부호와 이름을 적고, 누리집 주소는 https://로 시작하게 적어 주십시오.")
    taken = (Institution.code == code) | (Institution.home_page == home_page)
    if host is not None:
        taken |= Institution.host == host
    if session.scalar(select(Institution.id).where(taken)) is not None:
        raise ConflictError(
            "이 부호나 주소를 쓰는 연수기관이 이미 있습니다. 다른 것을 적어 주십시오."
        )
    made = Institution(
        code=code.strip(),
        name=name.strip(),
        short_name=short_name.strip() or name.strip(),
        host=host,
        zone=zone,
        home_page=home_page,
        settings={},
        created_at=now,
    )
    session.add(made)
    session.flush()  # its id goes into the audit row
    audit.write(
        session,
        institution_id=made.id,
        actor_id=None,
        act="institution.found",
        subject="institution",
        subject_id=made.id,
        reason="명령줄에서 만듦",
        now=now,
    )
    return made
