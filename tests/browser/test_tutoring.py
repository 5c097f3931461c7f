"""The course manager's morning: who is silent, a word to them, a late question, a notice."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser

COURSE = "학교폭력 예방교육"


def open_run(page, site):
    page.goto(f"{site.base}/desk")
    page.locator("table.data a", has_text=COURSE).click()
    page.wait_for_url(re.compile(r"/desk/runs/\d+"))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "360"])
def test_the_desk_has_no_violation_and_no_sideways_scroll(site, open_page, sign_in, size):
    page = sign_in(open_page(size, bypass_csp=True), "manager")
    open_run(page, site)
    here = page.url.split("?")[0]
    learner = page.locator("table.learners tbody th a").first.get_attribute("href")
    paths = [
        f"{site.base}/desk",
        here,
        f"{here}?show=all&sort=name",
        f"{here}?show=all&q=없는이름",
        f"{here}/nudge?picked=all&show=care",
        f"{here}/nudges",
        f"{here}/notices",
        f"{here}/hand-over",
        f"{here}/note?picked=all&show=stalled",
        f"{site.base}{learner}",
        f"{site.base}/desk/questions",
        f"{site.base}/desk/questions/1",
        f"{site.base}/notices",
        f"{site.base}/questions",
    ]
    problems = [line for path in paths for line in check(page, path)]
    officer = sign_in(open_page(size, bypass_csp=True), "officer")
    problems += check(officer, f"{site.base}/desk/templates")
    problems += check(officer, f"{site.base}/desk")
    assert problems == []


def test_the_silent_ones_are_found_and_nudged_once(site, open_page, sign_in):
    page = sign_in(open_page(DESK), "manager")
    open_run(page, site)
    page.locator(".filter", has_text=re.compile(r"^멈춤 \d+")).click()
    names = page.locator("table.learners tbody th a").all_inner_texts()
    picks = page.locator("[data-pick-one]")
    for place in range(3):
        picks.nth(place).check()
    expect(page.locator(".bulk [data-pick-count]")).to_have_text("3")
    page.get_by_role("button", name="독려 보내기").click()
    dialog = page.locator("#nudge-dialog[open]")
    expect(dialog.locator("h2").first).to_have_text("독려 보내기")
    expect(dialog).to_contain_text("3명 가운데")
    dialog.locator("#f-template").select_option("멈춘 분께")
    dialog.locator("#f-extra").fill("주말에 한 차시씩 들으시면 넉넉합니다.")
    dialog.locator("#f-extra").press("Tab")
    expect(dialog.locator(".letter")).to_contain_text("주말에 한 차시씩")
    said = dialog.locator(".letter p").nth(0).inner_text()
    assert any(name in said for name in names)
    dialog.locator("form[method=post] button[type=submit]").click()
    page.wait_for_url(re.compile(r"/nudges\?sent=\d"))
    count = int(page.url.rpartition("=")[2])
    assert count > 0
    expect(page.locator(".notice.ok")).to_contain_text(f"{count}명에게 보내기로 했습니다")
    page.go_back()
    page.reload()
    for place in range(3):
        page.locator("[data-pick-one]").nth(place).check()
    page.get_by_role("button", name="독려 보내기").click()
    expect(page.locator("#nudge-dialog[open]")).to_contain_text(f"{count}명 제외")


def test_everybody_the_filter_finds_is_chosen_without_script(site, open_page, sign_in):
    page = sign_in(open_page(PHONE), "manager")
    open_run(page, site)
    whole = page.locator(".filter[aria-current] b").inner_text()
    page.get_by_role("link", name=f"거른 {whole}명 모두 고르기").click()
    expect(page.locator(".bulk")).to_contain_text(f"거른 {whole}명을 모두 골랐습니다.")
    page.get_by_role("button", name="독려 보내기").click()
    expect(page.locator("#nudge-dialog[open]")).to_contain_text(f"{whole}명 가운데")


def test_a_late_question_is_answered_and_the_learner_reads_it(site, open_page, sign_in):
    learner = sign_in(open_page(PHONE), "latecomer")
    learner.locator(".due", has_text=COURSE).locator("a.btn").click()
    learner.wait_for_url(re.compile(r"/enrolments/\d+"))
    expect(learner.get_by_text("자막을 고쳤습니다").first).to_be_visible()
    learner.get_by_role("link", name="문의하기").click()
    learner.fill("textarea[name=text]", "마감을 하루 늦출 수 있습니까?")
    learner.get_by_role("button", name="문의 보내기").click()
    expect(learner.locator(".notice.ok")).to_contain_text("문의를 보냈습니다.")
    asked = learner.url.split("?")[0]
    manager = sign_in(open_page(DESK), "manager")
    manager.goto(f"{site.base}/desk/questions")
    expect(manager.locator(".case").first).to_contain_text("늦음")  # that waited longest
    manager.locator(".case", has_text="마감을 하루").get_by_role("link").click()
    manager.fill("textarea[name=text]", "학습 기간은 모두에게 같습니다.")
    manager.get_by_role("button", name="답 보내기").click()
    expect(manager.locator(".notice.ok")).to_contain_text("답을 보냈습니다.")
    learner.goto(asked)
    expect(learner.get_by_text("학습 기간은 모두에게 같습니다.")).to_be_visible()


def test_the_list_is_taken_away_as_it_is_shown(site, open_page, sign_in):
    page = sign_in(open_page(DESK, accept_downloads=True), "manager")
    open_run(page, site)
    page.get_by_role("button", name="보이는 대로 내려받기").click()
    page.fill("#export input[name=reason]", "학교별 안내")
    with page.expect_download() as found:
        page.locator("#export button[type=submit]").click()
    assert found.value.suggested_filename.endswith(".xlsx")
