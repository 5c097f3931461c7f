"""A run is made, opened and filled in the browser; who waits gets the seat that comes free."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser

COURSE = "교사 교육과정! 나도 실천할 수 있다"
NAME = "브라우저 특별반"


def make_run(page, site) -> str:
    """The address of an open run with one seat; on the way the audience counts itself."""
    page.goto(f"{site.base}/manage/runs?q=교사 교육과정")
    page.get_by_role("rowheader").get_by_role("link", name=COURSE).first.click()
    page.get_by_role("navigation", name="위치").get_by_role("link", name=COURSE).click()
    page.get_by_role("link", name="기수 만들기").click()
    today = (datetime.now(UTC) + timedelta(hours=9)).date()  # in Seoul
    page.fill("#f-name", NAME)
    page.check("input[name=way][value=application]")
    page.fill("#f-learn_from", (today + timedelta(days=3)).isoformat())
    page.fill("#f-learn_until", (today + timedelta(days=33)).isoformat())
    page.fill("#f-apply_from", (today - timedelta(days=1)).isoformat())
    page.fill("#f-apply_until", (today + timedelta(days=2)).isoformat())
    page.fill("#f-seats", "1")
    page.check("input[name=categories][value=teacher]")
    shown = page.locator("[data-audience-shown]")
    expect(shown).to_contain_text(re.compile(r"지금 \d+명이 대상입니다\."))
    expect(shown).to_contain_text("예:")
    page.uncheck("input[name=categories][value=teacher]")
    page.get_by_role("button", name="준비 상태로 만들기").click()
    expect(page.get_by_role("status").first).to_contain_text("기수를 만들었습니다")
    page.get_by_role("button", name="기수 열기").click()
    expect(page.get_by_role("status").first).to_contain_text("이수 규칙이 굳어졌습니다")
    return page.url.split("?")[0]


def apply(page, site, course_path: str, button: str) -> None:
    page.goto(site.base + course_path)
    offer = page.locator(".offer", has_text=NAME)
    offer.get_by_role("button", name=button).click()


def test_a_run_fills_and_the_first_who_waits_moves_up(site, open_page, sign_in):
    officer = sign_in(open_page(DESK), "officer")
    run = make_run(officer, site)
    officer.get_by_role("link", name=COURSE).first.click()
    course = re.search(r"course=(\d+)", officer.url).group(1)
    first = sign_in(open_page(PHONE), "teacher2")
    apply(first, site, f"/courses/{course}", "신청하기")
    expect(first.locator(".offer", has_text=NAME)).to_contain_text("등록되어 있습니다")
    second = sign_in(open_page(PHONE), "latecomer")
    apply(second, site, f"/courses/{course}", "대기 신청하기")
    expect(second.locator(".offer", has_text=NAME)).to_contain_text("대기 1번째")
    offer = first.locator(".offer", has_text=NAME)
    offer.get_by_text("수강 취소하기").first.click()
    offer.get_by_label("취소하는 까닭").fill("학교 일정이 겹침")
    offer.get_by_role("button", name="수강 취소하기").click()
    expect(first.locator("[role=status]").first).to_contain_text("수강을 취소했습니다")
    second.reload()
    expect(second.locator(".offer", has_text=NAME)).to_contain_text("등록되어 있습니다")
    officer.goto(f"{run}?list=out")
    expect(officer.locator("table.data")).to_contain_text("학교 일정이 겹침")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "360"])
def test_the_pages_of_runs_are_accessible(site, open_page, sign_in, size):
    page = sign_in(open_page(size, bypass_csp=True), "officer")
    page.goto(f"{site.base}/manage/runs?state=open")
    run = page.get_by_role("rowheader").get_by_role("link").first.get_attribute("href")
    page.goto(site.base + run)
    course = page.locator(".crumbs a").nth(1).get_attribute("href").rsplit("=", 1)[1]
    paths = [
        "/manage/runs",
        "/manage/runs/templates",
        run,
        f"{run}?list=waiting",
        f"{run}?list=named&find=김#add",
        f"{run}?find=김#add",
        f"{run}/edit",
        f"{run}/enrolments/sheet",
        f"/manage/runs/new?course={course}",
        f"/manage/runs/roll?course={course}&year=2027&months=1&months=2",
        f"/courses/{course}",
    ]
    assert [line for path in paths for line in check(page, site.base + path)] == []
