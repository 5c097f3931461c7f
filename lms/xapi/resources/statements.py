"""The statement resource (Communication 2.1)."""

from collections.abc import Sequence

import msgspec
from flask import Response
from flask.typing import ResponseReturnValue
from msgspec import Raw
from sqlalchemy import Connection
from werkzeug.http import http_date

from lms import clock
from lms.edge import State, session, state
from lms.edge.rendering import url
from lms.errors import InvalidError, NotFoundError, TooLargeError
from lms.xapi import attachments, credentials, formats, presenting, querying, signatures, store
from lms.xapi.attachments import File
from lms.xapi.credentials import Caller, Standing
from lms.xapi.querying import Query, refuse
from lms.xapi.resources import callers, multipart
from lms.xapi.resources.seam import Call, resource
from lms.xapi.searching import Found
from lms.xapi.statement import Received, read_all, refusal
from lms.xapi.store import Sent, Stored

MOST_STATEMENTS = 5_000
"""In one batch: more would keep others waiting for the write lock."""

BLANK = b" \t\r\n"
"""What JSON may stand between."""

_NO_STATEMENT = "그런 id의 문장이 없습니다. id를 다시 확인해 주십시오."
_NOT_JSON = "Content-Type을 application/json으로 하고 본문에 JSON을 담아 보내 주십시오: {what}"
_TOO_MANY = "한 번에 {most}개까지 받습니다. 나누어 보내 주십시오."
_encode = msgspec.json.Encoder().encode
_decode_batch = msgspec.json.Decoder(list[Raw]).decode


def get_statements(call: Call) -> ResponseReturnValue:
    """One statement by its id, or those that match a query (Communication 2.1.3)."""
    caller = call.caller("statements/read", "statements/read/mine")
    authority = None if caller.may("statements/read") else caller.username
    given = dict(call.parameters)
    if "statementId" in given or "voidedStatementId" in given:
        return _one(call, caller, given, authority)
    query = _query(call, given)
    page = querying.find(session().connection(), caller.institution_id, query, authority=authority)
    more = "" if page.more is None else _address(call, page.more)
    listed = b",".join(_presented(caller, query, page.found))
    body = b'{"statements":[' + listed + b'],"more":' + msgspec.json.encode(more) + b"}"
    return _answer(caller, body, page.found if query.attachments else None)


def add_statements(call: Call) -> ResponseReturnValue:
    """Store a statement or a batch, all or none; their ids in order (Communication 2.1.2)."""
    caller = _writing(call)
    call.only()
    body, files = _sent(call, caller)
    received = read_all(batch(body), version=call.version, with_files=files is not None)
    kept = _keep(call, caller, received, files)
    return Response(ids(received, kept), mimetype="application/json")


def ids(received: Sequence[Received], kept: Sequence[Stored]) -> bytes:
    """The ids of statements as JSON.

    As they were sent, in capitals too: a sender looks its statements up by them.
    """
    both = zip(received, kept, strict=True)
    return _encode([one.members.get("id", there.statement_id) for one, there in both])


def put_statement(call: Call) -> ResponseReturnValue:
    """Store one statement under the id in the address (Communication 2.1.1)."""
    caller = _writing(call)
    wanted = call.only("statementId").get("statementId", "")
    if not formats.is_uuid(wanted):
        raise refuse("statementId", "a UUID (Communication 2.1.1)")
    body, files = _sent(call, caller)
    if body.startswith(b"["):
        raise refusal("$", "PUT takes one statement (Communication 2.1.1)")
    [received] = read_all([body], version=call.version, with_files=files is not None)
    if received.statement_id not in {None, wanted.lower()}:
        raise refusal("$.id", "the same as statementId (Communication 2.1.1.s3.b3)")
    _keep(call, caller, [received.under(wanted)], files)
    return Response(status=204)


resource("/statements", GET=get_statements, POST=add_statements, PUT=put_statement)


def _query(call: Call, given: dict[str, str]) -> Query:
    if "more" not in given:
        languages = call.headers.get("Accept-Language", "")
        return querying.read_query(given, languages=languages, strict=call.is_2)
    for name in given.keys() - {"more"}:
        raise refuse(name, "more stands alone")
    return querying.read_more(given["more"], state().secret)


def _address(call: Call, more: Query) -> str:
    # Data 2.5: the whole path, without scheme, host and port.
    return url(f"{call.endpoint}.statements", more=querying.write_more(more, state().secret))


def _presented(caller: Caller, query: Query, found: Sequence[Found]) -> Sequence[bytes]:
    return presenting.present(
        session().connection(),
        caller.institution_id,
        [one.raw for one in found],
        query.format,
        query.languages,
    )


def _one(call: Call, caller: Caller, given: dict[str, str], authority: str | None) -> Response:
    """Communication 2.1.3.s2.b1 and b2."""
    voided = "voidedStatementId" in given
    name = "voidedStatementId" if voided else "statementId"
    for other in given.keys() - {name, "format", "attachments"}:
        raise refuse(other, f"not together with {name} (Communication 2.1.3.s2)")
    query = _query(call, {key: value for key, value in given.items() if key != name})
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
    [raw] = _presented(caller, query, [found])
    answer = _answer(caller, raw, [found] if query.attachments else None)
    answer.headers["Last-Modified"] = http_date(found.stored)
    return answer


def _answer(caller: Caller, body: bytes, statements: Sequence[Found] | None) -> Response:
    """The body as JSON; with the files of `statements` beside it where they were asked for."""
    if statements is None:
        return Response(body, mimetype="application/json")
    institution_id = caller.institution_id
    files = attachments.of_statements(
        session().connection(), institution_id, [one.statement_id for one in statements]
    )
    return multipart.answer(body, files, state().storage)


def _sent(call: Call, caller: Caller) -> tuple[bytes, list[File] | None]:
    """The statements' JSON, and the files beside it; None where none can be."""
    if call.media_type == multipart.TYPE:
        most = attachments.limits(session().connection(), caller.institution_id)
        attachments.check_size([], len(call.content), most)
        body, files = multipart.read(call.content, call.headers["Content-Type"])
        attachments.check_size(files, len(call.content), most)
        return body.strip(BLANK), files
    if call.media_type != "application/json":
        raise InvalidError(_NOT_JSON, field="Content-Type", what=call.media_type or "-")
    return call.content.strip(BLANK), None


def batch(body: bytes) -> Sequence[bytes | Raw]:
    """The statements of a body. Raises InvalidError, TooLargeError."""
    if not body.startswith(b"["):
        return [body]
    try:
        found = _decode_batch(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidError(_NOT_JSON, field="$", what=str(error)) from None
    if len(found) > MOST_STATEMENTS:
        raise TooLargeError(_TOO_MANY, most=MOST_STATEMENTS)
    return found


def _writing(call: Call) -> Caller:
    # Files are stored before the commit, so whoever sends some is looked up before that.
    if call.media_type == multipart.TYPE:
        return call.caller("statements/write")
    return call.writer("statements/write")


def _keep(
    call: Call, caller: Caller, received: Sequence[Received], files: list[File] | None
) -> list[Stored]:
    """Read before, outside the lock; the stored instant is the writer's, just before its commit."""
    caller.check_statements(received)
    matched = attachments.match(received, files or [])
    signatures.check(received, matched)
    if matched:
        received = attachments.hold(state().storage, received, matched)
    if not received:
        return []
    try:
        return keep(state(), caller, received)
    except ChangedError:
        callers.remembered_of(state().db).forget()
        return keep(state(), call.caller("statements/write"), received)


def keep(here: State, caller: Caller, received: Sequence[Received]) -> list[Stored]:
    """Keep statements in the next commit. Raises ChangedError, and what store.keep raises."""
    sent = Sent(caller.institution_id, received, caller.authority, here.hook)
    return here.db.writer.do_together(
        _keep_together, (caller.standing, sent), key=caller.institution_id
    )


class ChangedError(Exception):
    """The remembered credentials are no longer in force as they were."""


def _keep_together(
    connection: Connection, asked: Sequence[tuple[Standing | None, Sent]]
) -> list[list[Stored] | Exception]:
    standings = {standing for standing, _ in asked if standing is not None}
    changed = credentials.changed(connection, standings) if standings else set()
    sound = [sent for standing, sent in asked if standing not in changed]
    kept = iter(store.keep_together(connection, sound, now=clock.now()))
    return [ChangedError() if standing in changed else next(kept) for standing, _ in asked]
