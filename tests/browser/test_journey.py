"""From sign-in to certificate on a phone, as a teacher with ten minutes would."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK

pytestmark = pytest.mark.browser

COURSE = "청탁금지법 교육"
RIGHT = {
    "anti-graft": "lms/demo/content/anti-graft/course.json",
}


def go_to_course(page: Page, site, title: str = COURSE) -> None:
    page.goto(site.base)
    page.locator(".due", has_text=title).locator("a.btn").click()
    page.wait_for_url(re.compile(r"/enrolments/\d+"))


def watch(page: Page) -> None:
    """Play the video on the page at the fastest speed that counts until the server has it all."""
    page.wait_for_selector("[data-video]")
    speed = page.locator('[data-do="speed"]')
    speed.select_option(index=speed.locator("option").count() - 1)
    page.locator('[data-do="play"]').click()
    expect(page.locator(".covered h3")).to_contain_text(re.compile(r"9\d%|100%"), timeout=60_000)


def answer(page: Page, course: str, title: str) -> None:
    """Begin the quiz on the page and give every right answer."""
    content = json.loads((Path(__file__).parents[2] / RIGHT[course]).read_text("utf-8"))
    quiz = next(
        activity["config"]
        for unit in content["units"]
        for activity in unit["activities"]
        if activity["title"] == title
    )
    page.locator("#quiz form button", has_text="퀴즈 풀기").click()
    page.wait_for_selector("#quiz-form")
    for question in quiz["questions"]:
        name = f"a-{question['id']}"
        if question["type"] == "short":
            page.fill(f"input[name='{name}']", question["correct"][0])
            page.keyboard.press("Tab")
        else:
            for choice in question["correct"]:
                page.check(f"input[name='{name}'][value='{choice}']")
        saved = page.locator(f"[data-question='{name}'] [data-saved]")
        expect(saved).to_contain_text(re.compile(r"저장됨 \d\d:\d\d:\d\d"))
    page.locator("#quiz-form button[type=submit]").last.click()
    page.wait_for_selector("[data-quiz-done]")


def test_from_sign_in_to_certificate_on_a_phone(site, open_page, sign_in):
    page = sign_in(open_page(), "teacher2")
    go_to_course(page, site)
    for _ in range(12):
        if page.get_by_text("이 과정을 이수하셨습니다.").first.is_visible():
            break
        title = page.locator("#h-activity").inner_text().split(" · ", 1)[1]
        if page.locator("[data-video]").count():
            watch(page)
        elif page.locator("#quiz").count():
            answer(page, "anti-graft", title)
        else:
            expect(page.locator("[data-said]")).to_contain_text("다 읽었습니다.", timeout=30_000)
        if page.get_by_text("이 과정을 이수하셨습니다.").first.is_visible():
            break
        page.locator(".following a").click()
        page.wait_for_load_state()
    expect(page.get_by_text("이 과정을 이수하셨습니다.").first).to_be_visible()
    page.get_by_role("link", name="이수증 보기").first.click()
    expect(page.locator(".certificate .cert-no")).to_contain_text("SETI-의무-2026-D1301-")
    number = page.locator(".certificate .cert-no").inner_text().split()[1]
    with page.expect_response(re.compile("/verify/")) as found:
        page.get_by_role("link", name="검증 화면 열기").click()
    assert found.value.status == 200
    expect(page.get_by_text("유효한 이수증입니다.")).to_be_visible()
    assert "보기" not in page.locator("main").inner_text()
    verified = subprocess.run(
        [sys.executable, "-m", "lms.cli", "verify", number],
        env={**os.environ, "LMS_VAR": str(site.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    assert "같습니다." in verified.stdout


def test_a_video_goes_on_where_it_stopped(site, open_page, sign_in):
    page = sign_in(open_page(DESK), "teacher")
    button = page.locator(".due", has_text="구글 도구").locator("a.btn")
    expect(button).to_contain_text("00:12 이어 보기")
    button.click()
    page.wait_for_selector("[data-video]")
    expect(page.locator("[data-clock]")).to_have_text("00:12")
    page.locator('[data-do="play"]').click()
    page.wait_for_timeout(4000)
    page.locator('[data-do="play"]').click()
    expect(page.locator(".player [data-saved]")).to_contain_text(
        re.compile(r"저장됨 \d\d:\d\d:\d\d")
    )
    page.wait_for_timeout(1000)  # the pause itself is reported, too
    stopped = seconds(page.locator("[data-clock]").inner_text())
    assert stopped > 13
    page.reload()
    page.wait_for_function("document.querySelector('[data-video] video')?.readyState > 0")
    # A frame may lie on either side of the second.
    assert abs(seconds(page.locator("[data-clock]").inner_text()) - stopped) <= 1


def seconds(clock: str) -> int:
    minutes, rest = clock.split(":")
    return int(minutes) * 60 + int(rest)


def test_a_second_device_asks_which_one_goes_on(site, open_page, sign_in):
    first = sign_in(open_page(DESK), "latecomer")
    go_to_course(first, site, "학교폭력")
    address = first.url
    first_video(first)
    first.locator('[data-do="play"]').click()
    first.wait_for_timeout(1500)
    second = sign_in(open_page(), "latecomer")
    second.goto(address)
    first_video(second)
    second.locator('[data-do="play"]').click()
    dialog = second.locator("dialog[open]")
    expect(dialog).to_contain_text("다른 기기에서 학습하고 있습니다")
    dialog.get_by_role("button", name="여기서 계속하기").click()
    expect(dialog).to_have_count(0)
    told = first.locator("dialog[open]")
    expect(told).to_contain_text("다른 기기에서 학습하고 있습니다", timeout=20_000)


def first_video(page: Page) -> None:
    page.locator(".units .unit-name a").first.click()
    page.wait_for_load_state()
    if not page.locator("[data-video]").count():
        page.locator(".unit-parts a").first.click()
    page.wait_for_selector("[data-video]")


def test_answers_wait_in_the_browser_while_the_network_is_lost(site, open_page, sign_in):
    page = sign_in(open_page(), "teacher")
    go_to_course(page, site, "구글 도구")
    page.locator(".unit-parts a", has_text="연습").click()
    page.wait_for_selector("#quiz")
    if page.locator("#quiz form button", has_text="풀기").count():
        page.locator("#quiz form button", has_text="풀기").first.click()
    page.wait_for_selector("#quiz-form")
    page.context.set_offline(True)
    page.locator("#quiz-form input[type=radio]").first.check()
    item = page.locator("[data-question]").first
    expect(item.locator("[data-saved]")).to_contain_text("이 기기에 있음")
    page.context.set_offline(False)
    expect(item.locator("[data-saved]")).to_contain_text(
        re.compile(r"저장됨 \d\d:\d\d:\d\d"), timeout=30_000
    )
    chosen = page.locator("#quiz-form input[type=radio]").first.get_attribute("value")
    page.reload()
    page.wait_for_selector("#quiz-form")
    assert page.locator("#quiz-form input[type=radio]:checked").first.get_attribute("value") == (
        chosen
    )


def test_the_other_institution_sees_nothing(site, open_page, sign_in):
    theirs = sign_in(open_page(), "teacher")
    go_to_course(theirs, site, "학교폭력")
    enrolment = theirs.url.split("?")[0]
    ours = sign_in(open_page(), "gaon-officer")
    for address in (enrolment, f"{site.base}/courses/1", f"{site.base}/certificates/1"):
        response = ours.goto(address)
        assert response.status == 404, address
        assert "서울특별시" not in ours.locator("body").inner_text()
    ours.goto(f"{site.base}/courses")
    assert ours.locator(".course-card").count() == 2
