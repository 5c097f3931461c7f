"""A learner's launch token: what it writes and reads, and when it ends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from lms import clock
from lms.edge import State
from lms.learning.models import Enrolment
from lms.people import service
from lms.people.actor import Actor, Identity
from lms.people.models import Person, SignIn
from lms.xapi import tokens
from lms.xapi.models import Statement
from lms.xapi.tokens import as_basic, launch_token
from tests import factories
from tests.xapi_samples import encoded
from tests.xapi_world import System, number, system

ACTIVITY = "https://vendor.example/course"


@dataclass
class Launch:
    """What was launched for a learner, as it speaks to the record store."""

    app: Flask
    learner: Actor
    enrolment_id: int
    registration: str
    authorization: str = ""

    def begin(self, *, minutes: float = 60, as_it_is: bool = True, **more: Any) -> "Launch":
        told = {"registration": self.registration, "activity": ACTIVITY} | more
        until = clock.now() + timedelta(minutes=minutes)
        token = launch_token(self.app.extensions["lms"].secret, self.learner, until=until, **told)
        self.authorization = f"Bearer {token}" if as_it_is else f"Basic {as_basic(token)}"
        return self

    def ask(self, method: str, path: str = "statements", **more: Any) -> TestResponse:
        headers = {"Authorization": self.authorization, "X-Experience-API-Version": "1.0.3"}
        client = self.app.test_client()
        return client.open(f"/xapi/{path}", method=method, headers=headers, **more)

    def post(self, *values: Any) -> TestResponse:
        told = encoded(values[0] if len(values) == 1 else list(values))
        return self.ask("POST", data=told, content_type="application/json")

    def found(self, **query: Any) -> list[str]:
        told = self.ask("GET", query_string=query).get_json()
        return [one["id"] for one in told["statements"]]

    @property
    def agent(self) -> dict[str, Any]:
        return {"account": {"homePage": self.learner.home_page, "name": self.learner.account_name}}

    def statement(self, **more: Any) -> dict[str, Any]:
        return {
            "actor": self.agent,
            "verb": {"id": "http://example.kr/did"},
            "object": {"id": ACTIVITY},
            "context": {"registration": self.registration},
            **more,
        }


def launched(app: Flask) -> Launch:
    """A learner who is signed in and enrolled, with a token."""
    state: State = app.extensions["lms"]
    with state.db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home)
        run = factories.run(session, factories.course(session, state.kinds, home))
        enrolment = factories.enrolment(session, state.hook, person, run)
        ids = enrolment.id, enrolment.registration
    cookie = factories.sign_in(factories.browser(app), person, at=clock.now())
    with state.db.reading() as session:
        learner = service.find_actor(
            session, Identity(sign_in=cookie), now=clock.now(), settings=state.settings
        )
    assert learner is not None
    return Launch(app, learner, *ids).begin()


@pytest.fixture
def launch(app: Flask) -> Launch:
    return launched(app)


@pytest.fixture
def quick(sqlite_app: Flask) -> Launch:
    return launched(sqlite_app)


def test_it_writes_and_reads_what_is_its_own(launch: Launch) -> None:
    answer = launch.post(launch.statement(), launch.statement())
    assert answer.status_code == 200, answer.text
    kept = answer.get_json()
    assert sorted(launch.found()) == sorted(kept)
    told = launch.ask("GET", query_string={"statementId": kept[0]}).get_json()
    # Communication 4.1.s6.b1: the authority is the learner.
    assert told["authority"] == {"objectType": "Agent", **launch.agent}
    vendor = system(launch.app, "statements/read", institution_id=launch.learner.institution_id)
    assert set(kept) < set(vendor.found(registration=launch.registration))


def test_it_comes_as_basic_credentials_too(quick: Launch) -> None:
    quick.begin(as_it_is=False)
    assert quick.post(quick.statement()).status_code == 200
    assert len(quick.found()) == 1


def test_it_writes_for_nobody_else(quick: Launch) -> None:
    other = {"account": {"homePage": quick.learner.home_page, "name": "lms"}}
    strange = {"registration": "7ccd3322-e1a5-411a-a67d-6a735c76f119"}
    voiding = quick.statement(
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": strange["registration"]},
    )
    for wrong, path in (
        (quick.statement(actor=other), "$.actor"),
        (quick.statement(actor={"mbox": "mailto:a@example.kr"}), "$.actor"),
        (quick.statement(context=strange), "$.context.registration"),
        (quick.statement(context={}), "$.context.registration"),
        (voiding, "$.verb"),
    ):
        for values, at in (((wrong,), path), ((quick.statement(), wrong), f"$[1]{path[1:]}")):
            answer = quick.post(*values)
            assert (answer.status_code, answer.get_json()["error"]["path"]) == (403, at)
    put = quick.ask(
        "PUT",
        query_string={"statementId": strange["registration"]},
        data=encoded(quick.statement(actor=other)),
        content_type="application/json",
    )
    assert put.status_code == 403
    assert number(quick.app) == 1  # that of joining the run


def test_it_reads_nothing_else(quick: Launch) -> None:
    home = quick.learner.institution_id
    vendor = system(quick.app, institution_id=home)
    [theirs] = vendor.post(quick.statement()).get_json()
    [mine] = quick.post(quick.statement()).get_json()
    assert quick.found() == [mine]
    assert quick.found(registration=quick.registration) == [mine]
    assert quick.ask("GET", query_string={"statementId": theirs}).status_code == 404
    # Another registration of the same learner is another launch's.
    elsewhere = Launch(quick.app, quick.learner, 0, "0198aaaa-7b2c-7c3d-8e4f-0123456789ab").begin()
    assert elsewhere.found() == []
    assert elsewhere.found(registration=quick.registration) == []
    assert elsewhere.ask("GET", query_string={"statementId": mine}).status_code == 404
    more = vendor.ask("GET", query_string={"limit": "1"}).get_json()["more"]
    assert more
    assert theirs not in elsewhere.ask("GET", more.removeprefix("/xapi/")).text
    assert quick.ask("GET", "agents/profile", query_string={"agent": "{}"}).status_code == 403


def test_it_keeps_the_state_of_its_activity_alone(quick: Launch) -> None:
    place = {
        "activityId": ACTIVITY,
        "agent": encoded(quick.agent).decode(),
        "registration": quick.registration,
        "stateId": "bookmark",
    }
    put = quick.ask(
        "PUT", "activities/state", query_string=place, data=b"{}", content_type="application/json"
    )
    assert put.status_code == 204, put.text
    assert quick.ask("GET", "activities/state", query_string=place).data == b"{}"
    wrong = {
        "activityId": "https://vendor.example/other",
        "agent": '{"mbox": "mailto:a@example.kr"}',
        "registration": "7ccd3322-e1a5-411a-a67d-6a735c76f119",
    }
    for name, value in wrong.items():
        answer = quick.ask("GET", "activities/state", query_string=place | {name: value})
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (403, name)
    bare = {name: value for name, value in place.items() if name != "registration"}
    assert quick.ask("GET", "activities/state", query_string=bare).status_code == 403
    del bare["stateId"]
    assert quick.ask("DELETE", "activities/state", query_string=bare).status_code == 403


@pytest.mark.parametrize("how", ["time", "signed out", "withdrawn", "forgotten", "idle"])
def test_it_ends(quick: Launch, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state: State = quick.app.extensions["lms"]
    assert quick.ask("GET").status_code == 200
    at = clock.now()
    if how == "time":
        monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=60))
    elif how == "idle":
        quick.begin(minutes=600)
        minutes = state.settings.idle_minutes + 10
        monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=minutes))
    else:
        with state.db.transaction() as session:
            person = session.get_one(Person, quick.learner.person_id)
            if how == "signed out":
                session.execute(update(SignIn).values(revoked_at=at))
            elif how == "withdrawn":
                session.execute(update(Enrolment).values(state="withdrawn"))
            else:
                service.forget(session, person, actor_id=None, now=at, reason="시험")
    answer = quick.ask("GET")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "credentials")
    assert 'error="invalid_token"' in answer.headers.getlist("WWW-Authenticate")[1]
    assert quick.post(quick.statement()).status_code == 401


def test_learning_in_what_was_launched_keeps_the_sign_in_alive(
    quick: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: State = quick.app.extensions["lms"]
    quick.begin(minutes=600)
    at = clock.now()
    for step in range(1, 9):
        later = at + timedelta(minutes=step * state.settings.idle_minutes * 0.9)
        monkeypatch.setattr(clock, "now", lambda later=later: later)
        assert quick.ask("GET").status_code == 200, step
        state.db.writer.do(lambda _connection: None)


def test_a_host_sites_learner_needs_no_sign_in_of_ours(launch: Launch) -> None:
    learner = launch.learner
    host = Actor(**{**vars(learner), "sign_in_id": None})
    again = Launch(launch.app, host, 0, launch.registration).begin()
    assert again.post(again.statement()).status_code == 200


def test_a_wrong_token_is_no_try_at_a_secret(quick: Launch) -> None:
    right = quick.authorization
    quick.authorization = f"Basic {as_basic('no token')}"
    assert {quick.ask("GET").status_code for _ in range(20)} == {401}
    quick.authorization = right
    assert quick.ask("GET").status_code == 200


def test_what_it_says_is_for_this_app_alone(quick: Launch) -> None:
    told = launch_token(
        "another secret",
        quick.learner,
        registration=quick.registration,
        activity=ACTIVITY,
        until=clock.now() + timedelta(hours=1),
    )
    assert tokens.read(told, quick.app.extensions["lms"].secret, now=clock.now()) is None
    quick.authorization = f"Bearer {told}"
    assert quick.ask("GET").status_code == 401
    assert number(quick.app, Statement) == 1


def test_its_name_is_no_systems_name(quick: Launch) -> None:
    """Whoever has the name of a launch's authority has no way in by it."""
    name = f"{quick.learner.account_name}/{quick.registration}"
    assert System(quick.app, 0, name, "").get().status_code == 401
