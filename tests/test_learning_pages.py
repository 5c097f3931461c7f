"""The catalogue, a course, enrolling, and the page where one learns."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event, func, select

from lms.learning.models import Enrolment
from lms.learning.rules import RuleSet
from lms.people.models import AuditRow
from tests import factories
from tests.factories import PAGE, QUIZ


@pytest.fixture
def world(state, client):
    """A learner signed in, at an institution with one open course."""

    class World:
        pass

    made = World()
    with state.db.transaction() as session:
        made.home = factories.institution(session)
        made.learner = factories.person(session, made.home)
        made.other = factories.person(session, made.home)
        made.course = factories.course(session, state.kinds, made.home, [PAGE, PAGE], [QUIZ])
        made.run = factories.run(session, made.course)
    factories.sign_in(client, made.learner)
    return made


@contextmanager
def counting(db):
    """How many statements the database is sent."""
    seen = []

    def note(connection, cursor, statement, *rest):
        seen.append(statement)

    for engine in (db.engine, db.reader):
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in (db.engine, db.reader):
        event.remove(engine, "before_cursor_execute", note)


def test_enrolling_is_one_act_and_a_second_one_changes_nothing(state, client, world):
    first = client.post(f"/courses/{world.course.id}/enrol")
    second = client.post(f"/courses/{world.course.id}/enrol")
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    with state.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Enrolment)) == 1
        assert [row.act for row in session.scalars(select(AuditRow))] == ["enrol"]


def test_the_page_says_what_is_missing_and_what_is_closed(state, client, world):
    address = client.post(f"/courses/{world.course.id}/enrol").location
    page = client.get(address).text
    assert "왜 아직 이수가 아닌가요?" in page
    assert "1차시를 마치면 열립니다." in page
    assert "진도 90% 이상" in page
    assert "응시 전" in page


def test_a_closed_activity_shows_its_reason_and_not_its_content(state, client, world):
    address = client.post(f"/courses/{world.course.id}/enrol").location
    with state.db.reading() as session:
        enrolment = session.scalars(select(Enrolment)).one()
        quiz = factories.activities(session, enrolment)[-1]
    page = client.get(f"{address}?activity={quiz.id}").text
    assert "아직 열리지 않았습니다." in page
    assert "무엇이 맞습니까?" not in page


def test_an_activity_of_another_course_is_not_found(state, client, world):
    address = client.post(f"/courses/{world.course.id}/enrol").location
    with state.db.transaction() as session:
        stranger = factories.course(session, state.kinds, world.home)
        activity = stranger.versions[-1].units[0].activities[0].id
    assert client.get(f"{address}?activity={activity}").status_code == 404


def test_somebody_elses_enrolment_is_not_found(state, client, world):
    with state.db.transaction() as session:
        theirs = factories.enrolment(
            session, state.hook, session.merge(world.other), session.merge(world.run)
        ).id
    assert client.get(f"/enrolments/{theirs}").status_code == 404


def test_a_run_that_is_over_takes_nobody(state, client, world):
    with state.db.transaction() as session:
        session.merge(world.run).state = "closed"
    answer = client.post(f"/courses/{world.course.id}/enrol")
    assert answer.status_code == 409
    assert "지금 열려 있는 기수가 없습니다." in answer.text


def test_a_full_run_says_so(state, client, world):
    with state.db.transaction() as session:
        run = session.merge(world.run)
        run.seats = 1
        factories.enrolment(session, state.hook, session.merge(world.other), run)
    answer = client.post(f"/courses/{world.course.id}/enrol")
    assert answer.status_code == 409
    assert "자리가 모두 찼습니다." in answer.text


@pytest.mark.parametrize("path", ["/", "/courses", "/record"])
def test_a_page_costs_the_same_queries_for_one_row_and_for_three(state, client, world, path):
    client.post(f"/courses/{world.course.id}/enrol")
    client.get(path)
    with counting(state.db) as one:
        assert client.get(path).status_code == 200
    with state.db.transaction() as session:
        for _ in range(2):
            course = factories.course(session, state.kinds, session.merge(world.home))
            run = factories.run(session, course)
            factories.enrolment(session, state.hook, session.merge(world.learner), run)
    with counting(state.db) as three:
        assert client.get(path).status_code == 200
    assert len(three) == len(one)


def test_the_catalogue_finds_by_words_and_pages_by_key(state, client, world):
    with state.db.transaction() as session:
        for number in range(30):
            course = factories.course(session, state.kinds, session.merge(world.home))
            course.title = f"수업 나눔 {number:02}"
    first = client.get("/courses?q=나눔").text
    assert first.count('class="card link course-card"') == 24
    assert "수업 나눔 23" in first
    assert "수업 나눔 24" not in first
    following = client.get("/courses?q=나눔&title=수업 나눔 23&id=99999").text
    assert following.count('class="card link course-card"') == 6
    nothing = client.get("/courses?q=없는낱말").text
    assert "“없는낱말”에 맞는 과정이 없습니다." in nothing


def test_units_a_day_are_kept_on_the_server(state, client, world):
    with state.db.transaction() as session:
        course = factories.course(session, state.kinds, session.merge(world.home), [PAGE], [PAGE])
        rule = RuleSet(units_per_day=1, ordered=False, score_min=None)
        run = factories.run(session, course, rule)
        enrolment = factories.enrolment(session, state.hook, session.merge(world.learner), run)
        first, second = (one.id for one in factories.activities(session, enrolment))
        number = enrolment.id
    base = f"/enrolments/{number}/activities"
    assert client.post(f"{base}/{first}/launched", json={}).status_code == 200
    assert client.post(f"{base}/{first}/viewed", json={}).status_code == 200
    refused = client.post(f"{base}/{second}/launched", json={})
    assert refused.status_code == 409
    assert refused.json["error"]["message"] == "하루에 1차시까지 들을 수 있습니다. 내일 열립니다."
