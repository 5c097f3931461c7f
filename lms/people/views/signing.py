"""Signing in and out."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select

from lms.edge import (
    client_address,
    current_person,
    json_answer,
    now,
    page,
    person,
    render,
    session,
    state,
    words_here,
)
from lms.edge.context import device, host_name
from lms.edge.rendering import url
from lms.errors import TooManyError
from lms.people import accounts, limiter, login, service, sign_ins
from lms.people.accounts import Candidate
from lms.people.demo import DemoAccount, demo_accounts
from lms.people.models import Institution, SignIn
from lms.people.permissions import COME_IN, OWN
from lms.people.views.entrance import blueprint, destination, only_standalone
from lms.people.words import ROLE_WORDS

_WRONG = (
    "아이디나 비밀번호가 맞지 않습니다. "
    "한글 자판인지 보고 다시 적거나 비밀번호를 다시 정해 주십시오."
)
_WHICH = "같은 아이디가 여러 연수기관에 있습니다. 연수기관을 고르고 비밀번호를 다시 적어 주십시오."


@blueprint.get("/sign-in", permission=COME_IN, scope="public")
def sign_in() -> ResponseReturnValue:
    only_standalone()
    if current_person() is not None:
        return redirect(destination(), 303)
    return _form()


@blueprint.post("/sign-in", permission=COME_IN, scope="public", writes=False)
def sign_in_now() -> ResponseReturnValue:
    only_standalone()
    typed = request.form.get("login", "")[:200]
    password = request.form.get("password", "")
    key = accounts.normal_login(typed)
    try:
        limiter.guard(state(), "account", key, client_address(), now())
    except TooManyError as error:
        return _form(error=error, status=429)
    found = accounts.candidates(session(), typed, host=host_name())
    matching = accounts.matching(found, password)
    chosen = request.form.get("institution")
    if chosen:
        matching = [one for one in matching if one.institution_code == chosen]
    if len(matching) > 1:
        return _form(institutions=matching, ask=words_here().text(_WHICH))
    if not matching or not _begin(matching[0], password, key):
        return _form(wrong=words_here().text(_WRONG), status=422)
    return redirect(destination(), 303)


@blueprint.post("/sign-out", permission=COME_IN, scope="public", writes=False)
def sign_out() -> ResponseReturnValue:
    """End the sign-in; the cookie is worthless at once, wherever a copy of it lies."""
    only_standalone()
    token, at = login.signed_in_token(), now()
    if token is not None:
        state().db.writer.do(lambda connection: sign_ins.revoke_token(connection, token, now=at))
    login.sign_out()
    following = {"next": destination()} if "next" in request.form else {}
    return redirect(url("people.sign_in", left=1, **following), 303)


@blueprint.post("/session/extend", permission=OWN, scope="institution", writes=False)
def stay() -> ResponseReturnValue:
    """Count as an act; answers until when the sign-in holds, for the idle dialog."""
    me, at = person(), now()
    settings = state().settings
    until = at + timedelta(minutes=settings.idle_minutes)
    if me.sign_in_id is not None:
        begun = session().scalar(select(SignIn.created_at).where(SignIn.id == me.sign_in_id))
        until = min(until, (begun or at) + timedelta(days=settings.sign_in_days))
        state().db.writer.do(lambda connection: service.touch(connection, me.sign_in_id, at))
    if "text/html" in request.headers.get("Accept", ""):
        return redirect(destination(), 303)
    return json_answer({"until": until, "seconds": int((until - at).total_seconds())})


def _begin(candidate: Candidate, password: str, key: str) -> bool:
    """Write the sign-in and put its token into the cookie."""
    here, at, address, place = state(), now(), client_address(), device()
    token, old = sign_ins.new_token(), login.signed_in_token()
    renewed = (
        accounts.hash_password(password) if accounts.needs_rehash(candidate.password_hash) else None
    )

    def work(connection: Connection) -> bool:
        begun = sign_ins.begin(
            connection,
            account_id=candidate.account_id,
            password_hash=candidate.password_hash,
            token=token,
            device=place,
            address=address,
            now=at,
        )
        if not begun:
            return False
        if renewed is not None:
            accounts.renew_hash(connection, candidate, renewed)
        if old is not None:
            sign_ins.revoke_token(connection, old, now=at)
        limiter.forgive(connection, here.secret, "account", key, address, now=at)
        return True

    if not here.db.writer.do(work):
        return False
    login.sign_in(token)
    return True


def _form(
    *,
    wrong: str | None = None,
    error: TooManyError | None = None,
    ask: str | None = None,
    institutions: Sequence[Candidate] = (),
    status: int = 200,
) -> Response:
    said = words_here().text(error.message, **error.params) if error else None
    html = render(
        "lms/people/sign_in.html",
        login=request.form.get("login", "")[:200],
        next=destination(),
        wrong=wrong,
        locked=said,
        ask=ask,
        institutions=[(one.institution_code, one.institution_name) for one in institutions],
        left="left" in request.args,
        here=_institution_here(),
        demo=_demo(),
        roles=ROLE_WORDS,
        idle_minutes=state().settings.idle_minutes,
    )
    return page(html, status, **({"Retry_After": str(error.retry_after)} if error else {}))


def _institution_here() -> str | None:
    """The institution whose own host this is."""
    return session().scalar(select(Institution.name).where(Institution.host == host_name()))


def _demo() -> list[DemoAccount]:
    here = state()
    return demo_accounts(here.settings) if here.settings.demo else []
