"""Pages and files: cleaned, opened by our clock, read once, and nobody else's."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from content.reading import FileKind, PageKind, clean
from lms.errors import InvalidError, NotFoundError
from lms.learning.models import ActivityResult, Completion
from lms.learning.rules import RuleSet
from lms.xapi import store
from lms.xapi.models import Statement
from tests import factories

PAGE = {
    "kind": "page",
    "title": "읽기",
    "config": {"body": "<h2>제목</h2><p>읽을 <b>글</b></p>", "min_seconds": 10},
}
PDF = {"src": "a.pdf", "name": "한 장 요약.pdf", "media_type": "application/pdf", "min_seconds": 0}
FILE = {"kind": "file", "title": "자료", "config": PDF}

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<a href='javascript:alert(1)'>눌러</a>",
    "<a href='&#106;avascript:alert(1)'>눌러</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>눌러</a>",
    "<p style='position:fixed;inset:0' onclick=alert(1)>글</p>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=//evil.example><input name=password></form>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<base href=//evil.example><meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>*{background:url(//evil.example)}</style>",
    "<p id=words class=dialog data-opens=x>글</p>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_a_page_acts_loads_or_hides(payload):
    body = PageKind().check({"body": f"<p>본문</p>{payload}"})["body"].lower()
    assert "<p>본문</p>" in body
    for bad in (
        "<script", "<img", "<svg", "<iframe", "<form", "<input", "<style", "<base", "<meta",
        " on", "javascript:", "data:", "style=", "class=", "id=", "srcdoc", "evil.example",
    ):  # fmt: skip
        assert bad not in body


@given(st.text(alphabet="<>/=\"' apsvgonimr:x&;!-[]"))
def test_cleaning_twice_is_cleaning_once(text):
    assert clean(clean(text)) == clean(text)


def test_what_a_page_may_say_stays():
    body = "<h2>가</h2><ul><li><strong>나</strong></li></ul><blockquote>다</blockquote>"
    link = '<a href="https://www.law.go.kr" rel="noopener noreferrer">법</a>'
    checked = PageKind().check({"body": body + link, "min_seconds": 10})
    assert checked == {"body": body + link, "min_seconds": 10}
    assert PageKind().check(checked) == checked


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"body": ""},
        {"body": "<script>1</script>"},
        {"body": "<p> </p>"},
        {"body": "<p>글</p>", "min_seconds": -1},
        {"body": "<p>글</p>", "min_seconds": 3601},
        {"body": "<p>글</p>", "html": True},
    ],
)
def test_a_page_without_anything_to_read_is_refused(config):
    with pytest.raises(InvalidError):
        PageKind().check(config)


@pytest.mark.parametrize("change", [{"src": ""}, {"name": ""}, {"media_type": "pdf"}, {"x": 1}])
def test_a_file_that_is_not_described_is_refused(change):
    with pytest.raises(InvalidError):
        FileKind().check({**PDF, **change})


def test_what_reading_weighs():
    assert [PageKind().weight_ms({"min_seconds": n}) for n in (0, 10, 90)] == [30000, 30000, 90000]
    assert FileKind().check(PDF) == PDF
    assert (FileKind().weight_ms(PDF), FileKind().files(PDF)) == (30_000, ["src"])


class World(SimpleNamespace):
    """One learner before a page and a file, and a clock that the test moves."""

    def page(self, activity=None, client=None):
        activity = activity or self.activity
        return (client or self.client).get(
            f"/enrolments/{self.enrolment.id}?activity={activity.id}"
        )

    def post(self, what, activity=None, client=None, **more):
        activity = activity or self.activity
        address = f"/enrolments/{self.enrolment.id}/activities/{activity.id}/{what}"
        return (client or self.client).post(address, **(more or {"json": {"token": None}}))

    def verbs(self):
        # What reading requests leave behind is with the writer: wait for it.
        self.db.writer.do(lambda connection: None)
        with self.db.reading() as session:
            found = store.of_registration(
                session.connection(), self.enrolment.institution_id, self.enrolment.registration
            )
            return [one.verb.rsplit("/", 1)[1] for one in found]

    def passes(self, seconds):
        self.traveller.shift(timedelta(seconds=seconds))

    def count(self, model):
        with self.db.reading() as session:
            return session.scalar(select(func.count()).select_from(model))


@pytest.fixture
def world(app, client):
    state = app.extensions["lms"]
    with state.db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home)
        course = factories.course(session, state.kinds, home, [PAGE, FILE])
        run = factories.run(session, course, RuleSet(score_min=None, progress_permille=1000))
        enrolment = factories.enrolment(session, state.hook, person, run)
        activity, file = factories.activities(session, enrolment)
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        factories.sign_in(client, person)
        yield World(
            app=app,
            db=state.db,
            home=home,
            client=client,
            person=person,
            enrolment=enrolment,
            activity=activity,
            file=file,
            traveller=traveller,
        )


def test_a_page_is_read_when_it_was_open_long_enough(world):
    html = world.page().text
    assert "<p>읽을 <b>글</b></p>" in html
    assert world.verbs() == ["registered", "initialized"]
    world.passes(9)
    soon = world.post("viewed")
    assert (soon.status_code, soon.json["error"]["code"]) == (409, "too_soon")
    assert soon.json["error"]["message"] == "조금 더 읽어 주십시오. 1초 뒤에 마칠 수 있습니다."
    assert soon.headers["Retry-After"] == "1"
    world.passes(1)
    assert world.post("viewed").json == {
        "saved_at": "14:03:22",
        "state": {
            "progress_permille": 500,
            "unit_done": False,
            "completed": False,
            "certificate_url": None,
        },
    }
    assert world.verbs() == ["registered", "initialized", "experienced"]
    assert "다 읽었습니다" in world.page().text


def test_opening_is_stated_once_however_often_it_is_told(world):
    for _ in range(3):
        world.page()
        assert world.post("launched").json == {"launched_at": "14:03:12"}
    world.passes(60)
    world.page()
    assert world.post("launched").json == {"launched_at": "14:03:12"}
    assert world.verbs() == ["registered", "initialized"]


def test_no_word_of_the_browser_shortens_the_time(world):
    for body in ({"token": None}, {"seconds": 3600, "launched_at": "2020-01-01T00:00:00Z"}):
        assert world.post("viewed", json=body).json["error"]["code"] == "too_soon"
    assert world.verbs() == ["registered"]
    assert world.count(ActivityResult) == 0


def test_reading_the_last_thing_completes_and_reading_again_changes_nothing(world):
    world.page()
    world.passes(10)
    world.post("viewed")
    world.page(world.file)
    world.verbs()
    last = world.post("viewed", world.file).json
    assert last["state"]["completed"] is True
    assert last["state"]["certificate_url"] is not None
    before = world.verbs()
    assert world.post("viewed", world.file).json["state"] == {**last["state"], "unit_done": None}
    assert world.verbs() == before
    assert world.count(Completion) == 1


def test_the_button_works_without_script(world):
    world.page()
    world.passes(10)
    read = world.post("viewed", data={"csrf_token": ""})
    assert read.status_code == 303
    assert read.headers["Location"].endswith(
        f"/enrolments/{world.enrolment.id}?activity={world.activity.id}"
    )
    assert world.verbs()[-1] == "experienced"


def test_a_pdf_is_shown_in_place_from_the_content_host(world):
    html = world.page(world.file).text
    assert 'data-pdf="http://127.0.0.1' in html
    assert 'download="한 장 요약.pdf"' in html
    assert "js/pdf.js" in html


def test_any_other_file_is_a_download(world):
    context = FileKind().context
    with world.db.reading() as session:
        activity = session.merge(world.file, load=False)
        place = SimpleNamespace(
            state=world.app.extensions["lms"],
            activity=activity,
            enrolment=world.enrolment,
            actor=SimpleNamespace(person_id=0),
            facts=SimpleNamespace(done=False, done_at=None),
            preview=False,
            now=factories.NOW,
        )
        activity.config = {**activity.config, "media_type": "application/x-hwp", "name": "양식.hwp"}
        shown = context(session, place)
        assert (shown["is_pdf"], shown["name"]) == (False, "양식.hwp")
        session.rollback()


def test_a_file_that_was_never_stored_is_said_to_be_missing():
    place = SimpleNamespace(activity=SimpleNamespace(config=FileKind().check(PDF)))
    with pytest.raises(NotFoundError):
        FileKind().context(None, place)


def test_looking_at_somebody_elses_place_leaves_no_trace(world):
    with world.db.reading() as session:
        place = SimpleNamespace(
            state=world.app.extensions["lms"],
            activity=world.activity,
            enrolment=world.enrolment,
            actor=SimpleNamespace(person_id=world.person.id + 1),
            facts=SimpleNamespace(done=False, done_at=None),
            preview=False,
            now=factories.NOW,
        )
        PageKind().context(session, place)
    assert world.verbs() == ["registered"]


@pytest.mark.parametrize("what", ["launched", "viewed"])
def test_only_the_learner_opens_and_reads(world, what):
    with world.db.transaction() as session:
        away = factories.institution(session)
        strangers = [
            factories.person(session, world.home),
            factories.person(session, world.home, "officer"),
            factories.person(session, away),
        ]
    for stranger in strangers:
        browser = factories.browser(world.app)
        factories.sign_in(browser, stranger)
        assert world.post(what, client=browser).status_code == 404
    assert world.post(what, client=factories.browser(world.app)).status_code == 401
    assert world.verbs() == ["registered"]


@pytest.mark.parametrize("what", ["launched", "viewed"])
def test_only_pages_and_files_of_ones_own_course(world, what):
    with world.db.transaction() as session:
        state = world.app.extensions["lms"]
        course = factories.course(session, state.kinds, world.home, [factories.QUIZ])
        other = factories.enrolment(
            session, state.hook, world.person, factories.run(session, course)
        )
        quiz = factories.activities(session, other)[0]
        before = session.scalar(select(func.count()).select_from(Statement))
    own = f"/enrolments/{other.id}/activities/{quiz.id}/{what}"
    assert world.client.post(own, json={}).status_code == 404
    assert world.post(what, quiz).status_code == 404
    assert world.count(Statement) == before


def test_what_is_closed_is_neither_opened_nor_read(world):
    world.page()
    world.verbs()
    world.passes(10)
    with world.db.transaction() as session:
        run = session.merge(world.enrolment).run
        run.state = "closed"
    refused = world.post("viewed")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "closed")
    assert world.post("launched", world.file).status_code == 409
    assert world.verbs() == ["registered", "initialized"]
