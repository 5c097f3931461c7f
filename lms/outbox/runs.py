"""Slots of jobs: claimed by the one row that can be inserted, ended in it."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from lms.db import insert_or_ignore
from lms.outbox.leases import database_now
from lms.outbox.models import JobRun

NOBODY = "first sight"
"""Holder of the slot in which a job was first seen. A new job has missed nothing: it begins with
its next slot, and from then on what was missed is known."""


def begin(connection: Connection, job: str, slot: datetime, *, holder: str) -> bool:
    """Whether the slot is `holder`'s to run; False when it was run, or is another's."""
    now = database_now(connection)
    row = {"job": job, "slot": slot, "holder": holder, "started_at": now}
    if connection.execute(select(JobRun.id).where(JobRun.job == job).limit(1)).first() is None:
        row |= {"holder": NOBODY, "finished_at": now}
    insert = insert_or_ignore(connection, JobRun).returning(JobRun.id)
    return connection.execute(insert, row).first() is not None and row["holder"] == holder


def end(connection: Connection, job: str, slot: datetime, *, error: str | None) -> None:
    """The run is over, well or not."""
    connection.execute(
        update(JobRun)
        .where(JobRun.job == job, JobRun.slot == slot)
        .values(finished_at=database_now(connection), error=error)
    )


def note_cut_off(connection: Connection, *, holder: str) -> int:
    """Say of runs without an end, by others than the new leader, that they were cut off."""
    return connection.execute(
        update(JobRun)
        .where(JobRun.finished_at.is_(None), JobRun.error.is_(None), JobRun.holder != holder)
        .values(error="The scheduler stopped before the end.")
    ).rowcount
