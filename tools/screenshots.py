"""Renew the pictures of the README: `make run`, then `python tools/screenshots.py`.

Kept small: a palette of 128 colours says the same and is a quarter of the size.
"""

import io
import json
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "screenshots"
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 360, "height": 740}


def main() -> None:
    told = json.loads((Path(os.environ.get("LMS_VAR", ROOT / "var")) / "demo.json").read_text())
    base = sys.argv[1] if len(sys.argv) > 1 else told["base_url"]
    accounts = {one["login"]: one for one in told["accounts"]}
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for size in (WIDE, NARROW):
            page = browser.new_page(viewport=size, locale="ko-KR")
            shoot(page, base, accounts["teacher"], size["width"])
            page = browser.new_page(viewport=size, locale="ko-KR")
            shoot_staff(page, base, accounts["officer"], size["width"])
        browser.close()


def shoot(page: Page, base: str, account: dict[str, str], width: int) -> None:
    page.goto(f"{base}/sign-in")
    keep(page, f"sign-in-{width}")
    sign_in(page, base, account)
    keep(page, f"home-{width}")
    page.locator(".due", has_text="구글 도구").locator("a.btn").click()
    page.wait_for_selector("[data-video]")
    page.wait_for_timeout(1500)
    keep(page, f"course-{width}")
    page.goto(f"{base}/courses?mode=playable")
    page.wait_for_timeout(800)
    keep(page, f"catalogue-{width}")
    page.goto(f"{base}/record")
    keep(page, f"record-{width}")
    page.locator("table.data a.btn").first.click()
    page.wait_for_load_state()
    keep(page, f"certificate-{width}")


def shoot_staff(page: Page, base: str, account: dict[str, str], width: int) -> None:
    page.goto(f"{base}/sign-in")
    sign_in(page, base, account)
    page.goto(f"{base}/desk")
    page.locator("table.data a").first.click()
    page.wait_for_load_state()
    keep(page, f"desk-{width}")
    page.goto(f"{base}/manage/courses?state=published")
    page.locator("table.data a").first.click()
    page.wait_for_load_state()
    keep(page, f"making-{width}")
    page.goto(f"{base}/manage/runs")
    keep(page, f"runs-{width}")


def sign_in(page: Page, base: str, account: dict[str, str]) -> None:
    page.fill("input[name=login]", account["login"])
    page.fill("input[name=password]", account["password"])
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(f"{base}/")


def keep(page: Page, name: str) -> None:
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(128).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
