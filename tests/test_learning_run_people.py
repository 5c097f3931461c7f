"""Who comes into a run through the office's pages: by name, by nomination, by sheet."""

import io

import pytest
from sqlalchemy import func, select

from lms import clock
from lms.learning.models import Enrolment, Nomination, Run, Waiting
from lms.learning.running import runs
from lms.learning.running.audience import Audience
from tests import factories
from tests.people_world import sealed
from tests.run_pages_world import build, join, run_of


@pytest.fixture
def world(state, client):
    return build(state, client)


# People of a run


def test_somebody_is_found_by_name_and_let_in_and_out(state, client, world):
    run_id = run_of(state, world)
    page = client.get(f"/manage/runs/{run_id}?find=김연수 가온").text
    assert f'name="person" value="{world.learner.id}"' in page
    place = f"/manage/runs/{run_id}/people"
    assert client.post(place, data={"person": world.learner.id}).status_code == 303
    with state.db.reading() as session:
        enrolment = session.scalars(select(Enrolment)).one()
        assert (enrolment.source, enrolment.person_id) == ("officer", world.learner.id)
    refused = client.post(f"{place}/{enrolment.id}/withdraw", data={"reason": " "})
    assert refused.status_code == 422
    assert "왜 취소하는지" in refused.text
    done = client.post(f"{place}/{enrolment.id}/withdraw", data={"reason": "전출"})
    assert done.status_code == 303
    assert "전출" in client.get(f"/manage/runs/{run_id}?list=out").text


def test_an_officer_overrules_with_a_reason(state, client, world):
    audience = Audience(categories=("teacher",))
    run_id = run_of(state, world, audience=audience)
    with state.db.transaction() as session:
        session.merge(world.other).staff_category = "outsider"
    place = f"/manage/runs/{run_id}/people"
    refused = client.post(place, data={"person": world.other.id})
    assert refused.status_code == 409
    assert "이 기수가 정한 직군이 아닙니다." in refused.text
    assert "그래도 넣는 까닭" in refused.text
    told = {"person": world.other.id, "reason": "교육감 승인"}
    assert client.post(place, data=told).status_code == 303


def test_who_waits_is_shown_in_order_and_taken_off(state, client, world):
    run_id = run_of(state, world, way="application", seats=1)
    join(state, run_id, world.manager, world.other, world.learner)
    page = client.get(f"/manage/runs/{run_id}?list=waiting").text
    assert page.index("이연수") < page.index("김연수")
    with state.db.reading() as session:
        first = session.scalars(select(Waiting).order_by(Waiting.id)).first()
    done = client.post(f"/manage/runs/{run_id}/waiting/{first.id}/end", data={"reason": "요청"})
    assert done.status_code == 303
    assert "이연수" not in client.get(f"/manage/runs/{run_id}?list=waiting").text
    other = run_of(state, world)
    stray = client.post(f"/manage/runs/{other}/waiting/{first.id}/end", data={"reason": "x"})
    assert stray.status_code == 404


def test_people_are_nominated_and_all_let_in(state, client, world):
    run_id = run_of(state, world, way="nomination", seats=1)
    place = f"/manage/runs/{run_id}/nominations"
    for who, number in ((world.learner, "가-7"), (world.other, "")):
        told = {"person": who.id, "number": number, "find": who.name}
        assert client.post(place, data=told).status_code == 303
    told = {"person": world.other.id, "number": "<7>", "find": "이연수"}
    assert client.post(place, data=told).status_code == 422
    answer = client.post(f"{place}/enrol")
    assert answer.status_code == 409
    assert "1명을 등록했고 1명은 등록하지 못했습니다." in answer.text
    with state.db.reading() as session:
        row = session.scalars(select(Nomination).filter_by(person_id=world.other.id)).one()
    assert client.post(f"{place}/{row.id}/end", data={"reason": "착오"}).status_code == 303


def test_a_manager_is_given_the_run_and_taken_off(state, client, world):
    run_id = run_of(state, world)
    told = {"person": world.learner.id, "find": "김연수"}
    assert client.post(f"/manage/runs/{run_id}/managers", data=told).status_code == 303
    assert client.post(f"/manage/runs/{run_id}/managers", data={"person": 99}).status_code == 422
    told = {"person": world.learner.id, "act": "end"}
    assert client.post(f"/manage/runs/{run_id}/managers", data=told).status_code == 303
    with state.db.reading() as session:
        assert runs.managers(session, run_id) == []


def test_the_runs_manager_reads_it_and_changes_nothing(state, client, world):
    mine, other = run_of(state, world), run_of(state, world)
    with state.db.transaction() as session:
        run = session.get_one(Run, mine)
        runs.look_after(
            session, run, [world.manager.id], reason="배정", actor_id=None, now=clock.now()
        )
    factories.sign_in(client, world.manager)
    assert client.get(f"/manage/runs/{mine}").status_code == 200
    assert client.get(f"/manage/runs/{other}").status_code == 403
    assert client.get("/manage/runs").status_code == 403
    told = {"person": world.learner.id}
    assert client.post(f"/manage/runs/{mine}/people", data=told).status_code == 403


# Sheets
SHEET = (
    "나이스개인번호,성명,생년월일,소속\n"
    "B101234523,,,\n"  # without a name
    "B101234523,박명부,,\n"  # known by number
    "B101234523,박명부,,\n"  # twice
    ",김연수,1980-13-40,가온중학교\n"  # no such day
    "B109999999,없는이,,\n"  # nobody
    ",김연수,,\n"  # too little
)


def upload(client, place, text, encoding="utf-8"):
    data = {"file": (io.BytesIO(text.encode(encoding)), "명단.csv")}
    return client.post(place, data=data)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_sheet_with_bad_rows_lets_in_the_good_ones_and_says_what_to_mend(
    state, client, world, encoding
):
    with state.db.transaction() as session:
        known = sealed(session, session.merge(world.home), name="박명부")
    run_id = run_of(state, world)
    place = f"/manage/runs/{run_id}/enrolments/sheet"
    preview = upload(client, place, SHEET, encoding)
    assert preview.status_code == 303
    page = client.get(preview.location).text
    for words in (
        "1명 반영하기",
        "성명이 비어 있습니다.",
        "앞의 3번째 줄과 같은 사람입니다.",
        "날짜로 읽을 수 없습니다.",
        "등록된 사람이 아닙니다.",
        "누구인지 알 수 없습니다.",
        "등록합니다.",
    ):
        assert words in page
    result = client.get(f"{preview.location}/result.csv").get_data(as_text=True)
    assert result.count("고쳐야 함") == 4
    mark = page.split('name="mark" value="')[1].split('"')[0]
    assert client.post(f"{preview.location}/confirm", data={"mark": "x"}).status_code == 409
    done = client.post(f"{preview.location}/confirm", data={"mark": mark})
    assert done.status_code == 303
    assert "1줄을 반영했습니다." in client.get(done.location).text
    assert client.post(f"{preview.location}/confirm", data={"mark": mark}).status_code == 303
    with state.db.reading() as session:
        rows = session.execute(select(Enrolment.person_id, Enrolment.source)).all()
    assert [tuple(row) for row in rows] == [(known.id, "file")]
    again = upload(client, place, SHEET, encoding)
    page = client.get(again.location).text
    assert "이미 등록되었거나 대기하고 있습니다." in page
    assert 'name="mark"' not in page


def test_a_sheet_of_nominations_is_kept_and_its_numbers_change(state, client, world):
    with state.db.transaction() as session:
        known = sealed(session, session.merge(world.home), name="박명부")
    run_id = run_of(state, world, way="nomination")
    place = f"/manage/runs/{run_id}/nominations/sheet"
    for number, button in (("가-1", "1명 반영하기"), ("가-2", "1명 반영하기"), ("가-2", None)):
        sheet = f"나이스개인번호,성명,지명번호\nB101234523,박명부,{number}\n"
        preview = upload(client, place, sheet)
        page = client.get(preview.location).text
        if button is None:
            assert "이미 추천 명단에 있습니다." in page
            continue
        assert button in page
        mark = page.split('name="mark" value="')[1].split('"')[0]
        assert client.post(f"{preview.location}/confirm", data={"mark": mark}).status_code == 303
    with state.db.reading() as session:
        row = session.scalars(select(Nomination)).one()
    assert (row.person_id, row.number) == (known.id, "가-2")


def test_a_sheet_without_names_or_without_a_file_is_refused(state, client, world):
    run_id = run_of(state, world)
    place = f"/manage/runs/{run_id}/enrolments/sheet"
    for text, sentence in (
        ("학교,생년월일\n가온중,1990-01-05\n", "성명 항목이 없습니다."),
        ("", "비어 있습니다."),
    ):
        answer = upload(client, place, text)
        assert (answer.status_code, sentence in answer.text) == (422, True)
    assert client.post(place).status_code == 422
    assert client.get("/manage/runs/enrolments.xlsx").data[:2] == b"PK"
    assert client.get(place).status_code == 200


def test_what_changed_since_the_preview_is_shown_before_anything_is_done(state, client, world):
    with state.db.transaction() as session:
        sealed(session, session.merge(world.home), name="박명부")
    run_id = run_of(state, world, seats=1, way="application")
    sheet = "나이스개인번호,성명\nB101234523,박명부\n"
    preview = upload(client, f"/manage/runs/{run_id}/enrolments/sheet", sheet)
    mark = client.get(preview.location).text.split('name="mark" value="')[1].split('"')[0]
    join(state, run_id, world.other)  # the last seat
    late = client.post(f"{preview.location}/confirm", data={"mark": mark})
    assert late.status_code == 409
    assert "대기 명단에 올립니다." in late.text
    with state.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Waiting)) == 0
