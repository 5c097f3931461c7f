"""Who somebody is, what they may be, and how they are forgotten."""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from lms.config import Settings
from lms.db import Prepared, insert_or_ignore
from lms.errors import ConflictError, InvalidError, NotFoundError
from lms.people import audit
from lms.people.actor import Actor, Identity
from lms.people.models import Account, Institution, Organisation, Person, Post, RoleGrant, SignIn
from lms.permissions import ROLES

STALE = timedelta(seconds=60)
"""How far `SignIn.seen_at` may lag behind: not every request writes."""

GONE = ("forgotten", "retired")

_PERSONAL = (
    "email",
    "phone",
    "organisation_id",
    "rank",
    "occupation",
    "first_appointed_on",
    "retires_on",
    "birth_date_sealed",
    "born_mark",
    "neis_sealed",
    "neis_mark",
    "locale",
)


class _Found(NamedTuple):
    """A person and one of their roles."""

    granted: str | None
    granted_run: int | None
    person_id: int
    institution_id: int
    name: str
    account_name: str
    home_page: str
    zone: str
    institution_name: str
    institution_short: str
    institution_settings: dict[str, object]
    organisation: str | None
    organisation_id: int | None
    rank: str | None
    locale: str | None
    theme: str
    sign_in_id: int | None = None
    seen_at: datetime | None = None


_PERSON = (
    RoleGrant.role,
    RoleGrant.run_id,
    Person.id,
    Person.institution_id,
    Person.name,
    Person.account_name,
    Institution.home_page,
    Institution.zone,
    Institution.name,
    Institution.short_name,
    Institution.settings,
    Organisation.name,
    Person.organisation_id,
    Person.rank,
    Person.locale,
    Person.theme,
)
_JOINED = (
    select(*_PERSON)
    .select_from(Person)
    .join(Institution, Institution.id == Person.institution_id)
    .outerjoin(Organisation, Organisation.id == Person.organisation_id)
    .outerjoin(RoleGrant, and_(RoleGrant.person_id == Person.id, RoleGrant.ended_at.is_(None)))
    .where(Person.status.not_in(GONE))
)
_BY_SIGN_IN = Prepared(
    _JOINED.add_columns(SignIn.id, SignIn.seen_at)
    .join(SignIn, SignIn.person_id == Person.id)
    .where(
        SignIn.token_hash == bindparam("token_hash"),
        SignIn.revoked_at.is_(None),
        SignIn.seen_at > bindparam("seen_after"),
        SignIn.created_at > bindparam("created_after"),
    ),
    _Found,
)
_BY_SUBJECT = Prepared(
    _JOINED.where(
        Person.institution_id == bindparam("institution_id"),
        Person.issuer == bindparam("issuer"),
        Person.subject == bindparam("subject"),
    ),
    _Found,
)


def find_actor(
    session: Session | Connection, identity: Identity, *, now: datetime, settings: Settings
) -> Actor | None:
    """The person behind `identity` with their roles; None if nobody, or no longer signed in.

    Domain: a sign-in ends after `settings.idle_minutes` without an act (never earlier; up to
    STALE later) and `settings.sign_in_days` after it began.
    """
    if identity.sign_in is not None:
        return _actor(
            _BY_SIGN_IN.all(
                session,
                token_hash=token_hash(identity.sign_in),
                seen_after=now - timedelta(minutes=settings.idle_minutes) - STALE,
                created_after=now - timedelta(days=settings.sign_in_days),
            )
        )
    institution_id = _home(session, settings.institution or None)
    if institution_id is None or not identity.subject:
        return None
    return _actor(
        _BY_SUBJECT.all(
            session,
            institution_id=institution_id,
            issuer=identity.issuer,
            subject=identity.subject,
        )
    )


def recognise(
    connection: Connection, identity: Identity, *, code: str | None, now: datetime
) -> None:
    """Make the person that a host site's word names; nothing if they are known already.

    Raises ConflictError when there are several institutions and no `code` says which.
    """
    institution_id = _home(connection, code)
    if institution_id is None:
        raise ConflictError(
            "이 사람이 속할 연수기관을 알 수 없습니다. "
            "설정 LMS_INSTITUTION에 연수기관 부호를 적어 주십시오."
        )
    connection.execute(
        insert_or_ignore(connection, Person),
        {
            "institution_id": institution_id,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "account_name": new_account_name(),
            "name": identity.name or identity.subject,
            "email": identity.email,
            "staff_category": "teacher",
            "status": "active",
            "theme": "",
            "created_at": now,
        },
    )


def is_stale(actor: Actor, now: datetime) -> bool:
    """Whether the person's last act should be written down anew."""
    return actor.seen_at is not None and now - actor.seen_at >= STALE


def touch(connection: Connection, sign_in_id: int | None, at: datetime) -> None:
    """Note that a sign-in was used at `at`; never moves it back."""
    connection.execute(
        update(SignIn).where(SignIn.id == sign_in_id, SignIn.seen_at < at).values(seen_at=at)
    )


def grant(
    session: Session | Connection,
    person_id: int,
    institution_id: int,
    role: str,
    *,
    run_id: int | None = None,
    actor_id: int | None,
    now: datetime,
    reason: str,
) -> bool:
    """Give a role, with its audit row; False if the person holds it already.

    Raises InvalidError for an unknown role or an empty reason, NotFoundError for a person who is
    not of this institution.
    """
    _check_change(session, person_id, institution_id, role, reason)
    connection = session if isinstance(session, Connection) else session.connection()
    row = {
        "institution_id": institution_id,
        "person_id": person_id,
        "role": role,
        "run_id": run_id,
        "granted_at": now,
    }
    made = insert_or_ignore(connection, RoleGrant).values(row).returning(RoleGrant.id)
    if connection.execute(made).first() is None:
        return False
    audit.write(
        session,
        institution_id=institution_id,
        actor_id=actor_id,
        act="role.grant",
        subject="person",
        subject_id=person_id,
        reason=reason,
        now=now,
        role=role,
        run_id=run_id,
    )
    return True


def end_grant(
    session: Session | Connection,
    person_id: int,
    institution_id: int,
    role: str,
    *,
    run_id: int | None = None,
    actor_id: int | None,
    now: datetime,
    reason: str,
) -> bool:
    """End a role, with its audit row; False if the person did not hold it.

    Raises as `grant()` does.
    """
    _check_change(session, person_id, institution_id, role, reason)
    ended = session.execute(
        update(RoleGrant)
        .where(
            RoleGrant.person_id == person_id,
            RoleGrant.institution_id == institution_id,
            RoleGrant.role == role,
            RoleGrant.run_id == run_id if run_id is not None else RoleGrant.run_id.is_(None),
            RoleGrant.ended_at.is_(None),
        )
        .values(ended_at=now)
        .returning(RoleGrant.id)
    ).all()
    if not ended:
        return False
    audit.write(
        session,
        institution_id=institution_id,
        actor_id=actor_id,
        act="role.end",
        subject="person",
        subject_id=person_id,
        reason=reason,
        now=now,
        role=role,
        run_id=run_id,
    )
    return True


def roles(session: Session, person_id: int) -> list[RoleGrant]:
    """Every role that the person holds or held, current ones first, newest first."""
    query = (
        select(RoleGrant)
        .where(RoleGrant.person_id == person_id)
        .order_by(RoleGrant.ended_at.is_not(None), RoleGrant.granted_at.desc(), RoleGrant.id)
    )
    return list(session.scalars(query))


def forget(
    session: Session, person: Person, *, actor_id: int | None, now: datetime, reason: str
) -> None:
    """Erase who the person is; what they did and completed stays, under their random name.

    Their statements name an opaque account, so the record stays whole (Personal Information
    Protection Act, Article 21). Raises InvalidError without a reason.
    """
    if not reason.strip():
        raise InvalidError("왜 지우는지 한 줄로 적어 주십시오.", field="reason")
    if person.status == "forgotten":
        return
    session.execute(delete(Account).where(Account.person_id == person.id))
    session.execute(delete(SignIn).where(SignIn.person_id == person.id))
    session.execute(delete(Post).where(Post.person_id == person.id))
    session.execute(
        update(RoleGrant)
        .where(RoleGrant.person_id == person.id, RoleGrant.ended_at.is_(None))
        .values(ended_at=now)
    )
    for field in _PERSONAL:
        setattr(person, field, None)
    person.name = "(지움)"
    person.issuer, person.subject = "forgotten", person.account_name
    person.staff_category = "outsider"
    person.theme = ""
    person.unwanted = []
    person.status = "forgotten"
    audit.write(
        session,
        institution_id=person.institution_id,
        actor_id=actor_id,
        act="person.forget",
        subject="person",
        subject_id=person.id,
        reason=reason,
        now=now,
    )


def token_hash(token: str) -> str:
    """What the database knows of a token: SHA-256, since the token itself is long and random."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_account_name() -> str:
    """A random name for a person in statements; 128 bits, so never met twice."""
    return secrets.token_hex(16)


def _home(session: Session | Connection, code: str | None) -> int | None:
    """The institution of a host site's people: the one named, else the only one there is."""
    query = select(Institution.id).limit(2)
    if code is not None:
        query = query.where(Institution.code == code)
    found = session.execute(query).scalars().all()
    return found[0] if len(found) == 1 else None


def _actor(rows: Sequence[_Found]) -> Actor | None:
    """The person of `rows`: one row for each role granted, or one without any."""
    if not rows:
        return None
    roles_held = {"learner"}
    runs: defaultdict[str, set[int]] = defaultdict(set)
    for row in rows:
        if row.granted is not None:
            roles_held.add(row.granted)
            if row.granted_run is not None:
                runs[row.granted].add(row.granted_run)
    one = rows[0]
    return Actor(
        person_id=one.person_id,
        institution_id=one.institution_id,
        name=one.name,
        account_name=one.account_name,
        home_page=one.home_page,
        zone=one.zone,
        institution_name=one.institution_name,
        institution_short=one.institution_short,
        institution_settings=one.institution_settings,
        organisation=one.organisation,
        organisation_id=one.organisation_id,
        rank=one.rank,
        locale=one.locale,
        theme=one.theme,
        roles=frozenset(roles_held),
        runs={role: frozenset(ids) for role, ids in runs.items()},
        sign_in_id=one.sign_in_id,
        seen_at=one.seen_at,
    )


def _check_change(
    session: Session | Connection, person_id: int, institution_id: int, role: str, reason: str
) -> None:
    if role not in ROLES or role == "learner":
        raise InvalidError(
            "“{role}” 역할은 없습니다. 목록에서 골라 주십시오.", field="role", role=role
        )
    if not reason.strip():
        raise InvalidError("왜 바꾸는지 한 줄로 적어 주십시오.", field="reason")
    known = session.execute(
        select(Person.id).where(Person.id == person_id, Person.institution_id == institution_id)
    ).first()
    if known is None:
        raise NotFoundError("이 연수기관에 그런 사람이 없습니다. 이름으로 다시 찾아 주십시오.")
