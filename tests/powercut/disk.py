"""The disk as it would be found after the power was cut at some point of a journal.

What was synced is there. Of what was written since the last sync of its file any part may be there
and any may not, torn at sectors; of the files made, renamed and removed in a folder since its last
sync, the first so many happened, as a journalling file system keeps them. The choice is a seed's.
"""

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

HEAD = struct.Struct("<BIHHQQ")
SECTOR = 512
WRITE, TRUNCATE, GROW, SYNC_BEGINS, SYNCED, UNLINK, RENAME = range(1, 8)
OPENED, EMPTIED, STREAM, MKDIR, RMDIR, UNKNOWN = range(8, 14)
CHANCES = (0.0, 0.3, 0.6, 0.9, 1.0)
"""How much of what was not synced a cut leaves: one of these, by its seed."""


class UnfollowedError(Exception):
    """The journal holds what this simulation does not know how to cut."""


class Note(NamedTuple):
    what: int
    who: int
    path: str
    other: str
    at: int
    data: bytes
    end: int
    """Where in the journal it ends."""


class _Change(NamedTuple):
    """In one folder a name is taken away, or given, or both at once."""

    gone: str | None
    new: str | None = None
    file: "_File | None" = None


class _File:
    """A file's contents, wherever it is called: synced, and what is loose. Or a folder."""

    def __init__(self, origin: Path | None = None, *, folder: bool = False) -> None:
        self.origin, self.folder = origin, folder
        self.loose: list[Note] = []
        self.unseen = False
        self._kept = bytearray()

    def kept(self) -> bytearray:
        if self.origin is not None:
            self._kept, self.origin = bytearray(self.origin.read_bytes()), None
        return self._kept

    def settle(self, number: int) -> None:
        """The first `number` of its loose changes are on the disk."""
        for note in self.loose[:number]:
            _apply(self.kept(), note)
        del self.loose[:number]

    def left(self, chance: random.Random, likely: float) -> bytearray:
        found = bytearray(self.kept())
        for note in self.loose:
            _apply_some(found, note, chance, likely)
        return found


class Disk:
    """Follows a journal note by note, and lays out what a cut would leave.

    `before` is a copy of `folder` from before the journal began; its files that are `still`, which
    nobody writes to in what is laid out either, are linked there. `deaf` says of a finished sync
    whether the disk only pretended to it: what a test plants to see that losses are found.
    """

    def __init__(
        self,
        folder: Path,
        before: Path,
        *,
        still: Callable[[str], bool] = lambda _name: False,
        deaf: Callable[[Note], bool] = lambda _note: False,
    ) -> None:
        self.folder, self._deaf, self._still = folder, deaf, still
        self._names = {
            str(folder / path.relative_to(before)): _File(path, folder=path.is_dir())
            for path in (before, *before.rglob("*"))
        }
        self._kept = dict(self._names)
        self._loose: dict[str, list[_Change]] = {}
        self._syncing: dict[tuple[int, str], tuple[_File | None, int]] = {}

    def follow(self, note: Note) -> None:
        name = note.path
        if note.what in {WRITE, TRUNCATE, GROW}:
            self._made(name).loose.append(note)
        elif note.what in {OPENED, EMPTIED, STREAM}:
            file = self._made(name)
            if note.what == EMPTIED:
                file.loose.append(note._replace(what=TRUNCATE))
            file.unseen = file.unseen or note.what == STREAM
        elif note.what == SYNC_BEGINS:
            self._begin(note)
        elif note.what == SYNCED:
            self._end(note)
        elif note.what in {UNLINK, RMDIR}:
            self._names.pop(name, None)
            self._change(_Change(name))
        elif note.what == RENAME and not self._is_folder(name):
            self._rename(name, note.other)
        elif note.what == MKDIR:
            self._names[name] = made = _File(folder=True)
            self._change(_Change(None, name, made))
        else:
            raise UnfollowedError(f"{note.what} {name} {note.other} {note.at}")

    def left(self, to: Path, seed: int) -> None:
        """Lay out under `to` what a cut here leaves of the folder."""
        chance = random.Random(seed)  # noqa: S311  chance, not a secret
        likely = CHANCES[seed % len(CHANCES)]
        names = dict(self._kept)
        for changes in self._loose.values():
            # Not binomial: each number of changes is as likely as another.
            number = {0.0: 0, 1.0: len(changes)}.get(likely, chance.randint(0, len(changes)))
            _happened(names, changes[:number])
        for name, file in sorted(names.items()):
            found = to / os.path.relpath(name, self.folder)
            if file.folder and (found == to or found.parent.is_dir()):
                found.mkdir(exist_ok=found == to)
            if file.folder or not found.parent.is_dir():
                continue  # what lies in a folder whose name was lost is lost
            if file.origin is None or file.loose:
                found.write_bytes(file.left(chance, likely))
            elif self._still(name):
                found.hardlink_to(file.origin)
            else:
                shutil.copyfile(file.origin, found)

    def _is_folder(self, name: str) -> bool:
        return name in self._names and self._names[name].folder

    def _made(self, name: str) -> _File:
        if name not in self._names:
            self._names[name] = file = _File()
            self._change(_Change(None, name, file))
        return self._names[name]

    def _rename(self, name: str, other: str) -> None:
        self._names[other] = file = self._names.pop(name, None) or _unseen()
        if os.path.dirname(name) == os.path.dirname(other):  # noqa: PTH120
            self._change(_Change(name, other, file))
        else:  # each folder keeps its own half
            self._change(_Change(None, other, file))
            self._change(_Change(name))

    def _change(self, change: _Change) -> None:
        folder = os.path.dirname(change.new or change.gone or "")  # noqa: PTH120
        self._loose.setdefault(folder, []).append(change)

    def _begin(self, note: Note) -> None:
        name = note.path
        if self._is_folder(name):
            self._syncing[note.who, name] = None, len(self._loose.get(name, ()))
            return
        file = self._made(name)
        self._syncing[note.who, name] = file, len(file.loose)

    def _end(self, note: Note) -> None:
        name = note.path
        file, number = self._syncing.pop((note.who, name))
        if self._deaf(note):
            return
        if file is None:
            changes = self._loose.get(name, [])
            safe = min(number, len(changes))
            _happened(self._kept, changes[:safe])
            del changes[:safe]
            self._shift(name, None, safe)
            return
        if file.unseen:
            raise UnfollowedError(f"{name} was written unseen, and synced")
        safe = min(number, len(file.loose))
        file.settle(safe)
        self._shift(name, file, safe)

    def _shift(self, name: str, file: _File | None, safe: int) -> None:
        """Syncs of the same that still go on counted what is settled now."""
        for key, (other, number) in self._syncing.items():
            if other is file and (file is not None or key[1] == name):
                self._syncing[key] = other, max(0, number - safe)


def _unseen() -> _File:
    file = _File()
    file.unseen = True
    return file


def _happened(names: dict[str, _File], changes: Iterable[_Change]) -> None:
    for change in changes:
        if change.gone is not None:
            names.pop(change.gone, None)
        if change.new is not None and change.file is not None:
            names[change.new] = change.file


def _apply(kept: bytearray, note: Note) -> None:
    if note.what == TRUNCATE:
        del kept[note.at :]
    end = note.at + len(note.data)  # without data: how large it is made
    if len(kept) < end:
        kept.extend(bytes(end - len(kept)))
    if note.data:
        kept[note.at : end] = note.data


def _apply_some(kept: bytearray, note: Note, chance: random.Random, likely: float) -> None:
    """All of it, nothing, or some of its sectors."""
    if note.what != WRITE or likely in {0.0, 1.0} or chance.random() < 0.7:
        if chance.random() < likely:
            _apply(kept, note)
        return
    start = 0
    while start < len(note.data):
        end = start + SECTOR - (note.at + start) % SECTOR
        if chance.random() < likely:
            _apply(kept, note._replace(at=note.at + start, data=note.data[start:end]))
        start = end


def compiler() -> str | None:
    """The C compiler, where LD_PRELOAD is known too."""
    if sys.platform != "linux":
        return None
    return shutil.which("cc") or shutil.which("gcc")


def library(folder: Path) -> Path:
    """The journal's library, compiled into `folder`."""
    made = folder / "journal.so"
    source = Path(__file__).with_name("journal.c")
    command = [compiler() or "cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(source), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return made


def notes(journal: Path) -> Iterator[Note]:
    """What stands whole in the journal."""
    with journal.open("rb") as file:
        end = 0
        while len(head := file.read(HEAD.size)) == HEAD.size:
            what, who, named, other, at, length = HEAD.unpack(head)
            texts = file.read(named + other)
            data = file.read(length)
            if len(texts) + len(data) < named + other + length:
                return
            end += HEAD.size + named + other + length
            path, second = texts[:named].decode(), texts[named:].decode()
            if what not in {WRITE, UNKNOWN}:
                path, second = os.path.normpath(path), second and os.path.normpath(second)
            yield Note(what, who, path, second, at, data, end)


def cuts(disk: Disk, journal: Path, points: Iterable[int], to: Path) -> Iterator[tuple[int, Path]]:
    """The power cut at each of the journal's bytes `points`; each time the folder as found."""
    waiting = sorted(points)
    followed = notes(journal)
    note = next(followed, None)
    for number, point in enumerate(waiting):
        while note is not None and note.end <= point:
            disk.follow(note)
            note = next(followed, None)
        found = to / f"cut{number}"
        disk.left(found, number)
        yield point, found
        shutil.rmtree(found)
