"""One's own page: who one is here, how the site looks, the password, the sign-ins."""

from typing import Any

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, select, update
from sqlalchemy.orm import joinedload

from lms.edge import (
    client_address,
    current_person,
    json_answer,
    now,
    page,
    person,
    render,
    sealer,
    session,
    state,
    words_here,
)
from lms.edge.rendering import url, wants_json
from lms.errors import InvalidError, LMSError, NotFoundError
from lms.i18n import LOCALES
from lms.people import accounts, limiter, masks, sign_ins
from lms.people.models import Account, Person
from lms.people.permissions import COME_IN, OWN
from lms.people.views.entrance import blueprint, destination

THEMES = ("", "light", "dark")
_YEAR = 365 * 24 * 3600


@blueprint.get("/me", permission=OWN, scope="institution")
def me() -> ResponseReturnValue:
    return _page(done=request.args.get("done"))


@blueprint.post("/preferences", permission=COME_IN, scope="public", writes=False)
def look() -> ResponseReturnValue:
    """Language and colours, for this browser and, if somebody is signed in, for the person."""
    return _prefer()


@blueprint.post("/me/preferences", permission=OWN, scope="institution", writes=False)
def preferences() -> ResponseReturnValue:
    return _prefer()


@blueprint.post("/me/password", permission=OWN, scope="institution", writes=False)
def change_password() -> ResponseReturnValue:
    mine, here, at, address = person(), state(), now(), client_address()
    account = _account(mine.person_id)
    if account is None:
        raise NotFoundError(
            "이 누리집에서 쓰는 비밀번호가 없습니다. 로그인하는 곳에서 바꿔 주십시오."
        )
    password = request.form.get("password", "")
    try:
        limiter.guard(here, "account", account.login, address, at)
        _check_current(account, request.form.get("current", ""))
        accounts.check_password(password, request.form.get("again", ""), login=account.login)
    except LMSError as error:
        return _page(error=error)
    hashed = accounts.hash_password(password)

    def work(connection: Connection) -> None:
        accounts.set_password(
            connection,
            account.id,
            hashed,
            actor_id=mine.person_id,
            keep_sign_in=mine.sign_in_id,
            now=at,
            reason="본인이 바꿈",
        )
        limiter.forgive(connection, here.secret, "account", account.login, address, now=at)

    here.db.writer.do(work)
    return redirect(url("people.me", done="password"), 303)


@blueprint.post("/me/sign-ins/<int:sign_in_id>/revoke", permission=OWN, scope="institution")
def revoke(sign_in_id: int) -> ResponseReturnValue:
    if not sign_ins.revoke(session(), person().person_id, sign_in_id, now=now()):
        raise NotFoundError("이미 로그아웃된 기기입니다. 내 정보 화면을 다시 열어 주십시오.")
    if sign_in_id == person().sign_in_id:
        return redirect(url("people.sign_in", left=1), 303)
    return redirect(url("people.me", done="revoked") + "#sign-ins", 303)


@blueprint.post("/me/sign-ins/others/revoke", permission=OWN, scope="institution")
def revoke_others() -> ResponseReturnValue:
    mine = person()
    sign_ins.revoke_all(session(), mine.person_id, keep=mine.sign_in_id, now=now())
    return redirect(url("people.me", done="revoked") + "#sign-ins", 303)


def _check_current(account: Account, password: str) -> None:
    if not accounts.verify(account.password_hash, password):
        raise InvalidError("지금 쓰는 비밀번호와 다릅니다. 다시 적어 주십시오.", field="current")


def _prefer() -> ResponseReturnValue:
    given: dict[str, Any] = {}
    if request.form.get("locale") in LOCALES:
        given["locale"] = request.form["locale"]
    if "theme" in request.form and request.form["theme"] in THEMES:
        given["theme"] = request.form["theme"]
    mine = current_person()
    if mine is not None and given:
        change = update(Person).where(Person.id == mine.person_id).values(**given)
        state().db.writer.do(lambda connection: connection.execute(change).rowcount)
    # The page's own script has changed the colours already and wants no page.
    answer = json_answer(given) if wants_json() else _going_on()
    secure = state().settings.secure
    for name, value in given.items():
        answer.set_cookie(
            f"lms_{name}", value, max_age=_YEAR, secure=secure, httponly=True, samesite="Lax"
        )
    return answer


def _going_on() -> Response:
    return Response(status=303, headers={"Location": destination()})


def _page(*, error: LMSError | None = None, done: str | None = None) -> ResponseReturnValue:
    mine, here = person(), state()
    row = (
        session()
        .scalars(
            select(Person)
            .where(Person.id == mine.person_id)
            .options(joinedload(Person.organisation))
        )
        .one()
    )
    account = _account(mine.person_id) if here.standalone else None
    said = None
    if error is not None:
        text = words_here().text(error.message, **error.params)
        said = {"field": getattr(error, "field", None) or "current", "text": text}
    html = render(
        "lms/people/me.html",
        row=row,
        birth=masks.masked_date(masks.birth_date(sealer(), row.birth_date_sealed)),
        neis=masks.masked_neis(masks.neis(sealer(), row.neis_sealed)),
        account=account,
        sign_ins=sign_ins.of_person(session(), mine.person_id, now=now(), settings=here.settings),
        error=said,
        done=done,
        shortest=accounts.SHORTEST,
    )
    if error is None:
        return html
    retry = getattr(error, "retry_after", None)
    return page(html, error.status, **({"Retry_After": str(retry)} if retry else {}))


def _account(person_id: int) -> Account | None:
    return session().scalar(select(Account).where(Account.person_id == person_id))
