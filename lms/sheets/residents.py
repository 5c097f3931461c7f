"""Resident registration numbers (주민등록번호): a sheet that holds one is not taken at all."""

import re
from collections.abc import Iterable, Sequence

from lms.errors import InvalidError
from lms.sheets.headings import same

_HEADINGS = frozenset({"주민등록번호", "주민번호", "외국인등록번호", "rrn"})

# Six digits of a birth date, then one that says century and sex, then six: with the hyphen, or
# without where the date is one. Personal Information Protection Act, Article 24-2.
_NUMBER = re.compile(
    r"(?<![0-9])[0-9]{6}\s*[-–—]\s*[0-9][0-9*]{6}(?![0-9])"
    r"|(?<![0-9])[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{7}(?![0-9])"
)


def refuse(head: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]]) -> None:
    """Raises InvalidError that names the column or the row, and never what stands there."""
    for cell in head:
        if same(cell) in _HEADINGS:
            raise InvalidError(
                "‘{heading}’ 항목이 있습니다. 주민등록번호는 받지도 저장하지도 않습니다. 그 항목을 "
                "지우고 다시 올려 주십시오.",
                field="file",
                heading=cell,
            )
    for number, cells in rows:
        if _NUMBER.search("\n".join(cells)):
            raise InvalidError(
                "{number}번째 줄에 주민등록번호처럼 보이는 값이 있습니다. 주민등록번호는 받지도 "
                "저장하지도 않습니다. 그 값을 지우고 다시 올려 주십시오.",
                field="file",
                number=number,
            )
