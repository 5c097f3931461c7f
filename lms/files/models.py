"""Files by their hash."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class StoredFile(Base):
    """A file of an institution; its bytes lie in storage under their SHA-256. pii: maybe content"""

    __tablename__ = "lms_file"
    __table_args__ = (UniqueConstraint("institution_id", "sha256", "name"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey("lms_institution.id"))
    sha256: Mapped[str]
    size: Mapped[int]
    media_type: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]
