"""The text of a nudge: what may stand in braces, and filling it in."""

import re
from collections.abc import Mapping
from typing import Any

from lms import clock
from lms.errors import InvalidError
from lms.i18n import Words, formats
from lms.learning.models import Run
from lms.tutoring.risk import Moment

FIELDS = {
    "name": "받는 사람의 이름",
    "course": "과정 이름",
    "run": "기수, 예: 2026년 2기",
    "progress": "진도, 예: 34%",
    "unit": "마지막으로 들은 차시",
    "last_day": "마지막으로 학습한 날",
    "silent_days": "움직이지 않은 날 수",
    "deadline": "마감 날, 예: 11월 29일 일요일",
    "days_left": "마감까지 남은 날 수",
    "institution": "연수기관 이름",
}
"""What a template may name, and what each is (msgids)."""

_FIELD = re.compile(r"\{([^{}]*)\}")
_LONGEST = {"name": 60, "subject": 120, "body": 3000}


def check(texts: Mapping[str, str]) -> dict[str, str]:
    """A template's texts, cleaned. Raises InvalidError saying what is missing or unknown."""
    told = {key: value.strip() for key, value in texts.items()}
    for key, longest in _LONGEST.items():
        if not told.get(key):
            raise InvalidError("이름, 제목, 글을 모두 적어 주십시오.", field=key)
        if len(told[key]) > longest:
            raise InvalidError("{n}자까지 적을 수 있습니다.", field=key, n=longest)
    if "\n" in told["subject"] or "\r" in told["subject"]:
        raise InvalidError("제목은 한 줄로 적어 주십시오.", field="subject")
    for key in ("subject", "body"):
        unknown = sorted({one for one in _FIELD.findall(told[key]) if one not in FIELDS})
        if unknown:
            raise InvalidError(
                "{names}: 이런 자리는 없습니다. 쓸 수 있는 것은 {known}입니다.",
                field=key,
                names=", ".join(f"{{{one}}}" for one in unknown),
                known=", ".join(f"{{{one}}}" for one in FIELDS),
            )
    return told


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields filled in; what is in braces and unknown stays as it is."""
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), text)


def values(row: Any, run: Run, at: Moment, *, institution: str, say: Words) -> dict[str, str]:
    """What fills a template for a row of `lms.tutoring.learners`, in the reader's language."""
    joined = max(clock.local_day(row.enrolled_at, at.zone), at.learn_from)
    last = clock.local_day(row.last_act_at, at.zone) if row.last_act_at else None
    return {
        "name": row.name,
        "course": run.course.title,
        "run": say.text("{year}년 {n}기", year=run.year, n=run.number),
        "progress": f"{row.progress_permille // 10}%",
        "unit": say.text("{n}차시", n=row.unit or 1),
        "last_day": formats.day(last or joined, say.locale),
        "silent_days": str(max(0, (at.today - (last or joined)).days)),
        "deadline": formats.day_spoken(at.learn_until, say.locale),
        "days_left": str(max(0, at.days_left)),
        "institution": institution,
    }
