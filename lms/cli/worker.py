"""What each web process of ours loads."""

import os
import signal
import threading
import time

from flask import Flask

from lms.app import create_app

_LOOK = 2.0


def application() -> Flask:
    """The site. The process ends when the server that started it has gone, however it went.

    Else a server that was killed would leave workers behind that hold the port.
    """
    threading.Thread(
        target=_end_with, args=[os.getppid()], daemon=True, name="lms-orphan-watch"
    ).start()
    return create_app(gathered_log=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
