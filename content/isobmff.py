"""Boxes of an MP4 file (ISO 14496-12): how long, how large, how coded. Pure."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

Found = tuple[int, int, int, str]
"""Milliseconds (0: not told), width, height, four letters of the codec."""

_MOST_BOXES = 20_000
_TURNED = 0


class Box(NamedTuple):
    """`start` and `end` of what is inside, as offsets in the file."""

    kind: str
    start: int
    end: int


@dataclass
class Track:
    """What a trak box says of itself."""

    handler: str = ""
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    codec: str = ""
    last_chunk: int = 0


class Reader:
    """Reads a file of known size box by box, and no more boxes than a real one has."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.seen = 0

    def boxes(self, start: int, end: int) -> Iterator[Box]:
        """The boxes from `start` to `end`. Raises EOFError if one runs past the end."""
        while start + 8 <= end:
            self.seen += 1
            if self.seen > _MOST_BOXES:
                raise ValueError("too many boxes")
            head = self.take(start, 8)
            length, kind = struct.unpack(">I4s", head)
            inside = start + 8
            if length == 1:
                (length,) = struct.unpack(">Q", self.take(inside, 8))
                inside += 8
            stop = end if length == 0 else start + length
            if stop > end:
                raise EOFError(kind)
            if stop < inside:
                raise ValueError("box size")
            yield Box(kind.decode("latin-1"), inside, stop)
            start = stop
        if start < end:
            raise EOFError

    def take(self, at: int, count: int) -> bytes:
        self.file.seek(at)
        data = self.file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def inside(self, box: Box, count: int) -> bytes:
        """The first `count` bytes in a box."""
        if box.end - box.start < count:
            raise ValueError(box.kind)
        return self.take(box.start, count)


def read(file: BinaryIO, size: int) -> Found:
    """The first video track. Raises EOFError for a truncated file, ValueError for a broken one."""
    reader = Reader(file, size)
    top = list(reader.boxes(0, size))
    kinds = {box.kind for box in top}
    moov = next((box for box in top if box.kind == "moov"), None)
    if moov is None or not kinds & {"mdat", "moof"}:
        # What a camera or a download writes last is what a cut takes away.
        raise EOFError
    whole, tracks = _movie(reader, moov)
    video = next((track for track in tracks if track.handler == "vide"), None)
    if video is None:
        raise ValueError("no video track")
    if video.last_chunk >= size:
        raise EOFError
    return video.duration_ms or whole, video.width, video.height, video.codec


def _movie(reader: Reader, moov: Box) -> tuple[int, list[Track]]:
    whole, scale, tracks = 0, 0, []
    for box in reader.boxes(moov.start, moov.end):
        if box.kind == "mvhd":
            scale, length = _times(reader, box)
            whole = _ms(length, scale)
        elif box.kind == "trak":
            tracks.append(_track(reader, box))
        elif box.kind == "mvex":
            for inner in reader.boxes(box.start, box.end):
                if inner.kind == "mehd":
                    head = reader.inside(inner, 8)
                    wide = head[0] == 1
                    (length,) = struct.unpack(
                        ">Q" if wide else ">I", reader.take(inner.start + 4, 8 if wide else 4)
                    )
                    whole = whole or _ms(length, scale)
    return whole, tracks


def _track(reader: Reader, trak: Box) -> Track:
    track = Track()
    for box in reader.boxes(trak.start, trak.end):
        if box.kind == "tkhd":
            _size(reader, box, track)
        elif box.kind == "mdia":
            _media(reader, box, track)
    return track


def _size(reader: Reader, box: Box, track: Track) -> None:
    wide = reader.inside(box, 4)[0] == 1
    at = box.start + (52 if wide else 40)
    matrix = struct.unpack(">9i", reader.take(at, 36))
    width, height = struct.unpack(">II", reader.take(at + 36, 8))
    if matrix[0] == _TURNED and matrix[4] == _TURNED and matrix[1]:
        width, height = height, width  # held upright: shown turned by a quarter
    track.width, track.height = width >> 16, height >> 16


def _media(reader: Reader, mdia: Box, track: Track) -> None:
    for box in reader.boxes(mdia.start, mdia.end):
        if box.kind == "mdhd":
            scale, length = _times(reader, box)
            track.duration_ms = _ms(length, scale)
        elif box.kind == "hdlr":
            track.handler = reader.inside(box, 12)[8:12].decode("latin-1")
        elif box.kind == "minf":
            for inner in reader.boxes(box.start, box.end):
                if inner.kind == "stbl":
                    _samples(reader, inner, track)


def _samples(reader: Reader, stbl: Box, track: Track) -> None:
    for box in reader.boxes(stbl.start, stbl.end):
        if box.kind == "stsd":
            track.codec = reader.inside(box, 16)[12:16].decode("latin-1")
        elif box.kind in {"stco", "co64"}:
            (count,) = struct.unpack(">I", reader.inside(box, 8)[4:])
            width = 4 if box.kind == "stco" else 8
            if count:
                at = box.start + 8 + (count - 1) * width
                if at + width > box.end:
                    raise ValueError(box.kind)
                track.last_chunk = int.from_bytes(reader.take(at, width))


def _times(reader: Reader, box: Box) -> tuple[int, int]:
    """Units a second, and length in units, of an mvhd or mdhd box."""
    if reader.inside(box, 4)[0] == 1:
        scale, length = struct.unpack(">IQ", reader.take(box.start + 20, 12))
        return scale, 0 if length == 2**64 - 1 else length
    scale, length = struct.unpack(">II", reader.take(box.start + 12, 8))
    return scale, 0 if length == 2**32 - 1 else length


def _ms(length: int, scale: int) -> int:
    return length * 1000 // scale if scale else 0
