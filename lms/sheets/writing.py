"""Sheets that are taken away: cells that a spreadsheet shows as text and never runs."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

import xlsxwriter

# What spreadsheets take for the beginning of a formula, and its full-width twins.
_DANGEROUS = tuple("=+-@\t\r\n＝＋－＠")
_LONGEST = 32_767  # characters in a cell; Excel's own limit
_PIECE = 65_536


def safe_cell(value: object) -> str:
    """`value` as text, with an apostrophe before it if a spreadsheet might run it."""
    text = "" if value is None else str(value)
    return (
        "'" + text if text.startswith(_DANGEROUS) or text.lstrip().startswith(_DANGEROUS) else text
    )


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The lines of a CSV file in UTF-8, the first with a byte order mark (for Excel)."""
    yield b"\xef\xbb\xbf" + _line(head)
    for row in rows:
        yield _line(row)


def xlsx(head: Sequence[str], rows: Iterable[Sequence[object]], *, title: str) -> Iterator[bytes]:
    """The pieces of an XLSX file with one sheet, its head bold and standing still.

    Rows go to the disk as they come, so memory does not grow with them. Numbers and dates are
    typed; texts are texts, whatever they begin with.
    """
    with tempfile.TemporaryFile() as file:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
            "remove_timezone": True,
        }
        with xlsxwriter.Workbook(file, options) as book:
            sheet = book.add_worksheet(_sheet_name(title))
            sheet.freeze_panes(1, 0)
            bold = book.add_format({"bold": True, "bottom": 1})
            for place, text in enumerate(head):
                sheet.set_column(place, place, min(40, max(10, 2 * len(text) + 2)))
                sheet.write_string(0, place, text, bold)
            for number, row in enumerate(rows, start=1):
                for place, value in enumerate(row):
                    _write(sheet, number, place, value)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _write(sheet: "xlsxwriter.worksheet.Worksheet", number: int, place: int, value: object) -> None:
    if value is None or value == "":
        return
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        sheet.write_number(number, place, value)
    elif isinstance(value, (date, datetime)):
        sheet.write_datetime(number, place, value)
    else:
        sheet.write_string(number, place, str(value)[:_LONGEST])


def _sheet_name(title: str) -> str:
    """A name that Excel takes: 31 characters, none of []:*?/\\, no apostrophe at either end."""
    kept = "".join(" " if sign in "[]:*?/\\" else sign for sign in title)[:31]
    return kept.strip("' ") or "Sheet1"


def _line(row: Sequence[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow([safe_cell(value) for value in row])
    return line.getvalue().encode()
