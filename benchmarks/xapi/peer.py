"""ralph, from PyPI, in an environment of its own: a record store to stand beside."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = "ralph-malph[full]==5.1.0"
USER, PASSWORD = "bench", "bench"

# As it comes, its file store takes one write for each file and refuses every later one.
_SERVE = """
import sys
import uvicorn
from ralph.backends.data.base import BaseOperationType
from ralph.backends.lrs.fs import FSLRSBackend
FSLRSBackend.default_operation_type = BaseOperationType.APPEND
uvicorn.run("ralph.api:app", host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""


def install(folder: Path) -> Path:
    """ralph's command; installed under `folder` unless it is there."""
    command = folder / "bin" / "ralph"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "-q", PACKAGE], check=True)
    return command


@contextmanager
def served(command: Path, folder: Path, port: int) -> Iterator[int]:
    """ralph with its file store, the one that needs no further server; yields its process id."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = os.environ | {
        "RALPH_APP_DIR": str(folder),
        "RALPH_AUTH_FILE": str(folder / "auth.json"),
        "RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH": str(folder),
        "RALPH_BACKENDS__LRS__FS__DEFAULT_LRS_FILE": "statements.jsonl",
        "RALPH_RUNSERVER_BACKEND": "fs",
        "RALPH_SENTRY_LRS_TRACES_SAMPLE_RATE": "0",
    }
    subprocess.run(
        [
            str(command), "auth", "-u", USER, "-p", PASSWORD, "-s", "all", "-w",
            "-N", "bench", "-A", USER, "https://lms.example.org",
        ],
        env=settings, check=True, capture_output=True,
    )  # fmt: skip
    with (folder / "ralph.log").open("wb") as said:
        process = subprocess.Popen(
            [str(command.with_name("python")), "-c", _SERVE, str(port)],
            env=settings,
            stdout=said,
            stderr=said,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)
