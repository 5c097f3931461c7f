"""Who asks: a system by Basic credentials (RFC 7617) or a Bearer token (RFC 6750), or a launch."""

from functools import partial

from werkzeug.datastructures import Authorization

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
    if not found.may(*scopes):
        raise NoScopeError(scopes[0], bearer=bearer)
    return found


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
