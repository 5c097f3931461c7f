"""What every resource of the standard shares: how it is asked, who asks, and how it answers.

A resource is a function of a `Call`, which says the same whether the request came as itself or as a
form (Communication 1.3 of 1.0.3). It stands under two addresses over one store: each takes every
version that a request names, and speaks its own where none is named.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Authorization, Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from lms.edge import Blueprint, client_address, json_answer, now, session, state, words_here
from lms.errors import ForbiddenError, InvalidError, LMSError, TooLargeError
from lms.people import limiter
from lms.xapi import credentials, formats, permissions
from lms.xapi.credentials import Caller
from lms.xapi.querying import refuse

VERSIONS = ("2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0")
MOST_BYTES = 16 << 20
"""Of one request, unpacked."""

SETTLING = timedelta(seconds=1)
"""Between being given its stored instant and being found, a statement takes less than this."""

FORM = "application/x-www-form-urlencoded"
Method = Literal["GET", "PUT", "POST", "DELETE"]

_SPOKEN = re.compile(r"(1\.0(\.[0-9]+)?|2\.0\.[0-9]+)\Z")
_LATEST = {"1": "1.0.3", "2": "2.0.0"}
_MOST_FIELDS = 100
_WORTH_PACKING = 1_000
_AS_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "content-length",
        "content-type",
        "if-match",
        "if-none-match",
        "x-experience-api-version",
    }
)
"""Form fields that stand for headers (Communication 1.3.s3.b4)."""

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
_NO_VERSION = (
    "X-Experience-API-Version 머리글에 쓸 판을 적어 주십시오. "
    "받는 판은 1.0.0부터 1.0.3까지와 2.0.x입니다. 받은 값: {given}"
)
_WRONG = "자격이 맞지 않습니다. 기관에서 받은 사용자 이름과 비밀 값을 Basic 인증으로 보내 주십시오."
_NO_SCOPE = (
    "이 자격에는 {scope} 권한 범위가 없습니다. 기관에 이 범위를 더해 달라고 요청해 주십시오."
)
_NOT_PACKED = "Content-Encoding이 gzip이지만 본문을 풀 수 없습니다. 다시 압축해 보내 주십시오."
_TOO_LARGE = "한 번에 받을 수 있는 양을 넘었습니다. 나누어 보내 주십시오."
_NOT_FORM = (
    "method 매개변수를 쓰는 요청은 본문을 application/x-www-form-urlencoded로 보내 주십시오."
)


class WrongCredentialError(LMSError):
    """No credentials came, or wrong ones."""

    status = 401
    code = "credentials"


@dataclass(frozen=True)
class Call:
    """A request of the standard, whichever way it came."""

    method: str
    version: str
    """As spoken, with three numbers; empty where none is asked for (About)."""

    parameters: Mapping[str, str]
    headers: Headers
    content: bytes
    endpoint: str
    """Under whose address it came: one of ENDPOINTS."""

    @property
    def is_2(self) -> bool:
        return self.version.startswith("2.")

    @property
    def media_type(self) -> str:
        """The Content-Type's type, without its parameters, in lower case; empty without one."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    def only(self, *names: str) -> dict[str, str]:
        """The parameters. Raises InvalidError for one not named here (3.2.s3.b7)."""
        for name in self.parameters.keys() - set(names):
            raise refuse(name, "not a parameter of this request (Communication 3.2.s3.b7)")
        return dict(self.parameters)

    def caller(self, *scopes: str) -> Caller:
        """Whose credentials came, with any of `scopes`.

        Raises WrongCredentialError, TooManyError, ForbiddenError. Only wrong ones are counted by
        the limiter: 256 random bits are not found by trying, and a stranger's tries must not lock
        a right one out.
        """
        given = Authorization.from_header(self.headers.get("Authorization"))
        if given is None or given.type != "basic" or not given.username:
            raise WrongCredentialError(_WRONG)
        username = given.username.replace("\x00", "")
        found = credentials.check(session().connection(), username, given.password or "")
        if found is None:
            limiter.guard(state(), "credential", username, client_address(), now())
            raise WrongCredentialError(_WRONG)
        if not found.may(*scopes):
            raise ForbiddenError(_NO_SCOPE, scope=scopes[0])
        return found


Handler = Callable[[Call], ResponseReturnValue]

xapi_2 = Blueprint("xapi", __name__, url_prefix="/xapi")
xapi_1 = Blueprint("xapi_1", __name__, url_prefix="/xapi/1.0.3")
ENDPOINTS = {"xapi": "2.0.0", "xapi_1": "1.0.3"}
"""Blueprint → the version that it speaks where a request names none."""


def resource(path: str, *, versioned: bool = True, **handlers: Handler) -> None:
    """Have `handlers` (GET, PUT, POST, DELETE) answer at `path` of both endpoints.

    `versioned`: whether a request must name its version (all resources but About: 3.3.s3.b3).
    """

    def view() -> ResponseReturnValue:
        call = _call(versioned=versioned)
        handler = handlers.get(call.method)
        if handler is None:
            raise MethodNotAllowed(valid_methods=sorted(handlers))
        return handler(call)

    name = path.strip("/").replace("/", "_")
    for blueprint in (xapi_2, xapi_1):
        # Scope «platform» and a permission that lets everybody through, since nobody signs in
        # here: the institution is the credential's own, and each handler asks for it first.
        # They read: writing goes through the writer, which commits many requests at once.
        blueprint.add_url_rule(
            path,
            name,
            view,
            methods=sorted({*handlers, "POST"}),  # POST: the alternate syntax of any other
            permission=permissions.USE,
            scope="platform",
            browser=False,
            writes=False,
        )


def _call(*, versioned: bool) -> Call:
    """The request as it is meant. Raises InvalidError for one that means nothing."""
    request.max_content_length = MOST_BYTES
    method = "GET" if request.method == "HEAD" else request.method
    parameters = _parameters()
    content = _content() if method in {"PUT", "POST"} else b""
    if method == "POST" and "method" in parameters:
        return _unfolded(parameters, content, versioned=versioned)
    headers = Headers(request.headers)
    version = _version(headers) if versioned else ""
    return Call(method, version, parameters, headers, content, _endpoint())


def _endpoint() -> str:
    # Where we are mounted, our blueprints stand inside another.
    return (request.blueprint or "").rpartition(".")[2]


def _parameters() -> dict[str, str]:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise refuse(name, "once in a request")
    return request.args.to_dict()


def _content() -> bytes:
    """The body, unpacked where it is packed with gzip (Communication 1.4)."""
    raw = request.get_data(cache=False)
    if request.headers.get("Content-Encoding", "identity").strip().lower() == "identity":
        return raw
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = unpacking.decompress(raw, MOST_BYTES)
    except zlib.error:
        raise InvalidError(_NOT_PACKED, field="Content-Encoding") from None
    if unpacking.unconsumed_tail:
        raise TooLargeError(_TOO_LARGE)
    if not unpacking.eof:
        raise InvalidError(_NOT_PACKED, field="Content-Encoding")
    return found


def _unfolded(parameters: Mapping[str, str], content: bytes, *, versioned: bool) -> Call:
    """The request that a form stands for (Communication 1.3 of 1.0.3; 2.0 has no such)."""
    if request.mimetype != FORM:
        raise InvalidError(_NOT_FORM, field="Content-Type")
    for name in parameters.keys() - {"method"}:
        raise refuse(name, "method stands alone in the address (Communication 1.3.s3.b2)")
    fields = _fields(content)
    headers = Headers(request.headers)
    headers.remove("Content-Type")
    headers.remove("Content-Length")
    body = fields.pop("content", "").encode()
    for name in [name for name in fields if name.lower() in _AS_HEADERS]:
        headers[name] = fields.pop(name)
    if body:
        headers.setdefault("Content-Type", "application/json")
    version = _version(headers)
    if version.startswith("2."):
        raise refuse("method", "2.0 has no alternate request syntax")
    method = parameters["method"].upper()
    if method not in {"GET", "PUT", "POST", "DELETE", "HEAD"}:
        raise refuse("method", "GET, PUT, POST, DELETE or HEAD (Communication 1.3)")
    method = "GET" if method == "HEAD" else method
    return Call(method, version if versioned else "", fields, headers, body, _endpoint())


def _fields(content: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            content.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise refuse("content", "a form in UTF-8 (Communication 1.3.s3.b5)") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise refuse(name, "once in a request")
        fields[name] = value
    return fields


def _version(headers: Headers) -> str:
    """The version that the request speaks (Communication 3.3); «1.0» is 1.0.0."""
    given = headers.get("X-Experience-API-Version") or ""
    if not _SPOKEN.match(given):
        raise InvalidError(_NO_VERSION, field="X-Experience-API-Version", given=given[:20] or "-")
    return "1.0.0" if given == "1.0" else given


def _tell(response: Response) -> Response:
    """What stands on every answer, refusals too: the version (3.3.s3), and for other origins."""
    spoken = _SPOKEN.match(request.headers.get("X-Experience-API-Version", ""))
    response.headers["X-Experience-API-Version"] = (
        _LATEST[spoken.group()[0]] if spoken else ENDPOINTS.get(_endpoint(), VERSIONS[0])
    )
    if (request.endpoint or "").endswith(".statements"):
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
        or not request.accept_encodings["gzip"]
        or len(response.get_data()) < _WORTH_PACKING
    ):
        return response
    response.set_data(gzip.compress(response.get_data(), compresslevel=1, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
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
    if status == WrongCredentialError.status:
        answer.headers["WWW-Authenticate"] = 'Basic realm="xAPI", charset="UTF-8"'
    return answer


def _refuse_http(error: HTTPException) -> ResponseReturnValue:
    code = error.name.lower().replace(" ", "_")
    told = {"code": code, "message": error.description}
    answer = json_answer({"error": told}, error.code or 500)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(error.valid_methods)
    return answer


for _blueprint in (xapi_2, xapi_1):
    _blueprint.after_request(_tell)
    _blueprint.register_error_handler(LMSError, _refuse)
    _blueprint.register_error_handler(HTTPException, _refuse_http)
