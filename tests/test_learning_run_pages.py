"""The pages of runs: the office's lists and forms, templates, what a learner sees."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from lms import clock
from lms.credentials.models import Certificate
from lms.learning.models import Enrolment, Run, RunTemplate, Waiting
from lms.learning.running import joining, runs
from lms.learning.running.audience import Audience
from lms.people.models import AccessRow, RoleGrant
from tests import factories
from tests.run_pages_world import build, form, join, run_of
from tests.test_learning_pages import counting


@pytest.fixture
def world(state, client):
    return build(state, client)


# Making and opening


def test_a_run_is_made_looked_at_and_opened(state, client, world):
    page = client.get(f"/manage/runs/new?course={world.course.id}").text
    assert "지금 판에는 점수를 매기는 활동이 없습니다" in page
    answer = client.post(
        "/manage/runs",
        data=form(
            world,
            name="봄 특별반",
            seats="30",
            categories=["teacher"],
            service=["-5", "5-15"],
            managers=[world.manager.id],
        ),
    )
    assert answer.status_code == 303
    page = client.get(answer.location).text
    for words in ("봄 특별반", "경력 5년 미만", "직군: 교원", "한관리", "기수 열기", "0/30명"):
        assert words in page
    with state.db.reading() as session:
        run = session.scalars(select(Run)).one()
        assert session.scalars(select(RoleGrant.run_id).where(RoleGrant.run_id.is_not(None))).all()
    # The people of the world have no first day of service, so nobody is taken in.
    refused = client.post(f"/manage/runs/{run.id}/open")
    assert refused.status_code == 422
    assert "대상 조건에 맞는 사람이 0명입니다." in refused.text
    edited = client.post(f"/manage/runs/{run.id}/edit", data=form(world, name="봄 특별반"))
    assert edited.status_code == 303
    assert client.post(f"/manage/runs/{run.id}/open").status_code == 303
    page = client.get(f"/manage/runs/{run.id}").text
    assert "열림" in page
    assert "기수 열기" not in page


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"learn_until": "2020-01-01"}, "시작하는 날("),
        ({"learn_from": "", "learn_until": ""}, "학습 기간의 첫날과 마지막 날을 적어 주십시오."),
        ({"learn_from": "3월 2일"}, "날짜를 2026-03-02처럼 적어 주십시오."),
        ({"seats": "많이"}, "숫자만 적어 주십시오."),
        ({"seats": "0"}, "한 자리 이상이어야 합니다."),
        ({"scored": "1"}, "점수를 매기는 활동이 없습니다."),
        ({"scored": "1", "score": "59"}, "60점 이상 100점 이하여야 합니다."),
        ({"scored": "1", "score": "x"}, "숫자만 적어 주십시오."),
        ({"progress": "0"}, "진도 기준은 0%보다"),
        ({"units_per_day": "999"}, "0(제한 없음)에서 100 사이"),
        ({"organisations": "없는학교"}, "등록되지 않은 소속이 있습니다: 없는학교."),
        ({"retires_from": "2027-02-02", "retires_until": "2027-01-01"}, "시작이 끝보다 늦습니다."),
        ({"way": "application"}, "신청 기간의 첫날과 마지막 날을 모두"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(
    state, client, world, more, sentence
):
    answer = client.post("/manage/runs", data=form(world, name="그대로 남는 이름") | more)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "그대로 남는 이름" in answer.text
    with state.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 0


def test_a_score_with_a_test_in_the_course_is_taken(state, client, world):
    told = form(world, course=world.tested.id, scored="1", score="70.5")
    assert client.post("/manage/runs", data=told).status_code == 303
    with state.db.reading() as session:
        assert session.scalars(select(Run)).one().rule["score_min"] == 7050


def test_the_audience_is_counted_by_a_button_and_by_script(state, client, world):
    asked = form(world, act="count", categories=["teacher"], name="아직 쓰는 중")
    page = client.post("/manage/runs", data=asked)
    assert page.status_code == 200
    assert "지금 4명이 대상입니다." in page.text
    assert "김연수 (가온중학교)" in page.text
    assert "아직 쓰는 중" in page.text
    told = client.get("/manage/runs/audience?categories=teacher&service=5-15").json
    assert (told["total"], told["examples"]) == (0, [])
    told = client.get("/manage/runs/audience?organisations=가온중학교").json
    assert (told["total"], told["words"]) == (1, ["소속: 가온중학교"])
    assert told["examples"] == [{"name": "김연수", "organisation": "가온중학교"}]
    assert client.get("/manage/runs/audience?organisations=x").json["total"] is None
    state.db.writer.do(lambda _connection: None)
    with state.db.reading() as session:
        assert "audience" in session.scalars(select(AccessRow.subject)).all()


def test_an_open_run_is_changed_with_a_reason_and_its_rule_stays(state, client, world):
    run_id = run_of(state, world)
    told = form(world, seats="5", progress="50", apply_from="", apply_until="")
    refused = client.post(f"/manage/runs/{run_id}/edit", data=told)
    assert refused.status_code == 422
    assert "열린 기수를 왜 고치는지" in refused.text
    told |= {"reason": "강의실이 바뀜"}
    assert client.post(f"/manage/runs/{run_id}/edit", data=told).status_code == 303
    with state.db.reading() as session:
        run = session.get_one(Run, run_id)
        assert (run.seats, run.rule["progress_permille"], run.apply_from) == (5, 900, None)


# The list


def test_the_list_is_searched_and_filtered(state, client, world):
    planned = run_of(state, world, opened=False, name="가을반")
    opened = run_of(state, world, name="겨울반")
    with state.db.transaction() as session:
        run = session.get_one(Run, planned)
        runs.look_after(
            session, run, [world.manager.id], reason="배정", actor_id=None, now=clock.now()
        )
    month = f"{world.today + timedelta(days=1):%Y-%m}"
    for query, wanted in (
        ("", {planned, opened}),
        ("q=가을", {planned}),
        (f"q={world.course.code} 겨울", {opened}),
        ("state=open", {opened}),
        (f"manager={world.manager.id}", {planned}),
        (f"month={month}", {planned, opened}),
        ("month=2020-01", set()),
        (f"course={world.tested.id}", set()),
        ("q=100%", set()),
    ):
        page = client.get(f"/manage/runs?{query}").text
        found = {one for one in (planned, opened) if f'href="/manage/runs/{one}"' in page}
        assert found == wanted, query


def test_the_list_goes_on_page_by_page(state, client, world, monkeypatch):
    monkeypatch.setattr("lms.learning.running.listing.PAGE", 2)
    ids = [run_of(state, world, opened=False) for _ in range(5)]
    seen, path = [], "/manage/runs"
    while path:
        page = client.get(path).text
        seen += [one for one in reversed(ids) if f'href="/manage/runs/{one}"' in page]
        at = page.find('rel="next"')
        path = None
        if at > 0:
            href = page[:at].rsplit('href="', 1)[1].split('"')[0]
            path = "/manage/runs" + href.replace("&amp;", "&")
    assert seen == list(reversed(ids))


def test_the_list_walks_neither_the_register_nor_every_grant(sqlite_app):
    """SQLite tells how it would go; what is counted is counted in an index alone."""
    state, client = sqlite_app.extensions["lms"], sqlite_app.test_client()
    made = build(state, client)
    run_of(state, made)
    with counting(state.db) as seen:
        assert client.get("/manage/runs").status_code == 200
    with state.db.engine.connect() as connection:
        steps = [
            step[3]
            for asked in seen
            if asked.startswith("SELECT")
            for step in connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {asked}", (None,) * asked.count("?")
            )
        ]
    walked = [step for step in steps if step.startswith("SCAN lms_")]
    assert walked == []
    of_people = {step for step in steps if "lms_person" in step}
    assert of_people == {"SEARCH lms_person USING INTEGER PRIMARY KEY (rowid=?)"}
    assert any("COVERING INDEX ix_lms_enrolment_run" in step for step in steps)


@pytest.mark.parametrize("path", ["/manage/runs", "/manage/runs/{run}", "/courses/{course}"])
def test_a_page_costs_the_same_for_one_row_and_for_three(state, client, world, path):
    run_id = run_of(state, world)
    path = path.format(run=run_id, course=world.course.id)
    join(state, run_id, world.learner)
    client.get(path)
    with counting(state.db) as one:
        assert client.get(path).status_code == 200
    join(state, run_id, world.other, world.manager)
    run_of(state, world)
    run_of(state, world)
    with counting(state.db) as three:
        assert client.get(path).status_code == 200
    assert len(reads(three)) == len(reads(one))


def reads(statements):
    """Without the row of the access log, which is written whenever the writer comes to it."""
    return [one for one in statements if one.startswith("SELECT")]


# Templates and a year of months


def test_a_template_is_saved_used_and_deleted(state, client, world):
    run_id = run_of(state, world, seats=33)
    saved = client.post(f"/manage/runs/{run_id}/template", data={"name": "한 달 반"})
    assert saved.status_code == 303
    with state.db.reading() as session:
        template = session.scalars(select(RunTemplate)).one()
    new = f"/manage/runs/new?course={world.course.id}&template={template.id}"
    assert 'value="33"' in client.get(new).text
    assert "한 달 반" in client.get("/manage/runs/templates").text
    delete = f"/manage/runs/templates/{template.id}/delete"
    assert client.post(delete, data={"name": "옛 이름"}).status_code == 422
    assert client.post(delete, data={"name": "한 달 반"}).status_code == 303
    assert client.get(new).status_code == 404


def test_a_year_is_previewed_and_made_in_one_act(state, client, world):
    year = world.today.year + 2
    asked = f"/manage/runs/roll?course={world.course.id}&year={year}&months=1&months=2"
    page = client.get(asked).text
    assert "기수 2개 만들기" in page
    told = {"course": world.course.id, "year": year, "months": [1, 2], "name": "{n}월 상설"}
    assert client.post("/manage/runs/roll", data=told).status_code == 303
    page = client.get(asked + "&months=3").text
    assert "2월 상설 (2기)" in page
    assert "기수 1개 만들기" in page
    assert client.post("/manage/runs/roll", data=told).status_code == 303
    with state.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 2
    assert client.post("/manage/runs/roll", data=told | {"year": "9"}).status_code == 422


# A learner


def test_a_learner_applies_waits_leaves_and_withdraws(state, client, world):
    run_id = run_of(state, world, way="application", seats=1)
    join(state, run_id, world.other)
    factories.sign_in(client, world.learner)
    page = f"/courses/{world.course.id}"
    assert "1석이 모두 찼습니다" in client.get(page).text
    answer = client.post(f"{page}/enrol", data={"run": run_id})
    assert answer.location == f"{page}?done=waiting"
    assert "대기 1번째" in client.get(answer.location).text
    with state.db.reading() as session:
        waiting = session.scalars(select(Waiting)).one()
    factories.sign_in(client, world.other)
    assert client.post(f"/waiting/{waiting.id}/leave").status_code == 404
    with state.db.reading() as session:
        theirs = session.scalars(select(Enrolment)).one()
    gone = client.post(f"/enrolments/{theirs.id}/withdraw", data={"reason": "사정"})
    assert gone.location == f"{page}?done=withdrawn"
    factories.sign_in(client, world.learner)
    assert "등록되어 있습니다" in client.get(page).text  # promoted in the same act
    with state.db.reading() as session:
        mine = session.scalars(select(Enrolment).filter_by(state="enrolled")).one()
    assert client.post(f"/enrolments/{mine.id}/withdraw", data={}).status_code == 422


def test_a_learner_leaves_the_waiting_list(state, client, world):
    run_id = run_of(state, world, way="application", seats=1)
    join(state, run_id, world.other)
    factories.sign_in(client, world.learner)
    client.post(f"/courses/{world.course.id}/enrol", data={"run": run_id})
    with state.db.reading() as session:
        waiting = session.scalars(select(Waiting)).one()
    left = client.post(f"/waiting/{waiting.id}/leave")
    assert left.location == f"/courses/{world.course.id}?done=left"
    with state.db.reading() as session:
        assert session.scalars(select(Waiting.outcome)).all() == ["left"]


def test_the_course_page_says_when_and_how(state, client, world):
    run_of(
        state,
        world,
        apply_from=world.today + timedelta(days=1),
        apply_until=world.today + timedelta(days=2),
        seats=20,
        name="다음 반",
    )
    factories.sign_in(client, world.learner)
    page = client.get(f"/courses/{world.course.id}").text
    assert "다음 반" in page
    assert "부터 신청할 수 있습니다." in page
    assert "20석 가운데 20석 남음" in page
    answer = client.post(f"/courses/{world.course.id}/enrol")
    assert answer.status_code == 409


def test_the_course_page_says_for_whom_before_one_applies_in_vain(state, client, world):
    run_of(state, world, audience=Audience(categories=("local_official",)), opened=False)
    with state.db.transaction() as session:
        session.scalars(select(Run)).one().state = "open"
    factories.sign_in(client, world.learner)
    page = client.get(f"/courses/{world.course.id}").text
    assert "직군: 지방공무원" in page
    assert "이 기수가 정한 직군이 아닙니다." in page
    assert "신청하기" not in page


def test_a_card_of_the_catalogue_says_until_when_and_how_many_seats(state, client, world):
    run_id = run_of(state, world, seats=2, way="application")
    factories.sign_in(client, world.learner)
    day = f"{world.today.month}. {world.today.day}.까지 신청"
    assert f"{day} · 2석 남음" in client.get("/courses").text
    join(state, run_id, world.other, world.manager)
    assert f"{day} · 자리 없음" in client.get("/courses").text
    with state.db.transaction() as session:
        session.get_one(Run, run_id).organisation_id = world.learner.organisation_id
    assert day not in client.get("/courses").text


def test_a_schools_own_run_is_shown_to_nobody_else(state, client, world):
    run_of(
        state,
        world,
        organisation_id=world.learner.organisation_id,
        name="가온중 연수",
    )
    for who, seen in ((world.learner, True), (world.other, False)):
        factories.sign_in(client, who)
        assert ("가온중 연수" in client.get(f"/courses/{world.course.id}").text) is seen


def test_the_nomination_number_stands_on_the_certificate(state, client, world):
    from content import reading_acts
    from lms.learning.running import nominating

    run_id = run_of(
        state, world, way="nomination", learn_from=world.today, apply_from=None, apply_until=None
    )
    with state.db.transaction() as session:
        run, now = session.get_one(Run, run_id), clock.now()
        who = session.merge(world.learner)
        nominating.nominate(session, run, {who.id: "가-77"}, actor_id=None, now=now)
        enrolment = joining.join(session, state.hook, who, run, actor_id=who.id, now=now)
        (only,) = factories.activities(session, enrolment)
        reading_acts.launch(session, state.hook, enrolment.id, only, now=now)
        reading_acts.view(session, state.hook, enrolment, only, now=now)
        certificate = session.scalars(select(Certificate)).one()
        assert certificate.payload["nomination_number"] == "가-77"
    factories.sign_in(client, world.learner)
    assert "가-77" in client.get(f"/certificates/{certificate.id}").text
