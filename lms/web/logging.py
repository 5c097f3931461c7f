"""Structured lines on standard error; no personal data goes in, so none comes out."""

import atexit
import logging
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

import msgspec
import structlog

_GATHERING = 0.02
"""Seconds that a line may wait for others, so that busy seconds cost few writes."""


def configure(*, gathered: bool = False) -> None:
    """JSON where a program reads, short lines where a person does; INFO and up.

    `gathered`: lines are written by a thread of their own, some hundredths of a second later and
    many at once: a write by each request would let go of Python's lock in the middle of it.
    """
    person = sys.stderr.isatty()
    file: Any = Gathered(sys.stderr) if gathered else sys.stderr
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tell_fault,
            structlog.dev.ConsoleRenderer()
            if person
            else structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=file),
        cache_logger_on_first_use=False,
    )


class Gathered:
    """A file whose lines another thread writes; what waits is written at the process's end."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._writing = threading.Lock()
        atexit.register(self.drain)

    def write(self, text: str) -> None:
        self._lines.put(text)
        # Begun at first use: a server that forks afterwards would lose the thread.
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, daemon=True, name="lms-log")
                    self._thread.start()

    def flush(self) -> None:
        """Nothing: the thread flushes after what it has written."""

    def drain(self, first: str = "") -> None:
        """Write all that waits."""
        with self._writing:
            lines = [first]
            try:
                while True:
                    lines.append(self._lines.get_nowait())
            except queue.Empty:
                self._file.write("".join(lines))
                self._file.flush()

    def _run(self) -> None:
        while True:
            first = self._lines.get()
            time.sleep(_GATHERING)
            self.drain(first)


def _json(event: Any, **_options: Any) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


def _tell_fault(_logger: Any, _method: str, event: Any) -> Any:
    """What went wrong and where. Not its message: that may quote what a person wrote."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = [_told(one) for one in _chain(error)]
    return event


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _told(error: BaseException) -> dict[str, Any]:
    driver = getattr(error, "orig", error)
    code = getattr(driver, "sqlstate", None) or getattr(driver, "sqlite_errorname", None)
    kind = type(error)
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}",
        **({"code": code} if code else {}),
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
