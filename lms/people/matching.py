"""Whom a row of a sheet means: by NEIS number, else name, birth date and school; never a guess."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from lms.people import masks, registering
from lms.people.models import Organisation, Person
from lms.people.registering import plain_name
from lms.people.sealing import Sealer

CHUNK = 500
"""Keys that are asked about in one query."""

NEIS_SHAPE = "나이스 개인번호의 모양이 아닙니다. 글자 하나와 숫자 아홉 개인지 확인해 주십시오."
NEIS_TWICE = "같은 나이스 개인번호로 등록된 사람이 둘입니다. 먼저 한 사람으로 바로잡아 주십시오."
NEIS_OTHER = (
    "이 나이스 개인번호는 이름이 다른 사람의 것입니다. 번호와 성명을 확인하거나 "
    "생년월일을 함께 적어 주십시오."
)
OTHER_NEIS = (
    "성명과 생년월일이 같은 사람의 나이스 개인번호와 한두 글자만 다릅니다. 번호를 확인해 주십시오."
)
TOO_LITTLE = (
    "누구인지 알 수 없습니다. 나이스 개인번호를 적거나 성명, 생년월일, 소속을 모두 적어 주십시오."
)
SEVERAL = "성명, 생년월일, 소속이 같은 사람이 둘 이상입니다. 나이스 개인번호를 적어 주십시오."
OTHER_SCHOOL = (
    "성명과 생년월일이 같은 사람이 다른 소속에 있습니다. 같은 사람이면 나이스 개인번호를 적어 "
    "주십시오."
)
NOBODY = "등록된 사람이 아닙니다. 인사 자료에 먼저 올리거나 적은 것을 확인해 주십시오."


@dataclass(frozen=True)
class Key:
    """What a row says of somebody. `school`: the code or the name of a school or office."""

    neis: str = ""
    name: str = ""
    birth_date: date | None = None
    school: str = ""


@dataclass(frozen=True)
class Match:
    """Whom a key means, or a msgid that says why that is not certain."""

    person_id: int | None
    why: str | None = None
    nobody: bool = False
    """Nobody like that is known: one who keeps the register may add them."""


@dataclass(frozen=True)
class _Known:
    id: int
    name: str
    birth_date: date | None
    neis: str | None
    schools: frozenset[str]


def match(
    session: Session, sealer: Sealer, institution_id: int, keys: Sequence[Key]
) -> list[Match]:
    """For each key, in order, whom it means. At most four queries for
    every CHUNK keys, and none reads more than the keys need.

    People who were forgotten are never found; retired ones are.
    """
    return [
        one
        for chunk in chunks(keys, CHUNK)
        for one in _matched(session, sealer, institution_id, chunk)
    ]


def chunks(things: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    """`things` in pieces of at most `most`."""
    for start in range(0, len(things), most):
        yield things[start : start + most]


def plain_school(school: str) -> str:
    """A school's code or name in the one form that is compared."""
    return "".join(unicodedata.normalize("NFKC", school).split()).casefold()


def _matched(
    session: Session, sealer: Sealer, institution_id: int, keys: Sequence[Key]
) -> Iterator[Match]:
    ask = partial(_known, session, sealer, institution_id)
    marks = {key.neis: sealer.mark(key.neis) for key in keys if registering.is_neis(key.neis)}
    by_number: dict[str | None, list[_Known]] = defaultdict(list)
    for known in ask(Person.neis_mark.in_(marks.values())) if marks else ():
        by_number[known.neis].append(known)
    rest = [key for key in keys if key.name and not by_number.get(key.neis)]
    by_name = _namesakes(ask, sealer, rest)
    for key in keys:
        if key.neis and key.neis not in marks:
            yield Match(None, NEIS_SHAPE)
        elif key.neis and by_number[key.neis]:
            yield _by_number(key, by_number[key.neis])
        else:
            yield _by_rest(key, by_name[plain_name(key.name)])


def _namesakes(
    ask: Callable[[ColumnElement[bool]], Iterator[_Known]], sealer: Sealer, keys: Sequence[Key]
) -> dict[str, list[_Known]]:
    """Those of each name who may matter: of the same age, of no known age, of no known number.

    Not all of that name: there are hundreds, and a whole register would be read many times over.
    """
    found: dict[str, dict[int, _Known]] = defaultdict(dict)
    born = {registering.born_mark(sealer, key.name, key.birth_date) for key in keys} - {None}
    ageless = {form for key in keys for form in (key.name, plain_name(key.name))}
    bare = {form for key in keys if not key.birth_date for form in (key.name, plain_name(key.name))}
    wanted = (
        (born, Person.born_mark.in_(born)),
        (ageless, Person.name.in_(ageless) & Person.born_mark.is_(None)),
        (bare, Person.name.in_(bare) & Person.neis_mark.is_(None)),
    )
    for values, condition in wanted:
        for known in ask(condition) if values else ():
            found[plain_name(known.name)][known.id] = known
    return defaultdict(list, {name: list(known.values()) for name, known in found.items()})


def _by_number(key: Key, found: Sequence[_Known]) -> Match:
    if len(found) > 1:
        return Match(None, NEIS_TWICE)
    known = found[0]
    same_name = not key.name or plain_name(key.name) == plain_name(known.name)
    same_birth = key.birth_date is not None and key.birth_date == known.birth_date
    # Somebody may have taken another name; a slip of the pen in a number is likelier.
    return Match(known.id) if same_name or same_birth else Match(None, NEIS_OTHER)


def _by_rest(key: Key, namesakes: Sequence[_Known]) -> Match:
    born = [one for one in namesakes if key.birth_date and one.birth_date == key.birth_date]
    there = [one for one in born if plain_school(key.school) in one.schools]
    if not (key.name and key.birth_date and key.school):
        return (
            Match(None, NOBODY, nobody=True) if _is_new(key, namesakes) else Match(None, TOO_LITTLE)
        )
    if len(there) > 1:
        return Match(None, SEVERAL)
    if any(_is_slip(key.neis, one.neis) for one in born):
        return Match(None, OTHER_NEIS)
    if there and not (key.neis and there[0].neis):
        return Match(there[0].id)
    # Two numbers are two people, of one name and age though they be; without one it may be one.
    if any(not (key.neis and one.neis) for one in born):
        return Match(None, OTHER_SCHOOL)
    return Match(None, NOBODY, nobody=True)


def _is_slip(one: str, other: str | None) -> bool:
    """Whether two numbers differ as if a hand or an eye had slipped: by two signs or fewer."""
    if not one or not other or len(one) != len(other):
        return False
    return 0 < sum(a != b for a, b in zip(one, other, strict=True)) <= 2


def _is_new(key: Key, namesakes: Sequence[_Known]) -> bool:
    """With a name and a number that nobody has, unless a namesake's number is not known."""
    return bool(key.neis and key.name and all(one.neis for one in namesakes))


def _known(
    session: Session, sealer: Sealer, institution_id: int, condition: ColumnElement[bool]
) -> Iterator[_Known]:
    rows = session.execute(
        select(
            Person.id,
            Person.name,
            Person.birth_date_sealed,
            Person.neis_sealed,
            Organisation.code,
            Organisation.name.label("school"),
        )
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(
            Person.institution_id == institution_id,
            Person.status != "forgotten",
            condition,
        )
    )
    for row in rows:
        yield _Known(
            row.id,
            row.name,
            masks.birth_date(sealer, row.birth_date_sealed),
            masks.neis(sealer, row.neis_sealed),
            frozenset(plain_school(text) for text in (row.code, row.school) if text),
        )
