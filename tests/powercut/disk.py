"""The disk as it would be found after the power was cut at some point of a journal.

What was synced is there. Of what was written since the last sync of its file any part may be there
and any may not, torn at sectors: the choice is a seed's. Names (files made, renamed and removed)
are as they were at the cut: databases sync their folders, and which of them did not is not asked.
"""

import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HEAD = struct.Struct("<BIHQQ")
SECTOR = 512
WRITE, TRUNCATE, SYNC_BEGINS, SYNCED, UNLINK, RENAME, EMPTIED = range(1, 8)


class Note(NamedTuple):
    what: int
    who: int
    path: str
    at: int
    data: bytes
    end: int
    """Where in the journal it ends."""


class _File:
    def __init__(self, content: bytes = b"") -> None:
        self.kept = bytearray(content)
        self.loose: list[Note] = []
        self.syncing: dict[int, int] = {}
        """Who syncs it → how much of `loose` had been written when that began."""


def compiler() -> str | None:
    from shutil import which

    return which("cc") or which("gcc")


def library(folder: Path) -> Path:
    """The journal's library, compiled into `folder`."""
    made = folder / "journal.so"
    source = Path(__file__).with_name("journal.c")
    command = [compiler() or "cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(source), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return made


def notes(journal: Path, until: int) -> Iterator[Note]:
    """What stands whole in the journal's first `until` bytes."""
    with journal.open("rb") as file:
        end = 0
        while len(head := file.read(HEAD.size)) == HEAD.size:
            what, who, named, at, length = HEAD.unpack(head)
            end += HEAD.size + named + length
            if end > until:
                return
            path = file.read(named).decode()
            yield Note(what, who, path, at, file.read(length), end)


def rebuild(journal: Path, before: Path, folder: Path, to: Path, *, until: int, seed: int) -> None:
    """Lay out under `to` what a cut at the journal's byte `until` leaves of `folder`.

    `before`: a copy of the folder from before the journal began.
    """
    files = {
        str(folder / path.relative_to(before)): _File(path.read_bytes())
        for path in before.rglob("*")
        if path.is_file()
    }
    for note in notes(journal, until):
        _follow(files, note)
    chance = random.Random(seed)  # noqa: S311  chance, not a secret
    for path in before.rglob("*"):
        if path.is_dir():
            (to / path.relative_to(before)).mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        for note in file.loose:
            _apply_some(file, note, chance)
        found = to / Path(name).relative_to(folder)
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_bytes(file.kept)
        found.chmod(0o600)


def _follow(files: dict[str, _File], note: Note) -> None:
    if note.what == UNLINK:
        files.pop(note.path, None)
    elif note.what == RENAME:
        if note.path in files:
            files[note.data.decode()] = files.pop(note.path)
    elif note.what == EMPTIED:
        files[note.path] = _File()
    elif note.what in {SYNC_BEGINS, SYNCED} and note.path not in files:
        return  # a folder
    else:
        file = files.setdefault(note.path, _File())
        if note.what == SYNC_BEGINS:
            file.syncing[note.who] = len(file.loose)
        elif note.what == SYNCED:
            safe = file.syncing.pop(note.who, 0)
            for one in file.loose[:safe]:
                _apply(file, one)
            del file.loose[:safe]
            file.syncing = {who: max(0, n - safe) for who, n in file.syncing.items()}
        else:
            file.loose.append(note)


def _apply(file: _File, note: Note) -> None:
    if note.what == TRUNCATE:
        del file.kept[note.at :]
        file.kept.extend(bytes(note.at - len(file.kept)))
        return
    end = note.at + len(note.data)
    if len(file.kept) < end:
        file.kept.extend(bytes(end - len(file.kept)))
    file.kept[note.at : end] = note.data


def _apply_some(file: _File, note: Note, chance: random.Random) -> None:
    """All of it, nothing, or some of its sectors."""
    luck = chance.random()
    if luck < 0.4:
        return
    if luck < 0.8 or note.what == TRUNCATE:
        _apply(file, note)
        return
    for start in range(0, len(note.data), SECTOR):
        if chance.random() < 0.5:
            part = note.data[start : start + SECTOR]
            _apply(file, note._replace(at=note.at + start, data=part))
