"""WebVTT captions read as a transcript (W3C WebVTT 4.1). Pure."""

import html
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Line = tuple[int, str]


class Fault(NamedTuple):
    """What is wrong in a captions file, and in which of its lines (from 1)."""

    line: int
    message: str
    """A msgid with {line} and {what} in it."""

    what: str = ""


_ARROW = "-->"
_ASIDES = ("NOTE", "STYLE", "REGION")
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


def faults(data: bytes, *, duration_ms: int | None = None) -> list[Fault]:
    """All that is wrong with a captions file, in order; none when it can be shown.

    `duration_ms`: of the video that it belongs to. (W3C WebVTT 4.1; KWCAG 2.2, 5.2.1)
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return [Fault(line, "{line}번째 줄: UTF-8이 아닙니다. 파일을 UTF-8로 저장해 주십시오.")]
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not re.match(r"WEBVTT(?:[ \t]|$)", rows[0]):
        if any(re.match(r"\s*\d+:\d\d:\d\d,\d{3} -->", row) for row in rows[:4]):
            return [Fault(1, "{line}번째 줄: SRT 파일입니다. WebVTT(.vtt)로 저장해 주십시오.")]
        return [Fault(1, "{line}번째 줄: 첫 줄은 WEBVTT여야 합니다.")]
    found = list(_faults(rows, duration_ms))
    if not found and not lines(text):
        found = [Fault(len(rows), "{line}번째 줄까지 자막이 하나도 없습니다.")]
    return found


def _faults(rows: Sequence[str], duration_ms: int | None) -> Iterator[Fault]:
    for start, block in _blocks(rows):
        if block[0].split(" ")[0].split("\t")[0] in _ASIDES:
            continue
        at = next((at for at, row in enumerate(block[:2]) if _ARROW in row), None)
        if at is None:
            what = block[0][:40]
            yield Fault(start, "{line}번째 줄: “{what}” 위에 시각이 없습니다.", what)
            continue
        line = start + at
        left, _, right = block[at].partition(_ARROW)
        ends = [left.strip(), *right.split()[:1]]
        wrong = [one for one in ends if not _TIME.match(one)]
        if wrong or len(ends) < 2:
            what = wrong[0] if wrong else block[at].strip()
            message = "{line}번째 줄: “{what}” 자리에는 00:01:02.500 같은 시각을 적어 주십시오."
            yield Fault(line, message, what[:40])
            continue
        begins, stops = (_milliseconds(one) for one in ends)
        if stops <= begins:
            yield Fault(line, "{line}번째 줄: 끝나는 시각이 시작보다 빠릅니다.")
        elif duration_ms is not None and begins >= duration_ms:
            yield Fault(
                line,
                "{line}번째 줄: 영상이 끝난 뒤의 자막입니다. 이 영상의 것인지 보아 주십시오.",
            )
        for below, row in enumerate(block[at + 1 :], line + 1):
            if _ARROW in row:
                yield Fault(below, "{line}번째 줄: 앞 자막과의 사이에 빈 줄을 넣어 주십시오.")


def _blocks(rows: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Each block of lines after the header, with the number of its first line."""
    block: list[str] = []
    begun = 0
    header = True
    for number, row in enumerate([*rows, ""], 1):
        if row.strip():
            begun = begun if block else number
            block.append(row)
        elif block:
            if not header:
                yield begun, block
            header, block = False, []
