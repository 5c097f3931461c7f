"""The institution's settings as a form: every field with a sentence and its bounds, read once."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from lms.errors import ConflictError, InvalidError, LMSError
from lms.people import audit
from lms.people.models import Institution
from lms.people.numbering import check_pattern
from lms.people.settings import InstitutionSettings, parse

SCORE_FLOOR = 6000
"""Hundredths of a point; the law allows no lower pass mark."""


@dataclass(frozen=True)
class Asked:
    """One field of the form. `read` raises InvalidError; `write` gives what the form shows."""

    name: str
    group: str
    label: str
    help: str
    kind: str
    """text · lines · number · flag · seal"""

    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    unit: str = ""
    required: bool = False


def _number(least: int, most: int, *, times: int = 1) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,6}(\.\d{1,2})?", text):
            raise InvalidError(
                "{least}에서 {most}까지의 수로 적어 주십시오.", least=least, most=most
            )
        value = round(float(text) * times)
        if not least * times <= value <= most * times:
            raise InvalidError(
                "{least}에서 {most}까지의 수로 적어 주십시오.", least=least, most=most
            )
        return value

    return read


def _per(times: int) -> Callable[[Any], str]:
    return lambda value: f"{value / times:g}"


def _text(most: int, *, required: bool = False, empty: Any = "") -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if required and not text:
            raise InvalidError("비워 둘 수 없습니다. 적어 주십시오.")
        if len(text) > most:
            raise InvalidError("{most}자까지 적을 수 있습니다.", most=most)
        return text or empty

    return read


def _score(text: str) -> int:
    try:
        return _number(SCORE_FLOOR // 100, 100, times=100)(text)
    except InvalidError:
        raise InvalidError(
            "60점에서 100점까지로 적어 주십시오. 60점보다 낮게는 법령에 따라 정할 수 없습니다."
        ) from None


def _pattern(text: str) -> str:
    check_pattern(text)
    return text


def _bounds(text: str) -> tuple[int, ...]:
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= 60 for part in parts):
        raise InvalidError("1에서 60까지의 햇수를 쉼표로 나누어 적어 주십시오. 예: 5, 15, 25")
    bounds = tuple(int(part) for part in parts)
    if list(bounds) != sorted(set(bounds)):
        raise InvalidError("작은 수부터 한 번씩만 적어 주십시오. 예: 5, 15, 25")
    return bounds


def _seal(text: str) -> tuple[str, ...]:
    rows = tuple(part.strip() for part in text.split("/"))
    if len(rows) != 4 or not all(1 <= len(part) <= 4 for part in rows):
        raise InvalidError("한 줄에 네 글자까지, 네 줄을 빗금으로 나누어 적어 주십시오.")
    return rows


def _flag(text: str) -> bool:
    return text == "1"


PAPER, COMPLETING, LEARNING, LOOKS = "이수증", "이수 기준", "학습 방법", "화면"
RECORDS = "학습 기록"

ASKED = (
    Asked(
        "progress_permille",
        COMPLETING,
        "이수에 필요한 진도",
        "본 구간이 이 비율을 채워야 이수합니다. 새로 여는 기수부터 쓰입니다.",
        "number",
        _number(1, 100, times=10),
        _per(10),
        unit="%",
        required=True,
    ),
    Asked(
        "score_min",
        COMPLETING,
        "이수에 필요한 점수",
        "100점에서 몇 점 이상이어야 이수하는지입니다. 60점보다 낮게는 정할 수 없습니다(교원 등의 "
        "연수에 관한 규정).",
        "number",
        _score,
        _per(100),
        unit="점",
        required=True,
    ),
    Asked(
        "repeat_years",
        COMPLETING,
        "같은 과정을 다시 들을 수 없는 햇수",
        "이수한 과정을 이 햇수 안에는 다시 신청할 수 없습니다. 0이면 제한하지 않습니다.",
        "number",
        _number(0, 20),
        unit="년",
        required=True,
    ),
    Asked(
        "result_days",
        COMPLETING,
        "결과를 알리는 날수",
        "기수가 끝난 뒤 이 날수 안에 소속 기관에 결과를 알립니다. 법령은 10일 안으로 정합니다.",
        "number",
        _number(1, 10),
        unit="일",
        required=True,
    ),
    Asked(
        "service_bounds",
        COMPLETING,
        "경력 구간이 갈리는 햇수",
        "대상을 경력으로 고를 때 쓰는 구간입니다. 5년이면 만 5년째부터 다음 구간입니다.",
        "text",
        _bounds,
        lambda value: ", ".join(str(each) for each in value),
        unit="년",
    ),
    Asked(
        "units_per_day",
        LEARNING,
        "하루에 들을 수 있는 차시",
        "0이면 제한하지 않습니다.",
        "number",
        _number(0, 100),
        unit="차시",
        required=True,
    ),
    Asked(
        "speed_percent",
        LEARNING,
        "인정하는 재생 속도",
        "이보다 빠르게 본 시간은 진도로 세지 않습니다.",
        "number",
        _number(100, 300),
        unit="%",
        required=True,
    ),
    Asked(
        "ordered",
        LEARNING,
        "차시를 차례대로 듣기",
        "앞 차시를 마쳐야 다음 차시가 열립니다.",
        "flag",
        _flag,
    ),
    Asked(
        "free_skip",
        LEARNING,
        "안 본 곳으로 건너뛰기",
        "켜면 안 본 곳으로도 옮길 수 있습니다. 건너뛴 곳은 진도로 세지 않습니다.",
        "flag",
        _flag,
    ),
    Asked(
        "number_pattern",
        PAPER,
        "이수번호 양식",
        "쓸 수 있는 자리: {institution} 기관 부호, {kind} 연수 종별, {year} 연도, {run} 기수, "
        "{serial:05} 다섯 자리 일련번호.",
        "text",
        _pattern,
        required=True,
    ),
    Asked(
        "head_title",
        PAPER,
        "이수증에 적는 기관장",
        "예: 서울특별시교육청교육연수원장. 비우면 연수기관 이름만 적습니다.",
        "text",
        _text(60),
    ),
    Asked(
        "seal",
        PAPER,
        "직인에 새기는 글자",
        "네 줄을 빗금으로 나누어 적습니다. 예: 이음/연수/원장/직인",
        "text",
        _seal,
        "/".join,
        required=True,
    ),
    Asked(
        "certificate_sentence",
        PAPER,
        "이수증 문구",
        "이수증 한가운데에 적히는 문장입니다.",
        "lines",
        _text(300, required=True),
        required=True,
    ),
    Asked(
        "designation_number",
        PAPER,
        "연수기관 지정번호",
        "특수분야연수기관처럼 지정을 받은 곳만 적습니다.",
        "text",
        _text(60, empty=None),
        lambda value: value or "",
    ),
    Asked(
        "sample_papers",
        PAPER,
        "이수증에 ‘견본’ 표시하기",
        "시연하거나 연습할 때만 켭니다. 켜 둔 동안 나온 이수증은 효력이 없다고 적힙니다.",
        "flag",
        _flag,
    ),
    Asked(
        "help_phone",
        LOOKS,
        "도움 전화",
        "모든 화면 아래에 보입니다.",
        "text",
        _text(30, empty=None),
        lambda value: value or "",
    ),
    Asked(
        "masthead",
        LOOKS,
        "대한민국 공식 누리집 표시",
        "공공기관의 누리집만 켤 수 있습니다.",
        "flag",
        _flag,
    ),
    Asked(
        "attachment_mb",
        RECORDS,
        "기록에 딸린 첨부 파일 하나의 크기",
        "다른 시스템이 학습 기록과 함께 보내는 파일 하나를 이 크기까지 받습니다.",
        "number",
        _number(1, 16),
        unit="MB",
        required=True,
    ),
    Asked(
        "attachments_mb",
        RECORDS,
        "첨부 파일이 든 요청 하나의 크기",
        "기록과 첨부 파일을 모두 더해 한 번에 이 크기까지 받습니다.",
        "number",
        _number(1, 16),
        unit="MB",
        required=True,
    ),
)

NAMES = (
    Asked("name", "이름", "연수기관 이름", "", "text", _text(80, required=True), required=True),
    Asked(
        "short_name",
        "이름",
        "짧은 이름",
        "화면 맨 위 상표 옆에 들어갑니다.",
        "text",
        _text(20, required=True),
        required=True,
    ),
)


@dataclass(frozen=True)
class Read:
    """A form as it was sent: the values that could be read and what is wrong with the rest."""

    typed: dict[str, str]
    values: dict[str, Any]
    wrong: dict[str, LMSError]


def shown(institution: Institution) -> dict[str, str]:
    """What the form shows of what is kept."""
    settings = parse(dict(institution.settings))
    return {
        one.name: ("1" if value else "") if one.kind == "flag" else one.write(value)
        for one, value in (
            *((one, getattr(institution, one.name)) for one in NAMES),
            *((one, getattr(settings, one.name)) for one in ASKED),
        )
    }


def revision(institution: Institution) -> str:
    """Names what is kept now, so that two people do not undo each other unseen."""
    return hashlib.sha256(repr(sorted(shown(institution).items())).encode()).hexdigest()[:16]


def read(form: Mapping[str, str]) -> Read:
    """Every field of the form, each by itself."""
    typed, values, wrong = {}, {}, {}
    for one in (*NAMES, *ASKED):
        typed[one.name] = text = form.get(one.name, "").replace("\r\n", "\n").strip()[:1000]
        try:
            values[one.name] = one.read(text)
        except LMSError as error:
            wrong[one.name] = error
    return Read(typed, values, wrong)


def change(
    session: Session,
    institution: Institution,
    values: Mapping[str, Any],
    *,
    seen: str,
    actor_id: int,
    reason: str,
    now: datetime,
) -> list[str]:
    """Keep the values, with one audit row that says what was and what is; names of the changed.

    `seen`: the revision that the person changed. Raises InvalidError without a reason,
    ConflictError when another changed the settings meanwhile.
    """
    session.refresh(institution, with_for_update=True)
    if revision(institution) != seen:
        raise ConflictError(
            "그사이 다른 사람이 설정을 바꾸었습니다. 아래에 적은 것은 저장되지 않았습니다. 화면을 "
            "다시 열어 바뀐 것을 보고 고쳐 주십시오."
        )
    if not reason.strip():
        raise InvalidError("왜 바꾸는지 한 줄로 적어 주십시오.", field="reason")
    before = {one.name: getattr(institution, one.name) for one in NAMES}
    before |= msgspec.to_builtins(_whole(parse(dict(institution.settings))))
    settings = InstitutionSettings(**{one.name: values[one.name] for one in ASKED})
    after = {one.name: values[one.name] for one in NAMES}
    after |= msgspec.to_builtins(_whole(settings))
    changed = [name for name in after if before[name] != after[name]]
    if not changed:
        return []
    for one in NAMES:
        setattr(institution, one.name, values[one.name])
    institution.settings = msgspec.to_builtins(settings)
    audit.write(
        session,
        institution_id=institution.id,
        actor_id=actor_id,
        act="institution.change",
        subject="institution",
        subject_id=institution.id,
        reason=reason.strip(),
        now=now,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return changed


def _whole(settings: InstitutionSettings) -> dict[str, Any]:
    """Every field, the defaults too."""
    return {name: getattr(settings, name) for name in InstitutionSettings.__struct_fields__}
