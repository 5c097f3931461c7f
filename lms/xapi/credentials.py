"""Credentials of systems that write or read an institution's records (Communication 4.0)."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from lms.errors import InvalidError, NotFoundError
from lms.people import audit
from lms.people.models import Institution
from lms.xapi.models import Credential
from lms.xapi.store import Authority

SCOPES = ("statements/write", "statements/read/mine", "statements/read", "all")
"""As Communication 4.2 names them."""

_NO_SCOPE = "쓸 수 없는 권한 범위입니다: {scope}. 쓸 수 있는 것은 {scopes}입니다."
_NO_NAME = "자격의 이름을 적어 주십시오. 어느 시스템의 것인지 알아볼 수 있어야 합니다."
_UNKNOWN = "그런 사용자 이름의 자격이 이 기관에 없습니다: {username}"


@dataclass(frozen=True)
class Caller:
    """A system that showed the right secret."""

    institution_id: int
    username: str
    home_page: str
    scopes: frozenset[str]

    def may(self, *scopes: str) -> bool:
        """Whether any of the scopes, or all of them at once, was given."""
        return not self.scopes.isdisjoint({*scopes, "all"})

    @property
    def authority(self) -> Authority:
        """Who vouches for what this system sends (Data 2.4.9.s3.b2)."""
        return Authority(self.username, self.home_page, voids_others=self.may())


def make(
    session: Session,
    institution_id: int,
    name: str,
    scopes: Sequence[str],
    *,
    now: datetime,
    actor_id: int | None = None,
    reason: str = "",
) -> tuple[Credential, str]:
    """New credentials and their secret, which is told here once and never again.

    Raises InvalidError for a scope that is not in SCOPES, for none, and for an empty name.
    """
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        told = ", ".join(SCOPES)
        raise InvalidError(_NO_SCOPE, field="scopes", scope=", ".join(wrong) or "-", scopes=told)
    if not name.strip():
        raise InvalidError(_NO_NAME, field="name")
    secret = secrets.token_urlsafe(32)
    credential = Credential(
        institution_id=institution_id,
        name=name.strip(),
        username=f"rs-{secrets.token_hex(8)}",
        secret_hash=_hash(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
    )
    session.add(credential)
    session.flush()  # the audit row names its id
    audit.write(
        session,
        institution_id=institution_id,
        actor_id=actor_id,
        act="credential.made",
        subject="credential",
        subject_id=credential.id,
        reason=reason,
        now=now,
        username=credential.username,
        scopes=credential.scopes,
    )
    return credential, secret


def revoke(
    session: Session,
    institution_id: int,
    username: str,
    *,
    now: datetime,
    actor_id: int | None = None,
    reason: str = "",
) -> Credential:
    """End credentials; from the next request on they open nothing. Again changes nothing.

    Raises NotFoundError if the institution has none of that name.
    """
    credential = session.scalar(
        select(Credential)
        .where(Credential.institution_id == institution_id, Credential.username == username)
        .with_for_update()
    )
    if credential is None:
        raise NotFoundError(_UNKNOWN, username=username)
    if credential.revoked_at is None:
        credential.revoked_at = now
        audit.write(
            session,
            institution_id=institution_id,
            actor_id=actor_id,
            act="credential.revoked",
            subject="credential",
            subject_id=credential.id,
            reason=reason,
            now=now,
            username=username,
        )
    return credential


def check(connection: Connection, username: str, secret: str) -> Caller | None:
    """Whom the name and secret stand for; None if they are wrong or revoked."""
    row = connection.execute(
        select(
            Credential.institution_id,
            Credential.secret_hash,
            Credential.scopes,
            Institution.home_page,
        )
        .join(Institution, Institution.id == Credential.institution_id)
        .where(Credential.username == username, Credential.revoked_at.is_(None))
    ).one_or_none()
    # The same work for a name that does not exist, so that the time taken tells nothing.
    right = hmac.compare_digest(_hash(secret), row.secret_hash if row else _hash(""))
    if row is None or not right:
        return None
    return Caller(row.institution_id, username, row.home_page, frozenset(row.scopes))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
