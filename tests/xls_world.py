"""Old workbooks, made by hand: nothing that we install writes them any more.

[MS-XLS] the records, [MS-CFB] the container of one stream.
"""

import struct
from collections.abc import Sequence

SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_BUILT_IN_DATE = 14


def workbook(
    rows: Sequence[Sequence[str | float | tuple[str, float]]], *, old: bool = False
) -> bytes:
    """An XLS file with one sheet. A pair ("date", serial) is a day, ("formula", value) a result.

    `old`: BIFF5 with its texts in CP949, as programs of the nineties left them; else BIFF8.
    """
    version = 0x0500 if old else 0x0600
    sheet = _record(0x0809, struct.pack("<HHHH", version, 0x0010, 0, 0) + bytes(0 if old else 8))
    for row, cells in enumerate(rows):
        for place, cell in enumerate(cells):
            sheet += _cell(row, place, cell, old)
    sheet += _record(0x000A, b"")
    bounds = 0
    for _ in range(2):  # once to learn how long it is, once with the sheet's place in it
        head = _record(0x0809, struct.pack("<HHHH", version, 0x0005, 0, 0) + bytes(0 if old else 8))
        head += _record(0x0042, struct.pack("<H", 949 if old else 1200))
        for number_format in (0, _BUILT_IN_DATE):
            body = struct.pack("<HHH", 0, number_format, 0)
            head += _record(0x00E0, body + bytes(10 if old else 14))
        name = b"\x05Sheet" if old else b"\x05\x00Sheet"
        head += _record(0x0085, struct.pack("<IH", bounds, 0) + name)
        head += _record(0x000A, b"")
        bounds = len(head)
    return _container("Book" if old else "Workbook", head + sheet)


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _cell(row: int, place: int, cell: str | float | tuple[str, float], old: bool) -> bytes:
    if isinstance(cell, str):
        text = cell.encode("cp949") if old else b"\x01" + cell.encode("utf-16-le")
        length = len(text) if old else len(cell)
        return _record(0x0204, struct.pack("<HHHH", row, place, 0, length) + text)
    if isinstance(cell, tuple) and cell[0] == "formula":
        body = struct.pack("<HHHdHIH", row, place, 0, cell[1], 0, 0, 3) + b"\x1e\x01\x00"
        return _record(0x0006, body)
    is_date = isinstance(cell, tuple)
    value = cell[1] if isinstance(cell, tuple) else cell
    return _record(0x0203, struct.pack("<HHHd", row, place, int(is_date), value))


def _container(name: str, stream: bytes) -> bytes:
    stream = stream.ljust(max(4096, -len(stream) % SECTOR + len(stream)), b"\0")
    count = len(stream) // SECTOR
    fat = [_FAT, _END, *range(3, count + 2), _END]
    fat += [_FREE] * (SECTOR // 4 - len(fat))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, _END, 0, _END, 0, 0),
    )
    header += struct.pack("<I", _FREE) * ((SECTOR - len(header)) // 4)
    folder = _entry("Root Entry", 5, child=1) + _entry(name, 2, start=2, size=len(stream))
    folder += _entry("", 0) * 2
    return header + struct.pack(f"<{len(fat)}I", *fat) + folder + stream


def _entry(name: str, kind: int, *, child: int = _FREE, start: int = _END, size: int = 0) -> bytes:
    text = (name + "\0").encode("utf-16-le") if name else b""
    return struct.pack(
        "<64sHBBIII36xIQ", text, len(text), kind, 1, _FREE, _FREE, child, start, size
    )
