"""CSV that a spreadsheet opens as text and never as a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

# What spreadsheets take for the beginning of a formula, and its full-width twins.
_DANGEROUS = tuple("=+-@\t\r\n＝＋－＠")


def safe_cell(value: object) -> str:
    """`value` as text, with an apostrophe before it if a spreadsheet might run it."""
    text = "" if value is None else str(value)
    return (
        "'" + text if text.startswith(_DANGEROUS) or text.lstrip().startswith(_DANGEROUS) else text
    )


def rows_to_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The lines of a CSV file in UTF-8, the first with a byte order mark (for Excel)."""
    yield b"\xef\xbb\xbf" + _line(head)
    for row in rows:
        yield _line(row)


def _line(row: Sequence[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow([safe_cell(value) for value in row])
    return line.getvalue().encode()
