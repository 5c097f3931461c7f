"""Files that come with statements (Data 2.4.11): matched by their hash alone, and kept under it.

Their bytes go into storage before the statements are kept, since writing them is slow and the
database's lock is everybody's. Where the statements are refused after all, bytes that no row names
stay behind: they are nobody's, and cost room only.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection, insert, select

from lms.errors import TooLargeError
from lms.files import Storage
from lms.people.models import Institution
from lms.people.settings import parse
from lms.xapi.models import StatementAttachment
from lms.xapi.objects import Attachment, Held
from lms.xapi.statement import Received, refusal

_HASHES: dict[int, Callable[[bytes], Any]] = {
    56: hashlib.sha224,
    64: hashlib.sha256,
    96: hashlib.sha384,
    128: hashlib.sha512,
}
"""By the number of their hexadecimal digits."""

_MOST_IDS = 500
_TOO_LARGE = (
    "첨부 파일이 너무 큽니다. 하나는 {file} MB까지, 요청 하나는 모두 {request} MB까지 받습니다. "
    "나누어 보내거나 fileUrl로 가리켜 주십시오."
)


@dataclass(frozen=True, slots=True)
class File:
    """A file as it came."""

    path: str
    """Where in the request, for refusals: «parts[1]»."""

    sha2: str
    """As the request says it, in lower case."""

    content_type: str | None
    data: bytes
    says_length: bool
    """Whether the request says how long it is: rightly, or it were not read."""


@dataclass(frozen=True)
class Limits:
    """What an institution takes, in MiB."""

    file: int
    request: int


def essence(content_type: str) -> str:
    """A media type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def limits(connection: Connection, institution_id: int) -> Limits:
    """The institution's own: see lms.people.settings."""
    given = select(Institution.settings).where(Institution.id == institution_id)
    settings = parse(connection.execute(given).scalar_one())
    return Limits(settings.attachment_mb, settings.attachments_mb)


def check_size(files: Iterable[File], size: int, most: Limits) -> None:
    """Raises TooLargeError. `size`: of the whole request, in octets."""
    largest = max((len(file.data) for file in files), default=0)
    if size > most.request << 20 or largest > most.file << 20:
        raise TooLargeError(_TOO_LARGE, file=most.file, request=most.request)


def match(received: Sequence[Received], files: Sequence[File]) -> dict[str, File]:
    """The files by their hash, each held against what the statements say of it.

    Raises InvalidError, whose field is the path of the attachment or the part: where neither a
    file nor a fileUrl is there, where a file is not what was said, and for one that nobody named.
    """
    came: dict[str, list[File]] = {}
    for file in files:
        _check_hash(file)
        came.setdefault(file.sha2, []).append(file)
    named = set()
    for path, attachment in _paths(received):
        sha2 = attachment.sha2.lower()
        if sha2 in came:
            named.add(sha2)
            _check_told(attachment, came[sha2], path)
        elif attachment.file_url is UNSET:
            rule = "a part has this hash, or there is a fileUrl (Communication 1.5.2.s3.b5)"
            raise refusal(f"{path}.sha2", rule)
    for file in files:
        if file.sha2 not in named:
            rule = "an attachment of the statements names it (Communication 1.5.2.s2.b2.b2)"
            raise refusal(f"{file.path}.X-Experience-API-Hash", rule)
    return {sha2: same[0] for sha2, same in came.items()}


def hold(
    storage: Storage, received: Sequence[Received], files: Mapping[str, File]
) -> list[Received]:
    """Bring the files into storage, and the statements with what is to be kept of theirs.

    Slow, so outside of any transaction.
    """
    kept = {sha2: storage.put(file.data) for sha2, file in files.items()}
    return [replace(one, held=_held(one, kept)) if one.attachments else one for one in received]


def keep(
    connection: Connection, institution_id: int, fresh: Iterable[tuple[str, Received]]
) -> None:
    """Write which files came with statements that were just stored, by their ids."""
    rows = [
        {
            "institution_id": institution_id,
            "statement_id": statement_id,
            "number": number,
            **file._asdict(),
        }
        for statement_id, one in fresh
        for number, file in enumerate(one.held)
    ]
    if rows:
        connection.execute(insert(StatementAttachment), rows)


def of_statements(connection: Connection, institution_id: int, ids: Sequence[str]) -> list[Held]:
    """The files of statements, by their lower-case ids; one that several have stands there once."""
    found: dict[tuple[str, str], Held] = {}
    for start in range(0, len(ids), _MOST_IDS):
        rows = connection.execute(
            select(
                StatementAttachment.sha2,
                StatementAttachment.content_type,
                StatementAttachment.sha256,
                StatementAttachment.size,
            )
            .where(
                StatementAttachment.institution_id == institution_id,
                StatementAttachment.statement_id.in_(ids[start : start + _MOST_IDS]),
            )
            .order_by(StatementAttachment.id)
        )
        for row in rows:
            # With each type that was told of it, since part and attachment say the same (1.5.2).
            found.setdefault((row.sha2, row.content_type), Held(*row))
    return list(found.values())


def _paths(received: Sequence[Received]) -> Iterable[tuple[str, Attachment]]:
    for number, one in enumerate(received):
        start = "$" if len(received) == 1 else f"$[{number}]"
        for path, attachment in one.attachments:
            yield start + path[1:], attachment


def _check_hash(file: File) -> None:
    """Communication 1.5.2.s1.b4: by the hash of the data and in no other way."""
    make = _HASHES.get(len(file.sha2))
    if make is None or make(file.data).hexdigest() != file.sha2:
        rule = f"the SHA-2 of the part's data, whose SHA-256 is {_sha256(file.data)} (Data 2.4.11)"
        raise refusal(f"{file.path}.X-Experience-API-Hash", rule)


def _check_told(attachment: Attachment, same: Sequence[File], path: str) -> None:
    """Communication 1.5.2.s2.b2.b7: what part and attachment both say is the same."""
    # A length is not measured, but held against the part's own, if it has one: a file is known by
    # its hash (1.5.2.s1.b4), and the standard's signed example says 4,235 octets of 4,239.
    length = len(same[0].data)
    if attachment.length != length and any(file.says_length for file in same):
        rule = f"what the part says as its Content-Length, {length} (Communication 1.5.2.s2.b2.b7)"
        raise refusal(f"{path}.length", rule)
    types = {essence(file.content_type or attachment.content_type) for file in same}
    if essence(attachment.content_type) not in types:
        rule = "what the part says as its Content-Type (Communication 1.5.2.s2.b2.b7)"
        raise refusal(f"{path}.contentType", rule)


def _held(one: Received, kept: Mapping[str, tuple[str, int]]) -> tuple[Held, ...]:
    found = {
        (attachment.sha2, attachment.content_type): Held(
            attachment.sha2, attachment.content_type, *kept[attachment.sha2.lower()]
        )
        for _, attachment in one.attachments
        if attachment.sha2.lower() in kept
    }
    return tuple(found.values())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
