"""Files of statements, read piece by piece: JSON, JSON Lines, either packed with gzip.

The bytes of each statement are given as they stand in the file, and no more than one statement
and a piece of the file is in memory.
"""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple, cast

PIECE = 1 << 20
MOST_BYTES = 16 << 20
"""Of one statement, and of one line."""

_LOOKED_AT = 100
_PACKED = b"\x1f\x8b"
_LIST = re.compile(r'\s*(?:\{\s*(?:"more"\s*:\s*"[^"]*"\s*,\s*)?"statements"\s*:\s*)?\[')
_BETWEEN = re.compile(r"[\s,]*")
_scan = json.JSONDecoder().raw_decode


class Row(NamedTuple):
    """One statement of a file; `raw` is None where nothing can be read from here on."""

    place: str
    """«line 3» of JSON Lines, else «[2]», counted from 0."""

    raw: bytes | None
    error: str = ""


class Counted:
    """A file that tells how far it was read."""

    def __init__(self, file: BinaryIO, told: Callable[[int], object]) -> None:
        self._file = file
        self._told = told

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._told(len(piece))
        return piece


def rows(file: BinaryIO, told: Callable[[int], object] = lambda _size: None) -> Iterator[Row]:
    """The statements of a file, in its order; `told` hears how many octets were read.

    Known by what it begins with: a list, an object with `statements`, one statement, or a
    statement a line. A line that is no JSON is a row like any other; in a list, nothing can be
    found after what is no JSON, and so the last row says where that is.
    """
    packed = file.read(2) == _PACKED
    file.seek(0)
    counted = cast(BinaryIO, Counted(file, told))
    stream = cast(BinaryIO, gzip.GzipFile(fileobj=counted)) if packed else counted
    try:
        yield from _rows(stream)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield Row("end", None, f"cannot be unpacked: {error}")


def _rows(stream: BinaryIO) -> Iterator[Row]:
    first = stream.read(PIECE).removeprefix(codecs.BOM_UTF8)
    text = first.decode(errors="surrogateescape")
    found = _LIST.match(text)
    if found is not None:
        begun = len(text[: found.end()].encode(errors="surrogateescape"))
        yield from _of_list(first[begun:], stream)
    elif _is_lined(first):
        yield from _of_lines(first, stream)
    else:
        yield from _of_list(first, stream)


def _is_lined(first: bytes) -> bool:
    """Whether some line is a whole object; a statement that fills many lines has none such."""
    for line in first.split(b"\n", _LOOKED_AT)[:_LOOKED_AT]:
        try:
            if isinstance(json.loads(line), dict):
                return True
        except (ValueError, RecursionError):
            continue
    return False


def _of_lines(first: bytes, stream: BinaryIO) -> Iterator[Row]:
    number, rest = 0, first
    while rest:
        *lines, rest = rest.split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield Row(f"line {number}", line.strip())
        if len(rest) > MOST_BYTES:
            yield Row(f"line {number + 1}", None, f"longer than {MOST_BYTES} octets")
            return
        piece = stream.read(PIECE)
        if not piece:
            break
        rest += piece
    if rest.strip():
        yield Row(f"line {number + 1}", rest.strip())


def _of_list(first: bytes, stream: BinaryIO) -> Iterator[Row]:
    """Values one after another, with commas or without, to the end of the list or the file."""
    # Octets that are no UTF-8 survive, so that the statement that has them is told of.
    decoder: Any = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    text, at, number, is_over = decoder.decode(first), 0, 0, False
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing too
        if at < len(text) and text[at] == "]":
            return
        try:
            _, end = _scan(text, at)
        except (ValueError, RecursionError) as error:
            piece = b"" if is_over else stream.read(max(PIECE, len(text) - at))
            is_over = not piece
            if is_over or len(text) - at > MOST_BYTES:
                if text[at:].strip():
                    yield Row(f"[{number}]", None, f"no JSON from here on ({error})"[:300])
                return
            text, at = text[at:] + decoder.decode(piece), 0
            continue
        yield Row(f"[{number}]", text[at:end].encode(errors="surrogateescape"))
        at, number = end, number + 1
