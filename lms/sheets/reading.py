"""Reading a sheet that somebody uploaded: CSV in the encodings that Korea uses, XLSX, XLS, ODS.

A workbook is parsed by a process of its own (`lms.sheets.workbook`) with bounded memory and time:
two cells in far corners of a small file are enough to ask for all the memory of a machine.
"""

import csv
import io
import json
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lms.errors import InvalidError, TooLargeError
from lms.sheets import residents

LARGEST = 32_000_000
"""Bytes of a file that are taken at all."""

_UNPACKED = 500_000_000  # bytes; 200,000 rows of 20 columns are about half of it
_MEMBERS = 2_000
_SECONDS = 60

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_DELIMITERS = (",", "\t", ";")
_QUOTED_TEXT = re.compile(r'="([^"]*)"')
# What our own sheets put before a text that a spreadsheet might run: see lms.sheets.writing.
_GUARDED = re.compile(r"'\s*[=+\-@＝＋－＠]")
_INVISIBLE = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad"))


@dataclass(frozen=True)
class Table:
    """A sheet as text: the first row that is not blank, and what follows."""

    head: list[str]
    rows: list[tuple[int, list[str]]]
    """Each with its number as a spreadsheet shows it; blank rows are left out."""

    encoding: str
    """How its bytes were read: utf-8 · utf-8-sig · utf-16 · cp949 · workbook."""

    head_number: int = 1
    """The head's own row number."""


def read(name: str, data: bytes, *, limit_rows: int = 200_000) -> Table:
    """The sheet's cells as text, dates in ISO 8601, whole numbers without a point.

    What it is, is told by its bytes and never by `name`. Raises InvalidError or TooLargeError with
    a sentence that says what to do; so does a resident registration number anywhere in it.
    """
    if len(data) > LARGEST:
        raise TooLargeError(
            "“{name}” 파일이 너무 큽니다. {most}MB까지 받습니다. 나누어 올려 주십시오.",
            name=name,
            most=LARGEST // 1_000_000,
        )
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise InvalidError(
            "“{name}” 파일이 비어 있습니다. 내용이 든 파일을 골라 주십시오.",
            field="file",
            name=name,
        )
    if data[:4] == b"PK\x03\x04" or data[:8] == _OLE:
        return _table(name, _workbook(name, data, limit_rows), "workbook", limit_rows)
    encoding, text = _decoded(name, data)
    return _table(name, enumerate(_records(name, text), start=1), encoding, limit_rows)


def _table(
    name: str, records: Iterable[tuple[int, list[str]]], encoding: str, limit_rows: int
) -> Table:
    head: list[str] = []
    head_number = 1
    rows: list[tuple[int, list[str]]] = []
    # Most cells of a sheet say what others say: one text for all of them is a third of the memory.
    known: dict[str, str] = {}
    for number, record in records:
        cells = [known.setdefault(text, text) for text in map(tidy, record)]
        if not any(cells):
            continue
        if not head:
            head, head_number = cells, number
            continue
        if len(rows) >= limit_rows:
            raise TooLargeError(
                "“{name}” 파일의 줄이 너무 많습니다. {most}줄까지 받습니다. 나누어 올려 주십시오.",
                name=name,
                most=limit_rows,
            )
        rows.append((number, cells))
    if not head:
        raise InvalidError(
            "“{name}” 파일에 읽을 칸이 없습니다. 첫 줄에 항목 이름이 있는 표를 올려 주십시오.",
            field="file",
            name=name,
        )
    residents.refuse(head, rows)
    return Table(head, rows, encoding, head_number)


def tidy(cell: str) -> str:
    """A cell's text in one form: composed Hangul, no invisible signs, no blanks around it."""
    if cell.isascii():
        text = cell
    else:
        # Sheets from macOS bring decomposed Hangul, which looks the same and equals nothing.
        text = unicodedata.normalize("NFC", cell).translate(_INVISIBLE).replace("\u00a0", " ")
    text = text.strip()
    quoted = _QUOTED_TEXT.fullmatch(text)
    if quoted:
        return quoted[1].strip()
    return text[1:].strip() if _GUARDED.match(text) else text


# ---- Text ----


def _decoded(name: str, data: bytes) -> tuple[str, str]:
    told = next((encoding for mark, encoding in _BOMS if data.startswith(mark)), None)
    encoding = told or ("utf-8" if _is_utf8(data) else "cp949")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidError(
            "“{name}” 파일의 글자를 읽을 수 없습니다. 엑셀에서 ‘CSV UTF-8’이나 "
            "‘Excel 통합 문서(.xlsx)’로 다시 저장해 올려 주십시오.",
            field="file",
            name=name,
        ) from error
    if "\x00" in text:
        raise InvalidError(
            "“{name}”은 표로 읽을 수 있는 파일이 아닙니다. CSV나 엑셀 파일을 골라 주십시오.",
            field="file",
            name=name,
        )
    if re.match(r"\s*<(!doctype|html|table|\?xml|meta)", text[:200], re.IGNORECASE):
        raise InvalidError(
            "“{name}”은 웹 쪽을 엑셀처럼 저장한 파일입니다. 엑셀에서 열어 "
            "‘Excel 통합 문서(.xlsx)’로 다시 저장해 올려 주십시오.",
            field="file",
            name=name,
        )
    return encoding, text


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _records(name: str, text: str) -> Iterator[list[str]]:
    lines = io.StringIO(text, newline="")
    first = text.split("\n", 1)[0].strip()
    told = re.fullmatch(r'"?sep=(.)"?', first, re.IGNORECASE)
    if told:  # a line for Excel alone, which does not show it
        lines.readline()
    rows = csv.reader(lines, delimiter=told[1] if told else _delimiter(text), strict=True)
    try:
        yield from rows
    except csv.Error as error:
        raise InvalidError(
            "“{name}” 파일의 {line}번째 줄에서 따옴표가 닫히지 않았거나 칸이 너무 깁니다. "
            "그 줄을 고쳐 다시 올려 주십시오.",
            field="file",
            name=name,
            line=rows.line_num,
        ) from error


def _delimiter(text: str) -> str:
    """What stands most often outside quotes in the first line that is not blank."""
    first = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=bare.count)


# ---- Workbooks ----


def _workbook(name: str, data: bytes, limit_rows: int) -> Iterator[tuple[int, list[str]]]:
    if data[:2] == b"PK":
        _check_zip(name, data)
    elif "EncryptedPackage".encode("utf-16-le") in data:
        raise InvalidError(
            "“{name}” 파일에 암호가 걸려 있습니다. 암호를 풀어 다시 저장한 뒤 올려 주십시오.",
            field="file",
            name=name,
        )
    child = Path(__file__).with_name("workbook.py")
    try:
        done = subprocess.run(  # noqa: S603  our own file, and the bytes go in by a pipe
            [sys.executable, "-P", str(child), str(limit_rows)],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unreadable(name) from None
    # Texts of workbooks from before 1997 come out as signs for «cannot be shown».
    if done.returncode != 0 or b"\\ufffd" in done.stdout:
        raise _unreadable(name)
    return (json.loads(line) for line in done.stdout.splitlines())


def _check_zip(name: str, data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = packed.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _unreadable(name) from error
    if len(members) > _MEMBERS or sum(one.file_size for one in members) > _UNPACKED:
        raise TooLargeError(
            "“{name}” 파일을 풀면 너무 커집니다. 쓰지 않는 시트와 그림을 지우고 "
            "다시 올려 주십시오.",
            name=name,
        )


def _unreadable(name: str) -> InvalidError:
    return InvalidError(
        "“{name}” 파일을 열 수 없습니다. 파일이 잘렸거나 엑셀 파일이 아닙니다. 엑셀에서 열어 "
        "‘Excel 통합 문서(.xlsx)’나 ‘CSV UTF-8’로 다시 저장해 올려 주십시오.",
        field="file",
        name=name,
    )
