"""Elements of a WebM file (RFC 8794, RFC 9559): how long, how large, how coded. Pure."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

Found = tuple[int, int, int, str]
"""Milliseconds (0: not told), width, height, name of the codec."""

_EBML, _SEGMENT, _INFO, _TRACKS, _CLUSTER = (
    0x1A45DFA3,
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0x1F43B675,
)
_ENTRY, _TYPE, _CODEC, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0x83, 0x86, 0xE0, 0xB0, 0xBA
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_IS_VIDEO = 1
_MOST_ELEMENTS = 1_000_000


class Element(NamedTuple):
    """`end` is None where the size was not known when it was written."""

    id: int
    start: int
    end: int | None


class Reader:
    """Reads elements of a file of known size, and no more of them than a real one has."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.seen = 0

    def element(self, at: int, until: int) -> Element:
        """The element at an offset. Raises EOFError if it runs past `until`."""
        self.seen += 1
        if self.seen > _MOST_ELEMENTS:
            raise ValueError("too many elements")
        name, after = self.number(at, 4, keep=True)
        length, start = self.number(after, 8, keep=False)
        if length == (1 << 7 * (start - after)) - 1:
            return Element(name, start, None)
        if start + length > until:
            raise EOFError
        return Element(name, start, start + length)

    def number(self, at: int, most: int, *, keep: bool) -> tuple[int, int]:
        """A variable-length integer (RFC 8794, 4) and the offset after it."""
        first = self.take(at, 1)[0]
        length = 9 - first.bit_length()
        if length > most:
            raise ValueError("not EBML")
        data = self.take(at, length)
        value = int.from_bytes(data)
        return (value if keep else value & (1 << 7 * length) - 1), at + length

    def take(self, at: int, count: int) -> bytes:
        self.file.seek(at)
        data = self.file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def children(self, element: Element) -> Iterator[Element]:
        """The elements inside one of known size."""
        at, end = element.start, element.end or self.size
        while at < end:
            child = self.element(at, end)
            if child.end is None:
                raise ValueError("element size")
            yield child
            at = child.end

    def value(self, element: Element) -> bytes:
        count = (element.end or element.start) - element.start
        if count > 4096:
            raise ValueError("element size")
        return self.take(element.start, count)


def read(file: BinaryIO, size: int) -> Found:
    """The first video track. Raises EOFError for a truncated file, ValueError for a broken one."""
    reader = Reader(file, size)
    head = reader.element(0, size)
    if head.id != _EBML or head.end is None:
        raise ValueError("not EBML")
    segment = reader.element(head.end, size)
    if segment.id != _SEGMENT:
        raise ValueError("no segment")
    duration, video, clusters = 0, None, 0
    for element in _top(reader, segment):
        if element.id == _INFO:
            duration = _duration(reader, element)
        elif element.id == _TRACKS:
            video = _tracks(reader, element)
        elif element.id == _CLUSTER:
            clusters += 1
    if not clusters:
        raise EOFError
    if video is None:
        raise ValueError("no video track")
    return duration, *video


def _top(reader: Reader, segment: Element) -> Iterator[Element]:
    """What lies in the segment; into a cluster of unknown size we step, to find where it ends."""
    at, end = segment.start, segment.end or reader.size
    while at < end:
        element = reader.element(at, end)
        yield element
        at = element.start if element.end is None else element.end


def _duration(reader: Reader, info: Element) -> int:
    scale, length = 1_000_000, 0.0
    for element in reader.children(info):
        if element.id == _SCALE:
            scale = int.from_bytes(reader.value(element))
        elif element.id == _DURATION:
            data = reader.value(element)
            if len(data) not in {4, 8}:
                raise ValueError("duration")
            (length,) = struct.unpack(">f" if len(data) == 4 else ">d", data)
    if not 0 <= length * scale < 2**63:  # also false for what is no number
        raise ValueError("duration")
    return round(length * scale / 1_000_000)


def _tracks(reader: Reader, tracks: Element) -> tuple[int, int, str] | None:
    for entry in reader.children(tracks):
        if entry.id != _ENTRY:
            continue
        kind, codec, width, height = 0, "", 0, 0
        for element in reader.children(entry):
            if element.id == _TYPE:
                kind = int.from_bytes(reader.value(element))
            elif element.id == _CODEC:
                codec = reader.value(element).rstrip(b"\0").decode("latin-1")
            elif element.id == _VIDEO:
                width, height = _pixels(reader, element)
        if kind == _IS_VIDEO:
            return width, height, codec
    return None


def _pixels(reader: Reader, video: Element) -> tuple[int, int]:
    found = {
        element.id: int.from_bytes(reader.value(element))
        for element in reader.children(video)
        if element.id in {_WIDTH, _HEIGHT}
    }
    return found.get(_WIDTH, 0), found.get(_HEIGHT, 0)
