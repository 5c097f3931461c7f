"""What every resource of the standard shares: how it is asked, who asks, and how it answers.

A resource is a function of a `Call`, which says the same whether the request came as itself or as a
form (Communication 1.3 of 1.0.3). It stands under two addresses over one store: each takes every
version that a request names, and speaks its own where none is named.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from flask import make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers
from werkzeug.exceptions import MethodNotAllowed

from lms.edge import Blueprint
from lms.errors import InvalidError, TooLargeError
from lms.xapi import permissions
from lms.xapi.credentials import Caller
from lms.xapi.querying import refuse
from lms.xapi.resources import answers, callers

VERSIONS = ("2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0")
MOST_BYTES = 16 << 20
"""Of one request, unpacked."""

FORM = "application/x-www-form-urlencoded"
Method = Literal["GET", "PUT", "POST", "DELETE"]

_MOST_FIELDS = 100
_AS_HEADERS = frozenset(
    {
        "authorization",
        "content-length",
        "content-type",
        "if-match",
        "if-none-match",
        "x-experience-api-version",
    }
)
"""Form fields that stand for headers; all others are parameters (Communication 1.3.s3.b6)."""

_NO_VERSION = (
    "X-Experience-API-Version 머리글에 쓸 판을 적어 주십시오. "
    "받는 판은 1.0.0부터 1.0.3까지와 2.0.x입니다. 받은 값: {given}"
)
_NOT_PACKED = "Content-Encoding이 gzip이지만 본문을 풀 수 없습니다. 다시 압축해 보내 주십시오."
_STRANGE_PACKING = "Content-Encoding은 gzip만 받습니다. gzip으로 압축하거나 그대로 보내 주십시오."
_TOO_LARGE = "한 번에 받을 수 있는 양을 넘었습니다. 나누어 보내 주십시오."
_NOT_FORM = (
    "method 매개변수를 쓰는 요청은 본문을 application/x-www-form-urlencoded로 보내 주십시오."
)


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
    """Under whose address it came: a name of answers.ENDPOINTS."""

    is_bare: bool = False
    """Whether a form asks for HEAD, whose answer has no body (Communication 1.1.s3)."""

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
        """Whose credentials or token came, with any of `scopes`.

        Raises WrongCredentialError, NoScopeError, TooManyError.
        """
        # «all/read» is unrestricted read access (4.2), whatever else is asked for.
        reading = ("all/read",) if self.method == "GET" else ()
        return callers.identify(self.headers.get("Authorization"), (*scopes, *reading))

    def writer(self, *scopes: str) -> Caller:
        """As `caller`, of a request whose commit asks `Caller.standing` before it keeps a thing."""
        return callers.identify_to_write(self.headers.get("Authorization"), scopes)


Handler = Callable[[Call], ResponseReturnValue]

xapi_2 = Blueprint("xapi", __name__, url_prefix="/xapi")
xapi_1 = Blueprint("xapi_1", __name__, url_prefix="/xapi/1.0.3")
answers.mount(xapi_2, xapi_1)


def resource(path: str, *, versioned: bool = True, **handlers: Handler) -> None:
    """Have `handlers` (GET, PUT, POST, DELETE) answer at `path` of both endpoints.

    `versioned`: whether a request must name its version (all resources but About: 3.3.s3.b3).
    """

    def view() -> ResponseReturnValue:
        call = _call(versioned=versioned)
        handler = handlers.get(call.method)
        if handler is None:
            raise MethodNotAllowed(valid_methods=sorted(handlers))
        answer = make_response(handler(call))
        if call.is_bare:
            answer.set_data(b"")
        return answer

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
    headers = request.headers
    version = _version(headers) if versioned else ""
    return Call(method, version, parameters, headers, content, answers.endpoint())


def _parameters() -> dict[str, str]:
    if not request.query_string:
        return {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise refuse(name, "once in a request")
    return request.args.to_dict()


def _content() -> bytes:
    """The body, unpacked where it is packed with gzip (RFC 9110 8.4)."""
    raw = request.get_data(cache=False)
    packing = request.headers.get("Content-Encoding", "").strip().lower()
    if packing in {"", "identity"}:
        return raw
    if packing not in {"gzip", "x-gzip"}:
        raise InvalidError(_STRANGE_PACKING, field="Content-Encoding")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = unpacking.decompress(raw, MOST_BYTES)
    except zlib.error:
        raise InvalidError(_NOT_PACKED, field="Content-Encoding") from None
    if unpacking.unconsumed_tail:
        raise TooLargeError(_TOO_LARGE)
    if not unpacking.eof or unpacking.unused_data:
        raise InvalidError(_NOT_PACKED, field="Content-Encoding")
    return found


def _unfolded(parameters: Mapping[str, str], content: bytes, *, versioned: bool) -> Call:
    """The request that a form stands for (Communication 1.3 of 1.0.3; 2.0 has no such)."""
    if request.mimetype != FORM:
        raise InvalidError(_NOT_FORM, field="Content-Type")
    for name in parameters.keys() - {"method"}:
        raise refuse(name, "method stands alone in the address (Communication 1.3.s3.b2)")
    fields = _fields(content)
    headers = _headers(fields)
    body = fields.pop("content", "").encode()
    if body:
        headers.setdefault("Content-Type", "application/json")
    version = _version(headers) if versioned else ""
    if version.startswith("2."):
        raise refuse("method", "2.0 has no alternate request syntax")
    method = parameters["method"].upper()
    if method not in {"GET", "PUT", "POST", "DELETE", "HEAD"}:
        raise refuse("method", "GET, PUT, POST, DELETE or HEAD (Communication 1.3)")
    bare = method == "HEAD"
    method = "GET" if bare else method
    return Call(method, version, fields, headers, body, answers.endpoint(), bare)


def _headers(fields: dict[str, str]) -> Headers:
    """The request's headers, with those that stand in its form in place of its own."""
    headers = Headers(request.headers)
    headers.remove("Content-Type")
    headers.remove("Content-Length")
    for name in [name for name in fields if name.lower() in _AS_HEADERS]:
        try:
            headers[name] = fields.pop(name)
        except ValueError:
            raise refuse(name, "one line, as in a header") from None
    return headers


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
    if not answers.SPOKEN.match(given):
        raise InvalidError(_NO_VERSION, field="X-Experience-API-Version", given=given[:20] or "-")
    answers.speaks(given)
    return "1.0.0" if given == "1.0" else given
