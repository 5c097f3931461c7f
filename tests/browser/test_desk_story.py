"""From a course that is made to a run that is closed: one chain on one run, by all who do it."""

import csv
import io
import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from lms import clock
from lms.demo import names
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journey import go_to_course
from tests.browser.test_making import add, back, save

pytestmark = pytest.mark.browser

COURSE, NAME = "첫 주의 학급 기록", "가을 기수"
MANAGER, TEACHER, LATECOMER = names.person(3), names.person(1), names.person(2)
SILENT = [names.person(n) for n in (371, 377, 391)]
"""People of the demo who have an address to write to."""

WRITTEN = "민지가 먼저 의자를 밀어 넣었다. 셋이 따라 했다."
ASKED = "두 줄은 날마다 적어야 합니까?"
NOBODY = "등록된 사람이 아닙니다. 인사 자료에 먼저 올리거나 적은 것을 확인해 주십시오."
OTHERS = (
    "이 나이스 개인번호는 이름이 다른 사람의 것입니다. 번호와 성명을 확인하거나 생년월일을 함께 "
    "적어 주십시오."
)
HEADINGS = ("나이스개인번호", "성명", "생년월일", "학교(기관)이름")


def a_sheet() -> bytes:
    """Five people whom the institute knows and three rows that want mending, as Excel saves it."""
    known = [TEACHER, LATECOMER, *SILENT]
    rows = [(one.neis, one.name, "", school(one)) for one in known[:2]]
    rows += [("", one.name, one.birth_date.isoformat(), school(one)) for one in known[2:]]
    rows += [
        ("", "나새로", "1994-05-06", school(TEACHER)),
        (SILENT[0].neis, SILENT[0].name, "", ""),
        (MANAGER.neis, "도하늘", "", ""),
    ]
    out = io.StringIO()
    csv.writer(out).writerows([HEADINGS, *rows])
    return out.getvalue().encode("cp949")


def school(one) -> str:
    return names.ORGANISATIONS[one.organisation_index].name


def test_a_run_from_making_its_course_to_closing_it(site, open_page, sign_in) -> None:
    officer = sign_in(open_page(DESK), "officer")
    manager = sign_in(open_page(DESK), "manager")
    make_course(officer, site)
    run = open_run(officer)
    enrol_by_file(officer, run)
    learner = sign_in(open_page(PHONE), "teacher2")
    finish(learner, site)
    ask(learner)
    nudge_the_silent(manager, site)
    answer_the_late_one(manager, site)
    refuse_to_close(officer, run)
    mark(manager, site)
    close_and_reopen(officer, run)


def make_course(page: Page, site) -> None:
    """A page, a test with a right answer, and an essay that somebody has to mark."""
    page.goto(f"{site.base}/manage/courses/new")
    page.fill("#f-title", COURSE)
    page.fill("#f-hours", "15")
    page.get_by_role("button", name="과정 만들기").click()
    page.wait_for_selector("#draft")
    page.fill("#new-unit", "두 줄로 적기")
    page.locator("#add-unit").click()
    expect(page.locator(".making-unit h2")).to_have_text(["1. 두 줄로 적기"])
    add(page, 0, "page", "왜 적습니까")
    page.locator("#writing").click()
    page.keyboard.insert_text("기억은 하루면 절반이 사라집니다. 두 줄이면 됩니다.")
    save(page)
    back(page)
    add(page, 0, "quiz", "내 두 줄")
    page.fill("#f-q-0-text", "이번 주에 적은 두 줄을 옮겨 주십시오.")
    page.select_option("#f-q-0-type", "essay")
    page.fill("#f-q-0-guide", "본 것을 사실로 적었는가")
    save(page)
    back(page)
    add(page, 0, "quiz", "평가")
    page.fill("#f-q-0-text", "무엇부터 적습니까?")
    page.get_by_label("1번 보기", exact=True).fill("본 것")
    page.get_by_label("2번 보기", exact=True).fill("느낀 것")
    page.get_by_label("1번 보기가 정답").check()
    page.get_by_label("점수에 들어감").check()
    save(page)
    back(page)
    page.get_by_role("link", name="발행 준비 보기").click()
    page.get_by_role("button", name="1판 발행하기").click()
    expect(page.locator(".notice")).to_contain_text("발행했습니다.")


def open_run(page: Page) -> str:
    """The address of the run, whose first day is past, so that one can begin, and be silent."""
    today = clock.local_day(clock.now(), "Asia/Seoul")
    page.get_by_role("navigation", name="과정 화면").get_by_role("link", name="기수").click()
    page.locator(".page-header, header").get_by_role("link", name="기수 만들기").first.click()
    page.fill("#f-name", NAME)
    page.fill("#f-learn_from", (today - timedelta(days=10)).isoformat())
    page.fill("#f-learn_until", (today + timedelta(days=20)).isoformat())
    page.get_by_label(MANAGER.name, exact=True).check()
    page.get_by_role("button", name="준비 상태로 만들기").click()
    expect(page.locator("#managers")).to_contain_text(MANAGER.name)
    page.get_by_role("button", name="기수 열기").click()
    expect(page.locator("[role=status]").first).to_contain_text("이수 규칙이 굳어졌습니다")
    expect(page.locator(".page-head, main")).to_contain_text("학습 중")
    return page.url.split("?")[0]


def enrol_by_file(page: Page, run: str) -> None:
    """What is wrong with a row is said of that row; the good ones go in, and once only."""
    bring(page, run)
    assert told(page) == [
        ("7번째 줄", "고쳐야 함", NOBODY),
        ("8번째 줄", "고쳐야 함", "앞의 4번째 줄과 같은 사람입니다. 한 줄만 남겨 주십시오."),
        ("9번째 줄", "확인 필요", OTHERS),
        *[(f"{n}번째 줄", "새로 더함", "등록합니다.") for n in range(2, 7)],
    ]
    page.get_by_role("button", name="5명 반영하기").click()
    expect(page.locator(".notice.ok")).to_contain_text("5줄을 반영했습니다.")
    page.get_by_role("link", name="이 기수의 사람 보기").click()
    inside = sorted((one.name, school(one)) for one in (TEACHER, LATECOMER, *SILENT))
    expect(page.locator("table.data tbody th")).to_have_text([f"{a}{b}" for a, b in inside])
    bring(page, run)
    assert [(row, outcome) for row, outcome, _ in told(page)][3:] == [
        (f"{n}번째 줄", "그대로") for n in range(2, 7)
    ]
    expect(page.get_by_role("button", name="반영하기")).to_have_count(0)


def told(page: Page) -> list[tuple[str, ...]]:
    """Which row, what becomes of it, and why."""
    parts = ("th", "[data-label=결과]", "[data-label=설명]")
    rows = page.locator("table.outcomes tbody tr").all()
    return [tuple(row.locator(part).inner_text() for part in parts) for row in rows]


def bring(page: Page, run: str) -> None:
    page.goto(run)
    page.get_by_role("link", name="파일로 등록하기").click()
    sheet = {"name": "가을 명단.csv", "mimeType": "text/csv", "buffer": a_sheet()}
    page.set_input_files("#f-file", sheet)
    page.get_by_role("button", name="미리 보기").click()
    page.wait_for_selector("table.outcomes")


def finish(page: Page, site) -> None:
    """On a phone: read, write the essay, pass the test, and hear of it there and then."""
    go_to_course(page, site, COURSE)
    expect(page.locator("[data-said]")).to_contain_text("다 읽었습니다.", timeout=30_000)
    page.locator(".following a").click()
    page.get_by_role("button", name="퀴즈 풀기").click()
    page.fill("#quiz-form textarea", WRITTEN)
    hand_in(page)
    expect(page.locator("#quiz-result")).to_contain_text("채점을 기다리고 있습니다")
    expect(page.get_by_text("이 과정을 이수하셨습니다.")).to_have_count(0)
    page.locator(".following a").click()
    page.get_by_role("button", name="퀴즈 풀기").click()
    page.get_by_label("본 것").check()
    hand_in(page)
    expect(page.get_by_text("이 과정을 이수하셨습니다.").first).to_be_visible()
    expect(page.get_by_role("link", name="이수증 보기").first).to_be_visible()


def hand_in(page: Page) -> None:
    page.keyboard.press("Tab")
    saved = re.compile(r"저장됨 \d\d:\d\d:\d\d")
    expect(page.locator("[data-question] [data-saved]")).to_contain_text(saved, timeout=20_000)
    page.get_by_role("button", name="답 내기").click()
    page.wait_for_selector("[data-quiz-done]")


def ask(page: Page) -> None:
    page.get_by_role("link", name="문의하기").click()
    page.fill("textarea[name=text]", ASKED)
    page.get_by_role("button", name="문의 보내기").click()
    expect(page.locator(".notice.ok")).to_contain_text("문의를 보냈습니다.")


def nudge_the_silent(page: Page, site) -> None:
    """Who has not begun is found by the filter; who wants no mail is left out, and it is said."""
    page.goto(f"{site.base}/desk")
    page.locator("table.data a", has_text=COURSE).click()
    page.locator(".filter", has_text=re.compile(r"^시작 전 \d+")).click()
    rows = page.locator("table.learners tbody tr")
    silent = sorted(one.name for one in (LATECOMER, *SILENT))
    expect(rows).to_have_count(len(silent))
    assert sorted(rows.locator("th a").all_inner_texts()) == silent
    here = page.url
    page.locator("[data-pick-all]").check()
    page.get_by_role("button", name="독려 보내기").click()
    dialog = page.locator("#nudge-dialog[open]")
    dialog.locator("#f-template").select_option("시작하지 않은 분께")
    expect(dialog.locator(".letter")).to_contain_text(f"「{COURSE}」 첫 차시를 열어 보십시오")
    expect(dialog).to_contain_text("4명 가운데 3명에게 갑니다")
    left_out = dialog.locator(".clause", has_text="수신을 원하지 않는 사람")
    expect(left_out).to_contain_text(LATECOMER.name)
    dialog.get_by_role("button", name=re.compile("3명에게 보내기")).click()
    expect(page.locator(".notice.ok")).to_contain_text("3명에게 보내기로 했습니다")
    page.goto(here)
    for one in SILENT:
        row = rows.filter(has_text=one.name)
        expect(row.locator("[data-label='보낸 것']")).to_contain_text("메일")
    left = rows.filter(has_text=LATECOMER.name)
    expect(left.locator("[data-label='보낸 것']")).to_have_text("–")


def answer_the_late_one(page: Page, site) -> None:
    """The oldest stands in front and is late; what was asked just now waits behind it."""
    page.goto(f"{site.base}/desk/questions")
    waiting = page.locator(".case")
    hidden = "list => list.scrollHeight - list.clientHeight"
    assert page.locator(".queue").evaluate(hidden) == 0  # all of it is on the page
    expect(waiting.first).to_contain_text("늦음")
    expect(waiting.filter(has_text=ASKED)).to_contain_text(COURSE)
    expect(waiting.filter(has_text=ASKED)).not_to_contain_text("늦음")
    late = waiting.first.locator("p").nth(1).inner_text()
    waiting.first.get_by_role("link").click()
    page.fill("textarea[name=text]", "오늘 다시 올렸습니다. 늦어서 죄송합니다.")
    page.get_by_role("button", name="답 보내기").click()
    expect(page.locator(".notice.ok")).to_contain_text("답을 보냈습니다.")
    expect(waiting.filter(has_text=late)).to_have_count(0)


def refuse_to_close(page: Page, run: str) -> None:
    """While the essay is not marked there is no way to close the run, and it says why."""
    page.goto(run)
    page.get_by_role("link", name="결과와 마감").click()
    end = page.locator("section", has=page.locator("#h-end"))
    expect(end).to_contain_text("채점을 마쳐야 마감할 수 있습니다.")
    expect(end.get_by_role("listitem")).to_have_text(["내 두 줄 1건"])
    expect(page.get_by_role("button", name="마감하기")).to_have_count(0)
    expect(page.locator(".timeline b")).to_have_text(["학습 중", "열림", "준비"])


def mark(page: Page, site) -> None:
    page.goto(f"{site.base}/marking")
    pile = page.locator(".marking-piles li", has_text="내 두 줄")
    expect(pile).to_contain_text("1건")
    pile.get_by_role("link").click()
    expect(page.locator(".marking-answer")).to_have_text(WRITTEN)
    page.get_by_label("점수").fill("90")
    page.get_by_role("button", name="저장하기").click()
    expect(page.locator("h1")).to_contain_text("채점")
    expect(pile).to_have_count(0)


def close_and_reopen(page: Page, run: str) -> None:
    """Each with its reason; the run tells of both, the newest first."""
    page.reload()
    page.fill("#f-reason", "모두 일찍 마침")
    page.get_by_role("button", name="1기 마감하기").click()
    expect(page.locator(".notice.ok").first).to_contain_text("마감했습니다.")
    page.locator("summary", has_text="다시 열기").click()
    page.fill("#why-reopen", "복직한 사람이 이어서 배움")
    page.get_by_role("button", name="다시 열기").click()
    expect(page.locator(".notice.ok").first).to_contain_text("다시 열었습니다.")
    page.goto(run)
    history = page.locator("section", has=page.locator("#h-history")).get_by_role("listitem")
    expect(history.nth(0)).to_contain_text(re.compile("학습 중.*복직한 사람이 이어서 배움"))
    expect(history.nth(1)).to_contain_text(re.compile("마감.*모두 일찍 마침"))
