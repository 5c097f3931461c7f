"""School runs: put together by a school, decided by the institute, joined by that staff alone."""

import threading
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from lms import clock
from lms.db import Database
from lms.edge import State
from lms.errors import ClosedError, ConflictError, InvalidError, NotFoundError
from lms.learning import stating
from lms.learning.authoring import publish
from lms.learning.enrolling import enrol
from lms.learning.models import Course, Enrolment, Run
from lms.learning.service import record
from lms.outbox import Task
from lms.partners import checking, composing, reading, school_runs, staff, telling
from lms.partners.composing import Told
from lms.partners.models import SchoolRequest
from lms.people import service
from lms.people.models import AuditRow, Institution, Organisation, Person
from lms.xapi import vocabulary
from tests import factories
from tests.factories import NOW

TODAY = date(2026, 11, 23)
PERIOD = Told(title="2학기 연수", learn_from=TODAY, learn_until=TODAY + timedelta(days=29))


@dataclass
class School:
    """An institution with two schools, their officers, courses and one request."""

    home: Institution
    school: Organisation
    other: Organisation
    officer: Person
    institute: Person
    teachers: list[Person] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)
    request: Any = None


def build(session: Session, state: State, *, teachers: int = 3, courses: int = 2) -> School:
    home = factories.institution(session)
    school = factories.organisation(session, home, "가온중학교")
    other = factories.organisation(session, home, "누리중학교")
    at = {"organisation_id": school.id, "email": "teacher@example.kr"}
    world = School(
        home,
        school,
        other,
        factories.person(session, home, "school_officer", **{**at, "email": "school@example.kr"}),
        factories.person(session, home, "officer", email="officer@example.kr"),
        [factories.person(session, home, **at) for _ in range(teachers)],
        [factories.course(session, state.kinds, home) for _ in range(courses)],
    )
    world.request = composing.draft(
        session,
        PERIOD,
        institution_id=home.id,
        organisation_id=school.id,
        actor_id=world.officer.id,
        now=NOW,
    )
    for course in world.courses:
        composing.put_course(session, world.request, course.id)
    composing.set_people(session, world.request, [one.id for one in world.teachers])
    return world


def ask(session: Session, world: School) -> bool:
    row = session.get_one(SchoolRequest, world.request.id)
    known, who = school_runs.mark(row), world.officer.id
    return school_runs.ask(session, row, known=known, actor_id=who, now=NOW, today=TODAY)


def approve(session: Session, state: State, world: School, **more: Any) -> list[int]:
    row = session.get_one(SchoolRequest, world.request.id)
    told = {"known": school_runs.mark(row), "actor_id": world.institute.id, "now": NOW} | more
    return school_runs.approve(session, state.hook, row, today=TODAY, **told)


def inside(session: Session) -> set[tuple[int, int]]:
    rows = session.execute(
        select(Enrolment.run_id, Enrolment.person_id).filter_by(state="enrolled")
    )
    return {(run_id, person_id) for run_id, person_id in rows}


def test_from_request_to_runs_in_one_step(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        assert ask(session, world)
        assert not ask(session, world)  # a second click
    with db.transaction() as session:
        opened = approve(session, state, world, word="좋습니다")
    with db.transaction() as session:
        assert approve(session, state, world) == opened
    with db.reading() as session:
        runs = session.scalars(select(Run).order_by(Run.id)).all()
        assert [run.id for run in runs] == opened
        assert [run.course_id for run in runs] == [one.id for one in world.courses]
        for run in runs:
            assert (run.organisation_id, run.state, run.name) == (
                world.school.id,
                "running",
                "2학기 연수",
            )
            assert run.rule["score_min"] is None  # nothing in it is scored
        everybody = {(run.id, one.id) for run in runs for one in world.teachers}
        assert inside(session) == everybody
        row = session.get_one(SchoolRequest, world.request.id)
        assert (row.state, row.decided_by, row.reason) == (
            "approved",
            world.institute.id,
            "좋습니다",
        )
        acts = session.scalars(
            select(AuditRow.act).filter_by(subject="school_request").order_by(AuditRow.id)
        ).all()
        assert acts == [
            "school_request.draft",
            "school_request.asked",
            "school_request.approved",
        ]
        sources = set(session.scalars(select(Enrolment.source)))
        assert sources == {"school"}


def test_sent_back_mended_and_asked_again(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        row = world.request
        how = {"actor_id": world.institute.id, "now": NOW}
        with pytest.raises(ConflictError):
            school_runs.send_back(session, row, known="", reason="x", **how)
        ask(session, world)
        with pytest.raises(ConflictError):  # what is sent stands still
            composing.put_course(session, row, world.courses[0].id)
        known = school_runs.mark(row)
        with pytest.raises(InvalidError):
            school_runs.send_back(session, row, known=known, reason=" ", **how)
        assert school_runs.send_back(session, row, known=known, reason="기간이 짧습니다", **how)
        assert not school_runs.send_back(session, row, known=known, reason="다시", **how)
        longer = Told(title=PERIOD.title, learn_from=TODAY, learn_until=TODAY + timedelta(days=60))
        composing.change(session, row, longer, known=known)
        assert ask(session, world)
        # The institute had the page of before open: it would decide on what it has not read.
        with pytest.raises(ConflictError):
            approve(session, state, world, known=known)
        assert len(approve(session, state, world)) == 2
        states = session.scalars(
            select(AuditRow.act).filter_by(subject="school_request").order_by(AuditRow.id)
        ).all()
        assert [one.partition(".")[2] for one in states] == [
            "draft",
            "asked",
            "sent_back",
            "asked",
            "approved",
        ]


def test_what_is_missing_is_said_and_nothing_is_sent(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        row = world.request
        composing.set_people(session, row, [])
        with pytest.raises(InvalidError) as missing:
            ask(session, world)
        assert missing.value.field == "people"
        composing.drop_course(session, row, world.courses[0].id)
        composing.drop_course(session, row, world.courses[1].id)
        with pytest.raises(InvalidError) as missing:
            ask(session, world)
        assert missing.value.field == "courses"
        with pytest.raises(InvalidError):
            school_runs_change(session, row, learn_until=TODAY - timedelta(days=1))
        with pytest.raises(InvalidError):
            school_runs_change(session, row, title=" ")
        with pytest.raises(ConflictError):
            composing.change(session, row, PERIOD, known="something older")
        foreign = factories.course(session, state.kinds, factories.institution(session))
        with pytest.raises(NotFoundError):
            composing.put_course(session, row, foreign.id)


def school_runs_change(session: Session, row: SchoolRequest, **told: Any) -> None:
    changed = Told(
        **{
            "title": row.title,
            "learn_from": row.learn_from,
            "learn_until": row.learn_until,
            **told,
        }
    )
    composing.change(session, row, changed, known=school_runs.mark(row))


def test_courses_keep_the_order_that_the_school_wants(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state, courses=3)
        one, two, three = (course.id for course in world.courses)
        composing.shift_course(session, world.request, three, by=-1)
        composing.put_course(session, world.request, two)  # there already
        composing.shift_course(session, world.request, one, by=-1)  # the first stays first
        assert world.request.courses == [one, three, two]


def test_a_course_shows_its_own_newest_version(db: Database, state: State) -> None:
    """That another course has come to its second version says nothing of this one."""
    with db.transaction() as session:
        world = build(session, state)
        two = [{"title": f"차시 {n}", "activities": [factories.PAGE]} for n in (1, 2)]
        publish(session, state.kinds, world.courses[0], two, files=lambda _name: 1, now=NOW)
    with db.reading() as session:
        row = session.get_one(SchoolRequest, world.request.id)
        assert [one.units for one in reading.chosen(session, row)] == [2, 1]
        assert len(reading.found(session, world.home.id, "")) == 2


def test_what_stands_against_an_approval(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        ask(session, world)
        world.courses[0].archived_at = NOW
        found = checking.findings(session, world.request, today=TODAY)
        assert [one.grave for one in found.all] == [True]
        with pytest.raises(InvalidError):
            approve(session, state, world)
        assert world.request.state == "asked"
        world.courses[0].archived_at = None
        empty = Course(**_bare(world.home, "빈 과정"))
        factories.kept(session, empty)
        world.request.courses = [*world.request.courses, empty.id]
        found = checking.findings(session, world.request, today=TODAY)
        assert [one.params for one in found.grave] == [{"title": "빈 과정"}]
        world.request.courses = world.request.courses[:2]
        late = checking.findings(session, world.request, today=TODAY + timedelta(days=31))
        assert [one.grave for one in late.all] == [True]
        begun = checking.findings(session, world.request, today=TODAY + timedelta(days=1))
        assert [one.grave for one in begun.all] == [False]


def _bare(home: Institution, title: str) -> dict[str, Any]:
    return {
        "institution_id": home.id,
        "code": title,
        "title": title,
        "training_kind": "in_service",
        "delivery_mode": "self_paced",
        "recognised_minutes": 60,
        "created_at": NOW,
    }


def test_who_left_the_school_is_not_enrolled_and_who_learns_elsewhere_is_named(
    db: Database, state: State
) -> None:
    with db.transaction() as session:
        world = build(session, state)
        gone, busy, done = world.teachers
        ask(session, world)
        gone.organisation_id = world.other.id
        elsewhere = factories.run(session, world.courses[0])
        factories.enrolment(session, state.hook, busy, elsewhere)
        mine = factories.enrolment(session, state.hook, done, elsewhere)
        (page,) = factories.activities(session, mine)
        said = stating.about_activity(
            stating.setting_of(session, mine.id),
            page,
            vocabulary.EXPERIENCED,
            activity_type=vocabulary.TYPE_PAGE,
            now=NOW,
            result={"completion": True},
        )
        record(session, state.hook, mine.id, page.id, [said], now=NOW)
        found = checking.findings(session, world.request, today=TODAY)
        assert [(one.message, one.params["names"]) for one in found.all[1:]] == [
            (checking.LEARNING, busy.name),
            (checking.DONE, done.name),
        ]
        assert (found.gone, found.people) == ([gone.id], [busy.id, done.id])
        first, second = approve(session, state, world)
        # One learns it elsewhere, the other has done it within two years: not the first course.
        ours = {(run, one) for run, one in inside(session) if run != elsewhere.id}
        assert ours == {(second, busy.id), (second, done.id)}
        detail = session.scalars(
            select(AuditRow.detail).filter_by(act="school_request.approved")
        ).one()
        assert detail["gone"] == [gone.id]
        assert [row[:2] for row in detail["left_out"]] == [[first, busy.id], [first, done.id]]


def test_only_that_staff_joins(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        colleague = factories.person(session, world.home, organisation_id=world.school.id)
        stranger = factories.person(session, world.home, organisation_id=world.other.id)
        ask(session, world)
        run_id, _ = approve(session, state, world)
    for person in (colleague, stranger, world.institute):
        with db.transaction() as session:
            run = session.get_one(Run, run_id)
            with pytest.raises(ClosedError):
                enrol(session, state.hook, person, run, actor_id=person.id, now=NOW)


def test_two_officers_at_once_open_one_set_of_runs(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        other = factories.person(session, world.home, "officer")
        ask(session, world)
        known = school_runs.mark(world.request)
    told: list[Any] = []
    gate = threading.Barrier(2)

    def decide(who: int) -> None:
        gate.wait()
        with db.transaction() as session:
            told.append(approve(session, state, world, known=known, actor_id=who))

    threads = [
        threading.Thread(target=decide, args=(who,)) for who in (world.institute.id, other.id)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as session:
        runs = session.scalars(select(Run.id).order_by(Run.id)).all()
        assert told == [runs, runs]
        assert len(inside(session)) == 6


def test_names_are_matched_and_never_guessed(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state, teachers=0)
        at = {"organisation_id": world.school.id}
        kim = factories.person(session, world.home, name="김한별", **at)
        for _ in range(2):
            factories.person(session, world.home, name="이보람", **at)
        factories.person(session, world.home, name="박전출", organisation_id=world.other.id)
        factories.person(session, world.home, name="최휴직", status="leave", **at)
        found = staff.pasted(
            session, world.home.id, world.school.id, "김 한별\n이보람, 박전출; 최휴직\n김한별\n\n"
        )
        assert found == staff.Pasted([kim.id], ["박전출", "최휴직"], ["이보람"])
        outsiders = [kim.id, world.institute.id]
        assert staff.only(session, world.home.id, world.school.id, outsiders) == [kim.id]


def test_mails_go_to_those_who_hold_the_role_then(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        ask(session, world)
        with db.reading() as nothing:
            assert nothing.scalars(select(Task)).all() == []
    keep(db, state)
    assert mails(db) == {"officer@example.kr"}
    with db.transaction() as session:
        known = school_runs.mark(world.request)
        school_runs.send_back(
            session,
            world.request,
            known=known,
            reason="기간",
            actor_id=world.institute.id,
            now=NOW + timedelta(hours=1),
        )
        # The officer who asked was transferred: their successor hears of it.
        officer = session.get_one(Person, world.officer.id)
        officer.organisation_id = world.other.id
        factories.person(
            session,
            world.home,
            "school_officer",
            organisation_id=world.school.id,
            email="next@example.kr",
        )
    keep(db, state)
    keep(db, state)
    assert mails(db) == {"officer@example.kr", "next@example.kr"}


def keep(db: Database, state: State) -> None:
    with db.reading() as session:
        tasks = session.scalars(select(Task).filter_by(name="partners.tell")).all()
    for task in tasks:
        telling.tell(state, task, NOW)


def mails(db: Database) -> set[str]:
    with db.reading() as session:
        found = session.scalars(select(Task).filter_by(name="mail.send")).all()
        assert len({one.key for one in found}) == len(found)
        return {one.payload["to"] for one in found}


# Pages


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
    client.get(path)
    asked.clear()
    assert client.get(path).status_code == 200
    costs.setdefault(name, []).append(len(asked))
