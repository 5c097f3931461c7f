"""A request that changes something must come from our own pages.

Modern browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`); who says nothing
must show the token of their own cookie.
"""

import hmac
import secrets
from urllib.parse import urlsplit

from flask import request
from flask import session as cookie

from lms.errors import ForbiddenError

_KEY = "lms_csrf"
_REFUSAL = "다른 누리집에서 온 요청이라 받지 않았습니다. 이 화면을 새로 고친 뒤 다시 해 주십시오."


def token() -> str:
    """The token of this browser's cookie; made when first asked for."""
    if _KEY not in cookie:
        cookie[_KEY] = secrets.token_urlsafe(16)
    return str(cookie[_KEY])


def check() -> None:
    """Raises ForbiddenError unless the request is ours."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site in {"same-origin", "none"}:
            return
        raise ForbiddenError(_REFUSAL)
    origin = request.headers.get("Origin")
    if origin is not None:
        if urlsplit(origin).netloc == request.host:
            return
        raise ForbiddenError(_REFUSAL)
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    mine = str(cookie.get(_KEY, secrets.token_urlsafe(16)))
    if not hmac.compare_digest(given.encode(), mine.encode()):
        raise ForbiddenError(_REFUSAL)
