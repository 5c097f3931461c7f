"""Local accounts: logins, passwords and the ways to a new one."""

import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, and_, exists, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from lms.errors import ConflictError, InvalidError
from lms.people import audit, sign_ins
from lms.people.models import Account, Institution, Person, ResetToken
from lms.people.service import GONE, token_hash

RESET_GOOD_FOR = timedelta(hours=1)
SHORTEST = 10
LONGEST = 256

# OWASP Password Storage Cheat Sheet: Argon2id with m = 19 MiB, t = 2, p = 1.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

# Verified where there is no account, so that an unknown login takes the time of a wrong password.
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$Wl+9UAhZuBjYCDcb1MdT0Q$eZa01sFI4D2LSaD1BggLYJW98DgDOCSh2ts65O9jkh4"
)

_COMMON = frozenset(
    {
        "0123456789",
        "1234567890",
        "1q2w3e4r5t",
        "abcdefghij",
        "password12",
        "password123",
        "qwerty1234",
        "qwertyuiop",
        "teacher123",
    }
)


@dataclass(frozen=True)
class Candidate:
    """An account that a login may mean, on the host that it was typed at."""

    account_id: int
    person_id: int
    institution_id: int
    institution_code: str
    institution_name: str
    login: str
    password_hash: str


def normal_login(login: str) -> str:
    """A login as it is kept: one spelling for what people see as the same."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def candidates(session: Session | Connection, login: str, *, host: str) -> list[Candidate]:
    """The accounts of `login` in the institution whose host this is, else in all that share it."""
    other = aliased(Institution)
    own_host = exists(select(other.id).where(other.host == host))
    query = (
        select(
            Account.id.label("account_id"),
            Account.person_id,
            Account.institution_id,
            Institution.code.label("institution_code"),
            Institution.name.label("institution_name"),
            Account.login,
            Account.password_hash,
        )
        .join(Person, Person.id == Account.person_id)
        .join(Institution, Institution.id == Account.institution_id)
        .where(
            Account.login == normal_login(login),
            Person.status.not_in(GONE),
            or_(Institution.host == host, and_(Institution.host.is_(None), ~own_host)),
        )
        .order_by(Institution.name, Account.id)
    )
    return [Candidate(**row) for row in session.execute(query).mappings()]


def matching(found: Sequence[Candidate], password: str) -> list[Candidate]:
    """Those of `found` whose password this is. Slow on purpose: call it outside any write lock."""
    if not found:
        verify(_NOBODY, password)
        return []
    return [one for one in found if verify(one.password_hash, password)]


def hash_password(password: str) -> str:
    """The Argon2id hash. Slow on purpose: call it outside any write lock."""
    return _HASHER.hash(_normal(password))


def verify(password_hash: str, password: str) -> bool:
    """Whether the hash is of this password; False as well for a hash that cannot be read."""
    try:
        return len(password) <= LONGEST and _HASHER.verify(password_hash, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def check_password(password: str, again: str, *, login: str) -> None:
    """A new password, typed twice. Raises InvalidError with what to do better."""
    plain = _normal(password)
    if len(plain) < SHORTEST:
        raise InvalidError(
            "{n}자보다 짧습니다. 글자, 숫자, 빈칸을 섞어 {n}자 이상 적어 주십시오.",
            field="password",
            n=SHORTEST,
        )
    if len(plain) > LONGEST:
        raise InvalidError("너무 깁니다. {n}자까지 적을 수 있습니다.", field="password", n=LONGEST)
    if normal_login(login) in {plain.casefold(), plain.casefold()[::-1]}:
        raise InvalidError(
            "아이디와 같습니다. 아이디에서 짐작할 수 없는 것으로 적어 주십시오.", field="password"
        )
    if plain.casefold() in _COMMON or len(set(plain)) < 4:
        raise InvalidError(
            "남이 쉽게 짐작할 수 있습니다. 나만 아는 낱말 셋을 이어 보십시오.",
            field="password",
        )
    if _normal(again) != plain:
        raise InvalidError(
            "두 칸이 서로 다릅니다. 같은 비밀번호를 두 번 적어 주십시오.", field="again"
        )


def open_account(
    session: Session,
    person: Person,
    login: str,
    *,
    password_hash: str,
    actor_id: int | None,
    now: datetime,
    reason: str,
) -> Account:
    """Give a person a local login, with its audit row.

    Raises InvalidError for an empty login, ConflictError for one that is taken or a person who has
    one.
    """
    wanted = normal_login(login)
    if not wanted:
        raise InvalidError("아이디를 적어 주십시오.", field="login")
    taken = session.scalar(
        select(Account.id).where(
            Account.institution_id == person.institution_id,
            or_(Account.login == wanted, Account.person_id == person.id),
        )
    )
    if taken is not None:
        raise ConflictError(
            "“{login}” 아이디는 이미 쓰이고 있거나 이 사람에게 벌써 아이디가 있습니다. "
            "다른 아이디를 적어 주십시오.",
            login=wanted,
        )
    account = Account(
        institution_id=person.institution_id,
        person_id=person.id,
        login=wanted,
        password_hash=password_hash,
        changed_at=now,
    )
    session.add(account)
    audit.write(
        session,
        institution_id=person.institution_id,
        actor_id=actor_id,
        act="account.open",
        subject="person",
        subject_id=person.id,
        reason=reason,
        now=now,
    )
    return account


def set_password(
    session: Session | Connection,
    account_id: int,
    password_hash: str,
    *,
    actor_id: int | None,
    keep_sign_in: int | None = None,
    now: datetime,
    reason: str,
) -> None:
    """Put a new hash in place, end every sign-in but `keep_sign_in` and every reset, with audit."""
    institution_id, person_id = session.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(password_hash=password_hash, changed_at=now)
        .returning(Account.institution_id, Account.person_id)
    ).one()
    session.execute(
        update(ResetToken)
        .where(ResetToken.account_id == account_id, ResetToken.used_at.is_(None))
        .values(used_at=now)
    )
    sign_ins.revoke_all(session, person_id, keep=keep_sign_in, now=now)
    audit.write(
        session,
        institution_id=institution_id,
        actor_id=actor_id,
        act="password.change",
        subject="person",
        subject_id=person_id,
        reason=reason,
        now=now,
    )


def renew_hash(connection: Connection, candidate: Candidate, password_hash: str) -> None:
    """Keep the same password under today's parameters, unless it was changed meanwhile."""
    connection.execute(
        update(Account)
        .where(Account.id == candidate.account_id, Account.password_hash == candidate.password_hash)
        .values(password_hash=password_hash)
    )


def promise_reset(
    connection: Connection, accounts: Iterable[Any], *, now: datetime
) -> list[tuple[Any, str]]:
    """A reset token for each of `accounts`: (account, token) pairs; only hashes are kept."""
    made = [(account, secrets.token_urlsafe(32)) for account in accounts]
    rows = [
        {
            "account_id": account.account_id,
            "token_hash": token_hash(token),
            "until": now + RESET_GOOD_FOR,
        }
        for account, token in made
    ]
    if rows:
        connection.execute(insert(ResetToken), rows)
    return made


def reset_account(session: Session | Connection, token: str, *, now: datetime) -> Candidate | None:
    """The account that a reset token opens; None if it was used, is too old or never was."""
    query = (
        select(
            Account.id.label("account_id"),
            Account.person_id,
            Account.institution_id,
            Institution.code.label("institution_code"),
            Institution.name.label("institution_name"),
            Account.login,
            Account.password_hash,
        )
        .join(ResetToken, ResetToken.account_id == Account.id)
        .join(Person, Person.id == Account.person_id)
        .join(Institution, Institution.id == Account.institution_id)
        .where(
            ResetToken.token_hash == token_hash(token),
            ResetToken.used_at.is_(None),
            ResetToken.until > now,
            Person.status.not_in(GONE),
        )
    )
    row = session.execute(query).mappings().first()
    return None if row is None else Candidate(**row)


def use_reset(
    connection: Connection, token: str, password_hash: str, *, now: datetime, reason: str
) -> Candidate | None:
    """Set the password that a reset token allows, once; None if the token no longer does."""
    found = reset_account(connection, token, now=now)
    if found is None:
        return None
    used = connection.execute(
        update(ResetToken)
        .where(ResetToken.token_hash == token_hash(token), ResetToken.used_at.is_(None))
        .values(used_at=now)
    )
    if used.rowcount != 1:
        return None
    set_password(
        connection,
        found.account_id,
        password_hash,
        actor_id=found.person_id,
        now=now,
        reason=reason,
    )
    return found


def _normal(password: str) -> str:
    # NIST SP 800-63B 5.1.1.2: one form, so that every keyboard types the same password.
    return unicodedata.normalize("NFKC", password)
