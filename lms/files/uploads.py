"""A file on its way in: named, measured and sniffed before anybody believes anything of it."""

import hmac
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from lms.errors import TooLargeError
from lms.files.models import StoredFile
from lms.files.service import register
from lms.files.sniffing import HEAD, sniff
from lms.files.storage import Storage

_LONGEST_NAME = 120


class Upload(NamedTuple):
    """A file that a person chose. `stream` can be sought; nothing of it is in memory."""

    name: str
    size: int
    media_type: str
    """By its first bytes: see lms.files.sniffing."""

    stream: BinaryIO


class Held(msgspec.Struct, frozen=True, array_like=True):
    """An upload whose bytes are in storage, and no row speaks of it yet."""

    sha256: str
    size: int
    media_type: str
    name: str


class Uploads:
    """The files that came with a form, by the names of their fields."""

    def __init__(self, found: Mapping[str, Upload]) -> None:
        self._found = dict(found)

    def get(self, field: str) -> Upload | None:
        """The file of that field; None when none was chosen."""
        return self._found.get(field)


def receive(name: str, stream: BinaryIO, *, limit: int) -> Upload:
    """The upload that a stream holds. Raises TooLargeError above `limit` bytes."""
    size = stream.seek(0, 2)
    if size > limit:
        raise TooLargeError(
            "파일이 너무 큽니다. {limit} MB까지 올릴 수 있습니다.", limit=limit >> 20
        )
    stream.seek(0)
    head = stream.read(HEAD)
    stream.seek(0)
    return Upload(clean_name(name), size, sniff(head), stream)


def clean_name(name: str) -> str:
    """The last part of a name, without what no shell or page should meet; never empty."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(one for one in last if unicodedata.category(one)[0] != "C").strip(" .")
    stem, dot, ending = kept.rpartition(".")
    if dot and len(ending) <= 10:
        return f"{stem[:_LONGEST_NAME] or 'file'}.{ending}"
    return kept[:_LONGEST_NAME] or "file"


def hold(storage: Storage, upload: Upload) -> Held:
    """Bring the bytes into storage: slow, so outside of any transaction."""
    upload.stream.seek(0)
    sha256, size = storage.put(upload.stream)
    return Held(sha256, size, upload.media_type, upload.name)


def enter(session: Session, institution_id: int, held: Held, *, now: datetime) -> StoredFile:
    """The row of an upload whose bytes are in storage."""
    return register(
        session,
        institution_id,
        sha256=held.sha256,
        size=held.size,
        name=held.name,
        media_type=held.media_type,
        now=now,
    )


def ticket(secret: str, institution_id: int, held: Held) -> str:
    """Names bytes in storage to the same institution's next form, so that nothing is sent twice."""
    body = msgspec.json.encode((institution_id, held))
    return f"{_text(body)}.{_text(_sign(secret, body))}"


def redeem(secret: str, institution_id: int, storage: Storage, given: str) -> Upload | None:
    """The upload that a ticket names; None when it is another's, was changed or is no ticket."""
    body, _, signature = given.partition(".")
    try:
        told, mark = _bytes(body), _bytes(signature)
    except ValueError:
        return None
    if not hmac.compare_digest(mark, _sign(secret, told)):
        return None
    home, held = msgspec.json.decode(told, type=tuple[int, Held])
    if home != institution_id:
        return None
    stream = storage.path(held.sha256).open("rb")
    return Upload(held.name, held.size, held.media_type, stream)


def _sign(secret: str, body: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"lms-upload:" + body, "sha256")[:18]


def _text(body: bytes) -> str:
    return urlsafe_b64encode(body).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def placed(config: Mapping[str, Any]) -> dict[str, Upload]:
    """The uploads that an editor put into a config, by their keys."""
    return {key: value for key, value in config.items() if isinstance(value, Upload)}
