"""Requests in the alternate syntax, and what a refusal says."""

from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from tests.xapi_world import System

FORM = "application/x-www-form-urlencoded"


def form(
    vendor: System, method: str, fields: dict[str, str], path: str = "statements", **more: Any
) -> TestResponse:
    """A request in the alternate syntax: nothing but the form carries anything."""
    basic = vendor.app.test_request_context(auth=(vendor.username, vendor.secret))
    whole = {
        "Authorization": basic.request.headers["Authorization"],
        "X-Experience-API-Version": "1.0.3",
        **fields,
    }
    return vendor.app.test_client().post(
        f"/xapi/{path}?method={method}",
        data=urlencode(whole),
        **{"content_type": FORM, **more},
    )


def error(answer: TestResponse) -> tuple[int, str, str | None]:
    told = answer.get_json()["error"]
    assert told["message"]
    return answer.status_code, told["code"], told.get("path")
