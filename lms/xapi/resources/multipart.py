"""Statements with files beside them, as one body (Communication 1.5.2, RFC 2046 5.1).

Read strictly and over bytes: every file is held against its hash, so nothing may be guessed.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import structlog
from flask import Response

from lms.errors import InvalidError, TooLargeError
from lms.files import Storage
from lms.xapi.attachments import File, essence
from lms.xapi.objects import Held
from lms.xapi.querying import refuse

TYPE = "multipart/mixed"
MOST_PARTS = 500
"""In one request: each is written to disk by itself, before anything is answered."""

_MOST_HEAD = 8 << 10
_CHUNK = 1 << 16
_TOO_MANY = "한 번에 {most}개까지 받습니다. 나누어 보내 주십시오."
_UNENCODED = frozenset({"7bit", "8bit", "binary"})

# RFC 2045 5.1. Clients forget the quotes, so a value without them may hold all but space and «;».
_PARAMETER = re.compile(r'[ \t]*;[ \t]*(?:([^\s;="]+)=("(?:[^"\\]|\\.)*"|[^\s;"]*))?[ \t]*')
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]\Z")
_REST_OF_LINE = re.compile(rb"(--)?[ \t]*(?:\r\n|\Z)")
_log = structlog.get_logger("lms")
_FOLD = re.compile(r"\r\n[ \t]+")
_HEADER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*([^\r\n\x00]*?)[ \t]*\Z")


class Part(NamedTuple):
    headers: dict[str, str]
    """By their names in lower case."""

    data: bytes


def read(content: bytes, content_type: str) -> tuple[bytes, list[File]]:
    """The JSON of the statements, and the files after it.

    Raises InvalidError, whose field is the header or the part («parts[1].Content-Type», counted
    from 0), TooLargeError above MOST_PARTS.
    """
    first, *rest = parse(content, boundary(content_type))
    given = first.headers.get("content-type", "")
    if essence(given) != "application/json":
        rule = "application/json in the first part (Communication 1.5.2.s2.b2.b1)"
        raise refuse("parts[0].Content-Type", rule)
    if first.headers.get("content-transfer-encoding", "binary").lower() not in _UNENCODED:
        rule = "binary, as nothing is encoded (Communication 1.5.2.s2.b2.b4)"
        raise refuse("parts[0].Content-Transfer-Encoding", rule)
    return first.data, [_file(part, f"parts[{number}]") for number, part in enumerate(rest, 1)]


def boundary(content_type: str) -> bytes:
    """What divides the parts. Raises InvalidError where the header does not say it."""
    found, at = [], len(content_type.partition(";")[0])
    while at < len(content_type):
        given = _PARAMETER.match(content_type, at)
        if given is None:
            raise _unbounded()
        if (given[1] or "").lower() == "boundary":
            value = given[2]
            quoted = value.startswith('"')
            found.append(re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value)
        at = given.end()
    if len(found) != 1 or not _BOUNDARY.match(found[0]):
        raise _unbounded()
    return found[0].encode()


def parse(content: bytes, boundary: bytes) -> list[Part]:
    """The parts, one at least. What stands before the first and after the last is left out."""
    parts: list[Part] = []
    # A delimiter owns the line break before it; the first may stand at the very beginning.
    delimiter = b"\r\n--" + boundary
    at = -2 if content.startswith(delimiter[2:]) else content.find(delimiter)
    start = -1
    while at != -1:
        rest = _REST_OF_LINE.match(content, at + len(delimiter))
        if rest is None:  # data that only begins like a delimiter
            at = content.find(delimiter, at + 2)
            continue
        if start >= 0:
            if len(parts) >= MOST_PARTS:
                raise TooLargeError(_TOO_MANY, most=MOST_PARTS)
            parts.append(_part(content, start, at, f"parts[{len(parts)}]"))
        if rest[1] and parts:
            return parts
        start = rest.end()
        at = content.find(delimiter, start)
    rule = "parts divided by the boundary in lines of CRLF, with “--” behind the last (RFC 2046)"
    raise refuse("content", rule)


def answer(first: bytes, files: Sequence[Held], storage: Storage) -> Response:
    """Statements as JSON, then each file, streamed (Communication 1.5.2.s3.b1).

    Of the files no more than one piece is in memory. Bytes that storage lost are told in the log,
    and the answer is as if they had never come.
    """
    boundary = secrets.token_hex(16)
    opening = f"--{boundary}\r\nContent-Type: application/json\r\n\r\n".encode() + first
    there = [(_head(boundary, file), file) for file in files if _is_there(storage, file)]
    end = f"\r\n--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        yield opening
        for head, file in there:
            yield head
            with storage.path(file.sha256).open("rb") as stream:
                while piece := stream.read(_CHUNK):
                    yield piece
        yield end

    response = Response(pieces(), content_type=f"{TYPE}; boundary={boundary}")
    length = len(opening) + sum(len(head) + file.size for head, file in there) + len(end)
    response.content_length = length
    return response


def _head(boundary: str, file: Held) -> bytes:
    return (
        f"\r\n--{boundary}\r\n"
        f"Content-Type: {_in_line(file.content_type)}\r\n"
        "Content-Transfer-Encoding: binary\r\n"
        f"Content-Length: {file.size}\r\n"
        f"X-Experience-API-Hash: {file.sha2}\r\n\r\n"
    ).encode(errors="replace")


def _is_there(storage: Storage, file: Held) -> bool:
    there = storage.path(file.sha256).is_file()
    if not there:
        _log.error("attachment lost", sha256=file.sha256)
    return there


def _part(content: bytes, start: int, end: int, path: str) -> Part:
    if start == end or content.startswith(b"\r\n", start):
        return Part({}, content[start + 2 : end])
    gap = content.find(b"\r\n\r\n", start, end)
    if gap >= 0:
        return Part(_headers(content[start:gap], path), content[gap + 4 : end])
    # RFC 2046 allows a part that is all headers; its last line is ended by a break of its own.
    if content[end - 2 : end] != b"\r\n":
        raise refuse(path, "headers, an empty line, and the data (RFC 2046 5.1)")
    return Part(_headers(content[start : end - 2], path), b"")


def _headers(head: bytes, path: str) -> dict[str, str]:
    if len(head) > _MOST_HEAD:
        raise refuse(path, "headers of 8 KiB at most")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        raise refuse(path, "headers in UTF-8 (Communication 1.4)") from None
    found: dict[str, str] = {}
    for line in _FOLD.sub(" ", text).split("\r\n"):
        header = _HEADER.match(line)
        if header is None:
            raise refuse(path, "headers, each “name: value” on a line (RFC 2046 5.1)")
        name = header[1].lower()
        if name in found:
            raise refuse(f"{path}.{header[1]}", "a header stands in a part once")
        found[name] = header[2]
    return found


def _file(part: Part, path: str) -> File:
    headers = part.headers
    if headers.get("content-transfer-encoding", "").lower() != "binary":
        rule = "binary, in each part after the first (Communication 1.5.2.s2.b2.b4)"
        raise refuse(f"{path}.Content-Transfer-Encoding", rule)
    sha2 = headers.get("x-experience-api-hash", "")
    if not sha2:
        rule = "in each part after the first, the SHA-2 of its data (Communication 1.5.2.s2.b2.b3)"
        raise refuse(f"{path}.X-Experience-API-Hash", rule)
    length = headers.get("content-length")
    if length not in {None, str(len(part.data))}:
        rule = f"the length of the data, {len(part.data)} octets (Communication 1.5.2.s2.b2.b7)"
        raise refuse(f"{path}.Content-Length", rule)
    kind = headers.get("content-type")
    return File(path, sha2.lower(), kind, part.data, says_length=length is not None)


def _unbounded() -> InvalidError:
    rule = "multipart/mixed with one boundary of 1 to 70 characters, as RFC 2046 5.1.1 has it"
    return refuse("Content-Type", rule)


def _in_line(value: str) -> str:
    """A header's value: nothing in it may end the line."""
    return "".join(one if one.isprintable() else " " for one in value)
