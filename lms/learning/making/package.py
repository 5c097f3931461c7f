"""A course as one file: a zip of `course.json` and the files that it names by their SHA-256.

The same content gives the same bytes, on every machine: nothing of time, of ids or of an
institution is in it. Reading one is in lms.learning.making.unpacking.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_IFREG
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import NotFoundError
from lms.files import Storage
from lms.files.models import StoredFile
from lms.learning.making import fields
from lms.learning.making.checking import file_ids
from lms.learning.making.drafts import DraftActivity, DraftUnit
from lms.learning.making.fields import CourseFields
from lms.learning.models import Course

FORMAT, VERSION = "ieum-course", 1
MANIFEST = "course.json"
ENDING = ".ieum.zip"
_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = (S_IFREG | 0o644) << 16
_UNIX = 3

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Key = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,40}$")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]


class PackedFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file by its hash; its bytes are in the zip under files/."""

    sha256: Sha256
    size: Annotated[int, Meta(ge=0)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]


class PackedActivity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An activity; `files`: key of the config → the file that it names."""

    key: Key
    kind: Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,60}$")]
    title: Title
    role: str
    config: dict[str, Any]
    files: dict[str, PackedFile] = {}


class PackedUnit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit with its activities in their order."""

    key: Key
    title: Title
    activities: list[PackedActivity]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What course.json says."""

    format: str
    version: int
    course: CourseFields
    duty: dict[str, Any] = {}
    thumbnail: dict[str, PackedFile] = {}
    units: list[PackedUnit]

    @property
    def named(self) -> list[PackedFile]:
        """Every file as it is named; the same bytes may stand under several names."""
        found = list(self.thumbnail.values())
        for unit in self.units:
            for activity in unit.activities:
                found += activity.files.values()
        return found

    @property
    def files(self) -> dict[str, PackedFile]:
        """Every file by its hash, once."""
        return {one.sha256: one for one in self.named}


def manifest(session: Session, course: Course, units: Sequence[DraftUnit]) -> Manifest:
    """The course with this content, ready to be written. Raises NotFoundError for a lost file."""
    wanted = file_ids(units) | set(course.thumbnail.values())
    query = select(StoredFile).where(
        StoredFile.institution_id == course.institution_id, StoredFile.id.in_(wanted)
    )
    rows = {row.id: row for row in session.scalars(query)}
    return Manifest(
        format=FORMAT,
        version=VERSION,
        course=fields.of_course(course),
        duty=course.duty,
        thumbnail={width: _file(rows, one) for width, one in course.thumbnail.items()},
        units=[
            PackedUnit(
                key=unit.key,
                title=unit.title,
                activities=[_activity(rows, one) for one in unit.activities],
            )
            for unit in units
        ],
    )


def written(manifest: Manifest, storage: Storage) -> Iterator[bytes]:
    """The zip, piece by piece; never more than a piece of it in memory."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as out:
        out.writestr(_info(MANIFEST), encoded(manifest))
        yield sink.taken()
        for sha256, packed in sorted(manifest.files.items()):
            yield from _entry(out, sink, storage.path(sha256), packed)
    yield sink.taken()


def encoded(manifest: Manifest) -> bytes:
    """The manifest's one way of being written."""
    # Sorted: a database may keep the keys of a mapping in an order of its own.
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"


def member(sha256: str) -> str:
    """The name of a file in the zip."""
    return f"files/{sha256}"


def _entry(out: zipfile.ZipFile, sink: "_Sink", path: Path, packed: PackedFile) -> Iterator[bytes]:
    info = _info(member(packed.sha256))
    info.file_size = packed.size
    with path.open("rb") as source, out.open(info, "w") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
            yield sink.taken()


def _activity(rows: Mapping[int, StoredFile], one: DraftActivity) -> PackedActivity:
    ids = {
        key.removesuffix("_file"): value
        for key, value in one.config.items()
        if key.endswith("_file") and isinstance(value, int)
    }
    return PackedActivity(
        key=one.key,
        kind=one.kind,
        title=one.title,
        role=one.role,
        config={
            key: value
            for key, value in one.config.items()
            if key.removesuffix("_file") not in ids or not key.endswith("_file")
        },
        files={key: _file(rows, file_id) for key, file_id in ids.items()},
    )


def _file(rows: Mapping[int, StoredFile], file_id: int) -> PackedFile:
    row = rows.get(file_id)
    if row is None:
        raise NotFoundError(
            "과정의 파일 하나가 없어졌습니다. 발행 화면에서 어느 것인지 보아 주십시오."
        )
    return PackedFile(sha256=row.sha256, size=row.size, name=row.name)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = _UNIX
    info.external_attr = _READABLE
    return info


class _Sink:
    """Where zipfile writes to: gives out what came, and cannot go back."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        found, self.parts = b"".join(self.parts), []
        return found
