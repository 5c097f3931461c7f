"""`lms person …`: people, roles and passwords from the server's own command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import LMSError, NotFoundError
from lms.people import accounts, directory, registering, service
from lms.people.models import Account, Institution, Person
from lms.people.sealing import Sealer
from lms.people.words import CATEGORIES
from lms.permissions import ROLES

_institution = click.option(
    "--institution", "code", default="", help="Code of the institution; the only one when left out."
)
_reason = click.option("--reason", required=True, help="Why; it stands in the audit trail.")
_BIRTH = click.DateTime(["%Y-%m-%d"])


@click.group()
def person() -> None:
    """People, their roles and passwords. A person is named by login or by number."""


@person.command()
@_institution
@click.option("--name", required=True)
@click.option("--login", default="", help="Gives a local account; the password is asked for.")
@click.option("--password", default="", help="For scripts; asked for when left out.")
@click.option("--email", default=None)
@click.option("--birth-date", type=_BIRTH, default=None, help="YYYY-MM-DD; kept encrypted.")
@click.option("--neis", default=None, help="NEIS number; kept encrypted.")
@click.option("--category", type=click.Choice(sorted(CATEGORIES)), default="teacher")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES[1:]))
@click.option("--reason", default="명령줄에서 더함", help="Why; it stands in the audit trail.")
@click.pass_obj
def add(state: Any, /, *, code: str, name: str, login: str, password: str, **given: Any) -> None:
    """Add a person, with a login and roles if wanted."""
    birth: datetime | None = given["birth_date"]
    hashed = _new_password(login, password) if login else None
    with _refusals(), state.db.transaction() as session:
        institution = _home(session, code)
        made = registering.register(
            session,
            institution,
            name=name,
            sealer=Sealer(state.settings.encryption_key()),
            actor_id=None,
            now=clock.now(),
            reason=given["reason"],
            email=given["email"],
            birth_date=date(birth.year, birth.month, birth.day) if birth else None,
            neis=given["neis"],
            staff_category=given["category"],
        )
        change = _change(given["reason"])
        if hashed is not None:
            accounts.open_account(session, made, login, password_hash=hashed, **change)
        for role in given["roles"]:
            service.grant(session, made.id, institution.id, role, **change)
        click.echo(f"{made.id}\t{made.name}\t{institution.code}")


@person.command(name="list")
@_institution
@click.option("--search", default="", help="Part of a name or of an organisation's name.")
@click.pass_obj
def list_(state: Any, /, *, code: str, search: str) -> None:
    """List people: number, name, organisation, category, roles."""
    with _refusals(), state.db.reading() as session:
        institution, after = _home(session, code), None
        whom = directory.Whom(text=search)
        while True:
            found = directory.listed(session, institution.id, whom, after=after)
            for row in found[: directory.PAGE]:
                cells = (row.id, row.name, row.organisation or "", row.staff_category)
                click.echo("\t".join(map(str, (*cells, row.roles or "learner"))))
            if len(found) <= directory.PAGE:
                return
            after = (found[directory.PAGE - 1].name, found[directory.PAGE - 1].id)


@person.command()
@click.argument("who")
@click.argument("role", type=click.Choice(ROLES[1:]))
@click.option("--run", type=int, default=None, help="For one run only.")
@_institution
@_reason
@click.pass_obj
def grant(state: Any, /, *, who: str, role: str, run: int | None, code: str, reason: str) -> None:
    """Give a role."""
    with _refusals(), state.db.transaction() as session:
        one = _who(session, who, code)
        change = _change(reason)
        new = service.grant(session, one.id, one.institution_id, role, run_id=run, **change)
        click.echo(f"{one.name}: {role}" + ("" if new else " (이미 있음)"))


@person.command()
@click.argument("who")
@click.argument("role", type=click.Choice(ROLES[1:]))
@click.option("--run", type=int, default=None, help="The role for this run only.")
@_institution
@_reason
@click.pass_obj
def revoke(state: Any, /, *, who: str, role: str, run: int | None, code: str, reason: str) -> None:
    """End a role."""
    with _refusals(), state.db.transaction() as session:
        one = _who(session, who, code)
        change = _change(reason)
        had = service.end_grant(session, one.id, one.institution_id, role, run_id=run, **change)
        click.echo(f"{one.name}: -{role}" + ("" if had else " (없던 역할)"))


@person.command()
@click.argument("who")
@click.option("--password", default="", help="For scripts; asked for when left out.")
@_institution
@_reason
@click.pass_obj
def password(state: Any, /, *, who: str, password: str, code: str, reason: str) -> None:
    """Set a new password; every device of the person is signed out."""
    with _refusals(), state.db.reading() as session:
        account = _account(session, _who(session, who, code))
    hashed = _new_password(account.login, password)
    with _refusals(), state.db.transaction() as session:
        change = _change(reason)
        accounts.set_password(session, account.id, hashed, **change)
    click.echo(f"{account.login}: 비밀번호를 바꾸고 모든 기기에서 로그아웃했습니다.")


@person.command()
@click.argument("who")
@_institution
@_reason
@click.confirmation_option(prompt="이름과 연락처를 지웁니다. 되돌릴 수 없습니다. 지울까요?")
@click.pass_obj
def forget(state: Any, /, *, who: str, code: str, reason: str) -> None:
    """Erase who a person is; statements and completions stay."""
    with _refusals(), state.db.transaction() as session:
        one = _who(session, who, code)
        service.forget(session, one, actor_id=None, now=clock.now(), reason=reason)
        click.echo(f"{one.id}: 지웠습니다. 학습 기록과 이수는 남아 있습니다.")


@contextmanager
def _refusals() -> Iterator[None]:
    """What we refuse is said on one line, without a traceback."""
    try:
        yield
    except LMSError as error:
        raise click.ClickException(str(error)) from error


def _change(reason: str) -> dict[str, Any]:
    return {"actor_id": None, "now": clock.now(), "reason": reason}


def _new_password(login: str, given: str) -> str:
    chosen = given or click.prompt("비밀번호", hide_input=True, confirmation_prompt=True)
    with _refusals():
        accounts.check_password(chosen, chosen, login=login)
    return accounts.hash_password(chosen)


def _home(session: Session, code: str) -> Institution:
    query = select(Institution).limit(2)
    if code:
        query = query.where(Institution.code == code)
    found = session.scalars(query).all()
    if len(found) != 1:
        raise NotFoundError(
            "연수기관을 알 수 없습니다. --institution에 연수기관 부호를 적어 주십시오."
        )
    return found[0]


def _who(session: Session, who: str, code: str) -> Person:
    """The person of a login or a number, in one institution when `code` says which."""
    query = (
        select(Person)
        .outerjoin(Account, Account.person_id == Person.id)
        .where(
            or_(
                Account.login == accounts.normal_login(who),
                Person.id == (int(who) if who.isascii() and who.isdigit() else -1),
            )
        )
        .limit(2)
    )
    if code:
        query = query.join(Institution, Institution.id == Person.institution_id).where(
            Institution.code == code
        )
    found = session.scalars(query).all()
    if len(found) != 1:
        raise NotFoundError(
            "“{who}”인 사람이 없거나 여럿입니다. 번호로 적거나 --institution을 더해 주십시오.",
            who=who,
        )
    return found[0]


def _account(session: Session, one: Person) -> Account:
    account = session.scalar(select(Account).where(Account.person_id == one.id))
    if account is None:
        raise NotFoundError("이 사람에게는 이 누리집에서 쓰는 아이디가 없습니다.")
    return account
