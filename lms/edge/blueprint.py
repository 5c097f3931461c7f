"""A blueprint whose every view names a permission and a scope, and runs in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Literal, TypeVar

import flask
from flask import g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from lms.db import Base, is_disconnect
from lms.edge import csrf
from lms.edge.context import (
    current_person,
    on_content_host,
    person,
    recall_person,
    session,
    state,
)
from lms.errors import (
    BusyError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    SignInNeededError,
)
from lms.permissions import Permission, Scope

View = Callable[..., ResponseReturnValue]
Row = TypeVar("Row", bound=Base)
Reader = Callable[[Session, int, int], Any]
"""Given the session, an id and the institution's id: the row's columns, or None."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
UNAVAILABLE = (
    "지금 저장소에 닿지 못합니다. 보낸 것은 저장되지 않았습니다. 잠시 뒤에 다시 해 주십시오."
)
NOT_FOUND = "찾는 것이 없습니다. 주소를 다시 확인해 주십시오."
UNFIT = "주소나 내용에 저장할 수 없는 글자나 수가 있습니다. 고쳐서 다시 보내 주십시오."


@dataclass(frozen=True)
class Policy:
    """What a route declared; the architecture tests and docs/permissions.md read it."""

    permission: Permission
    scope: Scope
    on: type[Base] | None
    row: Reader | None
    writes: bool | None
    place: Literal["site", "content"]
    browser: bool
    asks_again: bool


class Blueprint(flask.Blueprint):
    """Leave out `permission` or `scope` and the module does not import."""

    def add_url_rule(  # type: ignore[override]  # stricter than Flask's, on purpose
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: View | None = None,
        provide_automatic_options: bool | None = None,
        *,
        permission: Permission,
        scope: Scope,
        on: type[Base] | None = None,
        row: Reader | None = None,
        writes: bool | None = None,
        place: Literal["site", "content"] = "site",
        browser: bool = True,
        asks_again: bool = False,
        **options: Any,
    ) -> None:
        """`on`: the model whose `<int:id>` is in the rule; the view gets the row, checked.

        `row`: how a page that only reads gets it, without the cost of an ORM object.
        `writes`: whether it runs in a writing transaction (by its method when None).
        `place`: the host name it answers on. `browser`: False for callers that bring credentials
        with each request, whom no other site can impersonate. `asks_again`: the view has the
        writer ask whether the sign-in is in force (lms.people.in_force), so that who is asking may
        be remembered from a moment ago; its permission must hang on being signed in alone.
        """
        if view_func is None:
            raise TypeError(f"{rule}: no view")
        policy = Policy(permission, scope, on, row, writes, place, browser, asks_again)
        view = guarded(view_func, policy)
        super().add_url_rule(rule, endpoint, view, provide_automatic_options, **options)


def guarded(view: View, policy: Policy) -> View:
    def answer(**arguments: Any) -> ResponseReturnValue:
        if policy.asks_again:
            recall_person()
        actor = current_person() if policy.browser else None
        thing = None
        if policy.on is not None:
            thing = _found(policy.on, policy, arguments.pop("id"))
        check(policy.permission, actor, thing)
        return view(**arguments) if thing is None else view(thing, **arguments)

    @wraps(view)
    def call(**arguments: Any) -> ResponseReturnValue:
        _check_place(policy)
        if policy.browser and request.method not in SAFE:
            csrf.check()
        writes = policy.writes if policy.writes is not None else request.method not in SAFE
        try:
            return in_transaction(answer, arguments, writes=writes)
        except IntegrityError:
            # Most often two requests made the same row at once: look again, it is there now.
            # Running a view twice is safe, since what leaves the machine waits for the commit.
            return in_transaction(answer, arguments, writes=writes)
        except DataError as error:
            # A number too large for its column, a NUL in a text: PostgreSQL says so, SQLite not.
            raise InvalidError(UNFIT) from error
        except SQLAlchemyError as error:
            if is_disconnect(error):
                raise BusyError(UNAVAILABLE) from error
            raise

    call.lms_policy = policy  # type: ignore[attr-defined]  # read by the architecture tests
    return call


def in_transaction(answer: View, arguments: dict[str, Any], *, writes: bool) -> ResponseReturnValue:
    g.pop("lms_person", None)
    database = state().db
    if writes:
        with database.transaction() as g.lms_session:
            try:
                return answer(**dict(arguments))
            finally:
                g.pop("lms_session")
    with database.reading_when_asked() as g.lms_reading:
        try:
            return answer(**dict(arguments))
        finally:
            g.pop("lms_reading")
            g.pop("lms_session", None)


def check(permission: Permission, actor: Any, thing: Any) -> None:
    """Let through, or raise what the person should see."""
    if permission.sees is not None and actor is not None and not permission.sees(actor, thing):
        raise NotFoundError(NOT_FOUND)
    if not permission.allows(actor, thing):
        if actor is None:
            raise SignInNeededError("먼저 로그인해 주십시오.")
        raise ForbiddenError(
            "이 일은 권한이 있는 사람만 할 수 있습니다. 담당자에게 문의해 주십시오."
        )


def _found(model: type[Base], policy: Policy, id: int) -> Any:  # noqa: A002  the name in the rule
    if policy.row is None:
        return find(model, id, policy.scope)
    row = policy.row(session(), id, person().institution_id)
    if row is None:
        raise NotFoundError(NOT_FOUND)
    return row


def find(model: type[Row], id: int, scope: Scope) -> Row:  # noqa: A002  the name in the rule
    """The row inside the caller's institution. Raises NotFoundError, also for another's row."""
    told = {"id": id}
    if scope == "institution":
        told["institution_id"] = person().institution_id
    row: Row | None = session().scalar(_by_id(model, *told), told)
    if row is None:
        raise NotFoundError(NOT_FOUND)
    return row


@cache
def _by_id(model: type[Base], *names: str) -> Any:
    # Put together once for each model: that takes longer than asking.
    return select(model).where(*(getattr(model, name) == bindparam(name) for name in names))


def _check_place(policy: Policy) -> None:
    if on_content_host() != (policy.place == "content"):
        raise NotFoundError(NOT_FOUND)
