"""Who may act, until when: by the database's clock, since machines disagree about the time."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, or_, select, text, update

from lms.db import insert_or_ignore
from lms.outbox.models import Lease


def database_now(connection: Connection) -> datetime:
    """The instant by the database's clock, to the millisecond at least; not the transaction's."""
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now.astimezone(UTC)
    told = connection.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
    return datetime.fromisoformat(told).replace(tzinfo=UTC)


def hold_briefly(connection: Connection, life: timedelta) -> None:
    """Have PostgreSQL undo this transaction when its process is paused in it for `life`.

    Else its row locks would outlast its lease. SQLite knows nothing of the kind: there a process
    that is stopped inside a transaction stops all writing, until it wakes or is killed.
    """
    if connection.dialect.name == "postgresql":
        milliseconds = int(life.total_seconds() * 1000)
        connection.exec_driver_sql(
            f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}"
        )


def take(connection: Connection, name: str, *, holder: str, life: timedelta) -> bool:
    """Take the lease, or take it anew, for `life` from now; False while another holds it."""
    hold_briefly(connection, life)
    row = {"name": name, "holder": holder, "until": database_now(connection) + life}
    if connection.execute(insert_or_ignore(connection, Lease).returning(Lease.id), row).first():
        return True
    # The row's lock may have been waited for: the time is asked again.
    now = database_now(connection)
    taken = connection.execute(
        update(Lease)
        .where(Lease.name == name, or_(Lease.holder == holder, Lease.until <= now))
        .values(holder=holder, until=now + life)
    )
    return bool(taken.rowcount)


def holds(connection: Connection, name: str, *, holder: str) -> bool:
    """Whether `holder` has the lease now. A process that was paused must ask before each act."""
    return (
        connection.execute(
            select(Lease.id).where(
                Lease.name == name,
                Lease.holder == holder,
                Lease.until > database_now(connection),
            )
        ).first()
        is not None
    )


def give_back(connection: Connection, name: str, *, holder: str) -> None:
    """Let the next one begin at once; nothing is done when another holds it already."""
    connection.execute(
        update(Lease)
        .where(Lease.name == name, Lease.holder == holder)
        .values(until=database_now(connection))
    )
