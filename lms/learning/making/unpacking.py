"""Reading a course that comes as one file, from anybody: nothing is believed, nothing unpacked.

Names, counts, sizes, methods and overlaps are checked before a byte is read; then every file's
hash; only then is anything stored.
"""

import hashlib
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import msgspec

from lms.errors import InvalidError
from lms.files import Storage
from lms.files.sniffing import HEAD, sniff
from lms.files.uploads import Held, Upload, clean_name
from lms.learning.authoring import ROLES
from lms.learning.kinds import editor_of
from lms.learning.making import editing, fields
from lms.learning.making.drafts import DraftActivity, DraftUnit
from lms.learning.making.package import (
    FORMAT,
    MANIFEST,
    VERSION,
    Manifest,
    PackedActivity,
    member,
)

MOST_MEMBERS = 2_000
MOST_MANIFEST = 8 << 20
MOST_RATIO = 100
_SLACK = 64 << 10
_NAME = re.compile(r"files/[0-9a-f]{64}")
_CHUNK = 1 << 20
_LOCAL_HEADER = 30
_ENCRYPTED = 0x1
_END, _END_MARK = 22, b"PK\5\6"
_WIDTH = re.compile(r"[1-9][0-9]{1,3}")
_BROKEN = "과정 파일을 읽을 수 없습니다({what}). 내보낸 곳에서 다시 받아 올려 주십시오."


@dataclass
class Package:
    """A zip that was checked, open for its files to be read."""

    manifest: Manifest
    zip: zipfile.ZipFile

    def held(self, storage: Storage) -> list[Held]:
        """Bring every file into storage. Slow: outside of any transaction."""
        media_types = {}
        for sha256 in self.manifest.files:
            with self.zip.open(member(sha256)) as source:
                head = source.read(HEAD)
            with self.zip.open(member(sha256)) as source:
                kept, _size = storage.put(cast(BinaryIO, source))
            if kept != sha256:
                raise _broken(member(sha256))
            media_types[sha256] = sniff(head)
        return [
            Held(one.sha256, one.size, media_types[one.sha256], one.name)
            for one in self.manifest.named
        ]


@contextmanager
def opened(upload: Upload, kinds: dict[str, Any], *, limit: int) -> Iterator[Package]:
    """The package in an uploaded file, every byte of it checked.

    `limit`: bytes that all its files may have together. Raises InvalidError.
    """
    try:
        with zipfile.ZipFile(upload.stream) as archive:
            members = _members(archive, upload, limit)
            manifest = _manifest(archive, members)
            _check_files(archive, members, manifest)
            _check_course(manifest)
            _check_media(archive, manifest, kinds)
            yield Package(manifest, archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise InvalidError(_BROKEN, what=str(error)[:80] or "zip") from error


def units(manifest: Manifest, ids: Mapping[tuple[str, str], int]) -> list[DraftUnit]:
    """The content as a draft holds it. `ids`: (hash, name) → stored file's id."""
    return [
        DraftUnit(
            key=unit.key,
            title=unit.title,
            activities=[
                DraftActivity(
                    key=one.key,
                    kind=one.kind,
                    title=one.title,
                    role=one.role,
                    config=one.config
                    | {
                        f"{key}_file": ids[packed.sha256, packed.name]
                        for key, packed in one.files.items()
                    },
                )
                for one in unit.activities
            ],
        )
        for unit in manifest.units
    ]


def _members(archive: zipfile.ZipFile, upload: Upload, limit: int) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        raise InvalidError(_BROKEN, what=f"> {MOST_MEMBERS}")
    for info in entries:
        # The whole name as it stands in the file: zipfile cuts at a NUL.
        name = info.orig_filename
        if not (name == MANIFEST or _NAME.fullmatch(name)) or info.filename != name:
            raise InvalidError(_BROKEN, what=ascii(name[:60]))
        if name in found:
            raise InvalidError(_BROKEN, what=f"{name} × 2")
        _check_member(info)
        found[name] = info
    if MANIFEST not in found:
        raise InvalidError(
            "이음에서 내보낸 과정 파일이 아닙니다. 과정 화면에서 내보낸 파일을 올려 주십시오."
        )
    if sum(info.file_size for info in entries) > limit:
        raise InvalidError("풀면 {limit} MB가 넘는 파일입니다.", limit=limit >> 20)
    _check_layout(archive, entries, upload)
    return found


def _check_member(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise _broken(info.filename)
    if info.flag_bits & _ENCRYPTED or info.compress_type not in {
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    }:
        raise _broken(info.filename)
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise _broken(info.filename)
    if info.file_size > info.compress_size * MOST_RATIO + _SLACK:
        raise _broken(info.filename)


def _check_layout(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], upload: Upload) -> None:
    """Members lie one after the other from the first byte on, and nothing stands around them."""
    upload.stream.seek(-_END, os.SEEK_END)
    if upload.stream.read(4) != _END_MARK or archive.comment:
        raise _broken("zip")
    at = 0
    for info in sorted(entries, key=lambda one: one.header_offset):
        if info.header_offset < at or (at == 0 and info.header_offset != 0):
            raise _broken(info.filename)
        at = info.header_offset + _LOCAL_HEADER + len(info.filename) + info.compress_size
    if at > archive.start_dir:
        raise _broken("zip")


def _manifest(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> Manifest:
    if members[MANIFEST].file_size > MOST_MANIFEST:
        raise _broken(MANIFEST)
    data = archive.read(MANIFEST)
    try:
        told = msgspec.json.decode(data)
        version = told.get("version") if isinstance(told, dict) else None
        if isinstance(told, dict) and told.get("format") == FORMAT and version != VERSION:
            raise InvalidError(
                "더 새로운 이음에서 내보낸 파일입니다(형식 {version}). 새 판에서 들여 주십시오.",
                version=str(version)[:20],
            )
        manifest = msgspec.convert(told, Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InvalidError(_BROKEN, what=str(error)[:200]) from None
    if manifest.format != FORMAT:
        raise _broken("format")
    return manifest


def _check_files(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], manifest: Manifest
) -> None:
    named = {member(sha256) for sha256 in manifest.files} | {MANIFEST}
    if named != set(members):
        raise _broken(min(named ^ set(members)))
    for sha256, packed in manifest.files.items():
        digest, size = hashlib.sha256(), 0
        with archive.open(member(sha256)) as source:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                digest.update(chunk)
        if digest.hexdigest() != sha256 or size != packed.size:
            raise InvalidError(
                "과정 파일 안의 「{name}」이(가) 바뀌었거나 깨졌습니다. 다시 받아 올려 주십시오.",
                name=packed.name,
            )


def _check_course(manifest: Manifest) -> None:
    wrong = fields.faults(manifest.course)
    if wrong:
        raise InvalidError(_BROKEN, what=f"course.{min(wrong)}")
    keys = [unit.key for unit in manifest.units]
    keys += [one.key for unit in manifest.units for one in unit.activities]
    if len(keys) != len(set(keys)) or len(manifest.units) > editing.MOST_UNITS:
        raise _broken("units")
    for unit in manifest.units:
        if len(unit.activities) > editing.MOST_ACTIVITIES:
            raise _broken(unit.key)
        for one in unit.activities:
            _check_activity(one)
    for packed in manifest.files.values():
        if clean_name(packed.name) != packed.name:
            raise _broken(ascii(packed.name[:60]))


def _check_activity(one: PackedActivity) -> None:
    if one.role not in ROLES:
        raise _broken(f"{one.key}.role")
    if any(key.endswith("_file") for key in one.config):
        # An id of ours is given here, by us alone: another's would show somebody else's file.
        raise _broken(f"{one.key}.config")
    if not all(isinstance(one.config.get(key), str) for key in one.files):
        raise _broken(f"{one.key}.files")


def _check_media(archive: zipfile.ZipFile, manifest: Manifest, kinds: dict[str, Any]) -> None:
    """Pictures are pictures, and a kind sees for itself that a file is what the config says."""
    for width, packed in manifest.thumbnail.items():
        with archive.open(member(packed.sha256)) as source:
            if not _WIDTH.fullmatch(width) or sniff(source.read(HEAD)) != "image/webp":
                raise _broken("thumbnail")
    for unit in manifest.units:
        for one in unit.activities:
            inspect = getattr(editor_of(kinds.get(one.kind)), "inspect", None)
            if inspect is not None:
                _inspect(archive, one, inspect)


def _inspect(archive: zipfile.ZipFile, one: PackedActivity, inspect: Any) -> None:
    with ExitStack() as stack:
        found = {}
        for key, packed in one.files.items():
            # A member can be read forwards only; what looks into a file goes to and fro.
            whole = stack.enter_context(tempfile.TemporaryFile())
            with archive.open(member(packed.sha256)) as source:
                shutil.copyfileobj(source, whole, _CHUNK)
            whole.seek(0)
            head = whole.read(HEAD)
            stream = cast(BinaryIO, whole)
            found[key] = Upload(packed.name, packed.size, sniff(head), stream)
        inspect(dict(one.config), found)


def _broken(what: str) -> InvalidError:
    return InvalidError(_BROKEN, what=what)
