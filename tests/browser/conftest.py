"""A real Chromium against the server that `lms up` starts, with the demo institute in it."""

import fcntl
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 860}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Site:
    """A running server and the accounts that its start page lists."""

    base: str
    folder: Path
    accounts: dict[str, str]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`lms up` in an empty folder; the second worker's goes on with the demo that the first built.

    Each has a site of its own, since the tests of a file tell one story on it.
    """
    folder = tmp_path_factory.mktemp("site")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with running(folder) as site:
            yield site
        return
    built = tmp_path_factory.getbasetemp().parent / "demo"
    with ExitStack() as stack:
        with (built.with_suffix(".lock")).open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)  # given back when it is closed
            if built.exists():
                shutil.copytree(built, folder, dirs_exist_ok=True)
                site = None
            else:
                site = stack.enter_context(running(folder))
                keep(folder, built)
        yield site or stack.enter_context(running(folder))


def keep(folder: Path, built: Path) -> None:
    """Copy what a server that nobody has used yet keeps in its folder."""
    shutil.copytree(folder, built, ignore=shutil.ignore_patterns("*.sqlite*", "*.log"))
    for file in folder.glob("*.sqlite"):
        with (
            closing(sqlite3.connect(file)) as source,
            closing(sqlite3.connect(built / file.name)) as copy,
        ):
            source.backup(copy)


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """The server, until the test run ends."""
    port = _free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "LMS_VAR": str(folder),
        "LMS_DEMO": "1",
        "PYTHONWARNINGS": "default",
    }
    environment.pop("LMS_DATABASE_URL", None)
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "lms.cli", "up"],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    base = f"http://localhost:{port}"
    try:
        _wait(base, process, folder / "server.log")
        told = json.loads((folder / "demo.json").read_text())
        yield Site(base, folder, {one["login"]: one["password"] for one in told["accounts"]})
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        log.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium")
    with sync_playwright() as playwright:
        # Debian's Chromium where it is installed, else the one that Playwright brought.
        started = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a browser profile of its own; fails the test on a fault in the console."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def opened(size: dict[str, int] = PHONE, **more: object) -> Page:
        context = browser.new_context(viewport=size, locale="ko-KR", **more)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if _is_fault(told) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def _is_fault(told: object) -> bool:
    # A refusal that the page explains to its reader is logged by the browser all the same.
    text = told.text
    return told.type == "error" and "Failed to load resource" not in text


@pytest.fixture
def sign_in(site: Site) -> Callable[[Page, str], Page]:
    def come_in(page: Page, login: str) -> Page:
        page.goto(f"{site.base}/sign-in")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", site.accounts[login])
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url(f"{site.base}/")
        return page

    return come_in


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _wait(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(log.read_text()[-3000:])
        if _answers(f"{base}/readyz"):
            return
        time.sleep(0.3)
    raise RuntimeError(log.read_text()[-3000:])


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=2).close()  # noqa: S310  our own server
    except OSError:
        return False
    return True
