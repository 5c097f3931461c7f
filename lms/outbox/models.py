"""Promises and who keeps them. Every run of everything stands here."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class Task(Base):
    """A promise made in the same transaction as its cause, kept at least once. pii: id"""

    __tablename__ = "lms_task"
    __table_args__ = (
        Index(
            "ix_lms_task_open",
            "due",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    key: Mapped[str] = mapped_column(unique=True)
    """Says what is promised; the same promise twice is one."""

    name: Mapped[str]
    payload: Mapped[dict[str, Any]]
    institution_id: Mapped[int | None]
    made_at: Mapped[datetime]
    due: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    """When it was given up; a person has to look."""

    error: Mapped[str | None]


class Lease(Base):
    """Who leads, until when, by the database's clock. pii: none"""

    __tablename__ = "lms_lease"

    name: Mapped[str] = mapped_column(unique=True)
    holder: Mapped[str]
    until: Mapped[datetime]


class JobRun(Base):
    """One slot of one job: whoever inserts the row runs it. pii: none"""

    __tablename__ = "lms_job_run"
    __table_args__ = (UniqueConstraint("job", "slot"),)

    job: Mapped[str]
    slot: Mapped[datetime]
    holder: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]
