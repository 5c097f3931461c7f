"""Commands that keep running: the web server, the scheduler, and both at once."""

import os
import socket
import subprocess
import sys
import threading

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from lms import checks, migrations
from lms.cli import environment, institute
from lms.cli.upkeep import passed
from lms.config import Settings
from lms.db import Database
from lms.web import assets

_BACKLOG = 1024
"""Connections, not requests: granian counts an idle one that is kept alive too, so fewer would
lock people out while nothing is done. Requests are bounded by the threads."""

_STOP_SECONDS = 15


@click.command()
@click.option("--host", default="127.0.0.1", envvar="HOST", show_default=True)
@click.option("--port", type=int, help="PORT, or 8000.")
def serve(host: str, port: int | None) -> None:
    """Serve the site under granian, after `lms check` has passed."""
    settings = environment.settings()
    _refuse_unless_sound(settings)
    _serve(settings, host, port or environment.port())


@click.command()
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the parent does.")
def scheduler(with_parent: bool) -> None:
    """Run the jobs and keep the promised tasks; any number of these may run."""
    # Another floor: the command line only starts it.
    from importlib import import_module

    state = environment.state()
    try:
        import_module("scheduler.process").run(state, parent=os.getppid() if with_parent else None)
    finally:
        state.db.dispose()


@click.command()
def up() -> None:
    """Start everything here: tables, the demo institute in an empty database, server, scheduler."""
    chosen = os.environ.get("LMS_DEMO")
    if not chosen:
        os.environ["LMS_DEMO"] = "1"
    settings = environment.settings()
    port, host = environment.port(), os.environ.get("HOST") or "127.0.0.1"
    _refuse_taken(host, port)
    migrations.upgrade(settings.database)
    told = institute.prepare(settings) if settings.demo else None
    if told is None and not chosen:  # a database of somebody's own has no demo accounts to show
        os.environ["LMS_DEMO"] = "0"
    _refuse_unless_sound(settings)
    beside = Beside()
    beside.start()
    try:
        click.echo(_welcome(settings, told))
        _serve(settings, host, port)
    finally:
        beside.stop()


class Beside:
    """The scheduler process beside the server: started again when it ends, until `stop`."""

    def __init__(self, pause: float = 1.0) -> None:
        self.command = [sys.executable, "-m", "lms.cli", "scheduler", "--with-parent"]
        self._pause = pause
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lms-beside")

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        self._launch()
        self._thread.start()

    def stop(self) -> None:
        """End it cleanly; by force when it does not within some seconds."""
        self._ended.set()
        with self._guard:
            process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._thread.join(self._pause)

    def _launch(self) -> None:
        with self._guard:
            if not self._ended.is_set():
                self._process = subprocess.Popen(self.command)  # noqa: S603  our own command

    def _keep(self) -> None:
        while not self._ended.is_set():
            process = self._process
            if process is not None:
                process.wait()
            if not self._ended.wait(self._pause):
                click.echo("The scheduler ended; it is started again.", err=True)
                self._launch()


def _serve(settings: Settings, host: str, port: int) -> None:
    assets.prepare(settings.folder)
    workers = checks.workers(settings)
    Granian(
        "lms.cli.worker:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.auto,
        websockets=False,
        workers=workers,
        blocking_threads=settings.threads,
        backlog=_BACKLOG,
        backpressure=_BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
        log_level=LogLevels.error,
    ).serve()


def _refuse_unless_sound(settings: Settings) -> None:
    db = Database(settings.database, threads=2)
    try:
        if not passed(settings, db, quiet=True):
            raise click.ClickException("Not started: put right what is listed above.")
    finally:
        db.dispose()


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} cannot be had ({error.strerror}). "
                f"Stop what uses it, or choose another: PORT={port + 1} make run"
            ) from error


def _welcome(settings: Settings, told: institute.Told | None) -> str:
    lines = ["", f"  Ieum is at {settings.base_url}", ""]
    if told is not None:
        wide = max((len(account.login) for account in told.accounts), default=0)
        lines += [
            f"  {account.login:<{wide}}  {account.password}  {account.role}, {account.institution}"
            for account in told.accounts
        ]
        lines += ["", f"  These accounts are for trying it; they stand in {told.path} too.", ""]
    return "\n".join([*lines, "  Ctrl-C stops it.", ""])
