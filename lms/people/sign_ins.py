"""Sign-ins: one row a device, which its owner can see and end."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import Session

from lms.config import Settings
from lms.people.models import Account, SignIn
from lms.people.service import STALE, token_hash


def new_token() -> str:
    """What the cookie holds: 256 random bits."""
    return secrets.token_urlsafe(32)


def begin(
    connection: Connection,
    *,
    account_id: int,
    password_hash: str,
    token: str,
    device: str,
    address: str,
    now: datetime,
) -> bool:
    """Sign a device in; False if the account's password was changed since it was verified."""
    account = connection.execute(
        select(Account.institution_id, Account.person_id).where(
            Account.id == account_id, Account.password_hash == password_hash
        )
    ).first()
    if account is None:
        return False
    connection.execute(
        insert(SignIn),
        {
            "institution_id": account.institution_id,
            "person_id": account.person_id,
            "token_hash": token_hash(token),
            "device": device,
            "address": address,
            "created_at": now,
            "seen_at": now,
        },
    )
    return True


def of_person(
    session: Session, person_id: int, *, now: datetime, settings: Settings
) -> list[SignIn]:
    """The sign-ins that still hold, the one used last first."""
    return list(
        session.scalars(
            select(SignIn)
            .where(
                SignIn.person_id == person_id,
                SignIn.revoked_at.is_(None),
                SignIn.seen_at > now - timedelta(minutes=settings.idle_minutes) - STALE,
                SignIn.created_at > now - timedelta(days=settings.sign_in_days),
            )
            .order_by(SignIn.seen_at.desc(), SignIn.id.desc())
        )
    )


def revoke(
    session: Session | Connection, person_id: int, sign_in_id: int, *, now: datetime
) -> bool:
    """End one sign-in of a person at once; False if it is not theirs or has ended."""
    ended = session.execute(
        update(SignIn)
        .where(SignIn.id == sign_in_id, SignIn.person_id == person_id, SignIn.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(SignIn.id)
    )
    return ended.first() is not None


def revoke_token(session: Session | Connection, token: str, *, now: datetime) -> None:
    """End the sign-in that a cookie names."""
    session.execute(
        update(SignIn)
        .where(SignIn.token_hash == token_hash(token), SignIn.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def revoke_all(
    session: Session | Connection, person_id: int, *, keep: int | None = None, now: datetime
) -> None:
    """End every sign-in of a person but `keep`."""
    query = update(SignIn).where(SignIn.person_id == person_id, SignIn.revoked_at.is_(None))
    if keep is not None:
        query = query.where(SignIn.id != keep)
    session.execute(query.values(revoked_at=now))


def prune(connection: Connection, *, now: datetime, settings: Settings) -> None:
    """Forget sign-ins, with their addresses and devices, a month after they can hold no more."""
    ended = now - timedelta(days=settings.sign_in_days + 30)
    connection.execute(delete(SignIn).where(SignIn.created_at < ended))
