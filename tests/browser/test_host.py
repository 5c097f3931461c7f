"""The same journey in a host's site, in a real browser: its login, its front page, our pages."""

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from tests import factories
from tests.host import site as host
from tests.host.test_host_site import fill, opened, page_and_quiz

pytestmark = pytest.mark.browser


@pytest.fixture
def hosted(sqlite_url, tmp_path) -> Iterator[tuple[str, int]]:
    """The host's address and the id of a course."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(sqlite_url)
    fill(engine)
    engine.dispose()
    made = opened(sqlite_url, tmp_path)
    app = next(made)
    state = app.extensions["lms"]
    with state.db.transaction() as session:
        home = factories.institution(session, "HOSTED")
    course = page_and_quiz(state, home)
    server = make_server("localhost", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}", course
    server.shutdown()
    thread.join(10)
    server.server_close()
    next(made, None)


def test_a_hosts_user_learns_under_its_prefix(hosted, open_page):
    base, course = hosted
    page = open_page()
    signed_in = page.request.post(
        f"{base}/login", form={"login": "kim", "password": host.PASSWORD}, max_redirects=0
    )
    assert signed_in.status == 302
    page.goto(f"{base}/learn/courses/{course}")
    page.get_by_role("button", name="바로 시작하기").click()
    page.wait_for_url(re.compile(r"/learn/enrolments/\d+"))
    expect(page.locator("[data-said]")).to_contain_text("다 읽었습니다.")
    page.locator(".following a").click()
    page.locator("#quiz form button", has_text="풀기").click()
    page.check("input[name='a-q1'][value='a']")
    expect(page.locator("[data-question='a-q1'] [data-saved]")).to_contain_text("저장됨")
    page.locator("#quiz-form button[type=submit]").last.click()
    expect(page.get_by_text("이 과정을 이수하셨습니다.").first).to_be_visible()
    page.get_by_role("link", name="이수증 보기").first.click()
    expect(page.locator(".certificate")).to_contain_text("김주인")
    assert page.url.startswith(f"{base}/learn/certificates/")
    page.goto(base)
    assert "HOST FRONT 1" in page.locator("body").inner_text()
