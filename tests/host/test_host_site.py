"""Mounted in somebody else's site: the same journey, and nothing of the host's is touched."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, inspect, select
from werkzeug.test import TestResponse

from lms import LMS, migrations
from lms.db import Base
from lms.edge import State
from lms.learning import rules
from lms.learning.models import Completion, Enrolment
from lms.people.models import Account, Institution, Person, SignIn
from tests import factories
from tests.host import site as host


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    yield from opened(database_url, tmp_path)


def opened(url: str, folder: Path, **config: Any) -> Iterator[Flask]:
    engine = sqlalchemy.create_engine(url)
    if "users" not in inspect(engine).get_table_names():
        fill(engine)
    engine.dispose()
    made = host.create_site(url, folder, **config)
    yield made
    made.extensions["lms"].db.dispose()
    made.extensions["host_engine"].dispose()


def fill(engine: sqlalchemy.Engine) -> None:
    host.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            insert(host.users),
            [
                {"id": 1, "login": "kim", "name": "김주인"},
                {"id": 2, "login": "lee", "name": "이손님"},
            ],
        )
        connection.execute(insert(host.posts), {"id": 1, "user_id": 1, "text": "첫 글"})
        connection.execute(insert(host.alembic_version), {"version_num": "host_0042"})


@pytest.fixture
def state(site: Flask) -> State:
    found: State = site.extensions["lms"]
    return found


@pytest.fixture
def home(state: State) -> Institution:
    with state.db.transaction() as session:
        return factories.institution(session, "HOSTED")


def browser(site: Flask, login: str | None = "kim") -> FlaskClient:
    client = factories.browser(site)
    if login is not None:
        answer = client.post("/login", data={"login": login, "password": host.PASSWORD})
        assert answer.status_code == 302
    return client


def page_and_quiz(state: State, home: Institution) -> int:
    """The id of a course of two lessons: a page, then a quiz."""
    with state.db.transaction() as session:
        course = factories.course(session, state.kinds, home, [factories.PAGE], [factories.QUIZ])
        factories.run(session, course, rules.RuleSet(units_per_day=0))
        return course.id


# The journey


def test_a_host_user_goes_from_sign_in_to_certificate(
    site: Flask, state: State, home: Institution
) -> None:
    course = page_and_quiz(state, home)
    client = browser(site, None)
    sent = client.get("/learn/courses?q=x")
    assert (sent.status_code, sent.headers["Location"]) == (
        302,
        "/login?next=/learn/courses?q%3Dx",
    )
    entered = client.post(
        sent.headers["Location"], data={"login": "kim", "password": host.PASSWORD}
    )
    assert entered.headers["Location"] == "/learn/courses?q=x"
    shown = client.get("/learn/courses")
    assert f'href="/learn/courses/{course}"' in shown.text
    assert "김주인" in shown.text
    assert client.get(f"/learn/courses/{course}").status_code == 200

    enrolled = client.post(f"/learn/courses/{course}/enrol")
    assert enrolled.status_code == 303
    place = enrolled.headers["Location"]
    assert re.fullmatch(r"/learn/enrolments/\d+", place)
    page, quiz = activities(state)
    assert client.get(f"{place}?activity={page}").status_code == 200
    state.db.writer.do(lambda _connection: None)  # the first sight of the page is written down
    read = client.post(f"{place}/activities/{page}/viewed")
    assert (read.status_code, read.headers["Location"]) == (303, f"{place}?activity={page}")

    number = place.rpartition("/")[2]
    begun = client.post(f"/learn/quizzes/{number}/{quiz}/begin")
    assert begun.status_code == 303
    asking = client.get(f"{place}?activity={quiz}").text
    (action,) = re.findall(r'action="(/learn/quizzes/attempts/\d+/submit)"', asking)
    passed = client.post(action, data={"shown": "q1", "a-q1": "a"})
    assert passed.status_code == 303

    with state.db.reading() as session:
        completion = session.scalars(select(Completion)).one()
        assert completion.enrolment.person.issuer == "hostsite"
    sent = client.get(f"/learn/completions/{completion.id}/certificate")
    certificate = client.get(sent.headers["Location"])
    assert certificate.status_code == 200
    assert "김주인" in certificate.text
    record = client.get("/learn/record")
    assert (record.status_code, sent.headers["Location"] in record.text) == (200, True)


def activities(state: State) -> list[int]:
    with state.db.reading() as session:
        enrolment = session.scalars(select(Enrolment)).one()
        return [one.id for one in factories.activities(session, enrolment)]


def test_every_link_of_our_pages_stays_under_the_prefix(
    site: Flask, state: State, home: Institution
) -> None:
    course = page_and_quiz(state, home)
    client = browser(site)
    place = client.post(f"/learn/courses/{course}/enrol").headers["Location"]
    for path in ("/learn/", "/learn/courses", f"/learn/courses/{course}", place, "/learn/me"):
        text = client.get(path).text
        ours = re.findall(r'(?:href|src|action)="(/[^"]*)"', text)
        assert len(ours) > 5
        assert [link for link in ours if not link.startswith("/learn/")] == []
        assert "/sign-out" not in text  # signing out is the host's


def test_our_static_files_and_the_hosts_do_not_meet(site: Flask) -> None:
    client = browser(site, None)
    theirs = read(client.get("/static/ieum.css"))
    assert theirs.text == "/* the host's */\n"
    base = site.extensions["lms"].asset_base
    assert base.startswith("/learn/static/")
    ours = read(client.get(f"{base}ieum.css"))
    assert (ours.status_code, ours.mimetype) == (200, "text/css")
    assert "the host's" not in ours.text


def read(answer: TestResponse) -> TestResponse:
    assert answer.data is not None
    answer.close()
    return answer


# People


def test_first_sight_makes_one_person_and_the_second_makes_none(
    site: Flask, state: State, home: Institution
) -> None:
    client = browser(site)
    for _ in range(3):
        assert client.get("/learn/").status_code == 200
    with state.db.reading() as session:
        person = session.scalars(select(Person)).one()
        assert (person.institution_id, person.issuer, person.subject, person.name) == (
            home.id,
            "hostsite",
            "1",
            "김주인",
        )
        assert session.scalars(select(Account)).all() == []
        assert session.scalars(select(SignIn)).all() == []


def test_two_first_sights_at_once_make_one_person(
    site: Flask, state: State, home: Institution
) -> None:
    clients = [browser(site) for _ in range(8)]
    start = threading.Barrier(len(clients))
    seen: list[int] = []

    def look(client: FlaskClient) -> None:
        start.wait(5)
        seen.append(client.get("/learn/courses").status_code)

    threads = [threading.Thread(target=look, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [200] * 8
    with state.db.reading() as session:
        assert [one.subject for one in session.scalars(select(Person))] == ["1"]


def test_first_sight_may_be_a_request_that_writes(
    site: Flask, state: State, home: Institution
) -> None:
    course = page_and_quiz(state, home)
    answer = browser(site).post(f"/learn/courses/{course}/enrol")
    assert answer.status_code == 303
    with state.db.reading() as session:
        assert session.scalars(select(Enrolment)).one().person.subject == "1"


def test_two_users_of_the_host_are_two_people(site: Flask, state: State, home: Institution) -> None:
    for login in ("kim", "lee"):
        assert browser(site, login).get("/learn/").status_code == 200
    with state.db.reading() as session:
        names = sorted(session.scalars(select(Person.name)))
    assert names == ["김주인", "이손님"]


def test_signing_out_at_the_host_signs_out_here(site: Flask, home: Institution) -> None:
    client = browser(site)
    assert client.get("/learn/me").status_code == 200
    client.post("/logout")
    assert client.get("/learn/me").headers["Location"] == "/login?next=/learn/me"


def test_our_own_ways_in_are_closed(site: Flask, home: Institution) -> None:
    client = browser(site)
    for path in ("/learn/sign-in", "/learn/sign-in/forgotten", "/learn/reset/token"):
        assert client.get(path).status_code == 404
        assert client.post(path, data={"login": "kim", "password": "x"}).status_code == 404
    assert client.post("/learn/sign-out").status_code == 404
    assert client.get("/learn/me").status_code == 200  # and the host's sign-in stands


def test_a_setting_names_the_institution_of_the_hosts_people(
    database_url: str, tmp_path: Path
) -> None:
    for site in opened(database_url, tmp_path, LMS_INSTITUTION="SECOND"):
        state = site.extensions["lms"]
        with state.db.transaction() as session:
            factories.institution(session, "FIRST")
            second = factories.institution(session, "SECOND")
        assert browser(site).get("/learn/").status_code == 200
        with state.db.reading() as session:
            assert session.scalars(select(Person.institution_id)).all() == [second.id]


@pytest.mark.parametrize("codes", [[], ["FIRST", "SECOND"]])
def test_without_the_setting_it_is_told_which_institution_is_missing(
    site: Flask, state: State, codes: list[str]
) -> None:
    with state.db.transaction() as session:
        for code in codes:
            factories.institution(session, code)
    answer = browser(site).get("/learn/")
    assert answer.status_code == 409
    assert "LMS_INSTITUTION" in answer.text
    with state.db.reading() as session:
        assert session.scalars(select(Person)).all() == []


# What is the host's stays the host's


def test_the_hosts_pages_are_as_they_were(site: Flask, home: Institution) -> None:
    client = browser(site)
    front = client.get("/")
    assert "HOST FRONT 1" in front.text
    assert "the host&#39;s own" in front.text  # its `site`, not ours
    assert "HOST COURSE" in client.get("/course").text
    assert "HOST&#39;S OWN" not in client.get("/learn/").text
    for answer in (front, client.get("/nothing")):
        assert answer.headers["X-Host"] == "1"
        assert "Content-Security-Policy" not in answer.headers
        assert "Permissions-Policy" not in answer.headers
        assert "Cache-Control" not in answer.headers


def test_the_hosts_errors_are_the_hosts_and_ours_are_ours(site: Flask, home: Institution) -> None:
    site.config["PROPAGATE_EXCEPTIONS"] = False
    client = browser(site)
    lost = client.get("/nothing")
    assert (lost.status_code, "HOST 404" in lost.text) == (404, True)
    broken = client.get("/broken")
    assert (broken.status_code, "HOST 500" in broken.text) == (500, True)
    ours = client.get("/learn/courses/999")
    assert (ours.status_code, "HOST 404" in ours.text) == (404, False)
    assert "찾는 것이 없습니다." in ours.text
    json = client.get("/learn/courses/999", headers={"Accept": "application/json"})
    assert json.json == {
        "error": {
            "code": "not_found",
            "message": "찾는 것이 없습니다. 주소를 다시 확인해 주십시오.",
        }
    }


def test_we_set_no_cookie_on_the_hosts_pages_and_keep_its_session(
    site: Flask, home: Institution
) -> None:
    client = browser(site)
    assert client.get("/").headers.getlist("Set-Cookie") == []
    with client.session_transaction() as cookie:
        before = dict(cookie)
    client.get("/learn/")
    with client.session_transaction() as cookie:
        after = dict(cookie)
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) <= {"lms_csrf"}
    answer = client.get("/learn/courses")
    names = [one.partition("=")[0] for one in answer.headers.getlist("Set-Cookie")]
    assert set(names) <= {"hostsession"}


def test_our_pages_have_our_headers_also_there(site: Flask, home: Institution) -> None:
    answer = browser(site).get("/learn/")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert answer.headers["Cache-Control"] == "private, no-store"


# The database


def test_our_migrations_leave_the_hosts_tables_alone(database_url: str) -> None:
    migrations.downgrade(database_url, "base")
    engine = sqlalchemy.create_engine(database_url)
    fill(engine)
    before = everything(engine)
    assert set(before) == {"users", "posts", "alembic_version"}
    for step in (
        lambda: migrations.upgrade(database_url),
        lambda: migrations.downgrade(database_url, "base"),
        lambda: migrations.upgrade(database_url),
    ):
        step()
        after = everything(engine)
        assert {name: after[name] for name in before} == before
        assert all(name.startswith("lms_") for name in set(after) - set(before))
    # And a comparison of models and database proposes nothing about what is not ours.
    assert migrations.check(database_url, Base.metadata) == []
    engine.dispose()


def everything(engine: sqlalchemy.Engine) -> dict[str, Any]:
    """Every table but our own version's: columns, keys, indexes, and the rows of the host's."""
    inspector = inspect(engine)
    found: dict[str, Any] = {}
    for name in inspector.get_table_names():
        if name == migrations.VERSION_TABLE:
            continue
        found[name] = [
            [(one["name"], repr(one["type"])) for one in inspector.get_columns(name)],
            inspector.get_pk_constraint(name),
            inspector.get_foreign_keys(name),
            inspector.get_unique_constraints(name),
            inspector.get_indexes(name),
        ]
        if name in host.metadata.tables:
            with engine.connect() as connection:
                rows = connection.execute(select(host.metadata.tables[name]))
                found[name].append([tuple(row) for row in rows])
    return found


def test_without_an_address_for_signing_in_a_page_says_so(sqlite_url: str, tmp_path: Path) -> None:
    app = Flask("plain")
    app.config.update(
        SECRET_KEY="x",
        LMS_DATABASE_URL=sqlite_url,
        LMS_VAR=str(tmp_path),
        LMS_BASE_URL="http://localhost",
    )
    state = LMS(identify=lambda: None).init_app(app, url_prefix="/learn")
    answer = app.test_client().get("/learn/courses")
    assert (answer.status_code, "먼저 로그인해 주십시오." in answer.text) == (401, True)
    state.db.dispose()
