"""Publishing freezes; who is enrolled stays; what changed is said."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from lms.learning.making import comparing, drafts
from lms.learning.making.comparing import Naming
from lms.learning.making.drafts import DraftActivity, DraftUnit
from lms.learning.models import Course, CourseVersion, Enrolment
from tests import factories, making_world
from tests.making_world import VTT, Making, file, full

NAMING = Naming({"page": "읽기"}, {"page": {"body": "본문"}}, {})


@pytest.fixture
def making(app) -> Making:
    return making_world.make(app)


@pytest.fixture
def here(sqlite_app) -> Making:
    return making_world.make(sqlite_app)


def sentences(making: Making, course_id: int, query: str = "") -> list[str]:
    page = making.client.get(f"/manage/courses/{course_id}/diff{query}").text
    found = re.search(r'<ul class="making-changes".*', page, re.DOTALL)
    return re.findall(r"<div><p>(.*?)</p>", found[0]) if found else []


def test_publishing_freezes_and_who_is_enrolled_stays(making):
    course_id = making.create()
    unit = making.unit(course_id)
    key = making.page(course_id, unit, "<p>첫 글</p>")
    assert making.publish(course_id).status_code == 303
    with making.state.db.transaction() as session:
        course = session.get_one(Course, course_id)
        learner = factories.person(session, making.home)
        run = factories.run(session, course)
        enrolled = factories.enrolment(session, making.state.hook, learner, run).id
    making.save(course_id, key, body="<p>고친 글</p>")
    making.page(course_id, unit, "<p>더</p>", title="더 읽기")
    assert making.publish(course_id).status_code == 303
    assert making.versions(course_id) == [1, 2]
    browser = factories.browser(making.app)
    factories.sign_in(browser, learner)
    page = browser.get(f"/enrolments/{enrolled}").text
    assert "첫 글" in page
    assert "더 읽기" not in page
    with making.state.db.reading() as session:
        row = session.get_one(Enrolment, enrolled)
        assert row.run.version.number == 1
        two = session.scalar(select(CourseVersion).filter_by(course_id=course_id, number=2))
        assert [one.config["body"] for one in two.units[0].activities] == [
            "<p>고친 글</p>", "<p>더</p>",
        ]  # fmt: skip
    ready = making.client.get(f"/manage/courses/{course_id}/publish").text
    assert "지금 배우는 1명은 등록한 판으로 끝까지 배웁니다." in ready
    versions = making.client.get(f"/manage/courses/{course_id}/versions").text
    assert "한담당" in versions
    assert "기수 1개 · 1명" in versions


def test_every_problem_is_listed_with_the_way_to_it(here):
    course_id = here.create()
    assert here.publish(course_id).status_code == 422
    empty = here.unit(course_id, "빈 차시")
    unit = here.unit(course_id, "찬 차시")
    video = here.activity(course_id, unit, "video", "영상")
    page = here.page(course_id, unit, "")
    here.act(course_id, "role", key=page, role="score")
    here.act(course_id, "role", key=video, role="score")
    answer = here.publish(course_id)
    assert answer.status_code == 422
    listed = answer.text.partition("making-problems")[2].partition("</ul>")[0]
    problems = re.findall(r"<b>(.*?)</b><p>(.*?)</p>.*?href=\"(.*?)\"", listed, re.DOTALL)
    base = f"/manage/courses/{course_id}"
    assert problems == [
        (
            "과정",
            "진도에 드는 활동이 하나도 없어 배우지 않아도 진도가 찹니다. "
            "활동 하나는 진도에 들게 해 주십시오.",
            f"{base}#draft",
        ),
        (
            "1차시 · 빈 차시",
            "활동이 없는 차시입니다. 활동을 넣거나 차시를 지워 주십시오.",
            f"{base}#k-{empty}",
        ),
        (
            "2차시 · 영상",
            "점수가 나오지 않는 활동입니다. 쓰임을 진도로 바꾸어 주십시오.",
            f"{base}/activities/{video}",
        ),
        (
            "2차시 · 영상",
            "영상이 없습니다. MP4나 WebM 영상을 올려 주십시오.",
            f"{base}/activities/{video}",
        ),
        (
            "2차시 · 읽기",
            "점수가 나오지 않는 활동입니다. 쓰임을 진도로 바꾸어 주십시오.",
            f"{base}/activities/{page}",
        ),
        (
            "2차시 · 읽기",
            "쪽에 읽을 글이 없습니다. 본문을 적어 주십시오.",
            f"{base}/activities/{page}",
        ),
    ]
    assert here.versions(course_id) == []
    for _, _, href in problems:
        assert here.client.get(href.partition("#")[0]).status_code == 200


def test_an_unchanged_draft_or_an_older_look_publishes_nothing(making):
    course_id = making.create()
    making.page(course_id, making.unit(course_id))
    old = making.draft(course_id).revision
    making.unit(course_id, "둘째")
    path = f"/manage/courses/{course_id}/publish"
    assert making.client.post(path, data={"revision": old}).status_code == 409
    making.act(course_id, "unit_delete", key=making.draft(course_id).units[1].key)
    assert making.publish(course_id).status_code == 303
    again = making.publish(course_id)
    assert again.status_code == 409
    assert "지난 판과 다른 것이 없어" in again.text
    assert making.versions(course_id) == [1]


def test_an_activity_whose_plugin_is_gone_is_listed_moved_and_stops_publication(here):
    course_id = here.create()
    unit = here.unit(course_id)
    here.page(course_id, unit)
    with here.state.db.transaction() as session:
        course = session.get_one(Course, course_id)
        revision = drafts.of_course(session, course).revision

        def act(draft):
            draft.units[0].activities.append(
                DraftActivity(key="other", kind="oath", title="다짐", config={"text": "나는"})
            )

        drafts.change(session, course, revision, act, actor_id=here.officer.id, now=factories.NOW)
    assert "다짐" in here.client.get(f"/manage/courses/{course_id}").text
    assert here.act(course_id, "activity_up", key="other").status_code == 303
    shown = here.client.get(f"/manage/courses/{course_id}/activities/other").text
    assert "이 종류의 활동은 여기에서 내용을 고칠 수 없습니다." in shown
    assert here.save(course_id, "other", title="새 다짐").status_code == 303
    assert here.draft(course_id).units[0].activities[0].config == {"text": "나는"}
    assert "확장이 설치되어 있지 않습니다." in here.publish(course_id).text
    assert here.client.get(f"/manage/courses/{course_id}/preview?activity=other").status_code == 200


def test_what_changed_is_said_in_words(making):
    course_id = full(making)
    assert making.publish(course_id).status_code == 303
    assert sentences(making, course_id) == []
    draft = making.draft(course_id)
    (one, two), (video, page), pdf = (
        draft.units,
        draft.units[0].activities,
        draft.units[1].activities[0],
    )
    making.act(course_id, "unit_rename", key=one.key, title="처음")
    making.act(course_id, "activity_move", key=page.key, unit=two.key, to="0")
    making.save(course_id, video.key, title="새 영상", captions_en=file(VTT, "en.vtt"))
    making.act(course_id, "activity_delete", key=pdf.key)
    three = making.unit(course_id, "셋째")
    making.page(course_id, three, "<p>셋</p>", title="마무리")
    said = sentences(making, course_id)
    assert said == [
        "1차시의 이름을 바꾸었습니다.",
        "1차시 영상 「새 영상」을 고쳤습니다.",
        "읽기 「읽기」를 1차시에서 2차시로 옮겼습니다.",
        "3차시 「셋째」를 더했습니다.",
        "3차시에 읽기 「마무리」를 더했습니다.",
        "2차시에서 자료 「자료」를 뺐습니다.",
    ]
    assert making.publish(course_id).status_code == 303
    assert sentences(making, course_id, "?before=1&after=2") == said
    back = sentences(making, course_id, "?before=2&after=1")
    assert "3차시 「셋째」를 뺐습니다." in back
    assert making.client.get(f"/manage/courses/{course_id}/diff?before=9").status_code == 404


def test_the_same_bytes_uploaded_again_are_no_change(here):
    course_id = full(here)
    here.publish(course_id)
    draft = here.draft(course_id)
    video = draft.units[0].activities[0].key
    here.save(course_id, video, captions=file(VTT, "1.vtt"))
    assert sentences(here, course_id) == []
    here.save(course_id, video, captions=file(VTT + b"\n", "1.vtt"))
    assert sentences(here, course_id) == ["1차시 영상 「영상」을 고쳤습니다."]
    assert "같은 이름의 다른 파일" in here.client.get(f"/manage/courses/{course_id}/diff").text


def units_of(plan: list[list[int]]) -> list[DraftUnit]:
    return [
        DraftUnit(
            key=f"u{place}",
            title=f"차시 {place}",
            activities=[DraftActivity(key=f"a{one}", kind="page", title=f"{one}") for one in row],
        )
        for place, row in enumerate(plan)
    ]


ORDERS = st.permutations(range(6)).map(lambda one: [one[:2], one[2:5], one[5:]])


@settings(max_examples=200, deadline=None)
@given(ORDERS, ORDERS)
def test_nothing_differs_exactly_when_nothing_differs(before, after):
    found = comparing.compare(units_of(before), units_of(after), NAMING)
    assert (found == []) == (before == after)
    assert {one.kind for one in found} <= {"moved"}


def test_one_that_moves_is_one_change_and_not_the_rest():
    before = units_of([[0, 1, 2, 3, 4, 5]])
    after = units_of([[5, 0, 1, 2, 3, 4]])
    found = comparing.compare(before, after, NAMING)
    assert [one.said[1]["title"] for one in found] == ["5"]
