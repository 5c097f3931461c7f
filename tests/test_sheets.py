"""Sheets as people have them: encodings, workbooks and their oddities, headings, safe cells."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter

from lms.errors import InvalidError, LMSError, TooLargeError
from lms.sheets import columns, reading, residents, writing
from lms.sheets.columns import Column
from lms.sheets.headings import same
from lms.sheets.reading import Table, read
from tests import xls_world

TEXT = "성명,소속\r\n김하나,가온중학교\r\n\r\n이두리,“나래”\r\n"
ROWS = [(2, ["김하나", "가온중학교"]), (4, ["이두리", "“나래”"])]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp949", "cp949"),
        ("utf-16", "utf-16"),
    ],
)
def test_text_is_read_in_the_encodings_that_korea_uses(encoding: str, told: str) -> None:
    assert read("a.csv", TEXT.encode(encoding)) == Table(["성명", "소속"], ROWS, told)


@pytest.mark.parametrize("sign", [",", "\t", ";"])
def test_the_sign_between_cells_is_found(sign: str) -> None:
    data = f'성명{sign}"한 말, 그리고"\n김하나{sign}"a,b;c"\n'.encode()
    assert read("a.csv", data).rows == [(2, ["김하나", "a,b;c"])]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('"=""00123"""', "00123"),
        ("'=1+1", "=1+1"),
        ("'-5", "-5"),
        ("'80", "'80"),
        ("\u200b김하나\u00a0", "김하나"),
        ("\u1100\u1175\u11b7", "김"),
        ('"두\n줄"', "두\n줄"),
    ],
)
def test_cells_are_tidied(cell: str, text: str) -> None:
    assert read("a.csv", f"성명\n{cell}\n".encode()).rows == [(2, [text])]


def test_a_line_for_excel_alone_is_not_a_row() -> None:
    table = read("a.csv", "sep=;\n성명;나이\n김;3\n".encode())
    assert (table.head, table.rows) == (["성명", "나이"], [(2, ["김", "3"])])


REFUSED = [
    (b"", "비어 있습니다"),
    (b"\xef\xbb\xbf \r\n", "비어 있습니다"),
    ("성명\n\x00".encode(), "표로 읽을 수 있는 파일이 아닙니다"),
    (b"\x89PNG\r\n\x1a\n\xff\xff", "글자를 읽을 수 없습니다"),
    ('성명\n"닫지 않은 칸\n김하나\n'.encode(), "따옴표가 닫히지 않았거나"),
    (f"성명\n{'가' * 200_000}\n".encode(), "칸이 너무 깁니다"),
    (b"<html><table><tr><td>a</td></tr></table>", "웹 쪽을 엑셀처럼 저장한 파일"),
    (b"PK\x03\x04 truncated", "열 수 없습니다"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 not a workbook", "열 수 없습니다"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "암호가 걸려 있습니다",
    ),
]


@pytest.mark.parametrize(("data", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_no_sheet_is_refused_in_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(LMSError, match=said) as caught:
        read("표.csv", data)
    assert "표.csv" in str(caught.value)


def test_too_many_rows_and_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "성명\n김\n이\n박\n".encode()
    assert len(read("a.csv", data, limit_rows=3).rows) == 3
    with pytest.raises(TooLargeError, match="2줄까지"):
        read("a.csv", data, limit_rows=2)
    monkeypatch.setattr(reading, "LARGEST", 5)
    with pytest.raises(TooLargeError, match="너무 큽니다"):
        read("a.csv", data)


# Workbooks


def book(*sheets: Sequence[Sequence[object]], hidden: Sequence[int] = ()) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"}) as made:
        for number, rows in enumerate(sheets):
            sheet = made.add_worksheet(f"표{number}")
            if number in hidden:
                sheet.hide()
            else:
                sheet.activate()
            for at, row in enumerate(rows):
                for place, value in enumerate(row):
                    if isinstance(value, (date, datetime)):
                        sheet.write_datetime(at, place, value)
                    elif isinstance(value, tuple):
                        sheet.write_formula(at, place, *value)
                    elif value is not None:
                        sheet.write(at, place, value)
    return file.getvalue()


def test_typed_cells_become_what_a_person_would_have_written() -> None:
    data = book(
        [
            ["성명", "생년월일", "때", "번호", "비율", "참", "셈"],
            [
                "김하나",
                date(1990, 1, 5),
                datetime.fromisoformat("2026-03-01T09:30:00"),
                101234567.0,
                0.5,
                True,
                ("=1+2", None, 3),
            ],
        ]
    )
    assert read("a.xlsx", data).rows == [
        (
            2,
            ["김하나", "1990-01-05", "2026-03-01 09:30:00", "101234567", "0.5", "TRUE", "3"],
        )
    ]


def test_rows_keep_the_numbers_that_a_spreadsheet_shows() -> None:
    data = book([[], [None, "성명"], [], [None, "김하나"], [None], [None, "이두리"]])
    table = read("a.xlsx", data)
    assert (table.head_number, table.head) == (2, ["", "성명"])
    assert table.rows == [(4, ["", "김하나"]), (6, ["", "이두리"])]


def test_the_first_sheet_that_is_seen_and_holds_something_is_read() -> None:
    data = book([["숨은"]], [], [["성명"], ["김하나"]], hidden=[0])
    assert read("a.xlsx", data).head == ["성명"]


def test_a_formula_without_a_kept_value_is_an_empty_cell() -> None:
    data = book([["성명", "셈"], ["김하나", ("=1+2", None, "")]])
    assert read("a.xlsx", data).rows == [(2, ["김하나", ""])]


def test_an_old_workbook_is_read_with_its_dates_and_formulas() -> None:
    rows: list[list[Any]] = [
        ["성명", "생년월일", "번호", "셈"],
        ["김하나", ("date", 32878.0), 101234567.0, ("formula", 3.5)],
    ]
    assert read("a.xls", xls_world.workbook(rows)).rows == [
        (2, ["김하나", "1990-01-05", "101234567", "3.5"])
    ]


def test_a_workbook_whose_texts_are_lost_is_refused_and_not_brought_in_as_rubbish() -> None:
    with pytest.raises(InvalidError, match="다시 저장해 올려 주십시오"):
        read("a.xls", xls_world.workbook([["성명"], ["김하나"]], old=True))


def test_two_cells_in_far_corners_do_not_take_the_machine() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as made:
        sheet = made.add_worksheet()
        sheet.write(0, 0, "성명")
        sheet.write(1_048_575, 16_383, "끝")
    with pytest.raises(InvalidError, match="열 수 없습니다"):
        read("far.xlsx", file.getvalue())


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_UNPACKED", 1000)
    with pytest.raises(TooLargeError, match="풀면 너무 커집니다"):
        read("a.xlsx", book([["성명"]]))
    monkeypatch.setattr(reading, "_UNPACKED", 500_000_000)
    monkeypatch.setattr(reading, "_MEMBERS", 3)
    with pytest.raises(TooLargeError, match="풀면 너무 커집니다"):
        read("a.xlsx", book([["성명"]]))


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("a.txt", "a")
    with pytest.raises(InvalidError, match="열 수 없습니다"):
        read("a.zip", file.getvalue())


# Resident registration numbers


@pytest.mark.parametrize(
    "cell",
    ["900105-1234567", "900105 - 2234567", "9001051234567", "900105-1******", "a 900105-1234567 b"],
)
def test_a_resident_number_anywhere_refuses_the_file(cell: str) -> None:
    with pytest.raises(InvalidError, match="2번째 줄에 주민등록번호") as caught:
        read("a.csv", f"성명,비고\n김하나,{cell}\n".encode())
    assert "900105" not in str(caught.value)


@pytest.mark.parametrize(
    "cell", ["B101234567", "010-1234-5678", "900105", "2026-03-01", "1234567890123"]
)
def test_other_numbers_do_not(cell: str) -> None:
    residents.refuse(["성명"], [(2, [cell])])


@pytest.mark.parametrize("heading", ["주민등록번호", "주민 등록 번호(필수)", "주민번호"])
def test_a_column_for_it_refuses_the_file(heading: str) -> None:
    with pytest.raises(InvalidError, match="받지도 저장하지도 않습니다"):
        read("a.csv", f"성명,{heading}\n김하나,\n".encode())


# Headings

COLUMNS = (
    Column("name", "성명", ("이름",), required=True),
    Column("school", "학교(기관)이름", ("학교명",)),
    Column("mail", "이메일", ("e-mail",), required=True),
)


def table(*rows: Sequence[str]) -> Table:
    return Table(list(rows[0]), [(n, list(row)) for n, row in enumerate(rows[1:], 2)], "utf-8")


def test_columns_are_found_by_any_of_their_names_in_any_order() -> None:
    told = table(
        ["E-Mail", " 이 름 ", "학교 이름", "비고"], ["a@b.kr", "김하나", "가온중", "x"], ["c@d.kr"]
    )
    assert columns.pick(told, COLUMNS) == [
        (2, {"mail": "a@b.kr", "name": "김하나", "school": "가온중"}),
        (3, {"mail": "c@d.kr", "name": "", "school": ""}),
    ]


def test_a_title_above_the_headings_is_passed_over() -> None:
    told = table(["2026년 3월 인사"], ["성명", "이메일"], ["김하나", "a@b.kr"])
    assert columns.pick(told, COLUMNS) == [(3, {"name": "김하나", "mail": "a@b.kr"})]


def test_missing_columns_are_all_named_with_what_was_found() -> None:
    with pytest.raises(InvalidError) as caught:
        columns.pick(table(["학교명", "나이"], ["a", "b"]), COLUMNS)
    assert str(caught.value).startswith("성명, 이메일 항목이 없습니다. 찾은 항목: 학교명, 나이.")


def test_a_heading_that_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidError, match="‘성명’ 항목이 두 번 있습니다"):
        columns.pick(table(["성명", "이름", "이메일"], ["a", "b", "c"]), COLUMNS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("학교(기관)코드", "학교코드"),
        ("생년월일(YYYYMMDD)", "생년월일"),
        ("E-mail", "email"),
        ("ＮＥＩＳ번호", "neis번호"),
    ],
)
def test_headings_that_mean_the_same(one: str, other: str) -> None:
    assert same(one) == same(other)


# Writing

DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", " =1+1"]


def test_cells_that_a_spreadsheet_might_run_are_texts() -> None:
    lines = b"".join(writing.csv_lines(["성명"], [[each] for each in DANGEROUS])).decode(
        "utf-8-sig"
    )
    assert [line.lstrip('"')[0] for line in lines.split("\r\n")[1:-1]] == ["'"] * len(DANGEROUS)
    made = b"".join(writing.xlsx(["성명"], [[each] for each in DANGEROUS], title="=표:1"))
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml").decode()
    assert ("<f>" in sheet, sheet.count('t="inlineStr"')) == (False, 1 + len(DANGEROUS))


def test_what_is_written_is_read_again() -> None:
    rows = [["=1+1", 7, date(2026, 3, 1)], ["김하나", None, None]]
    told = [(2, ["=1+1", "7", "2026-03-01"]), (3, ["김하나", "", ""])]
    head = ["성명", "수", "날"]
    for data in (
        b"".join(writing.xlsx(head, rows, title="표")),
        b"".join(writing.csv_lines(head, rows)),
    ):
        assert read("a", data).rows == told
