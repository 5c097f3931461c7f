"""Access tokens for credentials: OAuth 2.0, the client credentials grant (RFC 6749 4.4).

The form and the answers are those of RFC 6749 and not of xAPI; no version is asked for.
"""

from urllib.parse import unquote_plus

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Authorization

from lms.edge import json_answer, now, state, words_here
from lms.errors import LMSError, TooManyError
from lms.xapi import permissions, tokens
from lms.xapi.credentials import SCOPES, Known
from lms.xapi.resources.callers import BASIC, WrongCredentialError, by_secret
from lms.xapi.resources.seam import FORM, xapi_1, xapi_2

_MOST_BYTES = 10_000
_GRANT = "client_credentials"
_AS_A_RULE = ("statements/write", "statements/read/mine")
"""What is meant where no scope is asked for (Communication 4.2.s6.b2)."""

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class _Refusal(Exception):  # noqa: N818  what RFC 6749 5.2 answers, not a fault
    def __init__(self, error: str, told: str, status: int = 400) -> None:
        super().__init__(told)
        self.error, self.told, self.status = error, told, status


def token() -> ResponseReturnValue:
    """Form: `grant_type`, `scope`, and the client by Basic or as `client_id`, `client_secret`."""
    try:
        return _granted()
    except _Refusal as refusal:
        return _refused(refusal.error, refusal.told, refusal.status)
    except WrongCredentialError as error:
        return _refused("invalid_client", _said(error), error.status)
    except TooManyError as error:
        answer = _refused("temporarily_unavailable", _said(error), error.status)
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer


for _blueprint in (xapi_2, xapi_1):
    _blueprint.add_url_rule(
        "/oauth/token",
        "oauth_token",
        token,
        methods=["POST"],
        permission=permissions.USE,
        scope="platform",  # the institution is the credential's own
        browser=False,
        writes=False,
    )


def _granted() -> Response:
    request.max_content_length = _MOST_BYTES
    if request.mimetype != FORM:
        raise _Refusal("invalid_request", f"the body is {FORM} (RFC 6749 4.4.2)")
    for name, values in request.form.lists():
        if len(values) > 1:
            raise _Refusal("invalid_request", f"{name} stands once in a request (RFC 6749 3.2)")
    grant = request.form.get("grant_type")
    if not grant:
        raise _Refusal("invalid_request", "grant_type is missing (RFC 6749 4.4.2)")
    client = _client()
    if grant != _GRANT:
        raise _Refusal("unsupported_grant_type", f"only {_GRANT} is given (RFC 6749 4.4)")
    scopes = _scopes(client, request.form.get("scope", ""))
    made = tokens.access_token(state().secret, client.username, scopes, now=now())
    told = {
        "access_token": made,
        "token_type": "Bearer",
        "expires_in": int(tokens.ACCESS.total_seconds()),
        "scope": " ".join(scopes),
    }
    return _kept_by_nobody(json_answer(told))


def _client() -> Known:
    """RFC 6749 2.3.1: by Basic, each part encoded as in a form, or in the body; not by both."""
    given = Authorization.from_header(request.headers.get("Authorization"))
    username, secret = request.form.get("client_id"), request.form.get("client_secret")
    if given is None:
        if username is None or secret is None:
            raise _Refusal("invalid_client", "no client authentication (RFC 6749 5.2)", 401)
        return by_secret(username, secret)
    if secret is not None:
        raise _Refusal("invalid_request", "the client shows itself in one way (RFC 6749 2.3)")
    if given.type != "basic":
        raise _Refusal("invalid_client", "the client shows itself by Basic (RFC 6749 2.3.1)", 401)
    return by_secret(unquote_plus(given.username or ""), unquote_plus(given.password or ""))


def _scopes(client: Known, asked: str) -> list[str]:
    """What is granted: all that is asked for, or nothing (RFC 6749 3.3)."""
    caller = client.caller()
    if not asked.strip():
        return [one for one in _AS_A_RULE if caller.may(one)] or list(client.scopes)
    wanted = sorted(set(asked.split()))
    for one in wanted:
        if one not in SCOPES or not caller.may(one):
            raise _Refusal("invalid_scope", "a scope that these credentials have not (5.2)")
    return wanted


def _refused(error: str, told: str, status: int) -> Response:
    answer = json_answer({"error": error, "error_description": told}, status)
    if status == WrongCredentialError.status:
        answer.headers["WWW-Authenticate"] = BASIC
    return _kept_by_nobody(answer)


def _kept_by_nobody(answer: Response) -> Response:
    answer.headers.update(_NO_STORE)
    return answer


def _said(error: LMSError) -> str:
    return words_here().text(error.message, **error.params)
