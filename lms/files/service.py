"""What can be done with files."""

from datetime import datetime
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.files.models import StoredFile
from lms.files.storage import Storage


def store(
    session: Session,
    storage: Storage,
    institution_id: int,
    *,
    name: str,
    media_type: str,
    data: bytes | BinaryIO,
    now: datetime,
) -> StoredFile:
    """The file's row; the same bytes under the same name are the same row."""
    sha256, size = storage.put(data)
    return register(
        session,
        institution_id,
        sha256=sha256,
        size=size,
        name=name,
        media_type=media_type,
        now=now,
    )


def register(
    session: Session,
    institution_id: int,
    *,
    sha256: str,
    size: int,
    name: str,
    media_type: str,
    now: datetime,
) -> StoredFile:
    """The row for bytes that are in storage already."""
    found = session.scalar(
        select(StoredFile).filter_by(institution_id=institution_id, sha256=sha256, name=name)
    )
    if found is None:
        found = StoredFile(
            institution_id=institution_id,
            sha256=sha256,
            size=size,
            media_type=media_type,
            name=name,
            created_at=now,
        )
        session.add(found)
        session.flush()  # its id goes into configurations and links
    return found
