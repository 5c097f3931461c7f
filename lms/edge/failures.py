"""One place turns every refusal into a page and into JSON of one shape."""

from typing import Any

import structlog
from flask import Response, g, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from lms.edge.context import words_here
from lms.edge.rendering import json_answer, render, sign_in_address, wants_json
from lms.errors import LMSError, SignInNeededError

log = structlog.get_logger("lms")

_TITLES = {
    400: "요청을 알아듣지 못했습니다",
    401: "로그인이 필요합니다",
    403: "권한이 있는 사람이 하는 일입니다",
    404: "찾는 화면이 없습니다",
    405: "이 주소에서는 할 수 없는 일입니다",
    409: "지금은 할 수 없습니다",
    413: "보낸 것이 너무 큽니다",
    415: "받을 수 없는 종류입니다",
    422: "고쳐야 할 곳이 있습니다",
    429: "잠시 쉬었다가 다시 해 주십시오",
    500: "우리 쪽에서 잘못되었습니다",
    503: "지금은 바쁩니다",
}
_NEXT = {
    404: "주소를 다시 확인하거나 오늘 화면에서 찾아 주십시오.",
    405: "앞 화면으로 돌아가 다시 해 주십시오.",
    500: (
        "무엇이 잘못되었는지 기록했습니다. 이미 저장된 학습은 그대로 있습니다. "
        "잠시 뒤에 다시 해 주십시오."
    ),
}


def refuse(error: LMSError) -> ResponseReturnValue:
    """The answer to a refusal of our own."""
    if isinstance(error, SignInNeededError) and not wants_json() and request.method == "GET":
        # The whole path, as the browser knows it: a host may stand in front of ours.
        address = sign_in_address(request.root_path + request.full_path.rstrip("?"))
        if address is not None:
            return redirect(address)
    message = words_here().text(error.message, **error.params)
    answer = _answer(error.status, error.code, message, getattr(error, "field", None))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def refuse_http(error: HTTPException) -> ResponseReturnValue:
    """The answer to what Flask itself refuses (no such route, method, too large)."""
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()
    message = words_here().text(_NEXT.get(status, "앞 화면으로 돌아가 다시 해 주십시오."))
    return _answer(status, (error.name or "error").lower().replace(" ", "_"), message)


def fail(error: Exception) -> ResponseReturnValue:
    """The answer to a fault of ours; its cause goes to the log, not to the person."""
    log.error("fault", endpoint=request.endpoint, exc_info=error)
    return _answer(500, "fault", words_here().text(_NEXT[500]))


def _answer(status: int, code: str, message: str, field: str | None = None) -> Response:
    if wants_json():
        body = {"code": code, "message": message} | ({"field": field} if field else {})
        return json_answer({"error": body}, status)
    title = words_here().text(_TITLES.get(status, _TITLES[400]))
    page = _page(title=title, message=message, status=status)
    return Response(page, status, mimetype="text/html")


def _page(**told: Any) -> str:
    try:
        return render("lms/error.html", **told)
    except (SQLAlchemyError, LMSError):
        # Who asks cannot be looked up: the page is the one that strangers see.
        g.lms_person = None
        return render("lms/error.html", **told)
