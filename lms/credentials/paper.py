"""The certificate on paper: a frozen payload in, the bytes of a PDF out.

The same payload gives the same bytes in every process, so a reprint can be compared with the
original. Whatever a person typed reaches the template as data and is never read as markup.
"""

import threading
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import cast

import msgspec
import typst

from lms.credentials import qr
from lms.credentials.glyphs import FONTS, missing_glyphs, normalised

__all__ = [
    "CertificatePayload",
    "MissingGlyphError",
    "PaperError",
    "credits_of",
    "missing_glyphs",
    "render",
]

TEMPLATE = Path(__file__).parent / "templates" / "certificate.typ"
MINUTES_PER_CREDIT = 15 * 60
LONGEST_SEAL = 3

# The payload's texts: how each is called in a refusal, and how many characters are printed.
_TEXTS = {
    "number": ("이수번호는", 80),
    "holder_name": ("성명은", 100),
    "training_kind": ("연수종별은", 60),
    "course_title": ("연수과정은", 300),
    "purpose": ("연수 목적은", 200),
    "nomination_number": ("지명번호는", 80),
    "sentence": ("증명 문구는", 300),
    "head_title": ("기관장 직명은", 60),
    "designation_number": ("지정번호는", 80),
    "institution_name": ("기관 이름은", 100),
    "verify_url": ("확인 주소는", 300),
}
_OPTIONAL = frozenset({"purpose", "nomination_number", "designation_number"})


class PaperError(ValueError):
    """This payload cannot be printed; the message is Korean and says what to change."""


class MissingGlyphError(PaperError):
    """A character has no glyph; `field` is the payload's field, `characters` the list."""

    def __init__(self, field: str, characters: list[str]) -> None:
        self.field = field
        self.characters = characters
        shown = ", ".join(_named(character) for character in characters[:5])
        subject = _TEXTS[field][0] if field in _TEXTS else "직인 글자는"
        super().__init__(
            f"{subject} 이수증에 그대로 인쇄할 수 없습니다. 글꼴에 없는 글자: {shown}. "
            "그 글자를 지우거나 한글, 한자, 로마자로 바꾸어 주십시오."
        )


class CertificatePayload(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that stands on one certificate, frozen when it is issued."""

    number: str
    holder_name: str
    birth_date: date
    training_kind: str
    """The kind's Korean name, e.g. 직무연수."""
    course_title: str
    period_from: date
    period_until: date
    """The last day, counted in."""
    recognised_minutes: int
    sentence: str
    """That the course was completed under Article 6(1) of the decree."""
    issued_on: date
    """The institution's local date; also the PDF's creation date, at 00:00 UTC."""
    head_title: str
    verify_url: str
    institution_name: str
    seal_lines: tuple[str, ...] = ()
    """Four cells of the square seal, row by row, of 1-3 characters; none prints no seal."""
    purpose: str | None = None
    score: Decimal | None = None
    """Of 100; printed only when given (courses of 60 hours and more)."""
    nomination_number: str | None = None
    designation_number: str | None = None
    """Of a partner institution."""
    sample: bool = False
    """Marks the paper as a sample without force."""


def credits_of(recognised_minutes: int) -> int:
    """Whole credits for recognised minutes: 15 hours are 1 credit, what is left over is none.

    교원 등의 연수에 관한 규정 and its rules on credits. Raises PaperError below 0 minutes.
    """
    if recognised_minutes < 0:
        raise PaperError("인정 시간은 0분보다 작을 수 없습니다.")
    return recognised_minutes // MINUTES_PER_CREDIT


def render(payload: CertificatePayload) -> bytes:
    """One A4 page: a PDF/A-2a file (ISO 19005-2) that is PDF/UA-1 as well (ISO 14289-1).

    Raises MissingGlyphError when a character has no glyph in the shipped fonts, and PaperError
    when a field is empty or too long, the address is no web address, or the period runs backwards.
    """
    issued = payload.issued_on
    made = _compiler().compile(
        format="pdf",
        sys_inputs=_inputs(payload),
        pdf_standards=["a-2a", "ua-1"],
        timestamp=datetime(issued.year, issued.month, issued.day, tzinfo=UTC),
    )
    return cast(bytes, made)


_local = threading.local()


def _compiler() -> typst.Compiler:
    # A compiler refuses a second thread while it works; one each also keeps its cache warm.
    compiler: typst.Compiler | None = getattr(_local, "compiler", None)
    if compiler is None:
        compiler = typst.Compiler(
            TEMPLATE, root=TEMPLATE.parent, font_paths=_fonts(), ignore_system_fonts=True
        )
        _local.compiler = compiler
    return compiler


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


def _inputs(payload: CertificatePayload) -> dict[str, str]:
    return {"payload": msgspec.json.encode(_printed(payload)).decode()}


def _printed(payload: CertificatePayload) -> dict[str, object]:
    """The template's data: checked text, dates and amounts already in words."""
    text = {field: _text(payload, field) for field in _TEXTS}
    if not payload.verify_url.startswith(("https://", "http://")):
        raise PaperError("확인 주소는 https://로 시작해야 합니다.")
    if payload.period_until < payload.period_from:
        raise PaperError("연수 기간의 끝날이 첫날보다 앞섭니다.")
    rows = [
        ("성명", text["holder_name"]),
        ("생년월일", _short(payload.birth_date)),
        ("연수종별", text["training_kind"]),
        ("연수과정", text["course_title"]),
        ("연수기간", _period(payload.period_from, payload.period_until)),
        ("이수시간", _amount(payload.recognised_minutes)),
        ("성적", _score(payload.score)),
        ("지명번호", text["nomination_number"]),
    ]
    issued = payload.issued_on
    return {
        **text,
        "rows": [row for row in rows if row[1] is not None],
        "issued_on": f"{issued.year}년 {issued.month}월 {issued.day}일",
        "seal": _seal(payload.seal_lines),
        "qr": qr.svg(payload.verify_url),
        "sample": payload.sample,
    }


def _text(payload: CertificatePayload, field: str) -> str | None:
    given: str | None = getattr(payload, field)
    if given is None and field in _OPTIONAL:
        return None
    subject, longest = _TEXTS[field]
    text = normalised(given or "")
    if not text:
        raise PaperError(f"{subject} 비워 둘 수 없습니다.")
    if len(text) > longest:
        raise PaperError(f"{subject} {longest}자까지 인쇄합니다. 줄여서 적어 주십시오.")
    if missing := missing_glyphs(text):
        raise MissingGlyphError(field, missing)
    return text


def _seal(lines: tuple[str, ...]) -> list[str]:
    cells = [normalised(line) for line in lines]
    if cells and (len(cells) != 4 or not all(1 <= len(cell) <= LONGEST_SEAL for cell in cells)):
        raise PaperError(f"직인 글자는 네 칸이고, 한 칸에 1-{LONGEST_SEAL}자입니다.")
    if missing := missing_glyphs("".join(cells)):
        raise MissingGlyphError("seal_lines", missing)
    return cells


def _short(day: date) -> str:
    return f"{day.year}. {day.month}. {day.day}."


def _period(first: date, last: date) -> str:
    days = (last - first).days + 1
    return f"{_short(first)} ~ {_short(last)} ({days}일간)"


def _amount(minutes: int) -> str:
    earned = credits_of(minutes)
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours}시간"] if hours or not rest else []
    if rest:
        parts.append(f"{rest}분")
    if earned:
        parts.append(f"({earned}학점)")
    return " ".join(parts)


def _score(score: Decimal | None) -> str | None:
    if score is None:
        return None
    rounded = score.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    return f"{rounded.normalize():f}점"


def _named(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return f"‘{character}’({code})" if character.isprintable() else code
