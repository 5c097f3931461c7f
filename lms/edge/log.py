"""One structured line a request: the route, never the address that was asked for."""

import time

import structlog
from flask import Response, g, request

log = structlog.get_logger("lms.request")


def monotonic() -> float:
    return time.perf_counter()


def request_done(response: Response) -> Response:
    """Says which route, how it ended and how long it took; nobody's name, no token, no query."""
    begun = g.get("lms_begun")
    log.info(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        ms=round((time.perf_counter() - begun) * 1000, 1) if begun else None,
    )
    return response
