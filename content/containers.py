"""Length and size of a video out of its container: MP4 (ISO 14496-12) and WebM (RFC 8794, 9559).

Pure reading of a few boxes or elements, whatever the size of the file; no program is run.
"""

from typing import BinaryIO, NamedTuple

from content import ebml, isobmff
from lms.errors import InvalidError

MP4, WEBM = "video/mp4", "video/webm"
LONGEST_MS = 24 * 3600 * 1000


class Film(NamedTuple):
    """What a player needs to know before it plays."""

    duration_ms: int
    width: int
    height: int
    codec: str


_PLAYED = {
    **dict.fromkeys(("avc1", "avc3"), "H.264"),
    **dict.fromkeys(("av01", "V_AV1"), "AV1"),
    **dict.fromkeys(("vp09", "V_VP9"), "VP9"),
    **dict.fromkeys(("vp08", "V_VP8"), "VP8"),
}
"""What every browser of today plays, by the name in the container."""

_READERS = {MP4: isobmff.read, WEBM: ebml.read}


def measure(file: BinaryIO, size: int, media_type: str) -> Film:
    """The film in a file of `size` bytes. Raises InvalidError with what to do about it."""
    if size == 0:
        raise InvalidError("빈 파일입니다(0바이트). 영상을 다시 내보내서 올려 주십시오.")
    if media_type not in _READERS:
        raise InvalidError("MP4나 WebM 영상이 아닙니다. 둘 가운데 하나로 바꾸어 올려 주십시오.")
    try:
        found = _READERS[media_type](file, size)
    except EOFError:
        raise InvalidError(
            "영상이 중간에 끊겨 있습니다. 끝까지 내려받았는지 보고 다시 올려 주십시오."
        ) from None
    except ValueError as error:
        raise InvalidError(
            "영상 파일을 읽을 수 없습니다({what}). 영상을 다시 내보내서 올려 주십시오.",
            what=str(error),
        ) from None
    return _checked(Film(*found))


def _checked(film: Film) -> Film:
    if film.codec not in _PLAYED:
        raise InvalidError(
            "{codec} 방식의 영상은 보이지 않는 브라우저가 있습니다. "
            "H.264(MP4)나 VP9(WebM)로 바꾸어 올려 주십시오.",
            codec=film.codec,
        )
    if not film.duration_ms:
        raise InvalidError(
            "길이가 적혀 있지 않은 영상입니다(실시간 방송용). "
            "편집기에서 보통 MP4나 WebM으로 다시 내보내서 올려 주십시오."
        )
    if not 1000 <= film.duration_ms <= LONGEST_MS:
        raise InvalidError("영상의 길이는 1초에서 24시간 사이여야 합니다.")
    if not (16 <= film.width <= 16384 and 16 <= film.height <= 16384):
        raise InvalidError("영상의 가로와 세로는 16화소에서 16,384화소 사이여야 합니다.")
    return film._replace(codec=_PLAYED[film.codec])
