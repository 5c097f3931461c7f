"""Every page: no axe violation, no sideways scroll, no CSP report, every word in its language."""

import base64
import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import DESK, PHONE

pytestmark = pytest.mark.browser

PUBLIC = ["/sign-in", "/sign-in/forgotten", "/verify", "/verify/unknown-code"]
LEARNER = ["/", "/courses", "/courses?q=없는낱말", "/record", "/me", "/nowhere"]
STAFF = [
    "/people",
    "/people/access-log",
    "/manage/records",
    "/manage/records/credentials",
    "/manage/records/health",
]
LOOKS = [
    {"color_scheme": "light"},
    {"color_scheme": "dark"},
    {"color_scheme": "light", "contrast": "more"},
    {"color_scheme": "light", "forced_colors": "active"},
]
HANGUL = re.compile(r"[가-힣]")


def learning_pages(page, site) -> list[str]:
    """A page of each kind of activity, found as a person would."""
    page.goto(site.base)
    found = {}
    for href in [one.get_attribute("href") for one in page.locator(".due a.btn").all()]:
        page.goto(site.base + href)
        for link in page.locator(".unit-parts a, .units .unit-name a").all():
            found[link.get_attribute("href")] = True
    return list(found)[:10]


def check(page, address: str) -> list[str]:
    page.goto(address)
    page.wait_for_load_state("load")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    problems = [f"{address}: scrolls sideways by {wide} px"] if wide > 0 else []
    for one in Axe().run(page).response["violations"]:
        targets = [node["target"] for node in one["nodes"]][:3]
        problems.append(f"{address}: {one['id']}: {targets}")
    return problems


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "360"])
def test_no_axe_violation_and_no_sideways_scroll(site, open_page, sign_in, size):
    page = open_page(size, bypass_csp=True)
    problems = [line for path in PUBLIC for line in check(page, site.base + path)]
    sign_in(page, "teacher")
    paths = [*LEARNER, *learning_pages(page, site)]
    certificate = page.goto(f"{site.base}/record")
    assert certificate.status == 200
    paths.append(page.locator("table.data a.btn").first.get_attribute("href"))
    problems += [line for path in paths for line in check(page, site.base + path)]
    staff = open_page(size, bypass_csp=True)
    sign_in(staff, "admin")
    staff.goto(f"{site.base}/manage/records")
    statement = staff.locator("table.data tbody th a").first.get_attribute("href")
    problems += [line for path in (*STAFF, statement) for line in check(staff, site.base + path)]
    assert problems == []


@pytest.mark.parametrize("look", LOOKS[1:], ids=["dark", "contrast", "forced"])
def test_other_looks_hold_too(site, open_page, sign_in, look):
    page = sign_in(open_page(PHONE, bypass_csp=True, **look), "teacher")
    paths = ["/", "/courses", "/record", "/me", learning_pages(page, site)[0]]
    assert [line for path in paths for line in check(page, site.base + path)] == []


def test_no_policy_is_broken_on_any_page(site, open_page, sign_in):
    page = open_page(DESK)
    reports = []
    page.on(
        "console",
        lambda told: reports.append(told.text) if "Content Security Policy" in told.text else None,
    )
    sign_in(page, "teacher")
    for path in [*PUBLIC[2:], *LEARNER, *learning_pages(page, site)]:
        page.goto(site.base + path)
        page.wait_for_timeout(300)
    assert reports == []


def test_english_pages_have_no_korean_but_names_and_content(site, open_page):
    page = open_page(DESK)
    page.goto(f"{site.base}/sign-in")
    page.locator("button[name=locale][value=en]").click()
    page.wait_for_load_state()
    assert page.locator("html").get_attribute("lang") == "en"
    words = page.evaluate(
        """() => [...document.querySelectorAll("label, h1, h2, button, nav a, summary")]
            .filter((one) => one.lang !== "ko" && !one.closest("[lang=ko], .demo-accounts"))
            .map((one) => one.innerText)"""
    )
    assert [word for word in words if HANGUL.search(word)] == []


def test_every_stop_of_the_keyboard_is_seen(site, open_page, sign_in):
    page = sign_in(open_page(DESK), "teacher")
    page.goto(site.base + learning_pages(page, site)[0])
    stops = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        told = page.evaluate(
            """() => { const one = document.activeElement;
                if (!one || one === document.body) return null;
                // A row or a card may wear the ring of the link or box in it.
                const rings = [one, one.closest(".unit, .card, .answer, .check")].filter(Boolean);
                return { name: one.outerHTML.slice(0, 80),
                    width: one.getBoundingClientRect().width,
                    seen: rings.some((ring) => getComputedStyle(ring).outlineStyle !== "none") };
            }"""
        )
        if told is None:
            break
        stops += 1
        assert told["width"] > 0, told
        assert told["seen"], told
    assert stops > 12


def test_statements_are_followed_as_they_come(site, open_page, sign_in):
    """Begun and paused by a button; nothing is read out unless it is asked for."""
    page = sign_in(open_page(DESK), "admin")
    page.goto(f"{site.base}/manage/records")
    said = page.locator("[data-tail-said]")
    assert said.get_attribute("aria-live") == "off"
    page.locator("[data-tail-turn]").click()
    assert page.locator("[data-tail-turn]").get_attribute("aria-pressed") == "true"
    before = page.locator("table.data tbody tr").count()
    told = json.loads((site.folder / "demo.json").read_text())["record_store"]
    answer = page.request.post(
        f"{site.base}/xapi/statements",
        headers={
            "Authorization": "Basic "
            + base64.b64encode(f"{told['username']}:{told['password']}".encode()).decode(),
            "X-Experience-API-Version": "2.0.0",
        },
        data={
            "actor": {"mbox": "mailto:tail@example.kr"},
            "verb": {"id": "http://example.kr/did"},
            "object": {"id": "http://example.kr/followed"},
        },
    )
    assert answer.ok
    page.locator(f"#s-{answer.json()[0]}").wait_for(timeout=15_000)
    assert page.locator("table.data tbody tr").count() == before + 1
    assert "1" in said.inner_text()
    page.locator("[data-tail-aloud]").check()
    assert said.get_attribute("aria-live") == "polite"
    page.locator("[data-tail-turn]").click()
    assert page.locator("[data-tail-turn]").get_attribute("aria-pressed") == "false"
