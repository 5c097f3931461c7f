"""WebVTT captions read as a transcript (W3C WebVTT 4.1). Pure."""

import html
import re
from collections.abc import Sequence

Line = tuple[int, str]

_TIME = re.compile(r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$")
_TAG = re.compile(r"<[^>]*>")


def lines(text: str) -> list[Line]:
    """(start in milliseconds, words) of each cue in order. Raises ValueError if it is no WebVTT."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not re.match(r"WEBVTT(?:[ \t\n]|$)", text):
        raise ValueError("not WebVTT: the first line must be WEBVTT")
    found: list[Line] = []
    for block in re.split(r"\n{2,}", text)[1:]:
        cue = _cue(block.strip("\n").split("\n"))
        if cue is not None and cue[1]:
            found.append(cue)
    return sorted(found, key=lambda line: line[0])


def _cue(block: Sequence[str]) -> Line | None:
    for at, line in enumerate(block[:2]):  # an identifier may stand above the times
        if "-->" in line:
            words = " ".join(part.strip() for part in block[at + 1 :])
            return _milliseconds(line.split("-->")[0].strip()), html.unescape(_TAG.sub("", words))
    return None  # NOTE, STYLE, REGION


def _milliseconds(stamp: str) -> int:
    match = _TIME.match(stamp)
    if match is None:
        raise ValueError(f"not a WebVTT time: {stamp!r}")
    hours, minutes, seconds, rest = (int(part or 0) for part in match.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest
