"""The database: one declarative base, the only places that commit, and the writer."""

from lms.db.base import Base, UTCDateTime
from lms.db.bulk import InsertMany, PreparedIn, UpdateMany
from lms.db.engine import Database, connect, session_on
from lms.db.faults import is_disconnect
from lms.db.prepared import Prepared
from lms.db.upsert import Insert, insert_for, insert_or_ignore
from lms.db.writer import Writer

__all__ = [
    "Base",
    "Database",
    "Insert",
    "InsertMany",
    "Prepared",
    "PreparedIn",
    "UTCDateTime",
    "UpdateMany",
    "Writer",
    "connect",
    "insert_for",
    "insert_or_ignore",
    "is_disconnect",
    "session_on",
]
