"""`python -m benchmarks.pages`: pages, pings and completions a second, beside a bare view."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from flask import Flask

from benchmarks import load, queries, servers, world
from benchmarks.load import Figures, request
from benchmarks.world import Learner, World
from lms.db.engine import read_back

LEVELS = [1, 16, 64]
_DOORS = 16
AIMS = {
    "home": 0.05,
    "course page": 0.05,
    "ping": 0.10,
    "completion, page": 0.02,
    "completion, ping": 0.02,
}


class Server(NamedTuple):
    port: int
    pid: int


@dataclass(frozen=True)
class Row:
    what: str
    clients: int
    figures: Figures
    cpu_ms: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.figures.rate / self.bare if self.bare else 0.0


def main() -> None:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="ieum-bench-", dir=asked.folder))
    try:
        with servers.database(asked.database, folder) as url:
            text = measure(url, folder, asked)
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    servers.tell(text, asked.database, write=asked.write)


def measure(url: str, folder: Path, asked: argparse.Namespace) -> str:
    """Prepare, serve, drive; returns the report."""
    port, bare_port = servers.free_port(), servers.free_port()
    env = servers.settings(url, folder, port)
    app = world.create_app(env)
    try:
        many = max(asked.clients)
        made = world.build(app, learners=many, completions=asked.completions, say_so=_say)
        counts = _count(app, made)
        with app.extensions["lms"].db.reading() as session:
            durable = read_back(session.connection())
        world.wake(app)
    finally:
        app.extensions["lms"].db.dispose()
    logs = folder / "bare.log", folder / "ieum.log"
    with (
        servers.served(
            "benchmarks.bare", str(bare_port), port=bare_port, env=env, log=logs[0]
        ) as bare,
        servers.served(
            "lms.cli", "serve", "--port", str(port), port=port, env=env, log=logs[1]
        ) as ieum,
    ):
        rows = _rows(made, asked, Server(bare_port, bare), Server(port, ieum))
    return _report(asked, durable, rows, counts)


def _rows(made: World, asked: argparse.Namespace, bare: Server, ieum: Server) -> list[Row]:
    rows: list[Row] = []
    levels, seconds = asked.clients, asked.seconds
    page_short, ping_short = iter(made.by_page), iter(made.by_ping)
    share = len(made.by_page) // len(levels)
    pinging = [_pings(one, ieum.port) for one in made.watchers]
    plain = [request("GET", "/", port=bare.port)]
    _look(bare.port, plain * _DOORS)
    for clients in levels:
        _say(f"{clients} clients")
        runs: dict[str, Callable[[], Figures]] = {}
        for what, path in (("home", "/"), ("course page", "/enrolments/{}")):
            asks = [_get(one, path, ieum.port) for one in made.readers]
            _look(ieum.port, asks)
            runs[what] = partial(_pages, ieum.port, asks, clients, seconds)
        last_pages = iter([_last_page(one, ieum.port) for one in islice(page_short, share)])
        last_pings = iter([_last_ping(one, ieum.port) for one in islice(ping_short, share)])
        for what, sources, good in (
            ("ping", pinging[:clients], _credited),
            ("completion, page", [last_pages] * clients, _completed),
            ("completion, ping", [last_pings] * clients, _completed),
        ):
            runs[what] = partial(load.drive, ieum.port, sources, seconds=seconds, good=good)
        yardstick = _timed(
            "bare view", clients, bare, partial(_pages, bare.port, plain, clients, seconds)
        )
        rows.append(yardstick)
        for what, run in runs.items():
            rows.append(_timed(what, clients, ieum, run, bare=yardstick.figures.rate))
    return rows


def _timed(
    what: str, clients: int, server: Server, run: Callable[[], Figures], *, bare: float = 0.0
) -> Row:
    before = servers.cpu_seconds(server.pid)
    figures = run()
    spent = servers.cpu_seconds(server.pid) - before
    cpu_ms = round(spent * 1000 / max(1, figures.requests), 2)
    return Row(what, clients, figures, cpu_ms, bare or figures.rate)


def _look(port: int, asks: Sequence[bytes]) -> None:
    """Every page once: caches are filled, and what is timed is seen to be the page.

    Over many connections, so that each process of the server has answered before the clock runs:
    one that is still starting holds its connections for seconds.
    """
    seen = load.drive(port, [iter(asks[place::_DOORS]) for place in range(_DOORS)], seconds=60)
    if seen.errors or seen.requests != len(asks):
        raise SystemExit(f"{seen.errors} of {seen.requests} pages were not answered with 200.")


def _pages(port: int, asks: Sequence[bytes], clients: int, seconds: float) -> Figures:
    if load.has_wrk():
        return load.wrk(port, asks, clients=clients, seconds=seconds)
    return load.drive(port, [_round(asks, start) for start in range(clients)], seconds=seconds)


def _round(asks: Sequence[bytes], start: int) -> Iterator[bytes]:
    at = start
    while True:
        yield asks[at % len(asks)]
        at += 1


def _get(one: Learner, path: str, port: int) -> bytes:
    return request("GET", path.format(one.enrolment), port=port, cookie=one.cookie)


def _pings(one: Learner, port: int) -> Iterator[bytes]:
    """A learner's pings: each claims one more millisecond, for which time enough has passed."""
    seq = 0
    while True:
        seq += 1
        told = {
            "token": one.session,
            "enrolment": one.enrolment,
            "pings": [{"seq": seq, "segments": [[seq - 1, seq]], "position_ms": seq, "rate": 100}],
        }
        body = json.dumps(told).encode()
        yield request("POST", "/pings", port=port, cookie=one.cookie, body=body)


def _last_ping(one: Learner, port: int) -> bytes:
    body = json.dumps(last_ping(one)).encode()
    return request("POST", "/pings", port=port, cookie=one.cookie, body=body)


def last_ping(one: Learner) -> dict[str, object]:
    """The ping that brings the tenth of a second which `one` lacks."""
    report = {
        "seq": 1,
        "segments": [[world.COVERED_MS, world.COVERED_MS + 600]],
        "position_ms": world.COVERED_MS + 600,
        "rate": 100,
    }
    return {"token": one.session, "enrolment": one.enrolment, "pings": [report]}


def _last_page(one: Learner, port: int) -> bytes:
    path = f"/enrolments/{one.enrolment}/activities/{one.activity}/viewed"
    return request("POST", path, port=port, cookie=one.cookie, body=b'{"token":null}')


def _credited(status: int, body: bytes) -> bool:
    return status == 200 and b'"refused":[]' in body


def _completed(status: int, body: bytes) -> bool:
    return status == 200 and b'"completed":true' in body


def _count(app: Flask, made: World) -> list[tuple[str, int, int]]:
    """(what, status, SQL statements) of single requests."""
    reader, watcher = made.readers[0], made.watchers[-1]
    page, ping = made.by_page.pop(), made.by_ping.pop()
    pings = {"token": watcher.session, "pings": [{"seq": 1, "segments": [[0, 5]]}]}
    world.wake(app)
    asked: list[tuple[str, str, str, Learner, object]] = [
        ("home", "GET", "/", reader, None),
        ("course page", "GET", f"/enrolments/{reader.enrolment}", reader, None),
        ("catalogue", "GET", "/courses", reader, None),
        ("my record", "GET", "/record", reader, None),
        ("ping", "POST", "/pings", watcher, pings),
        (
            "completion, page",
            "POST",
            f"/enrolments/{page.enrolment}/activities/{page.activity}/viewed",
            page,
            {"token": None},
        ),
        ("completion, ping", "POST", "/pings", ping, last_ping(ping)),
    ]
    made.watchers.insert(0, made.watchers.pop())
    return [
        (what, *queries.count(app, method, path, one.cookie, body))
        for what, method, path, one, body in asked
    ]


def _report(
    asked: argparse.Namespace,
    durable: dict[str, object],
    rows: Sequence[Row],
    counts: Sequence[tuple[str, int, int]],
) -> str:
    said = ", ".join(f"{name}={value}" for name, value in durable.items())
    lines = [
        f"# Pages on {asked.database}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}; {said}; {asked.seconds:g} s a figure, closed loop.",
        "",
        "| what | clients | requests/s | p50 ms | p95 ms | p99 ms | errors | server CPU ms "
        "| of bare | client |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        one = row.figures
        lines.append(
            f"| {row.what} | {row.clients} | {one.rate:,.0f} | {one.p50} | {one.p95} | {one.p99} "
            f"| {one.errors} | {row.cpu_ms} | {row.ratio:.1%} | {one.client} |"
        )
    lines += ["", "At 16 clients:", ""]
    for row in rows:
        if row.clients == 16 and row.what in AIMS:
            lines.append(f"- {_verdict(row)}")
    lines += ["", "| what | status | SQL statements |", "| --- | ---: | ---: |"]
    lines += [f"| {what} | {status} | {count} |" for what, status, count in counts]
    return "\n".join([*lines, ""])


def _verdict(row: Row) -> str:
    aim = AIMS[row.what]
    met = row.ratio >= aim and (row.what != "ping" or row.figures.p99 < 50)
    more = f", p99 {row.figures.p99} ms (aim: under 50)" if row.what == "ping" else ""
    return (
        f"{row.what}: {row.ratio:.1%} of the bare view (aim: {aim:.0%}){more} — "
        f"{'met' if met else 'not met'}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    parser.add_argument("--clients", type=int, nargs="+", default=LEVELS, help="at once")
    parser.add_argument("--completions", type=int, default=900, help="learners one fact short")
    parser.add_argument("--folder", help="where the database lies; a real disk, not a RAM one")
    parser.add_argument("--keep", action="store_true", help="leave the database there")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/results")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
