"""The certificate on paper: what is printed, what is refused, and that it is always the same."""

import io
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import msgspec
import pytest
import segno
from PIL import Image, ImageChops
from pypdf import PdfReader

from lms.credentials import paper, qr
from lms.credentials.glyphs import FONTS, normalised
from lms.credentials.paper import (
    CertificatePayload,
    MissingGlyphError,
    PaperError,
    credits_of,
    missing_glyphs,
    render,
)

PAYLOAD = CertificatePayload(
    number="GA-직무-2026-0117-00042",
    holder_name="김보기",
    birth_date=date(1990, 1, 5),
    training_kind="직무연수",
    course_title="교실에 즐거움을 더하는 보드게임",
    period_from=date(2026, 10, 12),
    period_until=date(2026, 11, 8),
    recognised_minutes=1800,
    sentence="위 사람은 「교원 등의 연수에 관한 규정」 제6조 제1항에 따라 위 과정을 "
    "이수하였음을 증명합니다.",
    issued_on=date(2026, 11, 9),
    head_title="가온광역시교육청교육연수원장",
    seal_lines=("가온", "연수", "원장", "견본"),
    verify_url="https://ieum.example.kr/verify/9f3c41d07be2c85a",
    institution_name="가온광역시교육청교육연수원",
    sample=True,
)


def changed(**fields: object) -> CertificatePayload:
    return msgspec.structs.replace(PAYLOAD, **fields)


def reader(payload: CertificatePayload) -> PdfReader:
    return PdfReader(io.BytesIO(render(payload)))


def printed(payload: CertificatePayload) -> str:
    """The page's text without white space: where lines break is not what is asked here."""
    return "".join(reader(payload).pages[0].extract_text().split())


def picture(payload: CertificatePayload) -> Image.Image:
    """One pixel is one point of the page."""
    drawn = paper._compiler().compile(format="png", ppi=72, sys_inputs=paper._inputs(payload))
    assert isinstance(drawn, bytes)
    return Image.open(io.BytesIO(drawn)).convert("RGB")


def test_the_page_says_everything_and_nothing_else() -> None:
    assert printed(PAYLOAD) == (
        "제GA-직무-2026-0117-00042호견본·효력없음이수증"
        "성명김보기생년월일1990.1.5.연수종별직무연수연수과정교실에즐거움을더하는보드게임"
        "연수기간2026.10.12.~2026.11.8.(28일간)이수시간30시간(2학점)"
        "위사람은「교원등의연수에관한규정」제6조제1항에따라위과정을이수하였음을증명합니다."
        "2026년11월9일가온연수원장견본가온광역시교육청교육연수원장가온광역시교육청교육연수원"
        "QR코드나아래주소로이이수증이맞는지확인하실수있습니다."
        "https://ieum.example.kr/verify/9f3c41d07be2c85a"
    )


def test_what_is_not_always_there_is_printed_when_given() -> None:
    text = printed(
        changed(
            purpose="1급 정교사",
            score=Decimal("95.555"),
            nomination_number="2026-가온-1",
            designation_number="제2026-12호",
            seal_lines=(),
            sample=False,
        )
    )
    assert "보드게임(1급정교사)연수기간" in text
    assert "(2학점)성적95.56점지명번호2026-가온-1위사람은" in text
    assert "연수기관지정번호제2026-12호" in text
    assert "견본" not in text


def test_the_file_is_a_tagged_archive_in_korean_of_its_own_day() -> None:
    pdf = reader(PAYLOAD)
    root = pdf.trailer["/Root"]
    assert len(pdf.pages) == 1
    assert root["/Lang"] == "ko-KR"
    assert root["/MarkInfo"]["/Marked"].value is True
    assert "/StructTreeRoot" in root
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert pdf.metadata is not None
    assert pdf.metadata.title == "이수증 GA-직무-2026-0117-00042 김보기"
    assert pdf.metadata["/CreationDate"] == "D:20261109000000Z"
    xmp = root["/Metadata"].get_data()
    assert b"<pdfaid:part>2<" in xmp
    assert b"<pdfaid:conformance>A<" in xmp
    assert b"<pdfuaid:part>1<" in xmp


def test_the_same_payload_gives_the_same_bytes_in_another_process_and_thread() -> None:
    first = render(PAYLOAD)
    render(changed(holder_name="이보기"))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as other:
        assert other.submit(render, PAYLOAD).result() == first
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(render, [PAYLOAD] * 8)) == {first}


@pytest.mark.parametrize(
    "name",
    [
        "#panic()",
        "$x^2$",
        "*굵게* _기울임_ `코드`",
        "[가](나) #[다] <라> @마 \\u{41} \\",
        "'작은' \"큰\" -- --- ... ~ //주석 /*말*/ = 제목",
        '<b onclick="x">&amp;</b>',
        '"}, "sample": false, {"',
        "{{ holder }} {% raw %} ${name} %s",
    ],
)
def test_what_looks_like_code_is_printed_as_it_is(name: str) -> None:
    text = printed(changed(holder_name=name, course_title=name))
    literal = "".join(name.split())
    assert f"성명{literal}생년월일" in text
    assert f"연수과정{literal}연수기간" in text


@pytest.mark.parametrize(
    "name",
    [
        "뷁쀍 쓩힣 꿟",
        "諸葛㺯",
        "金承俊 李旻 朴珉",
        "ᄒᆞᆫ글 나랏말ᄊᆞ미 듀ᇰ귁",
        "José Müller-Øster",
        "김㈜ⅢⅣ①·ㆍ℃",
    ],
)
def test_rare_hangul_old_hangul_and_hanja_are_printed(name: str) -> None:
    assert missing_glyphs(name) == []
    assert f"성명{''.join(name.split())}생년월일" in printed(changed(holder_name=name))


def test_every_modern_syllable_and_the_hanja_of_ks_x_1001_have_a_glyph() -> None:
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    hanja = bytes(
        byte for row in range(0xCA, 0xFE) for cell in range(0xA1, 0xFF) for byte in (row, cell)
    ).decode("euc_kr")
    assert len(hanja) == 4888
    assert missing_glyphs(syllables + hanja) == []


def test_single_jamo_are_joined() -> None:
    apart = "\u1100\u1175\u11b7\u1107\u1169\u1100\u1175"
    assert normalised(f"  {apart}\t \n씨 ") == "김보기 씨"
    assert render(changed(holder_name=apart)) == render(PAYLOAD)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("김😀기😀", ["😀"]),
        ("보기❤\ufe0f", ["❤", "\ufe0f"]),
        ("보\u200b기", ["\u200b"]),
        ("보\u202e기", ["\u202e"]),
        ("\u3164", ["\u3164"]),
        ("\u1160", ["\u1160"]),
        ("보\ue000\ud800기", ["\ue000", "\ud800"]),
        ("ไทย", ["ไ", "ท", "ย"]),
    ],
)
def test_a_character_without_a_glyph_is_refused_in_words(name: str, missing: list[str]) -> None:
    assert missing_glyphs(name) == missing
    with pytest.raises(MissingGlyphError) as caught:
        render(changed(holder_name=name))
    assert (caught.value.field, caught.value.characters) == ("holder_name", missing)
    assert f"U+{ord(missing[0]):04X}" in str(caught.value)
    assert str(caught.value).startswith("성명은 ")
    assert isinstance(caught.value, ValueError)


def test_the_templates_own_words_have_glyphs_and_the_fonts_their_licence() -> None:
    fixed = paper.TEMPLATE.read_text(encoding="utf-8")
    assert missing_glyphs(fixed) == []
    for families in re.findall(r"#let (?:sans|serif) = \((.+)\)", fixed):
        for family in re.findall(r'"(.+?)"', families):
            assert list(FONTS.glob(f"{family.replace(' ', '')}-*")), family
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "LICENSE-OFL.txt").read_text()
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 16_000_000


@pytest.mark.parametrize("letter", ["W", "國", "뷁", "가나 다라마 "])
def test_the_longest_texts_stay_on_the_page_and_inside_the_frame(letter: str) -> None:
    longest: dict[str, object] = {
        field: (letter * 300)[:length].strip() for field, (_, length) in paper._TEXTS.items()
    }
    address = "https://ieum.example.kr/"
    worst = changed(
        **longest | {"verify_url": address + "W" * (300 - len(address))},
        score=Decimal("100"),
    )
    text = "".join(str(longest["course_title"]).split())
    assert len(reader(worst).pages) == 1
    assert text in printed(worst)
    millimetre = 72 / 25.4
    page, usual = picture(worst), picture(PAYLOAD)
    for left, right in ((13, 27), (190, 197)):
        strip = (round(left * millimetre), 40, round(right * millimetre), 800)
        assert ImageChops.difference(page.crop(strip), usual.crop(strip)).getbbox() is None


def test_a_name_of_sixty_characters_is_printed_whole() -> None:
    name = "가나다라마바사아자차" * 6
    assert f"성명{name}생년월일" in printed(changed(holder_name=name))


@pytest.mark.parametrize(
    ("minutes", "credit", "text"),
    [
        (0, 0, "0시간"),
        (50, 0, "50분"),
        (60, 0, "1시간"),
        (14 * 60 + 59, 0, "14시간 59분"),
        (15 * 60, 1, "15시간 (1학점)"),
        (29 * 60 + 59, 1, "29시간 59분 (1학점)"),
        (30 * 60, 2, "30시간 (2학점)"),
    ],
)
def test_fifteen_hours_are_one_credit(minutes: int, credit: int, text: str) -> None:
    assert credits_of(minutes) == credit
    assert paper._amount(minutes) == text


def test_scores_lose_empty_decimals_only() -> None:
    scores = [None, Decimal(100), Decimal("85.0"), Decimal("85.25"), Decimal("85.005"), Decimal(0)]
    assert [paper._score(score) for score in scores] == [
        None, "100점", "85점", "85.25점", "85.01점", "0점",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"holder_name": " \n"}, "성명은 비워 둘 수 없습니다"),
        ({"purpose": ""}, "연수 목적은 비워 둘 수 없습니다"),
        ({"course_title": "가" * 301}, "연수과정은 300자까지"),
        ({"period_until": date(2026, 10, 11)}, "끝날이 첫날보다 앞섭니다"),
        ({"recognised_minutes": -1}, "0분보다 작을 수 없습니다"),
        ({"seal_lines": ("가온", "연수")}, "네 칸"),
        ({"seal_lines": ("가", "나", "다", "")}, "네 칸"),
        ({"seal_lines": ("가", "나", "다", "😀")}, "직인 글자는"),
        ({"verify_url": "javascript:alert(1)"}, "https://"),
    ],
)
def test_what_cannot_be_printed_is_refused_in_words(
    fields: dict[str, object], message: str
) -> None:
    with pytest.raises(PaperError, match=message):
        render(changed(**fields))


def test_one_day_is_one_day() -> None:
    day = date(2026, 3, 16)
    assert paper._period(day, day) == "2026. 3. 16. ~ 2026. 3. 16. (1일간)"


def test_the_drawn_code_is_the_standards_own() -> None:
    expected = segno.make_qr(PAYLOAD.verify_url, error="m", boost_error=False)
    rows = [[bool(module) for module in row] for row in expected.matrix]
    assert (expected.error, [list(row) for row in qr.matrix(PAYLOAD.verify_url)]) == ("M", rows)
    drawing = qr.svg(PAYLOAD.verify_url)
    side = len(rows) + 2 * qr.QUIET_ZONE
    drawn = [[False] * side for _ in range(side)]
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", drawing):
        for column in range(int(x), int(x) + int(length)):
            drawn[int(y)][column] = True
    margin = slice(qr.QUIET_ZONE, -qr.QUIET_ZONE)
    assert [row[margin] for row in drawn[margin]] == rows
    assert sum(map(sum, drawn)) == sum(map(sum, rows))
    assert f'viewBox="0 0 {side} {side}"' in drawing


def test_an_address_too_long_for_a_code_is_refused() -> None:
    with pytest.raises(ValueError, match="너무 길어"):
        qr.matrix("https://ieum.example.kr/" + "v" * 3000)
