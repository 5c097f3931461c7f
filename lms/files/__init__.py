"""Files of institutions: kept by hash, given out by signed links on the content host."""

from lms.files.storage import Storage

__all__ = ["Storage"]
