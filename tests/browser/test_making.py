"""An officer makes a course: written, uploaded, ordered, undone, published, changed, exported."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser

CONTENT = Path(__file__).parents[2] / "lms" / "demo" / "content" / "anti-graft"


def save(page: Page) -> None:
    page.get_by_role("button", name="저장하기").click()
    page.wait_for_url("**done=saved")


def back(page: Page) -> None:
    page.get_by_role("link", name="차시로 돌아가기").click()
    page.wait_for_selector("#draft")


def add(page: Page, unit: int, kind: str, title: str) -> None:
    page.locator(".making-add summary").nth(unit).click()
    page.locator(".making-add[open] input[name=title]").fill(title)
    page.locator(f".making-add[open] button[value={kind}]").click()
    page.wait_for_url("**/activities/*")


def titles(page: Page) -> list[list[str]]:
    return [
        unit.locator(".making-name > a").all_inner_texts()
        for unit in page.locator(".making-unit").all()
    ]


def test_an_officer_makes_a_course(site, open_page, sign_in, tmp_path):
    page = sign_in(open_page(DESK), "officer")
    page.goto(f"{site.base}/manage/courses")
    page.get_by_role("link", name="새 과정 만들기").click()
    page.fill("#f-title", "브라우저에서 만든 과정")
    page.fill("#f-hours", "31")
    expect(page.locator("[data-credits]")).to_have_text("2학점")
    page.get_by_role("button", name="과정 만들기").click()
    page.wait_for_selector("#draft")
    base = page.url.partition("?")[0]
    for title in ("보는 눈", "적는 손"):
        page.fill("#new-unit", title)
        page.locator("#add-unit").click()
        expect(page.locator(".making-unit h2").last).to_contain_text(title)
    write(page)
    upload(page, tmp_path)
    put_in_order(page)
    publish(page, base)
    change(page, base)


def write(page: Page) -> None:
    add(page, 0, "page", "여는 글")
    page.locator("#writing").click()
    page.keyboard.type("왜 적습니까")
    page.locator("[data-write=h2]").click()
    page.keyboard.press("Enter")
    page.keyboard.type("두 줄이면 ")
    page.keyboard.press("Control+b")
    page.keyboard.type("됩니다")
    expect(page.locator("#f-body")).to_have_value(
        re.compile(r"^<h2>왜 적습니까</h2><p>두 줄이면(&nbsp;| )<b>됩니다</b></p>$")
    )
    save(page)
    back(page)


def upload(page: Page, folder: Path) -> None:
    add(page, 0, "video", "영상")
    wrong = folder / "wrong.vtt"
    wrong.write_text("WEBVTT\n\n00:02.000 --> 00:01.000\n글\n")
    page.set_input_files("#f-video", CONTENT / "1.webm")
    page.set_input_files("#f-captions", wrong)
    page.get_by_role("button", name="저장하기").click()
    expect(page.locator("#f-captions-error")).to_contain_text("3번째 줄: 끝나는 시각이")
    expect(page.locator("[data-held-line=video]")).to_contain_text("1.webm")
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    page.set_input_files("#f-captions", CONTENT / "1.vtt")
    save(page)
    expect(page.locator(".making-file").first).to_contain_text("1.webm · 00:20 · 960×540")
    page.get_by_role("link", name="미리보기").click()
    expect(page.locator("[data-player] video")).to_be_visible()
    page.go_back()
    back(page)


def put_in_order(page: Page) -> None:
    page.locator(".making-activity .making-grip").nth(1).drag_to(
        page.locator(".making-unit").nth(1)
    )
    expect(page.locator(".making-unit").nth(1).locator(".making-name > a")).to_have_text("영상")
    assert titles(page) == [["여는 글"], ["영상"]]
    page.locator("[id^=up-]").nth(2).focus()  # the second unit's, by the keyboard
    page.keyboard.press("Enter")
    expect(page.locator(".making-unit h2").first).to_have_text("1. 적는 손")
    assert page.evaluate("document.activeElement.id").startswith("up-")
    page.get_by_role("button", name=re.compile("지우기 ?: 여는 글")).click()
    expect(page.locator(".notice")).to_contain_text("「여는 글」을 지웠습니다.")
    page.locator(".notice").get_by_role("button", name="되돌리기").click()
    expect(page.locator(".making-unit").nth(1).locator(".making-name > a")).to_have_text("여는 글")
    assert titles(page) == [["영상"], ["여는 글"]]


def publish(page: Page, base: str) -> None:
    page.fill("#new-unit", "빈 차시")
    page.locator("#add-unit").click()
    expect(page.locator(".making-unit h2")).to_have_count(3)
    page.get_by_role("link", name="발행 준비 보기").click()
    expect(page.locator(".making-problems")).to_contain_text("활동이 없는 차시입니다.")
    page.locator(".making-problems a").click()
    page.wait_for_url(re.compile(re.escape(base) + "#k-"))
    page.get_by_role("button", name=re.compile("지우기 ?: 빈 차시")).click()
    expect(page.locator(".making-unit h2")).to_have_count(2)
    page.get_by_role("link", name="발행 준비 보기").click()
    page.get_by_role("button", name="1판 발행하기").click()
    expect(page.locator(".notice")).to_contain_text("발행했습니다.")


def change(page: Page, base: str) -> None:
    page.get_by_role("link", name="여는 글").click()
    page.fill("#f-title", "새로 여는 글")
    save(page)
    page.goto(f"{base}/diff")
    expect(page.locator(".making-changes")).to_contain_text(
        "2차시 읽기 「새로 여는 글」을 고쳤습니다."
    )
    with page.expect_download() as told:
        page.goto(f"{base}/facts")
        page.get_by_role("link", name="파일로 내보내기").click()
    page.goto(page.url.split("/manage")[0] + "/manage/courses/import")
    page.set_input_files("#f-file", told.value.path())
    page.get_by_role("button", name="들여오기").click()
    page.wait_for_url("**done=imported")
    assert titles(page) == [["영상"], ["여는 글"]]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "360"])
def test_the_pages_of_making_hold_in_every_width(site, open_page, sign_in, size):
    page = sign_in(open_page(size, bypass_csp=True), "officer")
    page.goto(f"{site.base}/manage/courses?state=changed")
    course = page.locator("table.data tbody th a").first.get_attribute("href")
    paths = ["/manage/courses", "/manage/courses/new", "/manage/courses/import"]
    paths += [
        f"{course}{end}" for end in ("", "/facts", "/versions", "/publish", "/diff", "/preview")
    ]
    page.goto(site.base + course)
    paths += [one.get_attribute("href") for one in page.locator(".making-name > a").all()[:3]]
    assert [line for path in paths for line in check(page, site.base + path)] == []
