"""School runs through their pages: the school's, the institute's, and nobody else's."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from lms import clock
from lms.db import Database
from lms.edge import State
from lms.partners import reading, school_runs
from lms.partners.models import SchoolRequest
from lms.people import service
from lms.people.models import Person
from tests import factories
from tests.factories import NOW
from tests.partners_world import School, build


def in_days(days: int) -> str:
    return (clock.local_day(clock.now(), "Asia/Seoul") + timedelta(days=days)).isoformat()


@pytest.fixture
def school(db: Database, state: State) -> School:
    with db.transaction() as session:
        world = build(session, state)
        today = clock.local_day(clock.now(), "Asia/Seoul")
        world.request.learn_from, world.request.learn_until = today, today + timedelta(days=30)
    return world


def mark_on(page: str) -> str:
    return page.split('name="mark" value="')[1].split('"', maxsplit=1)[0]


def test_a_school_and_the_institute_through_their_pages(
    app: Flask, db: Database, school: School, client: FlaskClient
) -> None:
    institute = factories.browser(app)
    factories.sign_in(client, school.officer)
    factories.sign_in(institute, school.institute)
    made = client.post(
        "/school-runs",
        data={"title": "봄 연수", "learn_from": in_days(1), "learn_until": in_days(20)},
    )
    place = made.headers["Location"].partition("?")[0]
    found = client.get(place, query_string={"q": "과정"}).text
    assert all(course.title in found for course in school.courses)
    course = school.courses[0]
    client.post(f"{place}/courses", data={"act": "put", "course": course.id})
    assert institute.get(place).status_code == 404  # a draft is the school's own business
    client.post(f"{place}/people", data={"act": "all"})
    teacher = school.teachers[0]
    chosen = client.get(f"{place}/people").text
    assert f'value="{teacher.id}" data-pick-one' in chosen
    keep_two = {"act": "choose", "shown": "0", "who": [], "mark": mark_on(chosen)}
    shown = chosen.split('name="shown" value="')[1].split('"')[0]
    picked = [str(teacher.id), str(school.teachers[1].id), str(school.institute.id)]
    client.post(f"{place}/people", data=keep_two | {"shown": shown, "who": picked})
    pasted = client.post(
        f"{place}/people", data={"act": "paste", "names": f"{school.teachers[2].name}\n없는이"}
    )
    assert "없는이" in pasted.text
    with db.reading() as session:
        row = session.scalars(select(SchoolRequest).filter_by(title="봄 연수")).one()
        assert sorted(row.people) == sorted(one.id for one in school.teachers)
    page = client.get(place).text
    assert client.post(f"{place}/ask", data={"mark": mark_on(page)}).status_code == 303
    queue = institute.get("/school-runs").text
    assert "봄 연수" in queue
    assert "봄 연수" in institute.get("/manage").text
    seen = institute.get(place).text
    assert "걸리는 것이 없습니다" in seen
    assert institute.post(f"{place}/send-back", data={"mark": mark_on(seen)}).status_code == 422
    assert institute.post(f"{place}/approve", data={"mark": mark_on(seen)}).status_code == 303
    own = client.get(place).text
    assert teacher.name in own
    sheet = client.post(f"{place}/export", data={"reason": "회의", "form": "csv"})
    assert teacher.name in sheet.get_data(as_text=True)
    assert client.post(f"{place}/export", data={"reason": "회의"}).get_data()[:2] == b"PK"
    assert client.post(f"{place}/export", data={}).status_code == 422


def test_another_school_neither_sees_nor_changes_it(
    app: Flask, db: Database, school: School, client: FlaskClient
) -> None:
    with db.transaction() as session:
        stranger = factories.person(
            session, school.home, "school_officer", organisation_id=school.other.id
        )
        loose = factories.person(session, school.home, "school_officer")
    factories.sign_in(client, stranger)
    place = f"/school-runs/{school.request.id}"
    assert "2학기 연수" not in client.get("/school-runs").text
    routes = ("courses", "people", "ask", "withdraw", "export", "approve", "send-back")
    assert client.get(place).status_code == 404
    assert client.get(f"{place}/people").status_code == 404
    assert client.post(place, data={}).status_code == 404
    assert [client.post(f"{place}/{one}", data={}).status_code for one in routes] == [404] * 7
    factories.sign_in(client, loose)  # belongs to no school
    assert client.get("/school-runs").status_code == 403
    assert client.get(place).status_code == 404


def test_a_transferred_officer_loses_it_at_once(
    app: Flask, db: Database, school: School, client: FlaskClient
) -> None:
    factories.sign_in(client, school.officer)
    place = f"/school-runs/{school.request.id}"
    assert client.get(place).status_code == 200
    with db.transaction() as session:
        session.get_one(Person, school.officer.id).organisation_id = school.other.id
    assert client.get(place).status_code == 404
    assert client.post(f"{place}/ask", data={}).status_code == 404
    with db.transaction() as session:
        session.get_one(Person, school.officer.id).organisation_id = school.school.id
    assert client.get(place).status_code == 200
    with db.transaction() as session:
        service.end_grant(
            session,
            school.officer.id,
            school.home.id,
            "school_officer",
            actor_id=None,
            now=NOW,
            reason="담당 바뀜",
        )
    assert client.get(place).status_code == 404


def test_who_moved_away_is_counted_and_not_shown(
    app: Flask, db: Database, state: State, school: School, client: FlaskClient
) -> None:
    today = clock.local_day(clock.now(), "Asia/Seoul")
    with db.transaction() as session:
        row = session.get_one(SchoolRequest, school.request.id)
        how = {"known": school_runs.mark(row), "now": clock.now(), "today": today}
        school_runs.ask(session, row, actor_id=school.officer.id, **how)
        school_runs.approve(session, state.hook, row, actor_id=school.institute.id, **how)
        moved = session.get_one(Person, school.teachers[0].id)
        moved.organisation_id = school.other.id
    with db.reading() as session:
        row = session.get_one(SchoolRequest, school.request.id)
        people = reading.progress(session, row)
        assert {one.id for one in people} == {one.id for one in school.teachers[1:]}
        assert reading.left(session, row) == 1
    factories.sign_in(client, school.officer)
    page = client.get(f"/school-runs/{school.request.id}").text
    assert "학교를 옮긴 1명은 보이지 않습니다." in page
    progress = page.split('id="h-progress"')[1].split("</section>")[0]
    assert moved.name not in progress


def test_pages_cost_the_same_for_one_and_for_three(
    app: Flask, db: Database, state: State, client: FlaskClient
) -> None:
    costs: dict[str, list[int]] = {}
    asked: list[str] = []
    for engine in {id(one): one for one in (state.db.engine, state.db.reader)}.values():
        event.listen(engine, "before_cursor_execute", lambda _c, _cu, said, *_: asked.append(said))
    today = clock.local_day(clock.now(), "Asia/Seoul")
    for count in (1, 3):
        with db.transaction() as session:
            world = build(session, state, teachers=count, courses=count)
            row = world.request
            row.learn_from, row.learn_until = today, today + timedelta(days=9)
        factories.sign_in(client, world.officer)
        place = f"/school-runs/{row.id}"
        for name in ("", f"/{row.id}", f"/{row.id}/people"):
            _count(client, f"/school-runs{name}", name.replace(str(row.id), ""), asked, costs)
        with db.transaction() as session:
            row = session.get_one(SchoolRequest, row.id)
            how = {"known": school_runs.mark(row), "now": clock.now(), "today": today}
            school_runs.ask(session, row, actor_id=world.officer.id, **how)
        factories.sign_in(client, world.institute)
        _count(client, place, "decide", asked, costs)
        with db.transaction() as session:
            row = session.get_one(SchoolRequest, row.id)
            school_runs.approve(session, state.hook, row, actor_id=world.institute.id, **how)
        _count(client, place, "progress", asked, costs)
    assert {name: one for name, one in costs.items() if one[0] != one[1]} == {}


def _count(
    client: FlaskClient, path: str, name: str, asked: list[str], costs: dict[str, list[int]]
) -> None:
    writer = client.application.extensions["lms"].db.writer
    seen = []
    for _ in range(3):
        asked.clear()
        assert client.get(path).status_code == 200
        writer.do(lambda _connection: None)  # what it left for later is written
        # How many commits that took is chance.
        seen.append(sum(one.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")) for one in asked))
    # The least: once a minute it is noted, too, that the person was here.
    costs.setdefault(name, []).append(min(seen))
