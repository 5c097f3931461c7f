"""The personnel office's sheet: its columns, and each row as what it says or what is wrong."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from lms.people import registering
from lms.people.matching import NEIS_SHAPE, Key
from lms.sheets.columns import Column, each
from lms.sheets.headings import same
from lms.sheets.reading import Table

Said = tuple[str, dict[str, Any]]
"""A sentence: (msgid, params)."""

COLUMNS = (
    Column("neis", "나이스개인번호", ("NEIS개인번호", "NEIS번호", "나이스번호", "개인번호")),
    Column("name", "성명", ("이름", "성함", "교원명", "직원명"), required=True),
    Column("birth", "생년월일", ("생일", "출생일", "생년월일자")),
    Column(
        "school_code",
        "학교(기관)코드",
        ("기관코드", "소속코드", "소속학교코드", "소속기관코드", "행정표준코드", "표준학교코드"),
    ),
    Column(
        "school",
        "학교(기관)이름",
        (
            "학교",
            "학교명",
            "기관",
            "기관명",
            "기관이름",
            "소속",
            "소속명",
            "소속학교",
            "소속기관",
            "현소속",
            "근무지",
            "근무학교",
            "근무기관",
        ),
    ),
    Column("category", "교직원구분", ("구분", "신분", "직원구분", "신분구분", "교직원")),
    Column("rank", "직급", ("직위", "직급명", "직위명")),
    Column("occupation", "직종", ("직종명", "직렬", "직렬명")),
    Column("appointed", "최초임용일", ("최초임용일자", "임용일", "임용일자", "신규임용일")),
    Column("status", "재직상태", ("재직구분", "재직여부", "상태", "재직")),
    Column("from_on", "발령일", ("발령일자", "발령연월일", "적용일", "시행일")),
    Column("reason", "발령구분", ("발령사유", "발령종류", "발령내용", "인사구분")),
    Column("retires", "퇴직예정일", ("퇴직예정일자", "정년퇴직일", "정년일", "퇴직예정")),
    Column("email", "이메일", ("전자우편", "메일", "이메일주소", "email", "e-mail")),
    Column("phone", "휴대전화", ("휴대전화번호", "휴대폰", "휴대폰번호", "연락처", "핸드폰")),
)

EXAMPLE = {
    "neis": "B101234567",
    "name": "홍길동",
    "birth": "1990-01-05",
    "school_code": "B100000001",
    "school": "가온중학교",
    "category": "교원",
    "rank": "교사",
    "occupation": "",
    "appointed": "2015-03-01",
    "status": "재직",
    "from_on": "2026-03-01",
    "reason": "전보",
    "retires": "",
    "email": "gildong@example.kr",
    "phone": "010-0000-0000",
}
"""What the empty sheet shows to be replaced; nobody's."""

_CATEGORIES = {
    "teacher": (
        "교원",
        "교사",
        "유치원교원",
        "초등교원",
        "중등교원",
        "특수교원",
        "정규교원",
        "기간제교원",
    ),
    "education_specialist": ("교육전문직", "교육전문직원", "전문직", "장학사", "교육연구사"),
    "local_official": ("지방공무원", "일반직", "일반직공무원", "지방직", "교육행정직"),
    "education_worker": ("교육공무직", "교육공무직원", "공무직"),
    "private_school_staff": ("사립학교직원", "사립직원", "사립학교교직원"),
    "outsider": ("학부모외부", "학부모", "외부", "외부인", "일반인"),
}
_STATUSES = {
    "active": ("재직", "재직중", "근무", "근무중", "복직", "현직"),
    "leave": ("휴직", "휴직중", "육아휴직", "질병휴직", "파견휴직", "간병휴직", "유학휴직"),
    "retired": ("퇴직", "퇴직자", "정년퇴직", "명예퇴직", "의원면직", "면직", "퇴임"),
}
_REASONS = {
    "joined": ("신규임용", "신규", "임용", "신규채용", "채용", "복귀임용"),
    "transfer": ("전보", "전입", "전출", "전직", "파견", "전보발령", "파견복귀", "정기전보"),
    "promotion": ("승진", "승진임용", "승급"),
    "leave": ("휴직", "육아휴직", "질병휴직", "간병휴직", "유학휴직"),
    "return": ("복직",),
    "retirement": ("퇴직", "정년퇴직", "명예퇴직", "의원면직", "면직", "당연퇴직", "해임", "파면"),
    "correction": ("정정", "정정발령", "발령정정"),
}
_MEANT_STATUS = {"leave": "leave", "return": "active", "retirement": "retired", "joined": "active"}

_DATE = re.compile(r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?(?:[ T][\d:.]+)?")
_MAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]+\.[^@\s<>,;.]{2,}")


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says of a person; None for what it leaves open."""

    number: int
    neis: str = ""
    name: str = ""
    birth: date | None = None
    school_code: str = ""
    school: str = ""
    category: str | None = None
    rank: str | None = None
    occupation: str | None = None
    appointed: date | None = None
    status: str | None = None
    from_on: date | None = None
    reason: str | None = None
    retires: date | None = None
    email: str | None = None
    phone: str | None = None
    wrong: tuple[Said, ...] = ()
    """What must be mended before the row says anything."""

    doubtful: tuple[Said, ...] = ()
    """Why it is not certain whom the row means."""

    @property
    def key(self) -> Key:
        return Key(self.neis, self.name, self.birth, self.school_code or self.school)

    @property
    def who(self) -> str | Key:
        """Equal for two rows of the sheet that speak of one person."""
        return self.neis or self.key


def rows_of(table: Table, *, today: date) -> list[Row]:
    """Each row of the sheet as what it says. Raises InvalidError where columns are missing."""
    return with_repeats([parse(number, cells, today) for number, cells in each(table, COLUMNS)])


def parse(number: int, cells: Mapping[str, str], today: date) -> Row:
    """One row; every cell that cannot be read gets a sentence of its own in `wrong`."""
    wrong: list[Said] = []
    days: dict[str, Any] = {
        name: _day(cells.get(name, ""), heading, wrong) for name, heading in _DAYS.items()
    }
    words: dict[str, Any] = {
        name: _word(cells.get(name, ""), heading, known, wrong)
        for name, (heading, known) in _LISTS.items()
    }
    neis = cells.get("neis", "").upper().replace(" ", "")
    if neis and not registering.is_neis(neis):
        wrong.append((NEIS_SHAPE, {}))
    if not cells.get("name"):
        wrong.append(("성명이 비어 있습니다. 성명을 적어 주십시오.", {}))
    email = cells.get("email", "").lower()
    if email and not _MAIL.fullmatch(email):
        wrong.append(("이메일 ‘{value}’을 읽을 수 없습니다. 고쳐 주십시오.", {"value": email[:60]}))
    _check_days(days, today, wrong)
    _check_status(words, wrong)
    return Row(
        number,
        neis=neis,
        name=registering.plain_name(cells.get("name", ""))[:80],
        school_code=cells.get("school_code", ""),
        school=cells.get("school", ""),
        rank=cells.get("rank", "")[:80] or None,
        occupation=cells.get("occupation", "")[:80] or None,
        email=email or None,
        phone=_phone(cells.get("phone", ""), wrong),
        wrong=tuple(wrong),
        **days,
        **words,
    )


_DAYS = {
    "birth": "생년월일",
    "appointed": "최초임용일",
    "from_on": "발령일",
    "retires": "퇴직예정일",
}
_LISTS = {
    "category": ("교직원구분", _CATEGORIES),
    "status": ("재직상태", _STATUSES),
    "reason": ("발령구분", _REASONS),
}


def parse_day(text: str) -> date | None:
    """“1990-01-05”, “1990.1.5.”, “19900105”, “1990년 1월 5일”; None for anything else."""
    found = _DATE.fullmatch(text.strip())
    parts = found.groups() if found else (text[:4], text[4:6], text[6:]) if len(text) == 8 else ()
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError:
        return None


def _day(text: str, heading: str, wrong: list[Said]) -> date | None:
    if not text:
        return None
    day = parse_day(text)
    if day is None:
        wrong.append(
            (
                "{heading} ‘{value}’을 날짜로 읽을 수 없습니다. 1990-01-05처럼 적어 주십시오.",
                {"heading": heading, "value": text[:30]},
            )
        )
    return day


def _word(
    text: str, heading: str, known: Mapping[str, Sequence[str]], wrong: list[Said]
) -> str | None:
    if not text:
        return None
    plain = same(text)
    for name, words in known.items():
        if plain in words:
            return name
    wrong.append(
        (
            "{heading} ‘{value}’은 모르는 말입니다. {known} 가운데 하나로 적어 주십시오.",
            {
                "heading": heading,
                "value": text[:30],
                "known": ", ".join(words[0] for words in known.values()),
            },
        )
    )
    return None


def _phone(text: str, wrong: list[Said]) -> str | None:
    digits = re.sub(r"\D", "", text)
    if digits.startswith("82"):
        digits = "0" + digits[2:]
    if not digits.startswith("0") and len(digits) in (9, 10):
        digits = "0" + digits  # a spreadsheet took it for a number
    if not text:
        return None
    if not re.fullmatch(r"0\d{8,10}", digits):
        wrong.append(
            ("휴대전화 ‘{value}’을 읽을 수 없습니다. 고쳐 주십시오.", {"value": text[:30]})
        )
        return None
    return digits


def _check_days(days: Mapping[str, date | None], today: date, wrong: list[Said]) -> None:
    birth, appointed = days["birth"], days["appointed"]
    if birth and not date(1900, 1, 1) <= birth < today:
        wrong.append(("생년월일이 있을 수 없는 날입니다. 확인해 주십시오.", {}))
    elif birth and appointed and appointed.year - birth.year < 15:
        wrong.append(("최초임용일이 생년월일에 견주어 너무 이릅니다. 둘 다 확인해 주십시오.", {}))
    if appointed and appointed.year > today.year + 1:
        wrong.append(("최초임용일이 너무 먼 뒷날입니다. 확인해 주십시오.", {}))
    from_on = days["from_on"]
    if from_on and not date(1950, 1, 1) <= from_on <= date(today.year + 1, 12, 31):
        wrong.append(("발령일이 있을 수 없는 날입니다. 내년 말까지만 받습니다.", {}))
    if days["retires"] and birth and days["retires"] <= birth:
        wrong.append(("퇴직예정일이 생년월일보다 이릅니다. 확인해 주십시오.", {}))


def _check_status(words: dict[str, str | None], wrong: list[Said]) -> None:
    """A kind of act says what the status is; where both are told they must agree."""
    meant = _MEANT_STATUS.get(words["reason"] or "")
    if meant and words["status"] and words["status"] != meant:
        wrong.append(("발령구분과 재직상태가 서로 맞지 않습니다. 둘 중 하나를 고쳐 주십시오.", {}))
    words["status"] = words["status"] or meant


# ---- People twice ----


def with_repeats(rows: list[Row]) -> list[Row]:
    """The rows, with a sentence on those that speak of one person twice, or perhaps do.

    Two rows of one person are two acts when each has a day of its own.
    """
    twice: dict[Any, list[Row]] = defaultdict(list)
    namesakes: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        born = (row.name, row.birth)
        who: Any = row.neis or ((*born, row.key.school) if row.birth else ("row", row.number))
        twice[who, row.from_on].append(row)
        if row.birth:
            namesakes[born].append(row)
    wrong: dict[int, list[Said]] = {}
    doubtful: dict[int, list[Said]] = {}
    for same_rows in twice.values():
        _mark(
            wrong,
            same_rows,
            "같은 사람이 {other}번째 줄에도 있습니다. 한 줄만 남기거나 발령일을 다르게 적어 "
            "주십시오.",
        )
    for same_rows in namesakes.values():
        numbers = {row.neis for row in same_rows}
        if "" in numbers and len({row.neis or row.key.school for row in same_rows}) > 1:
            _mark(
                doubtful,
                same_rows,
                "{other}번째 줄과 성명, 생년월일이 같습니다. 두 줄 모두 나이스개인번호를 적어 "
                "주십시오.",
            )
    return [
        replace(
            row,
            wrong=(*row.wrong, *wrong.get(row.number, ())),
            doubtful=(*row.doubtful, *doubtful.get(row.number, ())),
        )
        if row.number in wrong or row.number in doubtful
        else row
        for row in rows
    ]


def _mark(said: dict[int, list[Said]], rows: Sequence[Row], sentence: str) -> None:
    """Each of `rows` names another of them."""
    for place, row in enumerate(rows):
        if len(rows) > 1:
            other = rows[0 if place else 1].number
            said.setdefault(row.number, []).append((sentence, {"other": other}))
