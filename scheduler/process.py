"""The process `lms scheduler`: any number may run; one leads, all keep promised tasks."""

import os
import secrets
import signal
import socket
import threading

import structlog

from lms.edge import State
from lms.web.logging import configure
from scheduler.draining import Drain
from scheduler.leading import Leader
from scheduler.pace import Pace

log = structlog.get_logger("lms.scheduler")


def run(state: State, *, pace: Pace | None = None, parent: int | None = None) -> None:
    """Work until SIGTERM or SIGINT, or until the process `parent` is no longer ours."""
    configure()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    work(state, stop, pace=pace or Pace(), parent=parent)


def work(state: State, stop: threading.Event, *, pace: Pace, parent: int | None = None) -> None:
    """Lead or wait to lead, and keep tasks, until `stop`."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    leader = Leader(state, holder=holder, pace=pace)
    threads = [
        threading.Thread(
            target=Drain(state, holder=f"{holder}:{number}", pace=pace, stopping=stop.is_set).run,
            args=[stop],
            name=f"lms-drain-{number}",
        )
        for number in range(pace.drains)
    ]
    for thread in threads:
        thread.start()
    log.info("scheduler_started", holder=holder)
    while not stop.is_set() and (parent is None or os.getppid() == parent):
        leader.renew()
        stop.wait(pace.renewal)
    stop.set()
    leader.stop()
    for thread in threads:
        thread.join()
    log.info("scheduler_stopped", holder=holder)
