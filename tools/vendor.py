"""Copy the third-party browser assets we ship into the tree, and prove that they are unchanged.

    python tools/vendor.py            fetch the locked versions and copy the listed files
    python tools/vendor.py --check    compare the files in the tree with the lock (no network)
    python tools/vendor.py --lock     fetch, and write a new lock (after a version was changed here)

Wheels are built from the tree, so neither Node nor a network is needed to build or to run.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tools" / "vendor.lock.json"
TARGET = ROOT / "lms" / "web" / "static" / "vendor"


@dataclass(frozen=True)
class Package:
    """A package, and what of it we take: path inside (`*`: all that begins so) → path here."""

    name: str
    version: str
    licence: str
    take: tuple[tuple[str, str], ...]


PACKAGES = (
    Package(
        name="krds-uiux",
        version="1.1.0",
        licence="KRDS terms of use (the package's metadata says ISC)",
        # Only the tokens: the component styles load images from another host, and the bundled
        # font lacks three quarters of the Hangul syllables.
        take=(
            ("resources/css/token/krds_tokens.css", "krds_tokens.css"),
            ("README.md", "README.md"),
        ),
    ),
    Package(
        name="pretendard-gov",
        version="1.3.9",
        licence="OFL-1.1",
        take=(
            (
                "dist/web/variable/pretendardvariable-gov-dynamic-subset.css",
                "pretendardvariable-gov-dynamic-subset.css",
            ),
            ("dist/web/variable/woff2-dynamic-subset/*", "woff2-dynamic-subset/"),
            ("dist/LICENSE.txt", "LICENSE.txt"),
        ),
    ),
    Package(
        name="pdfjs-dist",
        # The last line of versions whose JBIG2 decoder (scanned papers) is plain script: later
        # ones need WebAssembly, which our content security policy does not allow.
        version="5.4.530",
        licence="Apache-2.0; openjpeg fallback BSD-2-Clause; character maps BSD-3-Clause",
        take=(
            # The "legacy" build brings its own Math.sumPrecise and the like, which browsers of
            # the last two years do not all have.
            ("legacy/build/pdf.min.mjs", "pdf.min.mjs"),
            ("legacy/build/pdf.worker.min.mjs", "pdf.worker.min.mjs"),
            ("LICENSE", "LICENSE"),
            # Word processors here still write papers that name these character maps.
            ("cmaps/Adobe-Korea1-*", "cmaps/Adobe-Korea1-"),
            ("cmaps/KSC*", "cmaps/KSC"),
            ("cmaps/UniKS-*", "cmaps/UniKS-"),
            ("cmaps/LICENSE", "cmaps/LICENSE"),
            # JPEG 2000 in scanned papers, without WebAssembly.
            ("wasm/openjpeg_nowasm_fallback.js", "wasm/openjpeg_nowasm_fallback.js"),
            ("wasm/LICENSE_OPENJPEG", "wasm/LICENSE_OPENJPEG"),
            ("wasm/LICENSE_PDFJS_OPENJPEG", "wasm/LICENSE_PDFJS_OPENJPEG"),
        ),
    ),
    Package(
        name="squire-rte",
        version="2.4.8",
        licence="MIT",
        # One module without dependencies that writes no inline style: it runs under our policy.
        take=(
            ("dist/squire.mjs", "squire.mjs"),
            ("LICENSE", "LICENSE"),
        ),
    ),
)


def digest(data: bytes) -> str:
    """Subresource-integrity notation, as package managers print it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def fetch(package: Package, folder: Path) -> tuple[bytes, str]:
    """The package's archive and the integrity that its registry states."""
    done = subprocess.run(
        ["npm", "pack", "--json", "--ignore-scripts", f"{package.name}@{package.version}"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    stated = json.loads(done.stdout)[0]
    return (folder / stated["filename"]).read_bytes(), stated["integrity"]


def destination(package: Package, path: str) -> str | None:
    """Where a file of the package goes, or None when we do not take it."""
    for source, target in package.take:
        if path == source:
            return target
        if source.endswith("*") and path.startswith(source[:-1]):
            return target + path[len(source) - 1 :]
    return None


def wanted(package: Package, archive: Path) -> dict[str, bytes]:
    """The files we take, by their path under NAME/."""
    files: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            inside = member.name.partition("/")[2]
            target = destination(package, inside)
            if target is None or not member.isfile():
                continue
            if ".." in Path(target).parts:
                raise SystemExit(f"{package.name}: unsafe path {member.name}")
            if opened := tar.extractfile(member):
                files[target] = opened.read()
    for source, target in package.take:
        if not any(name.startswith(target) for name in files):
            raise SystemExit(f"{package.name}@{package.version}: nothing found for {source}")
    return dict(sorted(files.items()))


def locked() -> dict[str, dict[str, Any]]:
    """The lock's entries by package name."""
    entries = json.loads(LOCK.read_text("utf-8"))["packages"]
    return {entry["name"]: entry for entry in entries}


def install(*, relock: bool) -> None:
    """Copy every package; refuse an archive that is not the locked one."""
    entries = []
    known = {} if relock else locked()
    with tempfile.TemporaryDirectory() as temporary:
        for package in PACKAGES:
            data, stated = fetch(package, Path(temporary))
            integrity = digest(data)
            expected = stated if relock else known[package.name]["integrity"]
            if integrity != expected:
                raise SystemExit(f"{package.name}: {integrity} is not the expected {expected}")
            archive = Path(temporary) / f"{package.name}.tgz"
            archive.write_bytes(data)
            files = wanted(package, archive)
            replace(TARGET / package.name, files)
            entries.append(
                {
                    "name": package.name,
                    "version": package.version,
                    "licence": package.licence,
                    "integrity": integrity,
                    "files": {name: digest(body) for name, body in files.items()},
                }
            )
            print(f"{package.name}@{package.version}: {len(files)} files")
    if relock:
        text = json.dumps({"packages": entries}, indent=2, ensure_ascii=False)
        LOCK.write_text(text + "\n", encoding="utf-8")


def replace(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold exactly these files."""
    for old in present(folder):
        if old not in files:
            (folder / old).unlink()
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def present(folder: Path) -> list[str]:
    """The files below a folder, as paths relative to it."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def check() -> list[str]:
    """What differs between the tree, the lock and this file's list of packages."""
    entries = locked()
    wrong = []
    for package in PACKAGES:
        entry = entries.pop(package.name, None)
        if entry is None or entry["version"] != package.version:
            wrong.append(f"{package.name}: the lock does not hold {package.version}")
            continue
        folder = TARGET / package.name
        there = {name: digest((folder / name).read_bytes()) for name in present(folder)}
        names = sorted(there.keys() | entry["files"].keys())
        wrong += [
            f"{package.name}/{name}: differs from the lock"
            for name in names
            if there.get(name) != entry["files"].get(name)
        ]
    wrong += [f"{name}: in the lock but not in the list" for name in entries]
    if TARGET.is_dir():
        ours = {package.name for package in PACKAGES}
        wrong += [f"{p.name}: not vendored by us" for p in TARGET.iterdir() if p.name not in ours]
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="compare the tree with the lock")
    choice.add_argument("--lock", action="store_true", help="fetch and write a new lock")
    chosen = parser.parse_args()
    if not chosen.check:
        install(relock=chosen.lock)
    wrong = check()
    print("\n".join(wrong) if wrong else "vendored files match the lock")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
