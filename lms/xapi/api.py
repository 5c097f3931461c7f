"""The resources of the standard: statements and about (Communication 2.1 and 2.8)."""

import re
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from flask import Response, request
from flask.typing import ResponseReturnValue
from msgspec import Raw
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from lms import clock
from lms.edge import (
    Blueprint,
    client_address,
    json_answer,
    now,
    session,
    state,
    words_here,
)
from lms.edge.rendering import url
from lms.errors import ForbiddenError, InvalidError, LMSError, NotFoundError, TooLargeError
from lms.people import limiter
from lms.xapi import credentials, formats, permissions, querying, store
from lms.xapi.credentials import Caller
from lms.xapi.querying import Query, refuse
from lms.xapi.statement import Received, read_all, refusal

VERSIONS = ("2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0")
MOST_BYTES = 16 << 20
"""Of one request."""

MOST_STATEMENTS = 5_000
"""In one batch: more would keep others waiting for the write lock."""

SETTLING = timedelta(seconds=1)
"""Between being given its stored instant and being found, a statement takes less than this."""

_SPOKEN = re.compile(r"(1\.0(\.[0-9]+)?|2\.0\.[0-9]+)\Z")
_LATEST = {"1": "1.0.3", "2": "2.0.0"}
_NO_VERSION = (
    "X-Experience-API-Version 머리글에 쓸 판을 적어 주십시오. "
    "받는 판은 1.0.0부터 1.0.3까지와 2.0.x입니다. 받은 값: {given}"
)
_WRONG = "자격이 맞지 않습니다. 기관에서 받은 사용자 이름과 비밀 값을 Basic 인증으로 보내 주십시오."
_NO_SCOPE = (
    "이 자격에는 {scope} 권한 범위가 없습니다. 기관에 이 범위를 더해 달라고 요청해 주십시오."
)
_NO_STATEMENT = "그런 id의 문장이 없습니다. id를 다시 확인해 주십시오."
_NO_MULTIPART = (
    "첨부 파일이 든 multipart/mixed 요청은 받지 않습니다. "
    "문장만 application/json으로 보내고 첨부는 fileUrl로 가리켜 주십시오."
)
_NOT_JSON = "Content-Type을 application/json으로 하고 본문에 JSON을 담아 보내 주십시오: {what}"
_TOO_MANY = "한 번에 {most}개까지 받습니다. 나누어 보내 주십시오."
_decode_batch = msgspec.json.Decoder(list[Raw]).decode


class WrongCredentialError(LMSError):
    """No credentials came, or wrong ones."""

    status = 401
    code = "credentials"


api = Blueprint("xapi", __name__, url_prefix="/xapi")


# Scope «platform» and a permission that lets everybody through, since nobody signs in here: the
# institution is the credential's own, and each view asks `_caller` for it before anything else.
# They read: writing goes through the writer, which commits many requests at once.
@api.get("/about", permission=permissions.USE, scope="platform", browser=False)
def about() -> ResponseReturnValue:
    """Communication 2.8: to everybody, in every version."""
    return json_answer({"version": VERSIONS})


@api.get("/statements", permission=permissions.USE, scope="platform", browser=False)
def statements() -> ResponseReturnValue:
    """One statement by its id, or those that match a query (Communication 2.1.3)."""
    _version()
    caller = _caller("statements/read", "statements/read/mine")
    authority = None if caller.may("statements/read") else caller.username
    given = _parameters()
    if "statementId" in given or "voidedStatementId" in given:
        return _one(caller, given, authority)
    query = _query(given)
    page = querying.find(session().connection(), caller.institution_id, query, authority=authority)
    more = "" if page.more is None else _address(page.more)
    listed = b",".join(page.statements)
    body = b'{"statements":[' + listed + b'],"more":' + msgspec.json.encode(more) + b"}"
    return Response(body, mimetype="application/json")


@api.post("/statements", permission=permissions.USE, scope="platform", browser=False, writes=False)
def add_statements() -> ResponseReturnValue:
    """Store a statement or a batch, all or none; their ids in order (Communication 2.1.2)."""
    version = _version()
    caller = _caller("statements/write")
    for name in _parameters():
        raise refuse(name, "not a parameter of this request (Communication 3.2.s3.b7)")
    kept = _keep(caller, read_all(_batch(_body()), version=version))
    return json_answer([one.statement_id for one in kept])


@api.put("/statements", permission=permissions.USE, scope="platform", browser=False, writes=False)
def put_statement() -> ResponseReturnValue:
    """Store one statement under the id in the address (Communication 2.1.1)."""
    version = _version()
    caller = _caller("statements/write")
    given = _parameters()
    for name in given.keys() - {"statementId"}:
        raise refuse(name, "not a parameter of this request (Communication 3.2.s3.b7)")
    wanted = given.get("statementId", "")
    if not formats.is_uuid(wanted):
        raise refuse("statementId", "a UUID (Communication 2.1.1)")
    body = _body()
    if body.startswith(b"["):
        raise refusal("$", "PUT takes one statement (Communication 2.1.1)")
    received = read_all([body], version=version)[0]
    if received.statement_id not in {None, wanted.lower()}:
        raise refusal("$.id", "the same as statementId (Communication 2.1.1.s3.b3)")
    _keep(caller, [received.under(wanted)])
    return Response(status=204)


@api.before_request
def _prepare() -> None:
    request.max_content_length = MOST_BYTES


@api.after_request
def _tell_version(response: Response) -> Response:
    """Communication 3.3.s3 and 2.1.3.s2.b5: on every answer, refusals too."""
    spoken = _SPOKEN.match(request.headers.get("X-Experience-API-Version", ""))
    latest = _LATEST[spoken.group()[0]] if spoken else VERSIONS[0]
    response.headers["X-Experience-API-Version"] = latest
    if request.path.endswith("/statements"):
        settled = formats.write_timestamp(now() - SETTLING)
        response.headers["X-Experience-API-Consistent-Through"] = settled
    return response


@api.errorhandler(LMSError)
def _refuse(error: LMSError) -> ResponseReturnValue:
    """Communication 3.2: what cannot be read is 400 here, with the path of what is wrong."""
    status = 400 if isinstance(error, InvalidError) else error.status
    message = words_here().text(error.message, **error.params)
    told = {"code": error.code, "message": message}
    path = getattr(error, "field", None)
    answer = json_answer({"error": told | ({"path": path} if path else {})}, status)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    if status == WrongCredentialError.status:
        answer.headers["WWW-Authenticate"] = 'Basic realm="xAPI", charset="UTF-8"'
    return answer


@api.errorhandler(HTTPException)
def _refuse_http(error: HTTPException) -> ResponseReturnValue:
    code = error.name.lower().replace(" ", "_")
    told = {"code": code, "message": error.description}
    return json_answer({"error": told}, error.code or 500)


def _version() -> str:
    """The version that the request speaks (Communication 3.3); «1.0» is 1.0.0."""
    given = request.headers.get("X-Experience-API-Version", "")
    if not _SPOKEN.match(given):
        raise InvalidError(_NO_VERSION, field="X-Experience-API-Version", given=given[:20] or "-")
    return "1.0.0" if given == "1.0" else given


def _caller(*scopes: str) -> Caller:
    """Whose credentials came. Raises WrongCredentialError, TooManyError, ForbiddenError.

    Only wrong ones are counted by the limiter: 256 random bits are not found by trying, and a
    stranger's tries must not lock a right one out.
    """
    given = request.authorization
    if given is None or given.type != "basic" or not given.username:
        raise WrongCredentialError(_WRONG)
    username = given.username.replace("\x00", "")
    caller = credentials.check(session().connection(), username, given.password or "")
    if caller is None:
        limiter.guard(state(), "credential", username, client_address(), now())
        raise WrongCredentialError(_WRONG)
    if not caller.may(*scopes):
        raise ForbiddenError(_NO_SCOPE, scope=scopes[0])
    return caller


def _parameters() -> dict[str, str]:
    given = request.args
    for name, values in given.lists():
        if len(values) > 1:
            raise refuse(name, "once in a request")
    return given.to_dict()


def _query(given: dict[str, str]) -> Query:
    if "more" not in given:
        return querying.read_query(given)
    for name in given.keys() - {"more"}:
        raise refuse(name, "more stands alone")
    return querying.read_more(given["more"], state().secret)


def _address(more: Query) -> str:
    # Data 2.5: the whole path, without scheme, host and port.
    return url("xapi.statements", more=querying.write_more(more, state().secret))


def _one(caller: Caller, given: dict[str, str], authority: str | None) -> ResponseReturnValue:
    """Communication 2.1.3.s2.b1 and b2."""
    voided = "voidedStatementId" in given
    name = "voidedStatementId" if voided else "statementId"
    for other in given.keys() - {name, "format", "attachments"}:
        raise refuse(other, f"not together with {name} (Communication 2.1.3.s2)")
    querying.read_query({key: value for key, value in given.items() if key != name})
    if not formats.is_uuid(given[name]):
        raise refuse(name, "a UUID (Data 4.4)")
    found = querying.find_one(
        session().connection(),
        caller.institution_id,
        given[name],
        voided=voided,
        authority=authority,
    )
    if found is None:
        raise NotFoundError(_NO_STATEMENT)
    raw, stored = found
    answer = Response(raw, mimetype="application/json")
    answer.headers["Last-Modified"] = http_date(stored)
    return answer


def _body() -> bytes:
    if request.mimetype == "multipart/mixed":
        raise InvalidError(_NO_MULTIPART, field="Content-Type")
    if request.mimetype != "application/json":
        raise InvalidError(_NOT_JSON, field="Content-Type", what=request.mimetype or "-")
    return request.get_data(cache=False).strip(b" \t\r\n")


def _batch(body: bytes) -> Sequence[bytes | Raw]:
    if not body.startswith(b"["):
        return [body]
    try:
        found = _decode_batch(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidError(_NOT_JSON, field="$", what=str(error)) from None
    if len(found) > MOST_STATEMENTS:
        raise TooLargeError(_TOO_MANY, most=MOST_STATEMENTS)
    return found


def _keep(caller: Caller, received: Sequence[Received]) -> list[store.Stored]:
    """Read before, outside the lock; the stored instant is the writer's, just before its commit."""
    if not received:
        return []
    return state().db.writer.do(
        lambda connection: store.keep(
            connection,
            caller.institution_id,
            received,
            authority=caller.authority,
            now=clock.now(),
        ),
        key=caller.institution_id,
    )
