"""Synthetic people, schools and offices for the demo institute: pure data and one pure function.

Every given name is an everyday word (보기, 견본, 물결 …) that nobody would take for a real
person's, and every NEIS number is a plain serial. `person(n)` depends on n alone, so the same
demo can be built again anywhere, in any order and in part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Final, Literal

StaffCategory = Literal[
    "teacher",
    "education_specialist",
    "local_official",
    "education_worker",
    "private_school_staff",
    "outsider",
]
Status = Literal["active", "leave"]
Level = Literal["유치원", "초등학교", "중학교", "고등학교", "특수학교"]
OfficeKind = Literal["district_office", "institute_department"]


@dataclass(frozen=True, slots=True)
class School:
    """A synthetic school."""

    name: str
    level: Level
    private: bool


@dataclass(frozen=True, slots=True)
class Office:
    """A district office of education, or a department of the institute."""

    name: str
    kind: OfficeKind


@dataclass(frozen=True, slots=True)
class SyntheticPerson:
    """One person of the demo institute."""

    name: str
    staff_category: StaffCategory
    rank: str
    occupation: str
    school_level: Level | None
    birth_date: date
    neis: str
    first_appointed: date
    """First appointment; of an outsider, who has none, the day of first contact."""
    status: Status
    organisation_index: int
    """Place in `ORGANISATIONS`: the schools first, then the offices."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Common family names stand several times, as often as one meets them.
FAMILY_NAMES: Final = tuple(
    "김김김김김김김김이이이이이이박박박박최최정정강강조조윤윤장장임임"
    "한오서신권황송전홍유고문양손배백허남심하곽차우민류진엄채원천공현함석선설"
)
GIVEN_NAMES: Final = _words(
    "보기 견본 예시 시범 가상 연습 가온 누리 다솜 물결 별빛 노을 풀잎 구름 이슬 여울 나루 들판 "
    "새벽 아침 산들 잎새 솔잎 꽃잎 봄비 파도 호수 안개 새싹 열매 그늘 언덕 자갈 모래 마루 처마 "
    "돌담 등불 햇살 햇볕 달빛 눈꽃 단풍 나래 너울 도담 두레 모퉁 바위 버들 샘물 소담 실개"
)

_KINDERGARTENS: Final = _words("가온 나래 도담 새싹 소담 이슬 풀잎 햇살")
_PRIMARY: Final = _words(
    "가온 나래 너울 누리 다솜 단풍 달빛 도담 돌담 두레 들판 마루 "
    "물결 바위 버들 별빛 산들 샘물 새벽 소담 솔잎 아침 여울 햇살"
)
_LOWER: Final = _words("가온 나루 누리 다솜 달빛 두레 마루 물결 버들 별빛 산들 새솔 여울 한울")
_UPPER: Final = _words("가온 나래 누리 다솜 두레 마루 물결 바위 별빛 산들 새솔 한울")
_SPECIAL: Final = _words("다솜 햇살")
# Private foundations are commonest among the upper schools.
_PRIVATE: Final = frozenset(
    _words("이슬유치원 풀잎유치원 한울중학교 별빛중학교 한울고등학교 별빛고등학교 바위고등학교")
)


def _schools() -> tuple[School, ...]:
    by_level: tuple[tuple[Level, tuple[str, ...]], ...] = (
        ("유치원", _KINDERGARTENS),
        ("초등학교", _PRIMARY),
        ("중학교", _LOWER),
        ("고등학교", _UPPER),
        ("특수학교", _SPECIAL),
    )
    return tuple(
        School(name, level, name in _PRIVATE)
        for level, stems in by_level
        for name in (_school_name(stem, level) for stem in stems)
    )


def _school_name(stem: str, level: Level) -> str:
    # A special school bears no level in its name.
    return f"{stem}학교" if level == "특수학교" else f"{stem}{level}"


SCHOOLS: Final = _schools()
OFFICES: Final = (
    Office("가온교육지원청", "district_office"),
    Office("나래교육지원청", "district_office"),
    Office("다솜교육지원청", "district_office"),
    Office("두레교육지원청", "district_office"),
    Office("마루교육지원청", "district_office"),
    Office("여울교육지원청", "district_office"),
    Office("가온교육연수원 기획평가부", "institute_department"),
    Office("가온교육연수원 초등교육연수부", "institute_department"),
    Office("가온교육연수원 중등교육연수부", "institute_department"),
    Office("가온교육연수원 교육행정연수부", "institute_department"),
    Office("가온교육연수원 원격연수부", "institute_department"),
    Office("가온교육연수원 총무부", "institute_department"),
)
ORGANISATIONS: Final[tuple[School | Office, ...]] = (*SCHOOLS, *OFFICES)

RANKS: Final[dict[StaffCategory, tuple[str, ...]]] = {
    "teacher": ("교사", "수석교사", "보직교사", "교감", "교장", "원감", "원장"),
    "education_specialist": ("장학사", "교육연구사", "장학관", "교육연구관"),
    "local_official": ("9급", "8급", "7급", "6급", "5급", "4급"),
    "education_worker": (
        "교무실무사",
        "돌봄전담사",
        "조리실무사",
        "조리사",
        "영양사",
        "특수교육실무사",
        "과학실무사",
        "사서",
    ),
    "private_school_staff": ("9급", "8급", "7급", "6급", "5급"),
    "outsider": ("학부모", "학교운영위원", "외부 강사"),
}

# Shares of 1,000 people.
_CATEGORIES: Final[tuple[tuple[StaffCategory, int], ...]] = (
    ("teacher", 620),
    ("education_specialist", 30),
    ("local_official", 120),
    ("education_worker", 160),
    ("private_school_staff", 50),
    ("outsider", 20),
)
_ON_LEAVE: Final = 45
_OFFICIALS_IN_OFFICES: Final = 350

# The year in which the demo plays; whoever is new was appointed in it.
_YEAR: Final = 2026
_LAST_AGE: Final = 60

# Rank by years of service: of 1,000 people with at least so many years, how many hold it.
_TEACHER_LADDER: Final = (("교장", 25, 80), ("교감", 20, 90), ("수석교사", 15, 30))
# Kindergartens call their heads 원장 and 원감.
_KINDERGARTEN_HEADS: Final = {"교장": "원장", "교감": "원감"}
_HEADS_OF_WORK: Final = ("보직교사", 5, 190)
_OFFICIAL_LADDER: Final = ((28, "4급", 120), (24, "5급", 300), (15, "6급", 850), (8, "7급", 950))
_SPECIALIST_SENIOR_YEARS: Final = 20

_SUBJECTS: Final = _words("국어 수학 영어 사회 역사 도덕 과학 기술·가정 체육 음악 미술 정보")
_SUPPORT_TEACHERS: Final = ("보건교사", "영양교사", "전문상담교사", "사서교사", "특수교사")
_OFFICIAL_GROUPS: Final = (
    ("교육행정", 78),
    ("시설관리", 10),
    ("전산", 5),
    ("사서", 4),
    ("공업", 3),
)
_WORKER_FIELDS: Final = {
    "교무실무사": "교무행정",
    "돌봄전담사": "돌봄",
    "조리실무사": "급식",
    "조리사": "급식",
    "영양사": "급식",
    "특수교육실무사": "특수교육",
    "과학실무사": "과학실",
    "사서": "학교도서관",
}

_NEIS_PREFIXES: Final = ("A00", *(f"{letter}10" for letter in "BCDEFGHIJKMNPQRST"))
_NEIS_SERIALS: Final = 1_000_000
MOST_PEOPLE: Final = len(_NEIS_PREFIXES) * _NEIS_SERIALS


def person(n: int) -> SyntheticPerson:
    """The n-th person (from 0): always the same one, different in name or facts from the next."""
    if not 0 <= n < MOST_PEOPLE:
        raise ValueError(f"n must be from 0 to {MOST_PEOPLE - 1}")
    category = _category(n)
    place = _organisation(n, category)
    school = SCHOOLS[place] if place < len(SCHOOLS) else None
    level = school.level if school else None
    service = _service_years(n, category)
    rank = _rank(n, category, level, service)
    return SyntheticPerson(
        name=_pick(n, "family", FAMILY_NAMES) + _pick(n, "given", GIVEN_NAMES),
        staff_category=category,
        rank=rank,
        occupation=_occupation(n, category, level, rank),
        school_level=level,
        birth_date=_birth_date(n, category, service),
        neis=_neis(n),
        first_appointed=_first_appointed(n, category, service),
        status=_status(n, category),
        organisation_index=place,
    )


def _draw(n: int, facet: str, below: int) -> int:
    """A number that looks random but hangs on n and the facet only."""
    digest = blake2b(f"{facet}:{n}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % below


def _pick(n: int, facet: str, among: tuple[str, ...]) -> str:
    return among[_draw(n, facet, len(among))]


def _category(n: int) -> StaffCategory:
    left = _draw(n, "category", 1000)
    for category, share in _CATEGORIES:
        if left < share:
            return category
        left -= share
    return "outsider"


def _organisation(n: int, category: StaffCategory) -> int:
    offices = range(len(SCHOOLS), len(ORGANISATIONS))
    if category == "education_specialist":
        return offices[_draw(n, "office", len(offices))]
    if category == "local_official" and _draw(n, "in office", 1000) < _OFFICIALS_IN_OFFICES:
        return offices[_draw(n, "office", len(offices))]
    # Private schools employ their own office staff; officials and public workers serve the others.
    private = category == "private_school_staff"
    either = category in {"teacher", "outsider"}
    fitting = [place for place, school in enumerate(SCHOOLS) if either or school.private == private]
    return fitting[_draw(n, "school", len(fitting))]


def _service_years(n: int, category: StaffCategory) -> int:
    """Whole years since the first appointment, in the year of the demo."""
    if category == "education_worker":
        return _draw(n, "service", 21)
    if category == "education_specialist":
        return 12 + _draw(n, "service", 22)
    if category == "outsider":
        return _draw(n, "service", 3)
    return _draw(n, "service", 36)


def _rank(n: int, category: StaffCategory, level: Level | None, service: int) -> str:
    if category == "teacher":
        return _teacher_rank(n, level, service)
    if category == "education_specialist":
        senior = service >= _SPECIALIST_SENIOR_YEARS and _draw(n, "senior", 3) == 0
        return _pick(n, "post", RANKS[category][2:] if senior else RANKS[category][:2])
    if category in {"local_official", "private_school_staff"}:
        return _official_rank(n, category, service)
    if category == "education_worker":
        return _pick(n, "rank", _workers_of(level))
    return _pick(n, "rank", RANKS[category])


def _workers_of(level: Level | None) -> tuple[str, ...]:
    """After-school care is for the young, a laboratory for the others."""
    young = level in {"유치원", "초등학교", "특수학교"}
    amiss = {"과학실무사", "사서"} if level == "유치원" else set() if young else {"돌봄전담사"}
    return tuple(rank for rank in RANKS["education_worker"] if rank not in amiss)


def _teacher_rank(n: int, level: Level | None, service: int) -> str:
    draw = _draw(n, "rank", 1000)
    for rank, years, share in (*_TEACHER_LADDER, _HEADS_OF_WORK):
        if service < years:
            continue
        if draw < share:
            return _KINDERGARTEN_HEADS.get(rank, rank) if level == "유치원" else rank
        draw -= share
    return "교사"


def _official_rank(n: int, category: StaffCategory, service: int) -> str:
    draw = _draw(n, "rank", 1000)
    for years, rank, share in _OFFICIAL_LADDER:
        if service >= years and draw < share and rank in RANKS[category]:
            return rank
    return "8급" if service > 2 else "9급"


def _occupation(n: int, category: StaffCategory, level: Level | None, rank: str) -> str:
    if category == "teacher":
        return _teacher_occupation(n, level, rank)
    if category == "education_worker":
        return _WORKER_FIELDS[rank]
    if category == "education_specialist":
        return "교육전문직"
    if category == "outsider":
        return rank
    left = _draw(n, "group", 100)
    for group, share in _OFFICIAL_GROUPS:
        if left < share:
            return group
        left -= share
    return _OFFICIAL_GROUPS[0][0]


def _teacher_occupation(n: int, level: Level | None, rank: str) -> str:
    if rank in {"교장", "교감", "원장", "원감"}:
        return "학교관리"
    if level == "유치원":
        return "유치원교사"
    if level == "특수학교":
        return "특수교사"
    if rank == "교사" and _draw(n, "support", 10) == 0:
        return _pick(n, "support post", _SUPPORT_TEACHERS)
    return "초등교사" if level == "초등학교" else f"{_pick(n, 'subject', _SUBJECTS)}교사"


def _birth_date(n: int, category: StaffCategory, service: int) -> date:
    # Public workers and outsiders come from other work, hence at any age.
    late = category in {"education_worker", "outsider"}
    age_then = 25 + _draw(n, "age", 26) if late else 23 + _draw(n, "age", 9)
    age_now = min(age_then + service, _LAST_AGE)
    return date(_YEAR - age_now, 1 + _draw(n, "month", 12), 1 + _draw(n, "day", 28))


def _first_appointed(n: int, category: StaffCategory, service: int) -> date:
    """Schools appoint in March and September, offices in January and July."""
    in_school = category in {"teacher", "education_specialist", "education_worker"}
    months = (3, 9) if in_school else (1, 7)
    # Twice the spring date: most appointments fall on it.
    return date(_YEAR - service, months[_draw(n, "season", 3) // 2], 1)


def _status(n: int, category: StaffCategory) -> Status:
    if category == "outsider":
        return "active"
    return "leave" if _draw(n, "leave", 1000) < _ON_LEAVE else "active"


def _neis(n: int) -> str:
    # From the second prefix on, so that the demo's first million bear one office's letter.
    prefix = _NEIS_PREFIXES[(n // _NEIS_SERIALS + 1) % len(_NEIS_PREFIXES)]
    return f"{prefix}{9_000_000 + n % _NEIS_SERIALS}"
