"""Where bytes lie: a folder, each file under its SHA-256; S3 can take its place."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


class Storage:
    """A folder of files named by what is in them: written once, never changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes | BinaryIO) -> tuple[str, int]:
        """Keep the bytes, all of them or none; returns (SHA-256 in hex, size in bytes)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in _chunks(data):
                    size += len(chunk)
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                # A row that names this file may be committed right after: the bytes must be there.
                os.fsync(file.fileno())
            path = self.path(digest.hexdigest())
            path.parent.mkdir(parents=True, exist_ok=True)
            Path(name).replace(path)
            for folder in (path.parent, self.folder):
                _sync(folder)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest.hexdigest(), size

    def path(self, sha256: str) -> Path:
        """Where the bytes with this hash lie, or would."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("not a SHA-256 in hex")
        return self.folder / sha256[:2] / sha256[2:]


def _sync(folder: Path) -> None:
    """Have the names in a folder on disk: a file whose name a power cut took is lost too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _chunks(data: bytes | BinaryIO) -> Iterable[bytes]:
    if isinstance(data, bytes):
        return [data]
    return iter(lambda: data.read(_CHUNK), b"")
