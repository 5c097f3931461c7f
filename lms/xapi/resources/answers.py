"""What stands on every answer of the record store, refusals and unknown addresses too."""

import gzip
import re
from datetime import timedelta
from typing import Any

import structlog
from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound

from lms.edge import json_answer, now, state, words_here
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
_CROSS_ORIGIN = {
    "Access-Control-Allow-Origin": "*",  # credentials come in a header, never as a cookie
    "Access-Control-Allow-Methods": "HEAD, GET, PUT, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Accept-Language, Authorization, Content-Encoding, Content-Type, If-Match, If-None-Match, "
        "X-Experience-API-Version"
    ),
    "Access-Control-Expose-Headers": (
        "Content-Type, ETag, Last-Modified, X-Experience-API-Consistent-Through, "
        "X-Experience-API-Version"
    ),
    "Access-Control-Max-Age": "86400",
}
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


def is_spoken(version: str) -> bool:
    """Whether the endpoint takes a version: that of 1.0.3 none that came later (3.3.s3.b6)."""
    later = version.startswith("2.") and endpoint() == "xapi_1"
    return SPOKEN.match(version) is not None and not later


def endpoint() -> str:
    """The one of ENDPOINTS under whose address the request came."""
    if request.blueprint is None:
        old = request.path.startswith(f"{_prefix()}xapi/1.0.3/")
        return "xapi_1" if old else "xapi"
    # Where we are mounted, our blueprints stand inside another.
    return request.blueprint.rpartition(".")[2]


def _prefix() -> str:
    return state().prefix.rstrip("/") + "/"


def _tell(response: Response) -> Response:
    """Communication 3.3.s3.b1 and b2: the version; and what other origins may do."""
    given = g.get("lms_xapi_version") or request.headers.get("X-Experience-API-Version", "")
    response.headers["X-Experience-API-Version"] = (
        _LATEST[given[0]] if is_spoken(given) else ENDPOINTS[endpoint()]
    )
    if request.path.endswith("/statements"):
        # 2.1.3.s2.b5: whatever was stored before this instant is found.
        settled = formats.write_timestamp(now() - SETTLING)
        response.headers["X-Experience-API-Consistent-Through"] = settled
    response.headers.update(_CROSS_ORIGIN)
    return _packed(response)


def _packed(response: Response) -> Response:
    # Safe here and not on our pages: no cookie goes with a request, so nobody else's page can
    # have a reader's browser ask for what is secret and measure the answer.
    if (
        response.is_streamed
        or response.mimetype != "application/json"
        or "ETag" in response.headers  # it is the hash of what is not packed (3.1.s4.b3)
        or len(response.get_data()) < _WORTH_PACKING
    ):
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(response.get_data(), compresslevel=1, mtime=0))
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
