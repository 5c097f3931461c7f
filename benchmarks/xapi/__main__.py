"""`python -m benchmarks.xapi`: statements and queries a second, beside the machine's limits."""

import argparse
import base64
import os
import platform
import secrets
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from benchmarks import load, servers, world
from benchmarks.load import Figures
from benchmarks.xapi import peer, samples
from lms import clock, migrations
from lms.db.engine import read_back
from lms.people import founding
from lms.xapi import credentials, store
from lms.xapi.models import Statement
from lms.xapi.statement import read_all

_AT_ONCE = 2_000
_MOST_A_SECOND = 20_000
"""Statements for which requests are made beforehand."""

_AIMS = {
    ("postgres", "single"): 2_000,
    ("postgres", "fifty"): 12_000,
    ("sqlite", "single"): 1_300,
    ("sqlite", "fifty"): 7_000,
}


class Row(NamedTuple):
    """What one run came to; `each`: statements in a request."""

    what: str
    stored: int
    figures: Figures
    each: int
    cpu_ms: float
    memory_mb: int


class Target(NamedTuple):
    """A record store that answers."""

    port: int
    pid: int
    path: str
    authorization: str


def main() -> None:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="ieum-bench-", dir=asked.folder))
    try:
        with servers.database(asked.database, folder) as url:
            text = measure(url, folder, asked)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    servers.tell(text, f"xapi-{asked.database}", write=asked.write)


def measure(url: str, folder: Path, asked: argparse.Namespace) -> str:
    """Fill, serve, drive; returns the report."""
    port, bare_port = servers.free_port(), servers.free_port()
    env = servers.settings(url, folder, port)
    app = world.create_app(env)
    state = app.extensions["lms"]
    migrations.upgrade(state.settings.database)
    institution, authorization = _found(app)
    with state.db.reading() as session:
        durable = read_back(session.connection())
    rows: list[Row] = []
    logs = folder / "bare.log", folder / "ieum.log"
    with servers.served("benchmarks.bare", str(bare_port), port=bare_port, env=env, log=logs[0]):
        _say("bare view")
        plain = [load.request("GET", "/", port=bare_port)]
        rows.append(_row("bare view", 0, 1, 0, partial(_replayed, bare_port, plain, asked)))
    raw = _raw(url, folder)
    for wanted in asked.stored:
        _say(f"{wanted:,} statements")
        _fill(app, institution, wanted)
        with servers.served(
            "lms.cli", "serve", "--port", str(port), port=port, env=env, log=logs[1]
        ) as pid:
            target = Target(port, pid, "/xapi/statements", authorization)
            rows += _driven(target, asked, _count(app), wanted)
    state.db.dispose()
    if asked.peer:
        rows += _beside(folder, asked)
    return _report(asked, durable, raw, rows)


def _found(app: Flask) -> tuple[int, str]:
    """An institution and the Authorization header of a system that may do everything."""
    with app.extensions["lms"].db.transaction() as session:
        home = founding.found(
            session,
            code="BENCH",
            name="재는 기관",
            home_page="https://bench.example.org",
            now=clock.now(),
        )
        made, secret = credentials.make(session, home.id, "재기", ["all"], now=clock.now())
        told = base64.b64encode(f"{made.username}:{secret}".encode()).decode()
        return home.id, f"Basic {told}"


def _count(app: Flask) -> int:
    with app.extensions["lms"].db.reading() as session:
        return session.scalar(select(func.count()).select_from(Statement)) or 0


def _fill(app: Flask, institution_id: int, wanted: int) -> None:
    """Bring the store to `wanted` statements by the very code that keeps them."""
    db = app.extensions["lms"].db
    authority = store.Authority("bench", samples.HOME)
    at, began = _filled(app), time.monotonic()
    while at < wanted:
        upto = min(at + _AT_ONCE, wanted)
        received = read_all(
            [
                samples.encoded(samples.statement(number, samples.known_id(number)))
                for number in range(at, upto)
            ],
            version="1.0.3",
        )
        with db.transaction() as session:
            store.keep(
                session.connection(),
                institution_id,
                received,
                authority=authority,
                now=clock.now(),
            )
        at = upto
        if at % 100_000 == 0:
            _say(f"  {at:,} after {time.monotonic() - began:.0f} s")
    if not db.is_sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _filled(app: Flask) -> int:
    with app.extensions["lms"].db.reading() as session:
        wanted = Statement.authority == "bench"
        return session.scalar(select(func.count()).select_from(Statement).where(wanted)) or 0


def _driven(target: Target, asked: argparse.Namespace, stored: int, known: int) -> list[Row]:
    """Writing and reading at one size of the store. `known`: statements whose ids are known."""
    start = secrets.randbelow(1 << 40)
    rows = []
    for what, each, bodies in (("single", 1, samples.singles), ("fifty", 50, samples.fifties)):
        run = partial(_sent, target, bodies, each, start, asked)
        rows.append(_row(what, stored, each, target.pid, run))
        start += 1 << 20
    step = max(1, known // 1_000)
    for what, query in (
        ("by agent and verb", samples.by_agent),
        ("by registration", samples.by_registration),
        ("by id", samples.by_id),
    ):
        asks = [_get(target, query(number)) for number in range(0, min(known, step * 1_000), step)]
        run = partial(_replayed, target.port, asks, asked)
        load.drive(target.port, [iter(asks[:100])], seconds=60)
        rows.append(_row(what, stored, 1, target.pid, run))
    return rows


def _beside(folder: Path, asked: argparse.Namespace) -> Iterator[Row]:
    """ralph, with some thousand statements in its file."""
    command = peer.install(Path(asked.peer).resolve())
    port = servers.free_port()
    told = base64.b64encode(f"{peer.USER}:{peer.PASSWORD}".encode()).decode()
    with peer.served(command, folder / "ralph", port) as pid:
        servers.await_port(port)
        target = Target(port, pid, "/xAPI/statements/", f"Basic {told}")
        for what, each, bodies in (("single", 1, samples.singles), ("fifty", 50, samples.fifties)):
            run = partial(_sent, target, bodies, each, 0, asked)
            yield _row(f"ralph: {what}", 0, each, pid, run)
        asks = [_get(target, samples.by_agent(number)) for number in range(200)]
        yield _row("ralph: by agent and verb", 0, 1, pid, partial(_replayed, port, asks, asked))


def _row(what: str, stored: int, each: int, pid: int, run: Callable[[], Figures]) -> Row:
    _say(f"  {what}")
    before = servers.cpu_seconds(pid) if pid else 0.0
    figures = run()
    spent = servers.cpu_seconds(pid) - before if pid else 0.0
    cpu_ms = round(spent * 1000 / max(1, figures.requests), 2)
    return Row(what, stored, figures, each, cpu_ms, servers.memory_mb(pid) if pid else 0)


def _sent(
    target: Target,
    bodies: Callable[[int], Iterator[bytes]],
    each: int,
    start: int,
    asked: argparse.Namespace,
) -> Figures:
    """Requests that write, each of which is sent once."""
    if load.has_wrk():
        # Made beforehand, more than can be kept: making them would take the machine's time.
        most = int(asked.seconds * (_MOST_A_SECOND if each > 1 else _MOST_A_SECOND / 4) / each)
        requests = list(islice(_posts(target, bodies(start)), most))
        figures = load.wrk(target.port, requests, clients=asked.clients, seconds=asked.seconds)
        if figures.requests > most:
            raise SystemExit(f"More than {most} requests were answered: raise _MOST_A_SECOND.")
        return figures
    sources = [_posts(target, bodies(start + place * 1_000_003)) for place in range(asked.clients)]
    return load.drive(target.port, sources, seconds=asked.seconds)


def _replayed(port: int, asks: Sequence[bytes], asked: argparse.Namespace) -> Figures:
    if load.has_wrk():
        return load.wrk(port, asks, clients=asked.clients, seconds=asked.seconds)
    sources = [iter(list(asks[place:]) * 1_000) for place in range(asked.clients)]
    return load.drive(port, sources, seconds=asked.seconds)


def _posts(target: Target, bodies: Iterator[bytes]) -> Iterator[bytes]:
    head = _head("POST", target.path, target)
    for body in bodies:
        more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        yield head + more.encode() + body


def _get(target: Target, query: str) -> bytes:
    return _head("GET", f"{target.path}?{query}", target) + b"\r\n"


def _head(method: str, path: str, target: Target) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        f"Authorization: {target.authorization}\r\nX-Experience-API-Version: 1.0.3\r\n"
    ).encode()


def _raw(url: str, folder: Path) -> dict[int, float]:
    """Rows a second that the database itself makes durable: a payload and three indexes.

    One connection and a commit for each row, and for each fifty.
    """
    body = samples.encoded(samples.statement(7, samples.known_id(7)))
    table = "CREATE TABLE raw (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, actor TEXT, at REAL, body "
    index = "CREATE INDEX raw_actor ON raw (actor, at)"
    where = make_url(url)
    connection: Any
    if where.get_backend_name() == "sqlite":
        connection = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", f"{table}BLOB)", index):
            connection.execute(line)
        insert = "INSERT INTO raw (id, actor, at, body) VALUES (?, ?, ?, ?)"
    else:
        connection = psycopg.connect(
            where.set(drivername="postgresql").render_as_string(hide_password=False),
            autocommit=True,
        )
        serial = table.replace("INTEGER", "BIGINT GENERATED ALWAYS AS IDENTITY")
        connection.execute(f"{serial}BYTEA)")
        connection.execute(index)
        insert = "INSERT INTO raw (id, actor, at, body) VALUES (%s, %s, %s, %s)"
    found = {}
    for batch in (1, 50):
        _say(f"raw database, {batch}")
        found[batch] = _rows_a_second(connection, insert, body, batch)
    connection.close()
    return found


def _rows_a_second(connection: Any, insert: str, body: bytes, batch: int) -> float:
    count, began = 0, time.perf_counter()
    while time.perf_counter() < began + 3:
        rows = [
            (secrets.token_hex(16), f"a{(count + place) % 1000}", count, body)
            for place in range(batch)
        ]
        connection.execute("BEGIN")
        cursor = connection.cursor()
        cursor.executemany(insert, rows)
        connection.execute("COMMIT")
        count += batch
    return count / (time.perf_counter() - began)


def _report(
    asked: argparse.Namespace,
    durable: dict[str, object],
    raw: dict[int, float],
    rows: Sequence[Row],
) -> str:
    said = ", ".join(f"{name}={value}" for name, value in durable.items())
    bare = rows[0].figures.rate
    lines = [
        f"# The record store on {asked.database}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}; {said}; {asked.clients} clients, {asked.seconds:g} s a figure, "
        "closed loop.",
        "",
        f"The database itself, one connection, durable: {raw[1]:,.0f} rows a second one by one, "
        f"{raw[50]:,.0f} in fifties.",
        "",
        "| what | stored | requests/s | statements/s | p50 ms | p95 ms | p99 ms | errors "
        "| server CPU ms | server MB | of bare | of raw |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        one = row.figures
        writes = row.what.endswith(("single", "fifty"))
        written = f"{one.rate * row.each:,.0f}" if writes else ""
        of_raw = f"{one.rate * row.each / raw[row.each]:.0%}" if writes else ""
        lines.append(
            f"| {row.what} | {row.stored:,} | {one.rate:,.0f} | {written} | {one.p50} | {one.p95} "
            f"| {one.p99} | {one.errors} | {row.cpu_ms} | {row.memory_mb} | {one.rate / bare:.1%} "
            f"| {of_raw} |"
        )
    lines += ["", *_verdicts(asked, rows)]
    return "\n".join([*lines, ""])


def _verdicts(asked: argparse.Namespace, rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        aim = _AIMS.get((asked.database, row.what))
        if aim:
            rate = row.figures.rate * row.each
            yield (
                f"- {row.what} at {row.stored:,}: {rate:,.0f} statements/s (aim: {aim:,}) — "
                f"{'met' if rate >= aim else 'not met'}"
            )
    for what in ("by agent and verb", "by registration", "by id"):
        found = [row for row in rows if row.what == what]
        if len(found) > 1:
            grew = found[-1].figures.p95 / max(found[0].figures.p95, 0.01)
            yield (
                f"- {what}: {found[-1].figures.rate:,.0f}/s (aim: 500), p95 at "
                f"{found[-1].stored:,} {grew:.2f} × that at {found[0].stored:,} (aim: 1.3)"
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.xapi", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--stored", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    parser.add_argument("--folder", help="where the database lies; a real disk, not a RAM one")
    parser.add_argument("--peer", help="a folder for ralph's own environment; it is run too")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/results")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
