"""Tokens that carry what they say, signed: an hour of a system's rights, a learner's launch.

Nothing of them is stored. Whom they stand for is asked anew at each use, so what is revoked,
withdrawn or signed out opens nothing from then on.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, and_, bindparam, select

from lms.config import Settings
from lms.db import Prepared
from lms.people.actor import Actor
from lms.people.models import Institution, Person, SignIn
from lms.people.service import GONE, STALE
from lms.xapi.credentials import Bound, Caller

ACCESS = timedelta(hours=1)
"""How long an access token is good."""

LAUNCH_SCOPES = frozenset({"statements/write", "statements/read/mine", "state"})
LAUNCH_USER = "launch"
"""The user name of a launch token where it comes as Basic credentials."""

_MARK_BYTES = 32


class Access(Struct, frozen=True, array_like=True, tag="access"):
    """What a system was given for its credentials (RFC 6749 4.4)."""

    username: str
    scopes: tuple[str, ...]
    until: int
    """Seconds since 1970."""


class Launch(Struct, frozen=True, array_like=True, tag="launch"):
    """What a learner's browser was given as an activity opened."""

    institution_id: int
    account: str
    registration: str
    activity: str
    until: int
    sign_in: int | None


class Launched(NamedTuple):
    """The learner of a launch token, who is there and signed in."""

    home_page: str
    sign_in_id: int | None
    seen_at: datetime | None

    def is_stale(self, now: datetime) -> bool:
        """Whether the sign-in's last act should be written down anew."""
        return self.seen_at is not None and now - self.seen_at >= STALE


_LEARNER = Prepared(
    select(Institution.home_page, SignIn.id, SignIn.seen_at)
    .select_from(Person)
    .join(Institution, Institution.id == Person.institution_id)
    .outerjoin(
        SignIn,
        and_(
            SignIn.id == bindparam("sign_in"),
            SignIn.person_id == Person.id,
            SignIn.revoked_at.is_(None),
            SignIn.seen_at > bindparam("seen_after"),
            SignIn.created_at > bindparam("created_after"),
        ),
    )
    .where(
        Person.institution_id == bindparam("institution_id"),
        Person.account_name == bindparam("account"),
        Person.status.not_in(GONE),
    ),
    Launched,
)
_decode = msgspec.msgpack.Decoder(Access | Launch).decode


def access_token(secret: str, username: str, scopes: Sequence[str], *, now: datetime) -> str:
    """A token for `scopes` of the credentials `username`, good for ACCESS."""
    until = int((now + ACCESS).timestamp())
    return _write(Access(username, tuple(scopes), until), secret)


def launch_token(
    secret: str, learner: Actor, *, registration: str, activity: str, until: datetime
) -> str:
    """What content that `learner` opens may speak to the record store with.

    It writes statements whose actor is the learner's account and whose registration is
    `registration`, reads back what it wrote, and keeps the state of `activity` (an IRI) under that
    registration. It ends at `until`, with the sign-in that the learner has now (where it is ours),
    and when a hook `lms_launch_over` says so. `secret`: the app's (`lms.edge.state().secret`).
    Give it as a Bearer token, or by `as_basic` to content that knows nothing else.
    """
    told = Launch(
        learner.institution_id,
        learner.account_name,
        registration.lower(),
        activity,
        int(until.timestamp()),
        learner.sign_in_id,
    )
    return _write(told, secret)


def as_basic(token: str) -> str:
    """A launch token as what stands behind «Basic » in an Authorization header (cmi5 8.2.2)."""
    return base64.b64encode(f"{LAUNCH_USER}:{token}".encode()).decode()


def read(text: str, secret: str, *, now: datetime) -> Access | Launch | None:
    """What a token says; None if its signature is wrong or its time is over."""
    try:
        told = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mark, said = told[:_MARK_BYTES], told[_MARK_BYTES:]
    if not hmac.compare_digest(mark, _mark(said, secret)):
        return None
    found = _decode(said)
    return found if now.timestamp() < found.until else None


def learner_of(
    connection: Connection, told: Launch, *, now: datetime, settings: Settings
) -> Launched | None:
    """The learner of a launch; None once they are gone, or their sign-in has ended."""
    found = _LEARNER.first(
        connection,
        institution_id=told.institution_id,
        account=told.account,
        sign_in=told.sign_in,
        seen_after=now - timedelta(minutes=settings.idle_minutes) - STALE,
        created_after=now - timedelta(days=settings.sign_in_days),
    )
    if found is None or found.sign_in_id != told.sign_in:
        return None
    return found


def caller_of(told: Launch, learner: Launched) -> Caller:
    """Who a launch is as a caller: see Caller.authority for its name."""
    bound = Bound(told.account, told.registration, told.activity)
    name = f"{told.account}/{told.registration}"
    return Caller(told.institution_id, name, learner.home_page, LAUNCH_SCOPES, bound)


def _write(told: Access | Launch, secret: str) -> str:
    said = msgspec.msgpack.encode(told)
    return base64.urlsafe_b64encode(_mark(said, secret) + said).decode().rstrip("=")


def _mark(said: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), b"lms.xapi.token:" + said, hashlib.sha256).digest()
