"""A personnel sheet from upload to history, a role, a setting and the trail, by those who do it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.test_pages import check

pytestmark = pytest.mark.browser

SHEET = """나이스개인번호,성명,생년월일,학교(기관)이름,교직원구분,직급,발령일,발령구분
B108700001,온새미,1991-02-03,가온고등학교,교원,교사,2026-03-01,신규임용
B10870000,짧은번호,1991-02-03,가온고등학교,교원,교사,,
B108700003,날짜틀림,1991-02-30,가온고등학교,교원,교사,,
B108700004,없는학교,1991-02-03,없는고등학교,교원,교사,,
"""


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "360"])
def test_pages_have_no_axe_violation_and_do_not_scroll_sideways(site, open_page, sign_in, size):
    admin = sign_in(open_page(size, bypass_csp=True), "admin")
    admin.goto(f"{site.base}/people/sheets/people")
    sheets = [one.get_attribute("href") for one in admin.locator("tbody th a").all()]
    admin.goto(f"{site.base}/people?status=leave")
    person = admin.locator("table.data tbody th a").first.get_attribute("href")
    paths = [
        "/people",
        "/people?q=없는사람",
        person,
        "/people/sheets/people",
        "/people/sheets/organisations",
        *sheets[:1],
        "/institution",
        "/audit",
        "/audit?act=role.grant",
        "/people/access-log",
    ]
    problems = [line for path in paths for line in check(admin, site.base + path)]
    assert problems == []


def test_a_sheet_with_three_bad_rows_becomes_a_person_with_a_history(
    site, open_page, sign_in, tmp_path: Path
) -> None:
    file = tmp_path / "3월 발령.csv"
    file.write_bytes(SHEET.encode("cp949"))
    officer = sign_in(open_page(DESK), "officer")
    officer.goto(f"{site.base}/people/sheets/people")
    officer.set_input_files("input[type=file]", file)
    officer.get_by_role("button", name="미리 보기").click()
    expect(officer.get_by_role("heading", level=1)).to_have_text("“3월 발령.csv” 미리 보기")
    for said in ("나이스 개인번호의 모양이 아닙니다", "‘1991-02-30’을 날짜로", "“없는고등학교”은"):
        expect(officer.locator("table.outcomes")).to_contain_text(said)
    officer.get_by_role("button", name="1명 반영하기").click()
    expect(officer.get_by_role("status").first).to_contain_text("1줄을 반영했습니다.")
    # The very same file again: nothing is left to do for the row that was good.
    officer.goto(f"{site.base}/people/sheets/people")
    officer.set_input_files("input[type=file]", file)
    officer.get_by_role("button", name="미리 보기").click()
    expect(officer.get_by_role("button", name=re.compile("반영하기"))).to_have_count(0)
    officer.goto(f"{site.base}/people?q=온새미")
    officer.get_by_role("link", name="온새미").click()
    expect(officer.locator("#posts")).to_contain_text("2026. 3. 1.")
    expect(officer.locator("#posts")).to_contain_text("임용")


def test_a_role_and_a_setting_leave_a_trail_that_can_be_searched(site, open_page, sign_in) -> None:
    admin = sign_in(open_page(PHONE), "admin")
    admin.goto(f"{site.base}/people?category=education_specialist")
    admin.locator("table.data tbody th a").first.click()
    admin.get_by_label("줄 역할").select_option("auditor")
    admin.get_by_label("주는 까닭").fill("자체 감사")
    admin.get_by_role("button", name="역할 주기").click()
    expect(admin.locator("#roles")).to_contain_text("감사자")
    admin.goto(f"{site.base}/institution")
    admin.get_by_label("이수에 필요한 점수").fill("59")
    admin.get_by_label("바꾸는 까닭").fill("계획에 따름")
    admin.get_by_role("button", name="설정 바꾸기").click()
    expect(admin.locator("#errors")).to_contain_text("60점보다 낮게는")
    admin.get_by_label("이수에 필요한 점수").fill("60")
    admin.get_by_label("하루에 들을 수 있는 차시").fill("7")
    admin.get_by_role("button", name="설정 바꾸기").click()
    expect(admin.get_by_role("status").first).to_contain_text("설정을 바꾸었습니다")
    admin.goto(f"{site.base}/audit?act=institution.change")
    expect(admin.locator("table.data")).to_contain_text("하루에 들을 수 있는 차시: 0 → 7")
    admin.goto(f"{site.base}/institution")
    admin.get_by_label("하루에 들을 수 있는 차시").fill("0")
    admin.get_by_label("바꾸는 까닭").fill("되돌림")
    admin.get_by_role("button", name="설정 바꾸기").click()
    admin.goto(f"{site.base}/audit?who=&act=role.grant")
    expect(admin.locator("table.data")).to_contain_text("자체 감사")
