"""A forgotten password: a mail with an address that is good once, for an hour."""

from typing import Any
from urllib.parse import urlsplit

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select

from lms.edge import State, client_address, now, page, render, session, state, words_here
from lms.edge.context import host_name
from lms.edge.rendering import url
from lms.errors import InvalidError, TooManyError
from lms.i18n import words
from lms.outbox import promise
from lms.people import accounts, limiter
from lms.people.accounts import Candidate
from lms.people.models import Institution, Person
from lms.people.permissions import COME_IN
from lms.people.service import token_hash
from lms.people.views.entrance import blueprint, only_standalone

_MOST_MAILS = 3
_QUIET = "no-referrer"  # the address of this page is a key: nobody else may hear of it
_SUBJECT = "[이음] 비밀번호 다시 정하기"
_BODY = (
    "{name} 님,\n\n아래 주소에서 비밀번호를 새로 정하실 수 있습니다. "
    "한 시간 안에, 한 번만 쓸 수 있습니다.\n\n{address}\n\n"
    "직접 요청하지 않으셨으면 이 편지를 지우셔도 됩니다. 비밀번호는 그대로입니다.\n\n{institution}"
)


@blueprint.get("/sign-in/forgotten", permission=COME_IN, scope="public")
def forgotten() -> ResponseReturnValue:
    only_standalone()
    return render("lms/people/forgotten.html", sent=False, said=None)


@blueprint.post("/sign-in/forgotten", permission=COME_IN, scope="public", writes=False)
def forgotten_send() -> ResponseReturnValue:
    """The same answer, from the same commit, whether or not there is such a login."""
    only_standalone()
    here, at, address, host = state(), now(), client_address(), host_name()
    typed = request.form.get("login", "")[:200]
    mine, place = limiter.marks(here.secret, "reset", accounts.normal_login(typed), address)
    path = url("people.reset", token="TOKEN")  # noqa: S106  its place in the address

    def work(connection: Connection) -> None:
        limiter.count(connection, mine, limit=_MOST_MAILS, window=limiter.WINDOW, now=at)
        most = here.settings.address_tries
        limiter.count(connection, place, limit=most, window=limiter.WINDOW, now=at)
        found = accounts.candidates(connection, typed, host=host)
        for account, token in accounts.promise_reset(connection, found, now=at):
            _promise_mail(connection, here, account, path.replace("TOKEN", token), at)

    try:
        here.db.writer.do(work)
    except TooManyError as error:
        said = words_here().text(error.message, **error.params)
        html = render("lms/people/forgotten.html", sent=False, said=said)
        return page(html, 429, Retry_After=str(error.retry_after))
    return render("lms/people/forgotten.html", sent=True, said=None)


@blueprint.get("/reset/<token>", permission=COME_IN, scope="public")
def reset(token: str) -> ResponseReturnValue:
    only_standalone()
    return _reset_page(accounts.reset_account(session(), token, now=now()))


@blueprint.post("/reset/<token>", permission=COME_IN, scope="public", writes=False)
def reset_now(token: str) -> ResponseReturnValue:
    only_standalone()
    at, address, here = now(), client_address(), state()
    account = accounts.reset_account(session(), token, now=at)
    if account is None:
        return _reset_page(None)
    password = request.form.get("password", "")
    try:
        accounts.check_password(password, request.form.get("again", ""), login=account.login)
    except InvalidError as error:
        return _reset_page(account, error=error)
    hashed = accounts.hash_password(password)

    def work(connection: Connection) -> Candidate | None:
        used = accounts.use_reset(
            connection, token, hashed, now=at, reason="비밀번호 다시 정하기 편지"
        )
        if used is not None:
            limiter.forgive(connection, here.secret, "account", used.login, address, now=at)
        return used

    if here.db.writer.do(work) is None:
        return _reset_page(None)
    return page(
        render("lms/people/reset.html", state="done", login="", error=None), Referrer_Policy=_QUIET
    )


def _reset_page(
    account: Candidate | None, *, error: InvalidError | None = None
) -> ResponseReturnValue:
    said: dict[str, Any] | None = None
    if error is not None:
        said = {"field": error.field, "text": words_here().text(error.message, **error.params)}
    shown = "over" if account is None else "form"
    login = account.login if account else ""
    html = render(
        "lms/people/reset.html", state=shown, login=login, error=said, shortest=accounts.SHORTEST
    )
    status = 410 if account is None else (422 if error else 200)
    return page(html, status, Referrer_Policy=_QUIET)


def _promise_mail(
    connection: Connection, here: State, account: Candidate, path: str, at: Any
) -> None:
    """Nothing is sent to somebody without an address, and the page does not tell."""
    row = connection.execute(
        select(Person.name, Person.email, Person.locale, Institution.host)
        .join(Institution, Institution.id == Person.institution_id)
        .where(Person.id == account.person_id)
    ).one()
    if not row.email:
        return
    text = words(row.locale or "ko").text
    address = _site(here.settings.base_url, row.host) + path
    promise(
        connection,
        "mail.send",
        key=f"people.reset:{token_hash(path)}",
        now=at,
        institution_id=account.institution_id,
        to=row.email,
        subject=text(_SUBJECT),
        body=text(_BODY, name=row.name, address=address, institution=account.institution_name),
    )


def _site(base_url: str, host: str | None) -> str:
    """Scheme and host from our own settings: a forged Host header must not reach a mail."""
    site = urlsplit(base_url)
    port = f":{site.port}" if site.port else ""
    return f"{site.scheme}://{host}{port}" if host else f"{site.scheme}://{site.netloc}"
