"""Run as a program: a workbook comes in on stdin, its first sheet with cells goes out as JSON
lines of (row number, cells).

Alone in a process with bounded memory and time; see lms.sheets.reading. Imports nothing of ours.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

_MEMORY = 1_500_000_000
_CPU_SECONDS = 60
_WIDEST = 200


def cell_text(value: Any) -> str:
    """A typed cell as the text that a person would have written: ISO dates, whole numbers whole."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        at_midnight = value.time() == time(0)
        return value.date().isoformat() if at_midnight else value.isoformat(" ", "seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (str, int, timedelta)) else ""


def rows_of(data: bytes, limit_rows: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, with their numbers, of the first visible sheet that has any."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    for told in book.sheets_metadata:
        if told.typ != SheetTypeEnum.WorkSheet or told.visible != SheetVisibleEnum.Visible:
            continue
        sheet = book.get_sheet_by_name(told.name)
        if sheet.start is None:
            continue
        # Rows come from the first of the sheet on, but cells from the first column that holds any.
        blank = [""] * min(sheet.start[1], _WIDEST)
        # Two more than are taken, for the head and so that the caller sees that there are too many.
        left_over = limit_rows + 2
        for number, row in enumerate(sheet.iter_rows(), start=1):
            cells = [*blank, *(cell_text(cell) for cell in row[:_WIDEST])]
            if any(cells):
                yield number, cells
                left_over -= 1
            if not left_over:
                break
        return


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for row in rows_of(sys.stdin.buffer.read(), int(sys.argv[1])):
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
