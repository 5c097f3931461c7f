"""What stands on every answer of the record store, refusals and unknown addresses too."""

import gzip
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound
from werkzeug.http import parse_accept_header

from lms.edge import json_answer, now, state, words_here
from lms.edge.answering import put
from lms.errors import InvalidError, LMSError
from lms.xapi import formats

ENDPOINTS = {"xapi": "2.0.0", "xapi_1": "1.0.3"}
"""Blueprint → the version that it speaks where a request names none."""

SPOKEN = re.compile(r"(1\.0(\.[0-9]+(-[0-9A-Za-z-]+)?)?|2\.0\.[0-9]+)\Z")
"""The versions that are taken (Communication 3.3.s3.b3 to b6)."""

SETTLING = timedelta(seconds=1)
"""Between being given its stored instant and being found, a statement takes less than this."""

_LATEST = {"1": "1.0.3", "2": "2.0.0"}
_WORTH_PACKING = 1_000
_CROSS_ORIGIN = (
    ("Access-Control-Allow-Origin", "*"),  # credentials come in a header, never as a cookie
    ("Access-Control-Allow-Methods", "HEAD, GET, PUT, POST, DELETE, OPTIONS"),
    (
        "Access-Control-Allow-Headers",
        "Accept-Language, Authorization, Content-Encoding, Content-Type, If-Match, If-None-Match, "
        "X-Experience-API-Version",
    ),
    (
        "Access-Control-Expose-Headers",
        "Content-Type, ETag, Last-Modified, X-Experience-API-Consistent-Through, "
        "X-Experience-API-Version",
    ),
    ("Access-Control-Max-Age", "86400"),
)
_log = structlog.get_logger("lms")


def mount(*blueprints: Blueprint) -> None:
    """Have all that blueprints of the record store answer look alike."""
    for blueprint in blueprints:
        blueprint.after_request(_tell)
        blueprint.register_error_handler(LMSError, _refuse)
        blueprint.register_error_handler(HTTPException, _refuse_http)
        for code in (404, 405, 413):  # an app that has pages for these would come before us
            blueprint.register_error_handler(code, _refuse_http)
        blueprint.register_error_handler(Exception, _fail)
    # No blueprint has the request whose address or method is none of ours.
    blueprints[0].before_app_request(_refuse_unmatched)


def speaks(version: str) -> None:
    """Note the version that a request was found to speak: a form names it in its body."""
    g.lms_xapi_version = version


def endpoint() -> str:
    """The one of ENDPOINTS under whose address the request came."""
    named = request.blueprint
    if named is None:
        old = request.path.startswith(f"{_prefix()}xapi/1.0.3/")
        return "xapi_1" if old else "xapi"
    # Where we are mounted, our blueprints stand inside another.
    return named.rpartition(".")[2]


def _prefix() -> str:
    return state().prefix.rstrip("/") + "/"


def _tell(response: Response) -> Response:
    """Communication 3.3.s3.b1 and b2: the version; and what other origins may do."""
    spoken = SPOKEN.match(
        g.get("lms_xapi_version") or request.headers.get("X-Experience-API-Version", "")
    )
    version = _LATEST[spoken.group()[0]] if spoken else ENDPOINTS[endpoint()]
    put(response, [("X-Experience-API-Version", version), *_CROSS_ORIGIN])
    if request.path.endswith("/statements"):
        put(response, [settled(now())])
    return _packed(response)


def settled(at: datetime) -> tuple[str, str]:
    """The header that says until when all statements are found (2.1.3.s2.b5)."""
    return "X-Experience-API-Consistent-Through", formats.write_timestamp(at - SETTLING)


def of_statements(version: str, at: datetime) -> list[tuple[str, str]]:
    """The headers on answers about statements to a request that speaks `version`."""
    spoken = ("X-Experience-API-Version", _LATEST[version[0]])
    return [spoken, *_CROSS_ORIGIN, settled(at)]


def is_worth_packing(body: bytes) -> bool:
    return len(body) >= _WORTH_PACKING


@lru_cache(maxsize=100)
def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    return bool(parse_accept_header(accepted)["gzip"])


def packed(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)


def _packed(response: Response) -> Response:
    # Safe here and not on our pages: no cookie goes with a request, so nobody else's page can
    # have a reader's browser ask for what is secret and measure the answer.
    if (
        response.is_streamed
        or sum(map(len, response.response)) < _WORTH_PACKING
        or response.mimetype != "application/json"
        or "ETag" in response.headers  # it is the hash of what is not packed (3.1.s4.b3)
    ):
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        response.set_data(packed(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _refuse(error: LMSError) -> ResponseReturnValue:
    """Communication 3.2: what cannot be read is 400 here, with the path of what is wrong."""
    status = 400 if isinstance(error, InvalidError) else error.status
    message = words_here().text(error.message, **error.params)
    told: dict[str, Any] = {"code": error.code, "message": message}
    path = getattr(error, "field", None)
    answer = json_answer({"error": told | ({"path": path} if path else {})}, status)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    for challenge in getattr(error, "challenges", ()):
        answer.headers.add("WWW-Authenticate", challenge)
    return answer


def _refuse_http(error: HTTPException) -> Response:
    code = error.name.lower().replace(" ", "_")
    answer = json_answer({"error": {"code": code, "message": error.description}}, error.code or 500)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        head = {"HEAD"} if "GET" in error.valid_methods else set()
        answer.headers["Allow"] = ", ".join(sorted({*error.valid_methods, *head, "OPTIONS"}))
    return answer


def _refuse_unmatched() -> ResponseReturnValue | None:
    """3.3.s3.b1 asks for the version on every answer: at addresses that are nobody's as well."""
    error = request.routing_exception
    if not isinstance(error, NotFound | MethodNotAllowed):
        return None
    if not request.path.startswith(f"{_prefix()}xapi/"):
        return None
    return _tell(_refuse_http(error))


def _fail(error: Exception) -> ResponseReturnValue:
    """A fault of ours; its cause goes to the log, not to the caller."""
    _log.error("fault", endpoint=request.endpoint, exc_info=error)
    return _refuse_http(InternalServerError())
