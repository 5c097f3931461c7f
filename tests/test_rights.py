"""Every route × every role × own, someone's and another institution's rows: nothing leaks.

The tables are in rights_tables.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from lms.db import Base
from lms.edge.blueprint import SAFE, Policy
from lms.people import service
from tests import factories, rights_world
from tests.conftest import make_app
from tests.rights_tables import (
    BIRTH,
    CONTENT_HOST,
    CREDENTIALS,
    DONE,
    EVERYBODY,
    KEEPERS,
    MAY,
    OF_ONESELF,
    ONCE,
    OWNER,
    READERS,
    RECORDERS,
    SCHOOL_ASKS,
    SCHOOL_HEARS,
    SCHOOL_READS,
    SCHOOL_TAKES,
    SHOWN_TOO,
    SHOWS,
    STATEMENT,
    WHOSE,
)
from tests.rights_world import ANONYMOUS, WHO, Owned, World


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any) -> Iterator[Flask]:
    """One world for the whole walk; rights do not depend on the database."""
    folder = tmp_path_factory.mktemp("rights")
    file = folder / "ieum.sqlite"
    file.write_bytes(sqlite_template.read_bytes())
    app = make_app(f"sqlite:///{file}", folder)
    yield app
    app.extensions["lms"].db.dispose()


@pytest.fixture(scope="module")
def world(app: Flask) -> World:
    return rights_world.build(app)


@pytest.fixture(scope="module")
def clients(app: Flask, world: World) -> dict[str, FlaskClient]:
    made = {role: factories.browser(app) for role in WHO}
    for role, person in world.actors.items():
        factories.sign_in(made[role], person)
    return made


def routes(app: Flask) -> list[tuple[str, str, str, Policy]]:
    """Key of the table, method, endpoint, policy."""
    found = []
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.removeprefix("lms.")
        policy = app.view_functions[rule.endpoint].lms_policy  # type: ignore[attr-defined]
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        found += [(f"{method} {name}", method, name, policy) for method in methods]
    return sorted(found, key=lambda one: one[0])


def test_both_tables_name_every_route_and_no_other(app: Flask) -> None:
    keys = {key for key, *_ in routes(app)}
    assert keys - set(MAY) == set(), "say in MAY who may"
    assert set(MAY) - keys == set(), "no such route any more"
    with_values = {
        rule.endpoint.removeprefix("lms.") for rule in app.url_map.iter_rules() if rule.arguments
    }
    assert with_values - set(WHOSE) == set(), "say in WHOSE whose row this is"
    assert set(WHOSE) - with_values == set()


def ask(
    app: Flask, client: FlaskClient, endpoint: str, method: str, row: Owned, **more: Any
) -> TestResponse:
    values = WHOSE[endpoint](row) if endpoint in WHOSE else {}
    with app.test_request_context():
        path = app.url_for(f"lms.{endpoint}", **values)
    return client.open(path, method=method, **more)


def expected(key: str, role: str, whose: str, policy: Policy) -> set[int]:
    """The statuses that may come."""
    may = MAY[key]
    if may == CONTENT_HOST:
        return {404}
    if may == CREDENTIALS:
        # 400: without the version that the standard asks for first; 405: a POST that is no form.
        return {400, 401, 405}
    if role == ANONYMOUS and may is not EVERYBODY:
        return {302} if key.startswith("GET") else {401}
    has_row = policy.on is not None or (may == OWNER)
    if has_row and whose == "other":
        return {404}
    if isinstance(may, str):
        return of_its_own(may, role, whose)
    return DONE if role in may else {403}


def of_its_own(may: str, role: str, whose: str) -> set[int]:
    """What is its owner's; and a school's request, which is not there for other schools."""
    if may == OWNER:
        return DONE if whose == "own" else {404}
    if may == STATEMENT:
        return {403} if role not in RECORDERS else {404} if whose == "other" else {200}
    asks = role == "school_officer" and whose == "own"
    if not asks and role not in {"officer", "institution_admin", "auditor"}:
        return {404}
    does = {
        SCHOOL_READS: True,
        SCHOOL_TAKES: asks or role in KEEPERS,
        SCHOOL_ASKS: asks,
        SCHOOL_HEARS: role in KEEPERS,
    }[may]
    return DONE if does else {403}


@pytest.mark.parametrize("role", WHO)
@pytest.mark.parametrize("whose", ["own", "someone", "other"])
def test_every_route_for_every_role(
    app: Flask, world: World, clients: dict[str, FlaskClient], role: str, whose: str
) -> None:
    client = clients[role]
    row = world.owned["someone" if whose == "own" and role == ANONYMOUS else whose_key(role, whose)]
    wrong = []
    come_in(client, world, role)
    for key, method, endpoint, policy in routes(app):
        once = method in SAFE or endpoint in ONCE
        bodies: list[dict[str, Any]] = [{}] if once else [{"data": {}}, {"json": {}}]
        for body in bodies:
            answer = ask(app, client, endpoint, method, row, **body)
            wanted = expected(key, role, whose, policy)
            if answer.status_code not in wanted:
                wrong.append((key, body, answer.status_code, wanted))
            if answer.status_code == 302 and method in SAFE:
                to_sign_in = answer.headers["Location"].startswith("/sign-in")
                assert to_sign_in == (wanted == {302}), (key, role)
            if endpoint in LEAVES:
                come_in(client, world, role)
            assert answer.headers["Content-Security-Policy"], key
            assert leaks(world, key, role, whose, answer) == []
            answer.close()
    assert wrong == [], f"{len(wrong)} of {role} with {whose} rows"


LEAVES = {
    "people.sign_in_now",
    "people.sign_out",
    "people.reset_now",
    "people.change_password",
    "people.revoke",
    "people.revoke_others",
    "people.stay",
}
"""After these one may be signed in no more; whoever is not, is let in nowhere below."""


def come_in(client: FlaskClient, world: World, role: str) -> None:
    if role in world.actors:
        factories.sign_in(client, world.actors[role])


def whose_key(role: str, whose: str) -> str:
    return role if whose == "own" else whose


def leaks(world: World, key: str, role: str, whose: str, answer: TestResponse) -> list[Any]:
    """The planted words that this answer holds and may not."""
    text = answer.get_data() + str(answer.headers).encode()
    theirs, someone = dict(world.theirs_words), dict(world.someone_words)
    if key == "GET credentials.verify":
        # Who holds a paper's code learns its number and who issued it, and nothing else.
        for words in (theirs, someone):
            words.pop("number")
        theirs.pop("institution")
        theirs.pop("short name")
    shown = set()
    readers = READERS | SHOWN_TOO.get(key, frozenset())
    # A refusal, too, is said on the page where the form stood.
    if role in readers and answer.status_code not in {401, 403, 404} and key in SHOWS:
        shown = SHOWS[key](role)
    found = [(key, "theirs", what) for what, word in theirs.items() if word.encode() in text]
    found += [
        (key, "someone's", what)
        for what, word in someone.items()
        if what not in shown and word.encode() in text
    ]
    return found


def test_what_a_keeper_of_data_may_see_is_really_there(
    world: World, clients: dict[str, FlaskClient]
) -> None:
    """The words are planted where a leak would show: whoever may see them does."""
    someone = world.owned["someone"]
    words = world.someone_words
    page = clients["officer"].get(f"/people/{someone.person.id}").text
    assert words["name"] in page
    assert words["neis"] in page
    assert any(words[form] in page for form in BIRTH)
    masked = clients["auditor"].get(f"/people/{someone.person.id}").text
    assert words["name"] in masked
    assert "1961. 7. **." in masked
    assert words["neis"] not in masked
    factories.sign_in(clients["officer"], world.actors["officer"])
    sheet = clients["officer"].post("/people/export", data={"reason": "확인"})
    assert (sheet.status_code, sheet.mimetype) == (200, "text/csv")
    text = sheet.get_data(as_text=True)
    assert {words[name] for name in ("name", "email", "neis")} <= {
        cell.strip('"') for line in text.splitlines() for cell in line.split(",")
    }
    assert [what for what, word in world.theirs_words.items() if word in text] == []


def test_a_body_cannot_name_what_an_address_may_not(
    world: World, clients: dict[str, FlaskClient]
) -> None:
    """Ids in JSON: someone's enrolment, another's learning session, another course's activity."""
    client = clients["learner"]
    factories.sign_in(client, world.actors["learner"])
    mine = world.owned["learner"]
    for key in ("someone", "other"):
        row = world.owned[key]
        answers = [
            client.post(
                "/learning-sessions", json={"enrolment": row.enrolment, "activity": row.page}
            ),
            client.post(
                "/learning-sessions", json={"enrolment": mine.enrolment, "activity": 10**9}
            ),
            client.post(
                f"/enrolments/{mine.enrolment}/activities/{world.owned['other'].page}/viewed"
            ),
            client.post(f"/quizzes/{mine.enrolment}/{world.owned['other'].quiz}/begin"),
            client.get(f"/enrolments/{mine.enrolment}?activity={world.owned['other'].page}"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 5
        ping = {"seq": 1, "segments": [[0, 10_000]], "position_ms": 10_000, "rate": 100}
        pinged = client.post(
            "/pings", json={"token": row.token, "pings": [{**ping, "event": "tick", "at": ""}]}
        )
        assert pinged.status_code in {404, 409, 422}
        for answer in (*answers, pinged):
            assert leaks(world, "", "learner", key, answer) == []


def test_a_search_counts_nobody_of_another_institution(
    world: World, clients: dict[str, FlaskClient]
) -> None:
    client = clients["institution_admin"]
    factories.sign_in(client, world.actors["institution_admin"])
    for word in ("독고", "카나리other", "카나리남의"):
        for path in ("/people", "/courses"):
            page = client.get(path, query_string={"q": word}).text
            assert f'value="{word}"' in page  # the search was made
            hidden = {k: v for k, v in world.theirs_words.items() if v not in word}
            assert [what for what, told in hidden.items() if told in page] == []
    listed = client.get("/people", query_string={"after": f"{10**6}-독고"}).text
    assert "독고카나리" not in listed


def test_a_credential_reads_its_own_institution(app: Flask, world: World) -> None:
    answer = app.test_client().get(
        "/xapi/statements", auth=world.credential, headers={"X-Experience-API-Version": "1.0.3"}
    )
    assert answer.status_code == 200
    assert len(answer.json["statements"]) > 10
    text = answer.get_data(as_text=True)
    assert [what for what, word in world.theirs_words.items() if word in text] == []
    # Personal data stands in lms_person alone: not even one's own institution's statements have it.
    told = {what: word for what, word in world.someone_words.items() if what != "account"}
    assert [what for what, word in told.items() if word in text] == []


def test_an_auditor_changes_nothing(
    app: Flask, world: World, clients: dict[str, FlaskClient]
) -> None:
    client = clients["auditor"]
    come_in(client, world, "auditor")
    before = everything(app)
    for key, method, endpoint, _ in routes(app):
        own_thing = endpoint in OF_ONESELF
        for whose in ("someone", "other"):
            if method in SAFE or not own_thing:
                answer = ask(app, client, endpoint, method, world.owned[whose])
                if method not in SAFE:
                    assert (key, answer.status_code in {401, 400, 403, 404, 405}) == (key, True)
                answer.close()
    app.extensions["lms"].db.writer.do(lambda _connection: None)  # what was left for later is done
    assert everything(app) == before


def everything(app: Flask) -> dict[str, list[Any]]:
    """Every row, but for those that say that somebody was there."""
    with app.extensions["lms"].db.reading() as session:
        return {
            name: sorted(map(str, session.execute(select(table))))
            for name, table in Base.metadata.tables.items()
            if name not in {"lms_sign_in", "lms_access", "lms_tries"}
        }


def test_a_role_that_ended_is_gone_at_once(
    app: Flask, world: World, clients: dict[str, FlaskClient]
) -> None:
    with app.extensions["lms"].db.transaction() as session:
        person = factories.person(session, world.mine, "officer")
    client = factories.browser(app)
    factories.sign_in(client, person)
    assert client.get("/people").status_code == 200
    with app.extensions["lms"].db.transaction() as session:
        service.end_grant(
            session,
            person.id,
            world.mine.id,
            "officer",
            actor_id=None,
            now=factories.NOW,
            reason="전보",
        )
    assert client.get("/people").status_code == 403


def test_who_is_gone_is_signed_out(app: Flask, world: World) -> None:
    for status in ("retired", "forgotten"):
        with app.extensions["lms"].db.transaction() as session:
            person = factories.person(session, world.mine)
        client = factories.browser(app)
        factories.sign_in(client, person)
        assert client.get("/me").status_code == 200
        with app.extensions["lms"].db.transaction() as session:
            session.merge(person).status = status
        assert client.get("/me").status_code == 302
