"""Structured lines on standard error; no personal data goes in, so none comes out."""

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import structlog


def configure() -> None:
    """JSON where a program reads, short lines where a person does; INFO and up."""
    person = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tell_fault,
            structlog.dev.ConsoleRenderer() if person else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


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
