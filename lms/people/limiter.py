"""One limit on tries over every way in; it holds in the database, so it holds over processes.

Time is cut into slots of a fifteenth of the window, and the slots that touch the window are
summed: never more than the limit in any window, wherever it begins. A refused try is not counted
(its savepoint is undone), so nobody can keep another locked out by trying on.
"""

import hashlib
import hmac
import math
from datetime import datetime, timedelta
from typing import Literal, Protocol

from sqlalchemy import Connection, delete, func, select, update

from lms.config import Settings
from lms.db import Database, insert_for
from lms.errors import TooManyError
from lms.people.models import Tries

WINDOW = timedelta(minutes=15)
_SLOTS = 15
_REFUSAL = "여러 번 시도되어 잠시 쉽니다. {minutes}분 뒤에 다시 해 주십시오."

Kind = Literal["account", "credential", "reset"]


class Door(Protocol):
    """What a way in needs: the app's State has it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def db(self) -> Database: ...
    @property
    def secret(self) -> str: ...


def guard(state: Door, kind: Kind, key: str, address: str, now: datetime) -> None:
    """Count a try at `kind` `key` from `address`, durably, before anything is compared.

    Raises TooManyError, and then nothing may be compared. After a success call `forgive()`.
    """
    mine, place = marks(state.secret, kind, key, address)
    settings = state.settings
    # No number of tries finds the 256 random bits of a system's secret: its name is as patient as
    # an address, so that who tests a system hears that it is wrong, not that it asks too often.
    most = settings.address_tries if kind == "credential" else settings.lockout_tries

    def work(connection: Connection) -> None:
        count(connection, mine, limit=most, window=WINDOW, now=now)
        count(connection, place, limit=settings.address_tries, window=WINDOW, now=now)

    state.db.writer.do(work)


def forgive(
    connection: Connection, secret: str, kind: Kind, key: str, address: str, *, now: datetime
) -> None:
    """The try counted at `now` was right: the key starts afresh, the address gets its try back."""
    mine, place = marks(secret, kind, key, address)
    connection.execute(delete(Tries).where(Tries.key == mine))
    connection.execute(
        update(Tries)
        .where(Tries.key == place, Tries.window == _slot(now, WINDOW), Tries.count > 0)
        .values(count=Tries.count - 1)
    )


def count(
    connection: Connection, key: str, *, limit: int, window: timedelta, now: datetime
) -> None:
    """Count one try of `key`. Raises TooManyError if `window` holds `limit` of them already.

    To be called where an exception undoes the work: the writer, or a transaction.
    """
    if connection.dialect.name == "postgresql":
        # Two tries in neighbouring slots lock different rows: let them follow each other.
        lock = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(lock)))
    slot = _slot(now, window)
    row = insert_for(connection, Tries).values(key=key, window=slot, count=1)
    connection.execute(
        row.on_conflict_do_update(index_elements=["key", "window"], set_={"count": Tries.count + 1})
    )
    found = connection.execute(
        select(Tries.window, Tries.count)
        .where(Tries.key == key, Tries.window >= slot - _SLOTS, Tries.window <= slot)
        .order_by(Tries.window)
    ).all()
    over = sum(tries for _, tries in found) - limit
    if over > 0:
        wait = _wait([(int(at), int(tries)) for at, tries in found], over, window, now)
        raise TooManyError(_REFUSAL, retry_after=wait, minutes=math.ceil(wait / 60))


def prune(connection: Connection, *, now: datetime, window: timedelta = WINDOW) -> None:
    """Drop the slots that no window touches any more."""
    connection.execute(delete(Tries).where(Tries.window < _slot(now, window) - _SLOTS))


def marks(secret: str, kind: Kind, key: str, address: str) -> tuple[str, str]:
    """The keyed hashes of a key and of an address, as they stand in the table."""
    return _mark(secret, f"{kind}:{key}"), _mark(secret, f"address:{address}")


def _mark(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), b"lms.tries:" + text.encode(), hashlib.sha256).hexdigest()


def _slot(now: datetime, window: timedelta) -> int:
    return int(now.timestamp() // (window.total_seconds() / _SLOTS))


def _wait(found: list[tuple[int, int]], over: int, window: timedelta, now: datetime) -> int:
    """Seconds until enough slots have left the window for one more try."""
    seconds = window.total_seconds() / _SLOTS
    for slot, tries in found:
        over -= tries
        if over <= 0:
            return max(1, math.ceil((slot + _SLOTS + 1) * seconds - now.timestamp()))
    return math.ceil(window.total_seconds())
