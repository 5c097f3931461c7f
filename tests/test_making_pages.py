"""Making a course in the browser: fields, units, activities, files, and what is refused."""

import re

import pytest
from sqlalchemy import event

from lms.learning.models import Course, CourseDraft
from lms.people.models import AuditRow
from tests import factories, making_world
from tests.making_world import FACTS, PDF, VTT, WEBM, Making, file, mp4


@pytest.fixture
def making(app) -> Making:
    return making_world.make(app)


@pytest.fixture
def here(sqlite_app) -> Making:
    """For what no database changes."""
    return making_world.make(sqlite_app)


def test_a_new_course_holds_what_was_written(making):
    course_id = making.create(standing="1")
    with making.state.db.reading() as session:
        row = session.get_one(Course, course_id)
        audit = session.query(AuditRow).filter_by(subject="course", subject_id=course_id).one()
    assert (row.code, row.title, row.recognised_minutes, row.standing) == (
        "M-1", "기록하는 수업", 900, True,
    )  # fmt: skip
    assert row.goals == ["기록한다", "돌아본다"]
    assert row.competencies == ["수업 설계", "수업 성찰"]
    assert (row.task_name, row.goal_name, row.department) == (
        "수업 나눔",
        "수업 전문성",
        "교원연수부",
    )
    assert row.legal_basis is None
    assert (audit.act, audit.actor_id) == ("course.create", making.officer.id)
    page = making.client.get(f"/manage/courses/{course_id}/facts").text
    assert '<output class="chip" data-credits>1학점</output>' in page
    for path in ("", "/facts", "/versions", "/publish", "/preview", "/diff"):
        assert making.client.get(f"/manage/courses/{course_id}{path}").status_code == 200, path
    assert "기록하는 수업" in making.client.get("/manage/courses").text
    assert making.client.get("/manage/courses/new").status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", " ", "과정 이름을 적어 주십시오."),
        ("title", "가" * 201, "200자까지"),
        ("training_kind", "x", "연수 종별을 골라"),
        ("delivery_mode", "", "운영 방식을 골라"),
        ("hours", "열", "숫자로 적어"),
        ("minutes", "60", "숫자로 적어"),
        ("hours", "99999", "1000시간까지"),
        ("goals", "\n".join(map(str, range(31))), "30줄까지"),
        ("code", "가나다", "영문자와 숫자로"),
        ("code", "", "영문자와 숫자로"),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field(here, field, value, said):
    answer = here.client.post("/manage/courses", data={**FACTS, field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert "수업을 기록합니다." in answer.text
    with here.state.db.reading() as session:
        assert session.query(Course).count() == 0


def test_a_code_is_one_courses(making):
    making.create()
    answer = making.client.post("/manage/courses", data=FACTS)
    assert answer.status_code == 409
    assert "이미 쓰는 과정 번호입니다." in answer.text


def test_facts_are_changed_and_an_older_form_is_refused(making):
    course_id = making.create()
    page = making.client.get(f"/manage/courses/{course_id}/facts").text
    mark = re.search(r'name="mark" value="(\w+)"', page)[1]
    told = {**FACTS, "title": "새 이름", "mark": mark}
    first = making.client.post(f"/manage/courses/{course_id}/facts", data=told)
    assert first.status_code == 303
    second = making.client.post(
        f"/manage/courses/{course_id}/facts", data={**told, "title": "늦은 이름"}
    )
    assert second.status_code == 409
    assert "늦은 이름" in second.text
    with making.state.db.reading() as session:
        assert session.get_one(Course, course_id).title == "새 이름"
        detail = session.query(AuditRow.detail).filter_by(act="course.change").scalar()
    assert detail == {"before": {"title": "기록하는 수업"}, "after": {"title": "새 이름"}}


def test_units_and_activities_are_added_named_and_moved(making):
    course_id = making.create()
    first, second = making.unit(course_id, "첫째"), making.unit(course_id, "둘째")
    one = making.page(course_id, first, title="가")
    two = making.page(course_id, first, title="나")

    def order():
        return [
            (unit.title, [one.title for one in unit.activities])
            for unit in making.draft(course_id).units
        ]

    assert order() == [("첫째", ["가", "나"]), ("둘째", [])]
    making.act(course_id, "activity_up", key=two)
    assert order() == [("첫째", ["나", "가"]), ("둘째", [])]
    making.act(course_id, "activity_down", key=one)
    assert order() == [("첫째", ["나"]), ("둘째", ["가"])]
    making.act(course_id, "activity_up", key=one)
    assert order() == [("첫째", ["나", "가"]), ("둘째", [])]
    making.act(course_id, "activity_move", key=two, unit=second, to="0")
    assert order() == [("첫째", ["가"]), ("둘째", ["나"])]
    making.act(course_id, "unit_up", key=second)
    making.act(course_id, "unit_up", key=second)  # at the top already
    assert order() == [("둘째", ["나"]), ("첫째", ["가"])]
    making.act(course_id, "unit_move", key=second, to="1")
    making.act(course_id, "unit_rename", key=first, title="  처음   것 ")
    making.act(course_id, "role", key=one, role="score")
    assert order() == [("처음 것", ["가"]), ("둘째", ["나"])]
    assert making.draft(course_id).find(one)[1].role == "score"


def test_what_was_deleted_comes_back_where_it_stood(making):
    course_id = making.create()
    first, second = making.unit(course_id, "첫째"), making.unit(course_id, "둘째")
    one, two = making.page(course_id, first, title="가"), making.page(course_id, first, title="나")
    answer = making.act(course_id, "activity_delete", key=one)
    shown = making.client.get(answer.headers["Location"]).text
    assert "「가」를 지웠습니다." in shown
    assert 'value="restore"' in shown
    making.act(course_id, "unit_delete", key=first)
    assert [unit.key for unit in making.draft(course_id).units] == [second]
    making.act(course_id, "restore", key=first)
    making.act(course_id, "restore", key=one)
    draft = making.draft(course_id)
    assert [unit.key for unit in draft.units] == [first, second]
    assert [one.key for one in draft.units[0].activities] == [one, two]
    assert draft.removed == []
    gone = making.act(course_id, "restore", key=one)
    assert gone.status_code == 404


def test_an_older_edit_is_refused_and_nothing_is_lost(making):
    course_id = making.create()
    unit = making.unit(course_id)
    key = making.page(course_id, unit)
    old = making.draft(course_id).revision
    with making.state.db.transaction() as session:
        other = factories.person(session, making.home, "officer", name="유다른")
    second = factories.browser(making.app)
    factories.sign_in(second, other)
    second.post(
        f"/manage/courses/{course_id}/activities/{key}",
        data={"revision": old, "title": "남이 고친 이름", "role": "progress", "body": "<p>남</p>"},
    )
    mine = {"revision": old, "title": "내 이름", "role": "progress", "body": "<p>내가 쓴 긴 글</p>"}
    path = f"/manage/courses/{course_id}/activities/{key}"
    refused = making.client.post(path, data=mine)
    assert refused.status_code == 409
    assert "유다른님이 그사이에 이 과정을 고쳤습니다." in refused.text
    assert "내가 쓴 긴 글" in refused.text
    assert "남이 고친 이름" in refused.text  # what stands there now, to compare
    assert making.draft(course_id).find(key)[1].title == "남이 고친 이름"
    revision = int(re.search(r'name="revision" value="(\d+)"', refused.text)[1])
    assert making.client.post(path, data={**mine, "revision": revision}).status_code == 303
    assert making.draft(course_id).find(key)[1].config["body"] == "<p>내가 쓴 긴 글</p>"
    stale = making.client.post(
        f"/manage/courses/{course_id}/draft",
        data={"revision": old, "act": "unit_delete", "key": unit},
    )
    assert stale.status_code == 409
    assert "하려던 일은 하지 않았습니다." in stale.text
    assert len(making.draft(course_id).units) == 1


def test_two_first_edits_of_a_published_course_make_one_draft(making):
    with making.state.db.transaction() as session:
        course = factories.course(session, making.state.kinds, making.home)
    assert making.draft(course.id).revision == 0
    path = f"/manage/courses/{course.id}/draft"
    told = {"revision": 0, "act": "unit_add", "title": "새 차시"}
    answers = [making.client.post(path, data=told).status_code for _ in range(2)]
    assert answers == [303, 409]
    assert [unit.title for unit in making.draft(course.id).units] == ["차시 1", "새 차시"]
    with making.state.db.reading() as session:
        assert session.query(CourseDraft).count() == 1


def test_a_video_is_measured_stored_and_shown_with_its_captions(making):
    course_id = making.create()
    key = making.activity(course_id, making.unit(course_id), "video", "영상")
    answer = making.save(
        course_id,
        key,
        video=file(WEBM, "../강의 1.exe"),
        captions=file(VTT, "1.vtt"),
        transcript="",
    )
    assert answer.status_code == 303, answer.text
    config = making.draft(course_id).find(key)[1].config
    assert (config["src"], config["duration_ms"], config["width"], config["height"]) == (
        "강의 1.exe", 20_500, 960, 540,
    )  # fmt: skip
    page = making.client.get(f"/manage/courses/{course_id}/preview").text
    assert "data-only-review" in page
    source = re.search(r'src="(http[^"]+)"', page)[1]
    shown = factories.browser(making.app).get(source, base_url="http://127.0.0.1")
    assert (shown.status_code, shown.mimetype) == (200, "video/webm")  # sniffed, whatever its name
    assert shown.data == WEBM
    shown.close()
    assert making.publish(course_id).status_code == 303


def test_an_mp4_and_a_transcript_will_do(here):
    course_id = here.create()
    key = here.activity(course_id, here.unit(course_id), "video", "영상")
    assert here.save(course_id, key, video=file(mp4(), "a.mp4")).status_code == 303
    refused = here.publish(course_id)
    assert refused.status_code == 422
    assert "자막 파일이나 대본을 넣어 주십시오." in refused.text
    assert f"/activities/{key}" in refused.text
    here.save(course_id, key, transcript="00:05 첫 줄\n이어지는 줄\n1:00:01 끝")
    assert here.draft(course_id).find(key)[1].config["transcript"] == [
        [5000, "첫 줄"], [5000, "이어지는 줄"], [3_601_000, "끝"],
    ]  # fmt: skip
    assert here.publish(course_id).status_code == 303


@pytest.mark.parametrize(
    ("field", "data", "said"),
    [
        ("video", b"", "빈 파일입니다(0바이트)"),
        ("video", WEBM[:100_000], "중간에 끊겨"),
        ("video", mp4()[:900], "중간에 끊겨"),
        ("video", mp4(codec="hev1"), "hev1 방식의 영상"),
        ("video", b"%PDF-1.7 ...", "MP4나 WebM 영상이 아닙니다."),
        ("video", b"MZ" + bytes(500), "MP4나 WebM 영상이 아닙니다."),
        ("captions", b"", "빈 파일입니다"),
        (
            "captions",
            b"WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n\n00:1x --> 00:03.000\nho\n",
            "6번째 줄",
        ),
        ("captions", b"1\n00:00:01,000 --> 00:00:02,000\nhi\n", "SRT 파일입니다."),
        (
            "captions",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n한글".encode("cp949"),
            "4번째 줄: UTF-8이",
        ),
        ("captions", b"WEBVTT\n\n99:00:01.000 --> 99:00:02.000\nhi\n", "영상이 끝난 뒤의 자막"),
    ],
)
def test_a_bad_file_is_refused_with_what_to_do_and_the_rest_is_kept(here, field, data, said):
    course_id = here.create()
    key = here.activity(course_id, here.unit(course_id), "video", "영상")
    good = {"video": file(WEBM, "1.webm"), "transcript": "00:01 남는 대본"}
    answer = here.save(course_id, key, **{**good, field: file(data, "bad.bin")})
    assert answer.status_code == 422
    assert said in answer.text
    assert "남는 대본" in answer.text
    assert here.draft(course_id).find(key)[1].config == {}
    if field == "video":
        return
    # The video that was good has arrived, and need not be sent again.
    ticket = re.search(r'name="held-video" value="([^"]+)"', answer.text)[1]
    assert "1.webm" in answer.text
    again = here.save(course_id, key, **{"held-video": ticket, "transcript": "00:01 남는 대본"})
    assert again.status_code == 303
    assert here.draft(course_id).find(key)[1].config["duration_ms"] == 20_500
    wrong = here.save(course_id, key, **{"held-video": ticket[:-2] + "AA"})
    assert wrong.status_code == 303  # a ticket that was changed is no file


def test_a_script_is_told_in_json(here):
    course_id = here.create()
    key = here.activity(course_id, here.unit(course_id), "video", "영상")
    path = f"/manage/courses/{course_id}/activities/{key}"
    told = {"title": "영상", "role": "progress", "revision": here.draft(course_id).revision}
    answer = here.client.post(
        path,
        data={**told, "video": file(WEBM, "1.webm"), "captions": file(b"x", "1.vtt")},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 422
    body = answer.json
    assert list(body["error"]["fields"]) == ["captions"]
    assert body["held"]["video"]["name"] == "1.webm"
    done = here.client.post(
        path,
        data={**told, "held-video": body["held"]["video"]["ticket"]},
        headers={"Accept": "application/json"},
    )
    assert done.json == {"go": f"{path}?done=saved"}


def test_a_file_too_large_is_refused_before_it_is_kept(sqlite_url, tmp_path):
    from tests.conftest import make_app

    app = make_app(sqlite_url, tmp_path, LMS_UPLOAD_MEBIBYTES="1")
    here = making_world.make(app)
    course_id = here.create()
    key = here.activity(course_id, here.unit(course_id), "file", "자료")
    for more in (2 << 20, 6 << 20):  # seen when it is read, and before it is
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        answer = here.client.post(
            f"/manage/courses/{course_id}/activities/{key}",
            data=head + PDF + bytes(more) + b"\r\n--x--\r\n",
            content_type="multipart/form-data; boundary=x",
        )
        assert answer.status_code == 413
        assert "1 MB까지" in answer.text
    app.extensions["lms"].db.dispose()


def test_a_pdf_and_a_document_are_files_and_a_program_is_not(here):
    course_id = here.create()
    unit = here.unit(course_id)
    key = here.activity(course_id, unit, "file", "자료")
    assert here.save(course_id, key, file=file(PDF, "요약.pdf"), min_seconds="5").status_code == 303
    config = here.draft(course_id).find(key)[1].config
    assert (config["name"], config["media_type"], config["min_seconds"]) == (
        "요약.pdf", "application/pdf", 5,
    )  # fmt: skip
    assert here.client.get(f"/manage/courses/{course_id}/preview").status_code == 200
    for data, name in (
        (PDF[:1000], "요약.pdf"),
        (b"MZ" + bytes(100), "a.pdf"),
        (b"PK\x03\x04" + bytes(100), "a.jar"),
        (b"<script>1</script>", "a.html"),
        (b"", "a.pdf"),
    ):
        assert here.save(course_id, key, file=file(data, name)).status_code == 422, name
    assert (
        here.save(course_id, key, file=file(b"PK\x03\x04" + bytes(100), "a.hwpx")).status_code
        == 303
    )


def test_a_page_is_cleaned_and_plain_text_becomes_paragraphs(here):
    course_id = here.create()
    key = here.page(course_id, here.unit(course_id), "첫 줄\n둘째 줄\n\n새 문단 & 끝")
    body = here.draft(course_id).find(key)[1].config["body"]
    assert body == "<p>첫 줄<br>둘째 줄</p><p>새 문단 &amp; 끝</p>"
    here.save(course_id, key, body="<p onclick=x>글</p><script>alert(1)</script>", min_seconds="0")
    page = here.client.get(f"/manage/courses/{course_id}/preview").text
    assert "alert(1)" not in page
    assert "<p>글</p>" in page
    wrong = here.save(course_id, key, body="<p>글</p>", min_seconds="-3")
    assert wrong.status_code == 422


def test_an_activity_goes_into_another_unit_by_its_form(here):
    course_id = here.create()
    first, second = here.unit(course_id), here.unit(course_id, "둘째")
    key = here.page(course_id, first)
    here.save(course_id, key, body="<p>글</p>", unit=second)
    assert [len(unit.activities) for unit in here.draft(course_id).units] == [0, 1]


@pytest.mark.parametrize(
    ("act", "more", "status"),
    [
        ("unit_add", {"title": " "}, 422),
        ("unit_add", {"title": "가" * 201}, 422),
        ("unit_rename", {"key": "none", "title": "x"}, 404),
        ("activity_add", {"unit": "none", "kind": "page"}, 404),
        ("activity_add", {"unit": "none", "kind": "nothing"}, 422),
        ("role", {"key": "none", "role": "x"}, 422),
        ("dance", {}, 422),
        ("", {}, 422),
    ],
)
def test_a_change_that_means_nothing_is_refused(here, act, more, status):
    course_id = here.create()
    here.unit(course_id)
    before = here.draft(course_id)
    assert here.act(course_id, act, **more).status_code == status
    assert here.draft(course_id) == before


def test_a_picture_is_made_smaller_and_taken_away(here):
    course_id = here.create()
    from lms.files.thumbnails import course_thumbnail

    data = course_thumbnail("x", [960])[960]
    path = f"/manage/courses/{course_id}/picture"
    answer = here.client.post(path, data={"picture": file(data, "a.png")})
    assert answer.status_code == 303
    with here.state.db.reading() as session:
        assert sorted(session.get_one(Course, course_id).thumbnail) == ["320", "640", "960"]
    assert "<img" in here.client.get(f"/manage/courses/{course_id}/facts").text
    assert here.client.post(path, data={"picture": file(b"x", "a.png")}).status_code == 422
    assert here.client.post(path, data={}).status_code == 422
    here.client.post(path, data={"act": "remove"})
    with here.state.db.reading() as session:
        assert session.get_one(Course, course_id).thumbnail == {}


def test_an_archived_course_leaves_the_catalogue_and_comes_back(making):
    course_id = making.create()
    path = f"/manage/courses/{course_id}/archive"
    assert making.client.post(path, data={}).status_code == 422
    assert making.client.post(path, data={"reason": "다음 해에 다시"}).status_code == 303
    assert "기록하는 수업" not in making.client.get("/manage/courses").text
    assert "기록하는 수업" not in making.client.get("/courses").text
    assert "기록하는 수업" in making.client.get("/manage/courses?state=archived").text
    assert making.client.post(path, data={"act": "restore"}).status_code == 303
    assert "기록하는 수업" in making.client.get("/courses").text


def test_the_list_is_searched_filtered_and_paged(making):
    for number in range(45):
        making.create(code=f"L-{number:02}", title=f"과정 {number:02}", department="가온부")
    page = making.client.get("/manage/courses?q=가온부").text
    assert "과정 39" in page
    assert "과정 40" not in page
    following = re.search(r'href="(\?[^"]+)" rel="next"', page)[1].replace("&amp;", "&")
    second = making.client.get(f"/manage/courses{following}").text
    assert "과정 40" in second
    assert "과정 39" not in second
    assert "이 조건에 맞는 과정이 없습니다." in making.client.get("/manage/courses?q=없다").text
    for query in ("kind=special", "mode=live", "state=published", "state=standing"):
        assert "과정 01" not in making.client.get(f"/manage/courses?{query}").text
    for query in ("kind=in_service", "mode=self_paced", "state=draft"):
        assert "과정 01" in making.client.get(f"/manage/courses?{query}").text


def statements(making, path: str) -> int:
    seen = []
    for engine in (making.state.db.reader, making.state.db.engine):
        event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    assert making.client.get(path).status_code == 200
    return len(seen)


def test_pages_cost_the_same_for_one_row_and_for_three(making):
    small, large = making.create(code="S-1"), making.create(code="S-2")
    making.page(small, making.unit(small))
    assert making.publish(small).status_code == 303
    for _ in range(3):
        making.page(large, making.unit(large))
        assert making.publish(large).status_code == 303
    for path in ("", "/versions", "/preview", "/publish", "/diff"):
        making.client.get(f"/manage/courses/{small}{path}")  # connections and templates are there
        costs = [statements(making, f"/manage/courses/{one}{path}") for one in (small, large)]
        assert costs[0] == costs[1], path
    one = statements(making, "/manage/courses?q=S-1")
    for number in range(3):
        making.create(code=f"T-{number}")
    assert statements(making, "/manage/courses") == one
