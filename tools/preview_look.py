"""Render sample pages from the real templates, styles and scripts, to look at and to check.

    python tools/preview_look.py                    serve the samples on a free port
    python tools/preview_look.py --shots FOLDER     photograph them, check them, and stop

A check fails on an axe violation, on sideways scrolling, on a report of the content security policy
and on an error of a script.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import sys
import tempfile
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import jinja2
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from markupsafe import Markup
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from lms.edge import icons
from lms.i18n import formats, words

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "lms" / "web" / "static"
SAMPLES = Path(__file__).resolve().parent / "look"
ZONE = "Asia/Seoul"
MENU = (
    ("오늘", "today", "home.html"),
    ("배우기", "learn", "catalogue.html"),
    ("클립", "clip", "course.html"),
    ("진단", "compass", "quiz.html"),
    ("내 기록", "record", "record.html"),
)
CURRENT = {"course.html": "catalogue.html", "quiz.html": "catalogue.html"}
SIGNED_OUT = {"signin.html"}
DENSE = {"desk.html"}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def environment(locale: str) -> jinja2.Environment:
    """The product's template environment, with values that need no application."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(ROOT / "lms" / "edge" / "templates"), str(SAMPLES)]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    said = words(locale)
    env.globals.update(
        _=said.text,
        _n=said.count,
        url=lambda endpoint, **_values: "home.html" if endpoint == "home.home" else "#" + endpoint,
        asset=lambda path: "static/" + path,
        css_bundle=lambda: "ieum.css",
        icon_mark=icons.drawer("static/"),
        csrf_field=lambda: Markup('<input type="hidden" name="csrf_token" value="sample">'),
    )
    env.filters.update(
        day=lambda value: formats.day(value, locale),
        day_full=lambda value: formats.day_full(value, locale),
        clock=lambda value: formats.clock(value, ZONE),
        clock_s=lambda value: formats.clock(value, ZONE, seconds=True),
        minutes_text=lambda value: formats.minutes_text(value, locale),
        mmss=formats.mmss,
        permille=lambda value: f"{value // 10}%",
        josa=formats.josa,
    )
    return env


def shell(name: str, locale: str) -> dict[str, Any]:
    """What the product gives to every page."""
    signed_in = name not in SIGNED_OUT
    me = SimpleNamespace(
        name="김보기",
        organisation="새솔중학교",
        roles={"learner"},
        institution_name="가온교육연수원",
    )
    here = CURRENT.get(name, name)
    return {
        "me": me if signed_in else None,
        "site": {
            "institution_name": "가온교육연수원",
            "masthead": signed_in,
            "help_phone": "02-000-0000",
            "prefix": "/",
            "standalone": True,
        },
        "menu": [
            {"label": label, "icon": icon, "href": href, "current": href == here}
            for label, icon, href in MENU
        ],
        "locale": locale,
        "theme": "",
        "request_path": "/" + name,
        "idle_seconds": 1800,
        "today": date(2026, 11, 23),
        "at": datetime(2026, 11, 23, 5, 3, 12, tzinfo=UTC),
        "day": date,
    } | ({"density": "compact"} if name in DENSE else {})


def build(folder: Path, locale: str) -> list[str]:
    """Write the sample pages, the bundle and the static files; the names of the pages."""
    (folder / "static").symlink_to(STATIC)
    bundle = "".join(path.read_text("utf-8") for path in sorted((STATIC / "css").glob("*.css")))
    (folder / "ieum.css").write_text(bundle, encoding="utf-8")
    env = environment(locale)
    names = sorted(path.name for path in SAMPLES.glob("*.html"))
    for name in names:
        page = env.get_template(name).render(**shell(name, locale))
        (folder / name).write_text(page, encoding="utf-8")
    return names


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files under the policy that the product sends."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".woff2": "font/woff2",
    }

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", "default-src 'self'")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing: a page asks for ninety font slices."""


def look(base: str, names: list[str], shots: Path) -> list[str]:
    """Photograph every page four ways and check it; what is wrong."""
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for width in (1280, 360):
            for scheme in SCHEMES:
                context = browser.new_context(
                    viewport={"width": width, "height": 800},
                    color_scheme=scheme,
                    bypass_csp=True,  # axe puts itself into the page
                    has_touch=width < 500,
                    is_mobile=width < 500,
                    reduced_motion="reduce",
                )
                page = context.new_page()
                for name in names:
                    shot = shots / f"{Path(name).stem}-{width}-{scheme}.png"
                    faults = check(page, f"{base}/{name}", shot)
                    wrong += [f"{name} {width} {scheme}: {fault}" for fault in faults]
                context.close()
        wrong += policy(browser, base, names)
        browser.close()
    return wrong


def check(page: Page, address: str, shot: Path) -> list[str]:
    """Photograph one page; what is wrong with it."""
    faults: list[str] = []

    def heard(error: Error) -> None:
        faults.append(error.message)

    page.on("pageerror", heard)
    page.goto(address, wait_until="networkidle")
    page.screenshot(path=shot, full_page=True)
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if over > 0:
        faults.append(f"{over}px wider than the screen")
    found = Axe().run(page).response["violations"]
    faults += [f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]
    page.remove_listener("pageerror", heard)
    return faults


def policy(browser: Browser, base: str, names: list[str]) -> list[str]:
    """Load every page once under its own policy; what the policy refused."""
    refused: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            refused.append(f"{page.url}: {message.text}")

    page = browser.new_page()
    page.on("console", heard)
    for name in names:
        page.goto(f"{base}/{name}", wait_until="networkidle")
    page.close()
    return refused


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shots", type=Path, help="photograph into this folder and check")
    parser.add_argument("--only", nargs="*", help="names of pages, without .html")
    parser.add_argument("--locale", default="ko", choices=("ko", "en"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = build(folder, chosen.locale)
        if chosen.only:
            names = [name for name in names if Path(name).stem in chosen.only]
        handler = functools.partial(Handler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        base = f"http://127.0.0.1:{server.server_address[1]}"
        print("\n".join(f"{base}/{name}" for name in names))
        if chosen.shots is None:
            server.serve_forever()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chosen.shots.mkdir(parents=True, exist_ok=True)
        wrong = look(base, names, chosen.shots)
        server.shutdown()
    print("\n".join(wrong) if wrong else "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
