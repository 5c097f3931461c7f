"""Static files: one folder whose name changes with its content, kept for ever by browsers.

Component stylesheets are put together in the order of their names, so that they stay one file a
part in the repository and one request on the wire.
"""

import gzip
import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import brotli
from flask import Flask
from whitenoise import WhiteNoise

_STATIC = Path(__file__).parent / "static"
_TEXT = {".css", ".js", ".mjs", ".svg", ".json"}
_YEAR = 31536000


def base(prefix: str) -> str:
    """The path of the static folder, with a slash at its end."""
    return f"{prefix.rstrip('/')}/static/{build_name()}/"


@cache
def build_name() -> str:
    """Names this state of the static files."""
    digest = hashlib.sha256()
    for path in sorted(_STATIC.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(_STATIC)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def bundle() -> str:
    """Every component's stylesheet, in the order of their file names."""
    return "\n".join(path.read_text("utf-8") for path in sorted((_STATIC / "css").glob("*.css")))


def prepare(var: Path) -> Path:
    """Write the folder that is served, with brotli and gzip beside each text file; returns it."""
    target = var / "assets" / build_name()
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    # Built aside and moved: another process may be serving, or building, at the same moment.
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    shutil.copytree(_STATIC, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("css"))
    (work / "ieum.css").write_text(bundle(), "utf-8")
    for path in list(work.rglob("*")):
        if path.suffix in _TEXT:
            _compress(path)
    work.chmod(0o755)
    try:
        work.rename(target)
    except OSError:
        shutil.rmtree(work)
    return target


def mount(app: Flask, state: Any) -> None:
    """Serve the static files in front of `app`."""
    prepared = state.settings.folder / "assets" / build_name()
    server = WhiteNoise(
        app.wsgi_app,
        max_age=_YEAR,
        add_headers_function=_add_headers,
        index_file=False,
        allow_all_origins=False,
    )
    prefix = state.asset_base.strip("/")
    if prepared.exists():
        server.add_files(str(prepared), prefix=prefix)
    else:
        server.add_files(str(_STATIC), prefix=prefix)
        server.add_files(str(_bundle_folder()), prefix=prefix)
    app.wsgi_app = server  # type: ignore[method-assign]  # how WSGI middleware is put on


@cache
def _bundle_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"ieum-css-{build_name()}"
    folder.mkdir(exist_ok=True)
    written = folder / "ieum.css"
    if not written.exists():
        written.write_text(bundle(), "utf-8")
    return folder


def _compress(path: Path) -> None:
    data = path.read_bytes()
    path.with_name(path.name + ".br").write_bytes(brotli.compress(data, quality=9))
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(data, 9, mtime=0))


def _add_headers(headers: Any, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
