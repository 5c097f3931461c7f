"""`python -m benchmarks.profile_request home`: where the time of one request goes."""

import argparse
import cProfile
import io
import json
import pstats
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from benchmarks import pages, servers, world
from benchmarks.load import AGENT
from benchmarks.world import Learner, World

Asked = tuple[str, str, Learner, Any]
"""Method, path, who asks, body."""


def main() -> None:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="ieum-profile-"))
    try:
        with servers.database(asked.database, folder) as url:
            print(_profiled(url, folder, asked))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _profiled(url: str, folder: Path, asked: argparse.Namespace) -> str:
    app = world.create_app(
        {
            "LMS_DATABASE_URL": url,
            "LMS_VAR": str(folder / "var"),
            "LMS_BASE_URL": "http://localhost",
        }
    )
    profiles: list[cProfile.Profile] = []
    try:
        made = world.build(app, learners=4, completions=asked.times + 2, say_so=lambda _text: None)
        world.wake(app)
        ask = _asks(made)[asked.what]
        half = asked.times // 2 + 2
        for number in range(2):
            _open(app, ask(number))
        begun = time.process_time()
        for number in range(2, half):
            _open(app, ask(number))
        cpu = (time.process_time() - begun) * 1000 / (half - 2)
        app.extensions["lms"].db.writer.stop()  # begun again below, in a thread that is looked at
        _look_at_threads(profiles)
        mine = cProfile.Profile()
        profiles.append(mine)
        mine.enable()
        for number in range(half, asked.times + 2):
            _open(app, ask(number))
        mine.disable()
    finally:
        app.extensions["lms"].db.dispose()
    told = io.StringIO()
    stats = pstats.Stats(*profiles, stream=told)
    told.write(
        f"{asked.what}, {asked.database}: {cpu:.2f} ms CPU a request, the client's included\n"
    )
    told.write(f"Below, {asked.times + 2 - half} requests under the profiler:\n")
    stats.sort_stats("cumulative" if asked.cumulative else "tottime").print_stats(asked.top)
    return told.getvalue()


def _look_at_threads(profiles: list[cProfile.Profile]) -> None:
    """Profile every thread begun from now on: a profile sees its own thread alone."""
    run = threading.Thread.run

    def seen(thread: threading.Thread) -> None:
        profile = cProfile.Profile()
        profile.runcall(run, thread)
        profiles.append(profile)

    threading.Thread.run = seen  # type: ignore[assignment,method-assign]


def _asks(made: World) -> dict[str, Callable[[int], Asked]]:
    reader, watcher = made.readers[0], made.watchers[0]

    def ping(number: int) -> Asked:
        report = {"seq": number + 1, "segments": [[number, number + 1]], "position_ms": number}
        body = {"token": watcher.session, "enrolment": watcher.enrolment, "pings": [report]}
        return "POST", "/pings", watcher, body

    def last_page(number: int) -> Asked:
        one = made.by_page[number]
        path = f"/enrolments/{one.enrolment}/activities/{one.activity}/viewed"
        return "POST", path, one, {"token": None}

    def last_ping(number: int) -> Asked:
        one = made.by_ping[number]
        return "POST", "/pings", one, pages.last_ping(one)

    return {
        "home": lambda _number: ("GET", "/", reader, None),
        "course": lambda _number: ("GET", f"/enrolments/{reader.enrolment}", reader, None),
        "catalogue": lambda _number: ("GET", "/courses", reader, None),
        "record": lambda _number: ("GET", "/record", reader, None),
        "ping": ping,
        "last-page": last_page,
        "last-ping": last_ping,
    }


def _open(app: Flask, asked: Asked) -> None:
    method, path, who, body = asked
    headers = {"Cookie": who.cookie, "User-Agent": AGENT, "Sec-Fetch-Site": "same-origin"}
    answer = app.test_client(use_cookies=False).open(
        path,
        method=method,
        base_url="http://localhost",
        headers=headers,
        data=None if body is None else json.dumps(body),
        content_type=None if body is None else "application/json",
    )
    if answer.status_code != 200:
        raise SystemExit(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_request")
    names = ("home", "course", "catalogue", "record", "ping", "last-page", "last-ping")
    parser.add_argument("what", choices=names)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--top", type=int, default=30)
    parser.add_argument("--cumulative", action="store_true", help="with what each function calls")
    return parser.parse_args()


if __name__ == "__main__":
    main()
