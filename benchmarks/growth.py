"""`python -m benchmarks.growth`: the demo institute at 2,000 and at 200,000 people.

Builds both with `lms demo` (how long, and the most memory it held), serves each in turn, and asks
for home, a course, the desk, the catalogue and the people list from one client: p50 and p95 of
each, and by how much the larger institute's p95 is the greater. Bounded by `--requests` of a page.
"""

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import servers

PAGES = {
    "home": ("teacher", "/"),
    "course": ("teacher", ""),
    "catalogue": ("teacher", "/courses"),
    "desk": ("officer", "/desk"),
    "run at the desk": ("officer", "/desk/runs/1"),
    "runs": ("officer", "/manage/runs"),
    "people": ("officer", "/people"),
}
"""Name → who asks and the address; the course is the first that home leads to."""

AIM = 1.2
"""The larger institute's p95 may be this many times the smaller one's."""


def main() -> None:
    asked = _arguments()
    found: dict[int, dict[str, tuple[float, float]]] = {}
    for people in (asked.small, asked.large):
        folder = Path(tempfile.mkdtemp(prefix="ieum-growth-", dir=asked.folder))
        try:
            found[people] = measure(folder, people, asked.requests)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(_table(found, asked.small, asked.large))


def measure(folder: Path, people: int, requests: int) -> dict[str, tuple[float, float]]:
    """(p50, p95) in milliseconds of each page of an institute of so many people."""
    port = servers.free_port()
    base = f"http://localhost:{port}"
    env = {
        **os.environ,
        "LMS_VAR": str(folder),
        "LMS_BASE_URL": base,
        "PORT": str(port),
    }
    lms = [sys.executable, "-m", "lms.cli"]
    subprocess.run([*lms, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
    begun = time.monotonic()
    subprocess.run([*lms, "demo", "--people", str(people)], env=env, check=True)
    took = time.monotonic() - begun
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{people} people: built in {took:.0f} s; most memory of any child {most:.0f} MB")
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([*lms, "serve"], env=env, stdout=quiet, stderr=quiet)
    try:
        return _asked(base, json.loads((folder / "demo.json").read_text()), requests)
    finally:
        server.terminate()
        server.wait(20)


def _asked(
    base: str, told: dict[str, list[dict[str, str]]], requests: int
) -> dict[str, tuple[float, float]]:
    _until_up(base)
    clients = {
        one["login"]: _signed_in(base, one)
        for one in told["accounts"]
        if one["login"] in {who for who, _ in PAGES.values()}
    }
    home = clients["teacher"].open(f"{base}/").read().decode()
    course = re.search(r'href="(/enrolments/\d+)', home)
    found = {}
    for name, (who, path) in PAGES.items():
        address = base + (path or (course[1] if course else "/courses"))
        times = [_time(clients[who], address) for _ in range(requests + 5)][5:]
        cuts = statistics.quantiles(times, n=20)
        found[name] = (statistics.median(times), cuts[18])
    return found


def _until_up(base: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{base}/readyz", timeout=2).close()  # noqa: S310  our server
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the server did not come up in 40 s")


def _signed_in(base: str, account: dict[str, str]) -> urllib.request.OpenerDirector:
    client = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = client.open(f"{base}/sign-in").read().decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    form = {"login": account["login"], "password": account["password"]}
    form["csrf_token"] = token[1] if token else ""
    client.addheaders = [("Origin", base), ("Sec-Fetch-Site", "same-origin")]
    client.open(f"{base}/sign-in", urlencode(form).encode()).close()
    return client


def _time(client: urllib.request.OpenerDirector, address: str) -> float:
    begun = time.perf_counter()
    client.open(address).read()
    return (time.perf_counter() - begun) * 1000


def _table(found: dict[int, dict[str, tuple[float, float]]], small: int, large: int) -> str:
    head = f"| page | {small}: p50, p95 ms | {large}: p50, p95 ms | p95 grows by | aim {AIM} |"
    lines = [head, "| --- | ---: | ---: | ---: | --- |"]
    for name in PAGES:
        (low50, low95), (high50, high95) = found[small][name], found[large][name]
        ratio = high95 / low95
        lines.append(
            f"| {name} | {low50:.1f}, {low95:.1f} | {high50:.1f}, {high95:.1f} | {ratio:.2f} | "
            f"{'met' if ratio <= AIM else 'not met'} |"
        )
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--small", type=int, default=2_000)
    parser.add_argument("--large", type=int, default=200_000)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--folder", default=None, help="where to build; a disk, not a RAM disk")
    return parser.parse_args()


if __name__ == "__main__":
    main()
