"""Who asks: a system by Basic credentials (RFC 7617) or a Bearer token (RFC 6750), or a launch."""

import hashlib
import time
from dataclasses import replace
from datetime import datetime
from functools import partial
from weakref import WeakKeyDictionary

from werkzeug.datastructures import Authorization

from lms.db import Database
from lms.edge import client_address, hook, now, session, state
from lms.errors import ForbiddenError, LMSError
from lms.people import limiter, service
from lms.xapi import credentials, tokens
from lms.xapi.credentials import Caller, Known
from lms.xapi.tokens import Access, Launch

BASIC = 'Basic realm="xAPI", charset="UTF-8"'
_BEARER = 'Bearer realm="xAPI"'
_WRONG = "자격이 맞지 않습니다. 기관에서 받은 사용자 이름과 비밀 값을 Basic 인증으로 보내 주십시오."
_OVER = (
    "토큰이 맞지 않거나 쓸 수 있는 시간이 지났습니다. "
    "새 토큰을 받거나 학습 화면에서 다시 열어 주십시오."
)
_NO_SCOPE = (
    "이 자격에는 {scope} 권한 범위가 없습니다. 기관에 이 범위를 더해 달라고 요청해 주십시오."
)


class WrongCredentialError(LMSError):
    """No credentials came, or wrong ones."""

    status = 401
    code = "credentials"
    challenges = (BASIC, _BEARER)


class WrongTokenError(WrongCredentialError):
    """A token that is none of ours, is over, or stands for what has ended (RFC 6750 3.1)."""

    challenges = (BASIC, f'{_BEARER}, error="invalid_token"')


class NoScopeError(ForbiddenError):
    """The caller is known and may not do this."""

    def __init__(self, scope: str, *, bearer: bool) -> None:
        super().__init__(_NO_SCOPE, scope=scope)
        told = f'{_BEARER}, error="insufficient_scope", scope="{scope}"'
        self.challenges = (told,) if bearer else ()


def identify(header: str | None, scopes: tuple[str, ...]) -> Caller:
    """Who stands behind an Authorization header, with any of `scopes`.

    Raises WrongCredentialError, NoScopeError, TooManyError.
    """
    given = Authorization.from_header(header)
    if given is None:
        raise WrongCredentialError(_WRONG)
    bearer = given.type == "bearer"
    if bearer:
        found = _by_token(given.token or "")
    elif given.type == "basic" and given.username == tokens.LAUNCH_USER:
        found = _by_token(given.password or "")
    elif given.type == "basic" and given.username:
        found = by_secret(given.username, given.password or "").caller()
    else:
        raise WrongCredentialError(_WRONG)
    return _with_scope(found, scopes, bearer=bearer)


class Remembered:
    """Basic credentials that were found to be right a moment ago, for requests that write.

    They are right still, or what was sent with them is not kept: the commit asks (`Standing`). So
    a request that writes asks nothing for itself, and many that share a commit ask once.
    """

    def __init__(self, seconds: float = 60.0, most: int = 1_000) -> None:
        self._seconds = seconds
        self._most = most
        self._known: dict[bytes, tuple[float, Known]] = {}

    def find(self, header: str, at: datetime) -> Known | None:
        """Whose Authorization header it is; None where that is to be looked up."""
        since, found = self._known.get(_digest(header), (0.0, None))
        if found is None or found.is_stale(at) or time.monotonic() - since > self._seconds:
            return None
        return found

    def note(self, header: str, found: Known) -> None:
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[_digest(header)] = time.monotonic(), found

    def forget(self) -> None:
        self._known.clear()


_remembered: WeakKeyDictionary[Database, Remembered] = WeakKeyDictionary()


def remembered_of(database: Database) -> Remembered:
    """What this process remembers of a database's credentials."""
    return _remembered.setdefault(database, Remembered())


def identify_to_write(header: str | None, scopes: tuple[str, ...]) -> Caller:
    """As `identify`, for what goes through the writer and asks `Caller.standing` there.

    Raises as it does.
    """
    memory, told = remembered_of(state().db), header or ""
    found = memory.find(told, now())
    if found is not None:
        return as_remembered(found, *scopes)
    given = Authorization.from_header(header)
    if given is None or given.type != "basic" or given.username in {None, "", tokens.LAUNCH_USER}:
        return identify(header, scopes)
    secret = given.password or ""
    found = by_secret(given.username or "", secret)
    # Not the old one of two secrets, which time alone may end.
    if found.is_of(secret):
        memory.note(told, found)
    return _with_scope(found.caller(), scopes, bearer=False)


def as_remembered(found: Known, *scopes: str) -> Caller:
    """The caller, for whom the commit asks again. Raises NoScopeError."""
    caller = replace(found.caller(), standing=found.standing)
    return _with_scope(caller, scopes, bearer=False)


def _with_scope(caller: Caller, scopes: tuple[str, ...], *, bearer: bool) -> Caller:
    if not caller.may(*scopes):
        raise NoScopeError(scopes[0], bearer=bearer)
    return caller


def by_secret(username: str, secret: str) -> Known:
    """The credentials with that name and secret. Raises WrongCredentialError, TooManyError.

    Only wrong ones are counted by the limiter: 256 random bits are not found by trying, and a
    stranger's tries must not lock a right one out.
    """
    username = username.replace("\x00", "")
    found = credentials.check(session().connection(), username, secret, now=now())
    if found is None:
        limiter.guard(state(), "credential", username, client_address(), now())
        raise WrongCredentialError(_WRONG)
    _used(found)
    return found


def _by_token(text: str) -> Caller:
    told = tokens.read(text, state().secret, now=now())
    if isinstance(told, Access):
        return _of_access(told)
    if isinstance(told, Launch):
        return _of_launch(told)
    raise WrongTokenError(_OVER)


def _of_access(told: Access) -> Caller:
    found = credentials.find(session().connection(), told.username)
    if found is None:
        raise WrongTokenError(_OVER)
    _used(found)
    return found.caller(told.scopes)


def _of_launch(told: Launch) -> Caller:
    here, at = state(), now()
    learner = tokens.learner_of(session().connection(), told, now=at, settings=here.settings)
    if learner is None:
        raise WrongTokenError(_OVER)
    over = hook().lms_launch_over(
        session=session(),
        institution_id=told.institution_id,
        registration=told.registration,
        now=at,
    )
    if over is not None:
        raise WrongTokenError(over)
    if learner.is_stale(at):
        # Learning in what was launched is an act of the sign-in, which would else end as idle.
        here.db.writer.later(partial(service.touch, sign_in_id=learner.sign_in_id, at=at))
    return tokens.caller_of(told, learner)


def _used(found: Known) -> None:
    at = now()
    if found.is_stale(at):
        state().db.writer.later(partial(credentials.touch, credential_id=found.id, at=at))


def _digest(header: str) -> bytes:
    return hashlib.sha256(header.encode()).digest()
