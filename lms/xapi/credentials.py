"""Credentials of systems that write or read an institution's records (Communication 4.0)."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.orm import Session

from lms.db import Prepared
from lms.errors import ClosedError, ForbiddenError, InvalidError, NotFoundError
from lms.people import audit
from lms.people.models import Institution
from lms.xapi.actors import find_key
from lms.xapi.models import Credential
from lms.xapi.statement import Received
from lms.xapi.store import Authority

SCOPES = (
    "statements/write",
    "statements/read/mine",
    "statements/read",
    "state",
    "define",
    "profile",
    "all/read",
    "all",
)
"""As Communication 4.2 names them."""

OVERLAP = timedelta(hours=24)
MOST_OVERLAP = timedelta(days=30)
"""How long an old secret goes on beside a new one: as a rule, and at most."""

_EVERY = timedelta(hours=1)
_MOST_NAME = 100
_NO_SCOPE = "쓸 수 없는 권한 범위입니다: {scope}. 쓸 수 있는 것은 {scopes}입니다."
_NO_NAME = "열쇠의 이름을 적어 주십시오. 어느 시스템의 것인지 알아볼 수 있어야 합니다."
_LONG_NAME = "열쇠의 이름은 {most}자까지 적을 수 있습니다."
_UNKNOWN = "그런 사용자 이름의 열쇠가 이 기관에 없습니다: {username}"
_OVER = "이미 거둔 열쇠에는 새 비밀 값을 줄 수 없습니다. 새 열쇠를 만들어 주십시오."
_OVERLAP = "옛 비밀 값을 함께 쓰는 시간은 0시간부터 {most}시간까지입니다."
_NOT_OWN = (
    "학습을 시작하며 받은 표로는 그 학습자가 그 수강으로 한 것만 쓰고 읽을 수 있습니다. "
    "고칠 곳: {path}"
)


class NotOwnError(ForbiddenError):
    """A launch token reached for what is another's; `field`: the path of what is."""

    def __init__(self, path: str) -> None:
        super().__init__(_NOT_OWN, path=path)
        self.field = path


@dataclass(frozen=True)
class Bound:
    """What a learner's launch token is for; nothing else is in its reach."""

    account: str
    """The person's account name."""

    registration: str
    """Lower-case UUID."""

    activity: str
    """IRI."""


@dataclass(frozen=True)
class Caller:
    """A system that showed the right secret, or what was launched for a learner."""

    institution_id: int
    username: str
    home_page: str
    scopes: frozenset[str]
    bound: Bound | None = None
    standing: "Standing | None" = None
    """What the commit is to ask again, where the credentials were remembered and not looked up."""

    def may(self, *scopes: str) -> bool:
        """Whether any of the scopes was given, by its own name or by one that holds it."""
        if self.scopes.isdisjoint({*scopes, "all"}):
            return "all/read" in self.scopes and any(one.startswith(_READING) for one in scopes)
        return True

    @property
    def authority(self) -> Authority:
        """Who vouches for what comes (Data 2.4.9.s3.b2): a system, or the learner (4.1.s6.b1).

        Under a learner's authority each registration is kept by itself, so that «what is mine»
        is what this launch has sent.
        """
        account = None if self.bound is None else self.bound.account
        return Authority(
            self.username,
            self.home_page,
            voids_others=self.may(),
            account=account,
            defines=self.may("define"),
        )

    def check_statements(self, received: Sequence[Received]) -> None:
        """Raises NotOwnError for a statement that this caller may not send (4.2: «write»)."""
        if self.bound is None:
            return
        actor = self._agent(self.bound)
        for number, one in enumerate(received):
            path = "$" if len(received) == 1 else f"$[{number}]"
            if one.actor != actor:
                raise NotOwnError(f"{path}.actor")
            if one.registration != self.bound.registration:
                raise NotOwnError(f"{path}.context.registration")
            if one.voids is not None:
                raise NotOwnError(f"{path}.verb")

    def check_state(self, agent: str, activity: str, registration: str | None) -> None:
        """Raises NotOwnError for a state out of reach (4.2: «state»).

        `agent`: as lms.xapi.actors.identifier gives it. `activity`: IRI.
        """
        if self.bound is None:
            return
        if agent != self._agent(self.bound):
            raise NotOwnError("agent")
        if activity != self.bound.activity:
            raise NotOwnError("activityId")
        if (registration or "").lower() != self.bound.registration:
            raise NotOwnError("registration")

    def _agent(self, bound: Bound) -> str:
        return find_key(f"account:{self.home_page}|{bound.account}")


class Standing(NamedTuple):
    """What credentials were when they were looked up; while that is in force they are right."""

    username: str
    secret_hash: str
    old_secret_hash: str | None
    old_until: datetime | None
    scopes: str


class Known(NamedTuple):
    """Credentials that are in force, as the database has them."""

    id: int
    institution_id: int
    username: str
    secret_hash: str
    old_secret_hash: str | None
    old_until: datetime | None
    scopes: list[str]
    last_used_at: datetime | None
    home_page: str

    def caller(self, scopes: Sequence[str] | None = None) -> Caller:
        """Who it is; with `scopes` no more than those."""
        given = self.scopes if scopes is None else scopes
        return Caller(self.institution_id, self.username, self.home_page, frozenset(given))

    def is_of(self, secret: str) -> bool:
        """Whether the secret is the newest one, which nothing but a change of the row ends."""
        return hmac.compare_digest(_hash(secret), self.secret_hash)

    @property
    def standing(self) -> Standing:
        told = self.secret_hash, self.old_secret_hash, self.old_until
        return Standing(self.username, *told, " ".join(self.scopes))

    def is_stale(self, now: datetime) -> bool:
        """Whether its use should be written down anew."""
        return self.last_used_at is None or now - self.last_used_at >= _EVERY


_READING = "statements/read"
_KNOWN = Prepared(
    select(
        Credential.id,
        Credential.institution_id,
        Credential.username,
        Credential.secret_hash,
        Credential.old_secret_hash,
        Credential.old_until,
        Credential.scopes,
        Credential.last_used_at,
        Institution.home_page,
    )
    .join(Institution, Institution.id == Credential.institution_id)
    .where(Credential.username == bindparam("username"), Credential.revoked_at.is_(None)),
    Known,
)


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
    if len(name.strip()) > _MOST_NAME:
        raise InvalidError(_LONG_NAME, field="name", most=_MOST_NAME)
    secret = _new_secret()
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
    _audit(
        session,
        credential,
        "credential.made",
        now=now,
        actor_id=actor_id,
        reason=reason,
        scopes=credential.scopes,
    )
    return credential, secret


def rotate(
    session: Session,
    institution_id: int,
    username: str,
    *,
    overlap: timedelta = OVERLAP,
    now: datetime,
    actor_id: int | None = None,
    reason: str = "",
) -> tuple[Credential, str]:
    """A new secret, told here once; the one before goes on for `overlap`, any older one ends.

    Raises NotFoundError if the institution has none of that name, ClosedError if it was revoked,
    InvalidError for an overlap below 0 or above MOST_OVERLAP.
    """
    if not timedelta() <= overlap <= MOST_OVERLAP:
        most = int(MOST_OVERLAP.total_seconds() // 3600)
        raise InvalidError(_OVERLAP, field="hours", most=most)
    credential = _locked(session, institution_id, username)
    if credential.revoked_at is not None:
        raise ClosedError(_OVER)
    secret = _new_secret()
    credential.old_secret_hash = credential.secret_hash if overlap else None
    credential.old_until = now + overlap if overlap else None
    credential.secret_hash = _hash(secret)
    _audit(
        session,
        credential,
        "credential.rotated",
        now=now,
        actor_id=actor_id,
        reason=reason,
        hours=int(overlap.total_seconds() // 3600),
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
    credential = _locked(session, institution_id, username)
    if credential.revoked_at is None:
        credential.revoked_at = now
        _audit(session, credential, "credential.revoked", now=now, actor_id=actor_id, reason=reason)
    return credential


def check(connection: Connection, username: str, secret: str, *, now: datetime) -> Known | None:
    """Whose the name and secret are; None if they are wrong, revoked, or old for too long."""
    found = find(connection, username)
    told = _hash(secret)
    # The same work for a name that does not exist, so that the time taken tells nothing.
    right = hmac.compare_digest(told, found.secret_hash if found else _hash(""))
    old = hmac.compare_digest(told, (found and found.old_secret_hash) or _hash(""))
    if found is None:
        return None
    in_time = found.old_until is not None and now < found.old_until
    return found if right or (old and in_time) else None


def changed(connection: Connection, seen: Collection[Standing]) -> set[Standing]:
    """Those of `seen` that are no longer in force as they were."""
    found = {one: find(connection, one.username) for one in seen}
    return {one for one, now in found.items() if now is None or now.standing != one}


def find(connection: Connection, username: str) -> Known | None:
    """The credentials of that name that are in force."""
    return _KNOWN.first(connection, username=username)


def touch(connection: Connection, credential_id: int, at: datetime) -> None:
    """Note that credentials were used at `at`; to the hour, so that using them writes little."""
    connection.execute(
        update(Credential)
        .where(
            Credential.id == credential_id,
            or_(Credential.last_used_at.is_(None), Credential.last_used_at <= at - _EVERY),
        )
        .values(last_used_at=at)
    )


def _locked(session: Session, institution_id: int, username: str) -> Credential:
    credential = session.scalar(
        select(Credential)
        .where(Credential.institution_id == institution_id, Credential.username == username)
        .with_for_update()
    )
    if credential is None:
        raise NotFoundError(_UNKNOWN, username=username)
    return credential


def _audit(
    session: Session,
    credential: Credential,
    act: str,
    *,
    now: datetime,
    actor_id: int | None,
    reason: str,
    **detail: object,
) -> None:
    audit.write(
        session,
        institution_id=credential.institution_id,
        actor_id=actor_id,
        act=act,
        subject="credential",
        subject_id=credential.id,
        reason=reason,
        now=now,
        username=credential.username,
        **detail,
    )


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
