"""Making a person, with what is sealed sealed and what is checked checked."""

import re
import unicodedata
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from lms.errors import InvalidError
from lms.people import audit, service
from lms.people.models import Institution, Organisation, Person
from lms.people.sealing import Sealer

_NEIS = re.compile(r"(A00|([B-K]|[MN]|[P-T])10)[1-9][0-9]{6}")


def is_neis(number: str) -> bool:
    """Whether it has the shape of a NEIS person number."""
    return bool(_NEIS.fullmatch(number))


def seal_birth_date(sealer: Sealer, value: date | None) -> str | None:
    """What `Person.birth_date_sealed` holds."""
    return None if value is None else sealer.seal(value.isoformat())


def born_mark(sealer: Sealer, name: str, birth_date: date | None) -> str | None:
    """What `Person.born_mark` holds: equal for people of one name and age."""
    if birth_date is None:
        return None
    return sealer.mark(f"{plain_name(name)}|{birth_date.isoformat()}")


def plain_name(name: str) -> str:
    """A name in the one form that is compared: composed, blanks inside Korean names left out."""
    text = " ".join(unicodedata.normalize("NFC", name).split())
    return text.replace(" ", "") if re.fullmatch(r"[가-힣 ]+", text) else text


def seal_neis(sealer: Sealer, number: str | None) -> tuple[str | None, str | None]:
    """What `Person.neis_sealed` and `Person.neis_mark` hold. Raises InvalidError."""
    if not number:
        return None, None
    if not is_neis(number):
        raise InvalidError(
            "나이스 개인번호가 아닙니다. 글자 하나와 숫자 아홉 개를 적어 주십시오.", field="neis"
        )
    return sealer.seal(number), sealer.mark(number)


def register(
    session: Session,
    institution: Institution,
    *,
    name: str,
    sealer: Sealer,
    actor_id: int | None,
    now: datetime,
    reason: str,
    email: str | None = None,
    organisation: Organisation | None = None,
    birth_date: date | None = None,
    neis: str | None = None,
    **facts: Any,
) -> Person:
    """Add a person whom we vouch for ourselves, with the audit row. Raises InvalidError.

    `facts`: staff_category, rank, occupation, first_appointed_on, status, locale.
    """
    if not name.strip():
        raise InvalidError("이름을 적어 주십시오.", field="name")
    account_name = service.new_account_name()
    neis_sealed, neis_mark = seal_neis(sealer, neis)
    person = Person(
        institution_id=institution.id,
        issuer="local",
        subject=account_name,
        account_name=account_name,
        name=name.strip(),
        email=email,
        organisation_id=organisation.id if organisation else None,
        birth_date_sealed=seal_birth_date(sealer, birth_date),
        born_mark=born_mark(sealer, name, birth_date),
        neis_sealed=neis_sealed,
        neis_mark=neis_mark,
        created_at=now,
        **facts,
    )
    session.add(person)
    session.flush()  # the audit row and whatever follows name the person by id
    audit.write(
        session,
        institution_id=institution.id,
        actor_id=actor_id,
        act="person.register",
        subject="person",
        subject_id=person.id,
        reason=reason,
        now=now,
    )
    return person
