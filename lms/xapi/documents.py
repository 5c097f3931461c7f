"""States and profiles: documents that systems keep here (Communication 2.2, 2.3, 2.6, 2.7).

What changes a document looks at it under a lock first, so that of two writers neither undoes what
the other did.
"""

import enum
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw
from sqlalchemy import Connection, delete, select, update

from lms.db import Insert
from lms.errors import ConflictError, InvalidError, LMSError, TooLargeError
from lms.xapi.actors import find_key
from lms.xapi.models import Document

MOST_BYTES = 16 << 20
"""Of one document."""

JSON = "application/json"
_TRIES = 5
_JUST = timedelta(microseconds=1)
_INSERT = Insert(Document, or_ignore=True)
_encode = msgspec.json.Encoder().encode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_any = msgspec.json.Decoder(Raw).decode

_CHANGED = (
    "요청의 If-Match나 If-None-Match 조건이 지금 문서와 맞지 않아 아무것도 바꾸지 않았습니다. "
    "GET으로 지금 문서를 읽고, 그 ETag로 다시 보내 주십시오."
)
_THERE = (
    "이 문서는 이미 있어 덮어쓰지 않았습니다. 먼저 GET으로 지금 문서를 확인하고, "
    "그때 받은 ETag를 If-Match 머리글에 넣어 다시 보내 주십시오."
)
_NO_CONDITION = (
    "프로필을 PUT으로 저장할 때는 If-Match나 If-None-Match 머리글이 있어야 합니다. "
    "새 문서라면 If-None-Match: *를 넣어 보내 주십시오."
)
_NOT_JSON = (
    "Content-Type이 application/json인데 본문을 JSON으로 읽을 수 없습니다. "
    "본문이나 Content-Type을 고쳐 보내 주십시오."
)
_NOT_MERGED = (
    "POST는 application/json 문서에 항목을 더하는 요청이라 JSON 객체만 받습니다. "
    "다른 문서는 PUT으로 보내 주십시오."
)
_NOT_MERGED_INTO = (
    "이미 있는 문서가 application/json 객체가 아니어서 항목을 더할 수 없습니다. "
    "문서 전체를 PUT으로 보내 주십시오."
)
_TOO_LARGE = "문서 하나는 {most}MiB까지 받습니다. 나누어 보내 주십시오."
_AGAIN = "같은 문서를 여럿이 동시에 쓰고 있어 저장하지 못했습니다. 다시 보내 주십시오."

Kind = Literal["state", "activity_profile", "agent_profile"]


class PreconditionError(LMSError):
    """The document is not the one that the request is about (Communication 3.1.s4.b9)."""

    status = 412
    code = "precondition"


class Blind(enum.Enum):
    """What becomes of a PUT that says nothing of the document it expects (3.1.s4.b13)."""

    TAKEN = "taken"
    NEW_ONLY = "409 where the document is there"
    REFUSED = "409 where the document is there, 400 where it is new"


class Tags(NamedTuple):
    """The entity tags of an If-Match or If-None-Match header (RFC 9110 13.1)."""

    any: bool = False
    """«*»."""

    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


class Conditions(NamedTuple):
    """What a request expects; None where it has no such header."""

    match: Tags | None = None
    none_match: Tags | None = None

    @property
    def are_given(self) -> bool:
        return self.match is not None or self.none_match is not None

    def hold(self, etag: str | None) -> bool:
        """Whether they hold for a document with this tag; None: there is none."""
        return self._matches(etag) and self.is_news(etag)

    def is_news(self, etag: str | None) -> bool:
        """Whether If-None-Match lets it through: what a reader has not got yet."""
        told = self.none_match
        if told is None or etag is None:
            return True
        return not (told.any or etag in told.strong or etag in told.weak)

    def _matches(self, etag: str | None) -> bool:
        told = self.match
        # A weak tag says «much the same», which is not enough to write on (RFC 9110 13.1.1).
        return told is None or (etag is not None and (told.any or etag in told.strong))


@dataclass(frozen=True)
class Context:
    """What documents are about. `activity`: IRI; `agent`: as lms.xapi.actors.identifier gives it;
    `registration`: lower-case UUID."""

    kind: Kind
    activity: str | None = None
    agent: str | None = None
    registration: str | None = None

    @property
    def scope(self) -> str:
        """What is listed together: a list without registration has those of each (2.3.s4)."""
        return _hash(self.kind, self.activity, self.agent)

    def place(self, document_id: str) -> str:
        """What stands once: a state with a registration is not the one without (2.3.s3)."""
        return _hash(self.kind, self.activity, self.agent, self.registration, document_id)


class Found(NamedTuple):
    """A document as it stands."""

    id: int
    content: bytes
    content_type: str
    etag: str
    updated_at: datetime


def find(
    connection: Connection, institution_id: int, context: Context, document_id: str
) -> Found | None:
    """One document; None if there is none."""
    row = connection.execute(_one(institution_id, context, document_id)).one_or_none()
    return None if row is None else Found(*row)


def ids(
    connection: Connection,
    institution_id: int,
    context: Context,
    *,
    since: datetime | None = None,
) -> tuple[list[str], datetime | None]:
    """The ids of a context's documents, each once, and when the latest of them was changed.

    `since`: only of those that were changed after it. Without a registration, of each.
    """
    wanted = select(Document.document_id, Document.updated_at).where(
        *_listed(institution_id, context)
    )
    if since is not None:
        wanted = wanted.where(Document.updated_at > since)
    rows = connection.execute(wanted.order_by(Document.updated_at, Document.id)).all()
    latest = rows[-1].updated_at if rows else None
    return list(dict.fromkeys(row.document_id for row in rows)), latest


def listing(found: list[str]) -> bytes:
    """Ids of documents as they are given out."""
    return _encode(found)


def put(
    connection: Connection,
    institution_id: int,
    context: Context,
    document_id: str,
    content: bytes,
    content_type: str,
    *,
    conditions: Conditions,
    blind: Blind,
    now: datetime,
) -> str:
    """Keep a document in place of any that was there, and return its entity tag.

    Raises PreconditionError, ConflictError and InvalidError where nothing may be written.
    """

    def made(before: Found | None) -> tuple[bytes, str]:
        _check(conditions, before)
        if not conditions.are_given and blind is not Blind.TAKEN:
            if before is not None:
                raise ConflictError(_THERE)
            if blind is Blind.REFUSED:
                raise InvalidError(_NO_CONDITION, field="If-Match")
        return content, content_type

    return _write(connection, institution_id, context, document_id, made, now)


def post(
    connection: Connection,
    institution_id: int,
    context: Context,
    document_id: str,
    content: bytes,
    content_type: str,
    *,
    conditions: Conditions,
    now: datetime,
) -> str:
    """Set the properties of a JSON object in the document, which is made if it is not there.

    Its entity tag. Raises PreconditionError; InvalidError where either is no JSON object
    (Communication 2.2.s8.b1); TooLargeError.
    """

    def made(before: Found | None) -> tuple[bytes, str]:
        _check(conditions, before)
        if before is None:
            return content, content_type
        if media_type(before.content_type) != JSON:
            raise InvalidError(_NOT_MERGED_INTO)
        return merged(before.content, content), before.content_type

    return _write(connection, institution_id, context, document_id, made, now)


def remove(
    connection: Connection,
    institution_id: int,
    context: Context,
    document_id: str,
    *,
    conditions: Conditions,
) -> None:
    """Delete a document; one that is not there is deleted already. Raises PreconditionError."""
    row = connection.execute(
        _one(institution_id, context, document_id).with_for_update()
    ).one_or_none()
    _check(conditions, None if row is None else Found(*row))
    if row is not None:
        connection.execute(delete(Document).where(Document.id == row.id))


def remove_all(
    connection: Connection, institution_id: int, context: Context, *, conditions: Conditions
) -> None:
    """Delete a context's documents; without a registration, those of each (2.3.s5).

    What is expected is expected of their list. Raises PreconditionError.
    """
    if conditions.are_given:
        there, _ = ids(connection, institution_id, context)
        if not conditions.hold(tag(listing(there))):
            raise PreconditionError(_CHANGED)
    connection.execute(delete(Document).where(*_listed(institution_id, context)))


def read(content: bytes, content_type: str, *, as_object: bool = False) -> None:
    """Raises InvalidError for what says that it is JSON and is not (Communication 3.2.s3.b6).

    `as_object`: a JSON object it must be, as for a POST.
    """
    is_json = media_type(content_type) == JSON
    if as_object:
        if not is_json:
            raise InvalidError(_NOT_MERGED, field="Content-Type")
        _members(content, _NOT_MERGED)
    elif is_json:
        _decode(_decode_any, content, _NOT_JSON)


def merged(old: bytes, new: bytes) -> bytes:
    """A JSON object with the properties of another set in it (Communication 2.2.s7).

    Values keep their bytes. Raises InvalidError where one is no object, TooLargeError.
    """
    made = _encode({**_members(old, _NOT_MERGED_INTO), **_members(new, _NOT_MERGED)})
    if len(made) > MOST_BYTES:
        raise TooLargeError(_TOO_LARGE, most=MOST_BYTES >> 20)
    return made


def tag(content: bytes) -> str:
    """The entity tag of a content: SHA-1 in lower case (Communication 3.1.s4.b2)."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def media_type(content_type: str) -> str:
    """The type alone, without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def _check(conditions: Conditions, before: Found | None) -> None:
    if not conditions.hold(None if before is None else before.etag):
        raise PreconditionError(_CHANGED)


def _write(
    connection: Connection,
    institution_id: int,
    context: Context,
    document_id: str,
    made: Callable[[Found | None], tuple[bytes, str]],
    now: datetime,
) -> str:
    """Write what `made` makes of the document as it stands, which nobody changes meanwhile."""
    wanted = _one(institution_id, context, document_id).with_for_update()
    for _ in range(_TRIES):
        row = connection.execute(wanted).one_or_none()
        before = None if row is None else Found(*row)
        content, content_type = made(before)
        etag = tag(content)
        if before is not None:
            connection.execute(
                update(Document)
                .where(Document.id == before.id)
                .values(
                    content=content,
                    content_type=content_type,
                    etag=etag,
                    updated_at=max(now, before.updated_at + _JUST),
                )
            )
            return etag
        is_new = _INSERT.row(
            connection,
            institution_id=institution_id,
            kind=context.kind,
            place=context.place(document_id),
            scope=context.scope,
            activity=None if context.activity is None else find_key(context.activity),
            agent=context.agent,
            registration=context.registration,
            document_id=document_id,
            content=content,
            content_type=content_type,
            etag=etag,
            updated_at=now,
        )
        if is_new is not None:
            return etag
        # Somebody else made it since we looked: it is looked at anew.
    raise ConflictError(_AGAIN)


def _one(institution_id: int, context: Context, document_id: str) -> Any:
    return select(
        Document.id,
        Document.content,
        Document.content_type,
        Document.etag,
        Document.updated_at,
    ).where(
        Document.institution_id == institution_id,
        Document.place == context.place(document_id),
    )


def _listed(institution_id: int, context: Context) -> list[Any]:
    found: list[Any] = [
        Document.institution_id == institution_id,
        Document.kind == context.kind,
        Document.scope == context.scope,
    ]
    if context.registration is not None:
        found.append(Document.registration == context.registration)
    return found


def _members(content: bytes, message: str) -> dict[str, Raw]:
    found: dict[str, Raw] = _decode(_decode_members, content, message)
    return found


def _decode(decode: Callable[[bytes], Any], content: bytes, message: str) -> Any:
    try:
        content.decode()  # what is passed over unread may be anything but UTF-8
        return decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidError(message, field="$") from None


def _hash(*parts: str | None) -> str:
    return hashlib.sha256(_encode(parts)).hexdigest()
