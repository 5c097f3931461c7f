"""Schools and offices by what sheets call them."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.people.matching import plain_school
from lms.people.models import Organisation

Said = tuple[str, dict[str, Any]]

UNKNOWN_CODE = (
    "학교(기관)코드 ‘{code}’는 등록되어 있지 않습니다. 코드를 고치거나 학교·기관 자료를 먼저 "
    "올려 주십시오."
)
OTHER_NAME = "코드 ‘{code}’는 “{known}”인데 이름은 “{name}”입니다. 둘 중 하나를 고쳐 주십시오."
SEVERAL = "“{name}”이라는 곳이 {n}곳 있습니다. 학교(기관)코드를 적어 주십시오."
UNKNOWN_NAME = (
    "“{name}”은 등록되어 있지 않습니다. 이름을 고치거나 학교·기관 자료를 먼저 올려 주십시오."
)


@dataclass(frozen=True)
class Places:
    """Every school and office of an institution, read once for a whole sheet."""

    by_code: dict[str, int]
    by_name: dict[str, list[int]]
    names: dict[int, str]

    def find(self, code: str, name: str) -> tuple[int | None, list[Said]]:
        """Which one is meant, and what must be mended; (None, []) where neither is told."""
        if code:
            return self._coded(code, name)
        if not name:
            return None, []
        namesakes = self.by_name.get(plain_school(name), [])
        if len(namesakes) == 1:
            return namesakes[0], []
        sentence = SEVERAL if namesakes else UNKNOWN_NAME
        return None, [(sentence, {"name": name[:60], "n": len(namesakes)})]

    def _coded(self, code: str, name: str) -> tuple[int | None, list[Said]]:
        found = self.by_code.get(plain_school(code))
        if found is None:
            return None, [(UNKNOWN_CODE, {"code": code[:40]})]
        known = self.names[found]
        if name and not _alike(name, known):
            return None, [(OTHER_NAME, {"code": code[:40], "known": known, "name": name[:60]})]
        return found, []


def places(session: Session, institution_id: int) -> Places:
    """The institution's schools and offices, in one query."""
    by_code: dict[str, int] = {}
    by_name: dict[str, list[int]] = defaultdict(list)
    names: dict[int, str] = {}
    rows = session.execute(
        select(Organisation.id, Organisation.code, Organisation.name).where(
            Organisation.institution_id == institution_id
        )
    )
    for row in rows:
        by_code[plain_school(row.code)] = row.id
        by_name[plain_school(row.name)].append(row.id)
        names[row.id] = row.name
    return Places(by_code, by_name, names)


def _alike(one: str, other: str) -> bool:
    """«서울가온중학교» and «가온중학교» are one school; «가온중» and «나래중» are two."""
    first, second = plain_school(one), plain_school(other)
    return first in second or second in first
