"""Pages of meetings: planned and moved by an officer, chosen by learners, told to calendars."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from lms import clock
from lms.classroom import meetings
from lms.classroom.calendar import escaped, folded
from lms.classroom.models import CalendarFeed, JoinLink, Meeting, Room, Seat
from tests import classroom_world as worlds
from tests import factories
from tests.classroom_world import block

DAY = timedelta(days=1)


@pytest.fixture
def app(sqlite_app):
    return sqlite_app


@pytest.fixture
def world(app):
    return worlds.build(app.extensions["lms"])


@pytest.fixture
def officer(app, world):
    browser = factories.browser(app)
    factories.sign_in(browser, world.officer)
    return browser


@pytest.fixture
def state(app):
    return app.extensions["lms"]


def soon(days=3):
    """09:00 in Seoul some days from the machine's today: pages ask the clock."""
    today = clock.local_day(clock.now(), "Asia/Seoul")
    return clock.start_of_day(today + timedelta(days=days), "Asia/Seoul") + timedelta(hours=9)


def typed(world, start, **more):
    return {
        "title": "1회차 실습",
        "kind": "classroom",
        "capacity": "2",
        "offer_hours": "0",
        "activity": str(world.activity.id),
        "room": str(world.rooms[0].id),
        "block-1-day": start.date().isoformat(),
        "block-1-from": "09:00",
        "block-1-until": "12:00",
        "block-1-breaks": "10:50-11:00",
        "present": "80",
        "grace": "10",
        "checks": "0",
        **more,
    }


def test_an_officer_plans_opens_and_moves_a_meeting(state, world, officer):
    start = soon()
    path = f"/manage/runs/{world.run.id}/meetings"
    assert "집합 실습" in officer.get(f"{path}/new").text
    wrong = officer.post(path, data=typed(world, start, **{"block-1-breaks": "열시"}))
    assert wrong.status_code == 422
    assert "10:50-11:00처럼" in wrong.text
    assert 'value="열시"' in wrong.text
    looked = officer.post(path, data=typed(world, start, act="check"))
    assert "모두 그 시각에 비어 있습니다" in looked.text
    made = officer.post(
        path, data=typed(world, start, instructors=[str(world.teacher.id)], skills="토론")
    )
    assert made.status_code == 303
    page = officer.get(made.location)
    assert "2시간 50분" in page.text
    with state.db.reading() as session:
        meeting = session.scalars(select(Meeting)).one()
        assert (meeting.starts_at, meeting.state) == (start, "planned")
    clash = officer.post(path, data=typed(world, start, act="check", title="2회차"))
    assert "본관 305호에서 그 시각에 「1회차 실습」" in clash.text
    refused = officer.post(path, data=typed(world, start, title="2회차"))
    assert refused.status_code == 422
    step = f"/manage/meetings/{meeting.id}/step"
    assert officer.post(step, data={"act": "open"}).status_code == 303
    edit = f"/manage/meetings/{meeting.id}/edit"
    told = typed(world, start + DAY, instructors=[str(world.teacher.id)])
    assert "왜 고치는지" in officer.post(edit, data=told).text
    assert officer.post(edit, data=told | {"reason": "강사 사정"}).status_code == 303
    page = officer.get(f"/manage/meetings/{meeting.id}").text
    assert "강사 사정" in page
    week = officer.get(f"/manage/meetings?day={(start + DAY).date().isoformat()}").text
    assert "1회차 실습" in week
    cancelled = officer.post(step, data={"act": "cancel"})
    assert "한 줄로" in cancelled.text
    officer.post(step, data={"act": "cancel", "reason": "폭설"})
    officer.post(step, data={"act": "restore", "reason": "눈이 그침"})
    with state.db.reading() as session:
        meeting = session.scalars(select(Meeting)).one()
        assert (meeting.state, meeting.sequence) == ("open", 3)


def test_a_learner_takes_moves_waits_and_gives_back(app, state, world):
    start = soon()
    with state.db.transaction() as session:
        first = worlds.planned(session, state, world, capacity=1, blocks=(block(start),))
        other = worlds.planned(session, state, world, capacity=1, blocks=(block(start + DAY),))
        for one in (first, other):
            meetings.open_meeting(session, state.hook, one, actor_id=None, now=clock.now())
    browsers = []
    for person in world.people[:3]:
        browser = factories.browser(app)
        factories.sign_in(browser, person)
        browsers.append(browser)
    one, two, three = browsers
    take = [f"/enrolments/{e.id}/meetings/{first.id}/take" for e in world.enrolments]
    learn = f"/enrolments/{world.enrolments[0].id}?activity={world.activity.id}"
    assert "1석 남음" in one.get(learn).text
    assert one.post(take[0]).status_code == 303
    assert two.post(take[1]).status_code == 303
    assert three.post(take[1]).status_code == 404
    assert "1번 자리" in one.get("/meetings").text
    assert "대기 1번째" in two.get("/meetings").text
    with state.db.reading() as session:
        seat = session.scalars(select(Seat)).one().id
    assert two.post(f"/seats/{seat}/leave").status_code == 404
    moved = one.post(f"/seats/{seat}/move", data={"to": other.id})
    assert (moved.status_code, moved.location) == (303, "/meetings?done=moved")
    assert "1번 자리" in two.get("/meetings").text
    # What cannot be moved leaves the seat where it is.
    with state.db.reading() as session:
        mine = session.scalars(
            select(Seat).where(Seat.person_id == world.people[1].id, Seat.seat_no.is_not(None))
        ).one()
    refused = two.post(f"/seats/{mine.id}/move", data={"to": other.id})
    assert (refused.status_code, "자리가 모두 찼습니다" in refused.text) == (409, True)
    with state.db.reading() as session:
        assert worlds.seated(session, first.id) == [(world.people[1].id, 1, "confirmed")]
        assert worlds.seated(session, other.id) == [(world.people[0].id, 1, "confirmed")]


def test_a_live_link_lets_its_owner_in_and_nobody_else(app, state, world):
    start = clock.now() + timedelta(minutes=20)
    live = {
        "kind": "live",
        "room_id": None,
        "provider": "generic",
        "provider_told": {"address": "https://live.example/9?uname={participant}"},
    }
    with state.db.transaction() as session:
        meeting = worlds.planned(
            session, state, world, blocks=(block(start, minutes=60, breaks=()),), **live
        )
        meetings.open_meeting(session, state.hook, meeting, actor_id=None, now=clock.now())
    one, two = factories.browser(app), factories.browser(app)
    factories.sign_in(one, world.people[0])
    factories.sign_in(two, world.people[1])
    one.post(f"/enrolments/{world.enrolments[0].id}/meetings/{meeting.id}/take")
    with state.db.reading() as session:
        link = session.scalars(select(JoinLink)).one()
    assert f"/meetings/join/{link.token}" in one.get("/meetings").text
    assert one.get(f"/meetings/join/{link.token}").location == link.url
    assert two.get(f"/meetings/join/{link.token}").status_code == 404
    with state.db.transaction() as session:
        session.get_one(Meeting, meeting.id).starts_at = start + timedelta(minutes=15)
    assert "시작 30분 전부터" in one.get(f"/meetings/join/{link.token}").text


def test_a_calendar_has_one_uid_and_a_higher_sequence(app, state, world, officer):
    start = soon()
    with state.db.transaction() as session:
        meeting = worlds.planned(
            session,
            state,
            world,
            title="아주 긴 이름의 회차, 쉼표; 쌍반점까지 있어 접히는 줄이 되어야 하는 것",
            blocks=(block(start), block(start + DAY, minutes=60, breaks=())),
        )
        meetings.open_meeting(session, state.hook, meeting, actor_id=None, now=clock.now())
    one = factories.browser(app)
    factories.sign_in(one, world.people[0])
    one.post(f"/enrolments/{world.enrolments[0].id}/meetings/{meeting.id}/take")
    assert one.post("/meetings/calendar").status_code == 303
    with state.db.reading() as session:
        token = session.scalars(select(CalendarFeed.token)).one()
    stranger = app.test_client()
    before = stranger.get(f"/meetings/calendar/{token}.ics")
    assert before.mimetype == "text/calendar"
    assert all(len(line) <= 75 for line in before.data.split(b"\r\n"))
    told = events_of(before)
    assert [one["UID"] for one in told] == [meeting.uid, f"2-{meeting.uid}"]
    assert [one["SEQUENCE"] for one in told] == ["0", "0"]
    assert told[0]["DTSTART"] == start.astimezone(clock.UTC).strftime("%Y%m%dT%H%M%SZ")
    assert "회차\\, 쉼표\\; 쌍반점" in told[0]["SUMMARY"]
    officer.post(f"/manage/meetings/{meeting.id}/step", data={"act": "cancel", "reason": "폭설"})
    after = events_of(stranger.get(f"/meetings/calendar/{token}.ics"))
    assert [(one["UID"], one["SEQUENCE"], one["STATUS"]) for one in after] == [
        (meeting.uid, "1", "CANCELLED"),
        (f"2-{meeting.uid}", "1", "CANCELLED"),
    ]
    one.post("/meetings/calendar")
    assert stranger.get(f"/meetings/calendar/{token}.ics").status_code == 410


def events_of(answer):
    lines = answer.data.decode().replace("\r\n ", "").split("\r\n")
    found = []
    for line in lines:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found:
            found[-1][name] = value
    return found


@pytest.mark.parametrize("text", ["짧다", "가" * 60, "a" * 75, "a" * 76, "가나다 abc" * 30])
def test_a_folded_line_unfolds_to_itself(text):
    told = folded(text)
    assert told.replace("\r\n ", "") == text
    assert all(len(one.encode()) <= 75 for one in told.split("\r\n"))


def test_text_is_escaped():
    assert escaped("a;b,c\\d\ne") == "a\\;b\\,c\\\\d\\ne"


def test_rooms_are_added_changed_and_taken_out_of_use(state, world, officer):
    told = {"building": "별관", "name": "201호", "capacity": "40", "equipment": ["pc", "x"]}
    made = officer.post("/manage/rooms", data=told)
    assert made.status_code == 303
    assert "컴퓨터 실습" in officer.get("/manage/rooms").text
    assert officer.post("/manage/rooms", data=told).status_code == 409
    assert officer.post("/manage/rooms", data=told | {"capacity": "x"}).status_code == 422
    with state.db.transaction() as session:
        worlds.planned(session, state, world, capacity=25, blocks=(block(soon()),))
        room = session.get_one(Room, world.rooms[0].id)
    path = f"/manage/rooms/{room.id}"
    same = {"building": "본관", "name": "305호", "equipment": [], "note": ""}
    assert "25석인 회차" in officer.post(path, data=same | {"capacity": "20"}).text
    assert officer.post(path, data=same | {"capacity": "25"}).status_code == 303
    assert "회차가 1개 남아" in officer.post(path, data={"act": "archive"}).text
    other = f"/manage/rooms/{world.rooms[1].id}"
    assert officer.post(other, data={"act": "archive"}).status_code == 303
    assert "쓰지 않음" in officer.get(other).text


def asked(state, browser, path):
    """How many statements the page costs."""
    counted = []

    def note(_connection, _cursor, statement, *_more):
        if statement.startswith("SELECT"):  # what is left for later is written beside the page
            counted.append(statement)

    for engine in (state.db.engine, state.db.reader):
        event.listen(engine, "before_cursor_execute", note)
    try:
        browser.get(path)  # what is made once, e.g. paths
        counted.clear()
        answer = browser.get(path)
    finally:
        for engine in (state.db.engine, state.db.reader):
            event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 200, path
    return len(counted)


def test_no_list_costs_more_for_more_rows(app, state, world, officer):
    start = soon(0)
    learner = factories.browser(app)
    factories.sign_in(learner, world.people[0])
    teacher = factories.browser(app)
    factories.sign_in(teacher, world.teacher)

    def add(n, taken):
        with state.db.transaction() as session:
            meeting = worlds.planned(
                session,
                state,
                world,
                title=f"{n}회차",
                capacity=30,
                activity_id=None,
                blocks=(block(start + n * DAY + timedelta(hours=12)),),
                instructors=((world.teacher.id, "lead"),),
            )
            meetings.open_meeting(session, state.hook, meeting, actor_id=None, now=clock.now())
            for one in world.enrolments[:taken]:
                worlds.take(session, state, meeting, one, now=clock.now())
            session.add(
                Room(
                    institution_id=world.home.id,
                    building="신관",
                    name=f"{n}호",
                    capacity=9,
                    equipment=[],
                )
            )
            return meeting.id

    first = add(1, 1)
    pages = [
        (officer, "/manage/meetings/list"),
        (officer, f"/manage/runs/{world.run.id}/meetings"),
        (officer, f"/manage/meetings?day={(start + DAY).date().isoformat()}"),
        (officer, "/manage/rooms"),
        (officer, f"/manage/rooms/{world.rooms[0].id}"),
        (officer, "/manage/instructors"),
        (officer, f"/manage/meetings/{first}"),
        (learner, "/meetings"),
        (teacher, "/meetings"),
    ]
    before = [asked(state, browser, path) for browser, path in pages]
    for n in range(2, 5):
        add(n, 3)
    with state.db.transaction() as session:
        for one in world.enrolments[1:]:
            worlds.take(session, state, session.get_one(Meeting, first), one, now=clock.now())
    after = [asked(state, browser, path) for browser, path in pages]
    assert after == before
    assert re.search(r"4회차", learner.get("/meetings").text)


def test_the_kind_is_edited_checked_and_shown(state, world, officer):
    kind = state.kinds["meeting"]
    assert kind.check({"minutes": 170}) == {"minutes": 170, "note": ""}
    assert kind.weight_ms({"minutes": 170}) == 170 * 60_000
    read = kind.editor.read({"minutes": "두 시간", "note": " 필기구 "}, None, {})
    assert read.config == {"minutes": 0, "note": "필기구"}
    assert [one.field for one in read.problems] == ["minutes"]
    good = kind.editor.read({"minutes": "90", "note": ""}, None, {})
    assert (good.config, good.problems) == ({"minutes": 90, "note": ""}, ())
    assert kind.editor.typed({"minutes": "x"}, {"minutes": 5}) == {"minutes": "x", "note": ""}


def test_staff_give_and_take_seats_with_a_reason(state, world, officer):
    start = soon()
    with state.db.transaction() as session:
        meeting = worlds.planned(session, state, world, capacity=1, blocks=(block(start),))
        meetings.open_meeting(session, state.hook, meeting, actor_id=None, now=clock.now())
    path = f"/manage/meetings/{meeting.id}"
    found = officer.get(f"{path}?find={world.people[0].name}").text
    assert f'value="{world.enrolments[0].id}"' in found
    for one in world.enrolments[:2]:
        assert officer.post(f"{path}/seats", data={"enrolment": one.id}).status_code == 303
    assert world.people[1].name in officer.get(f"{path}?list=waiting").text
    with state.db.reading() as session:
        seat = session.scalars(select(Seat)).one()
    away = f"{path}/seats/{seat.id}/release"
    assert "한 줄로" in officer.post(away, data={}).text
    assert officer.post(away, data={"reason": "전보"}).status_code == 303
    with state.db.reading() as session:
        assert worlds.seated(session, meeting.id) == [(world.people[1].id, 1, "confirmed")]
    gone = officer.get(f"{path}?list=out").text
    assert world.people[0].name in gone
    assert officer.post(f"{path}/seats", data={"enrolment": 10**9}).status_code == 422


def test_skills_are_noted_and_a_plan_says_which_are_lacking(state, world, officer):
    said = officer.post(
        "/manage/instructors", data={"person": world.teacher.id, "skills": "토론, 학교 안전, 토론"}
    )
    assert said.status_code == 303
    assert "토론, 학교 안전" in officer.get("/manage/instructors").text
    told = typed(world, soon(), instructors=[str(world.teacher.id)], act="check")
    page = officer.post(
        f"/manage/runs/{world.run.id}/meetings", data=told | {"skills": "토론, 수영"}
    ).text
    assert "「수영」 전문 분야가 있는 강사가 없습니다" in page
    assert "「토론」" not in page
    other = worlds.build(state, learners=0)
    refused = officer.post("/manage/instructors", data={"person": other.teacher.id, "skills": "x"})
    assert refused.status_code == 422
