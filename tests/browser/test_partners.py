"""A school run from request to approval, and a run closed and opened again, by those who do it."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from lms import clock
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser

TITLE = "봄방학 청렴 연수"


def rows(page, site, path: str) -> list[str]:
    """The pages that the rows of a list lead to."""
    page.goto(site.base + path)
    return [one.get_attribute("href") for one in page.locator("table.data tbody th a").all()]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "360"])
def test_pages_have_no_axe_violation_and_do_not_scroll_sideways(site, open_page, sign_in, size):
    school = sign_in(open_page(size, bypass_csp=True), "school")
    requests = rows(school, site, "/school-runs")
    (draft,) = rows(school, site, "/school-runs?state=draft")
    paths = ["/school-runs", "/school-runs/new", *requests, f"{draft}?q=교육", f"{draft}/people"]
    problems = [line for path in paths for line in check(school, site.base + path)]
    office = sign_in(open_page(size, bypass_csp=True), "officer")
    asked = rows(office, site, "/school-runs?state=asked")
    run = "/manage/runs/1"
    paths = ["/manage", "/school-runs", *asked, f"{run}/results", f"{run}/recompute"]
    problems += [line for path in paths for line in check(office, site.base + path)]
    assert problems == []


def test_a_school_run_from_request_to_approval(site, open_page, sign_in) -> None:
    school = sign_in(open_page(PHONE), "school")
    office = sign_in(open_page(DESK), "officer")
    start = clock.local_day(clock.now(), "Asia/Seoul") + timedelta(days=20)

    school.goto(f"{site.base}/school-runs/new")
    school.fill("[name=title]", TITLE)
    school.fill("[name=learn_from]", start.isoformat())
    school.fill("[name=learn_until]", (start + timedelta(days=20)).isoformat())
    school.get_by_role("button", name="초안 저장하고 과정 고르기").click()
    school.get_by_role("searchbox", name="과정 찾기").fill("개인정보")
    school.keyboard.press("Enter")
    school.get_by_role("button", name=re.compile("^담기.*개인정보 보호교육")).click()
    expect(school.locator("ol.chosen")).to_contain_text("개인정보 보호교육")
    school.get_by_role("link", name="목록에서 고르기").click()
    for box in school.locator("[data-pick-one]").all()[:3]:
        box.check()
    expect(school.locator("[data-pick-count]")).to_have_text("3")
    school.get_by_role("button", name="이 쪽 저장하기").click()
    expect(school.locator("#h-people")).to_contain_text("3명")
    place = school.url.partition("?")[0].partition("#")[0]
    school.get_by_role("button", name="연수원에 보내기").click()
    expect(school.locator("main")).to_contain_text("연수원에 보냈습니다.")

    office.goto(f"{site.base}/manage")
    office.get_by_role("link", name=re.compile(TITLE)).first.click()
    office.get_by_text("학교에 돌려보내기").click()
    office.fill("textarea[name=reason]", "두 사람을 더 넣어 주십시오.")
    office.get_by_role("button", name="돌려보내기", exact=True).click()
    expect(office.locator("main")).to_contain_text("돌려보냈습니다.")

    school.goto(place)
    expect(school.locator("main")).to_contain_text("두 사람을 더 넣어 주십시오.")
    school.get_by_role("button", name=re.compile("모두 .*명 담기")).click()
    school.get_by_role("button", name="연수원에 다시 보내기").click()

    office.goto(place)
    office.get_by_role("button", name="승인하고 기수 1개 열기").click()
    expect(office.locator("main")).to_contain_text("승인했습니다.")
    school.goto(place)
    expect(school.locator("#h-progress")).to_be_visible()
    expect(school.locator("main")).to_contain_text("개인정보 보호교육")


def test_a_run_is_closed_and_opened_again(site, open_page, sign_in) -> None:
    office = sign_in(open_page(DESK), "officer")
    office.goto(f"{site.base}/manage")
    office.get_by_role("link", name=re.compile("^정보보안 교육")).first.click()
    expect(office.locator("#h-figures + .quiet")).to_contain_text("÷")
    office.get_by_role("button", name=re.compile("기 마감하기")).click()
    expect(office.locator("main")).to_contain_text("마감했습니다.")
    office.get_by_role("link", name="다시 계산해 보기").click()
    expect(office.locator("h1")).to_contain_text("다시 계산해도 달라지는 것이 없습니다")
    office.go_back()
    office.locator("summary", has_text="다시 열기").click()
    office.fill("#why-reopen", "이의 신청이 받아들여짐")
    office.get_by_role("button", name="다시 열기", exact=True).click()
    expect(office.locator("main")).to_contain_text("다시 열었습니다.")
    expect(office.locator(".timeline")).to_contain_text("이의 신청이 받아들여짐")
