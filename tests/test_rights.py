"""Every route × every role × own, someone's and another institution's rows: nothing leaks.

Who may is written down here a second time, on purpose: a permission that was loosened by accident
differs from this table. A route that stands in neither table fails the test.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from lms.db import Base
from lms.edge.blueprint import SAFE, Policy
from lms.people import service
from lms.permissions import ROLES
from lms.tutoring import unwanted
from tests import factories, rights_world
from tests.conftest import make_app
from tests.rights_world import ANONYMOUS, WHO, Owned, World

READERS = frozenset({"officer", "institution_admin", "auditor", "operator"})
KEEPERS = frozenset({"officer", "institution_admin"})
LISTERS = KEEPERS | {"auditor"}
TUTORS = KEEPERS | {"course_manager"}
LOOKERS = TUTORS | {"auditor"}
EVERYBODY, SIGNED_IN, OWNER = frozenset(WHO), frozenset(ROLES), "owner"
CREDENTIALS, CONTENT_HOST = "credentials", "content host"
RESULTS = frozenset({"officer", "institution_admin", "auditor", "course_manager"})
SCHOOLS = frozenset({"officer", "institution_admin", "auditor", "school_officer"})
SCHOOL_READS, SCHOOL_TAKES = "school reads", "school takes away"
SCHOOL_ASKS, SCHOOL_HEARS = "school asks", "institute decides"
"""A school's request: read by it and the institute, changed by the one, decided by the other."""

MAY: dict[str, Any] = {
    "GET home.home": SIGNED_IN,
    "GET health.healthz": EVERYBODY,
    "GET health.readyz": EVERYBODY,
    "GET content_host.fetch": CONTENT_HOST,
    "GET people.sign_in": EVERYBODY,
    "POST people.sign_in_now": EVERYBODY,
    "POST people.sign_out": EVERYBODY,
    "GET people.forgotten": EVERYBODY,
    "POST people.forgotten_send": EVERYBODY,
    "GET people.reset": EVERYBODY,
    "POST people.reset_now": EVERYBODY,
    "POST people.look": EVERYBODY,
    "GET people.me": SIGNED_IN,
    "POST people.preferences": SIGNED_IN,
    "POST people.change_password": SIGNED_IN,
    "POST people.revoke": OWNER,
    "POST people.revoke_others": SIGNED_IN,
    "POST people.stay": SIGNED_IN,
    "GET people.people": READERS,
    "GET people.one": READERS,
    "POST people.export": KEEPERS,
    "GET people.access_log": frozenset({"institution_admin", "auditor"}),
    "POST people.change_role": frozenset({"institution_admin"}),
    "POST people.review_access_log": frozenset({"institution_admin"}),
    "GET people.bring": KEEPERS,
    "POST people.brought": KEEPERS,
    "GET people.template": KEEPERS,
    "GET people.sheet": KEEPERS,
    "POST people.confirm": KEEPERS,
    "GET people.result": KEEPERS,
    "GET people.institution": frozenset({"institution_admin", "auditor"}),
    "POST people.change_institution": frozenset({"institution_admin"}),
    "GET people.audit": frozenset({"institution_admin", "auditor"}),
    "POST people.export_audit": frozenset({"institution_admin"}),
    "GET learning.courses": SIGNED_IN,
    "GET learning.course": SIGNED_IN,
    "POST learning.enrol": SIGNED_IN,
    "GET learning.enrolment": OWNER,
    "GET making.courses": LISTERS,
    "GET making.new": KEEPERS,
    "POST making.create": KEEPERS,
    "GET making.course": LISTERS,
    "GET making.facts": LISTERS,
    "POST making.change": KEEPERS,
    "POST making.picture": KEEPERS,
    "POST making.archive": KEEPERS,
    "POST making.copy": KEEPERS,
    "POST making.edit": KEEPERS,
    "GET making.activity": LISTERS,
    "POST making.save": KEEPERS,
    "GET making.preview": LISTERS,
    "GET making.ready": LISTERS,
    "POST making.publish": KEEPERS,
    "GET making.versions": LISTERS,
    "GET making.diff": LISTERS,
    "GET making.export": LISTERS,
    "GET making.bring": KEEPERS,
    "POST making.bring_in": KEEPERS,
    "GET running.runs_page": LISTERS,
    "GET running.templates_page": LISTERS,
    "GET running.run": LISTERS | {"course_manager"},
    "GET running.new": KEEPERS,
    "POST running.make": KEEPERS,
    "GET running.edit": KEEPERS,
    "POST running.change": KEEPERS,
    "GET running.audience": KEEPERS,
    "POST running.open_it": KEEPERS,
    "POST running.cancel": KEEPERS,
    "POST running.let_in": KEEPERS,
    "POST running.let_out": KEEPERS | {"course_manager"},
    "POST running.end_waiting": KEEPERS,
    "POST running.nominate": KEEPERS,
    "POST running.end_nomination": KEEPERS,
    "POST running.enrol_nominated": KEEPERS,
    "POST running.give_manager": KEEPERS,
    "POST running.save_template": KEEPERS,
    "POST running.delete_template": KEEPERS,
    "GET running.roll": KEEPERS,
    "POST running.roll_now": KEEPERS,
    "GET running.bring": KEEPERS,
    "POST running.brought": KEEPERS,
    "GET running.blank": KEEPERS,
    "GET running.sheet": KEEPERS,
    "POST running.confirm": KEEPERS,
    "GET running.result": KEEPERS,
    "POST running.withdraw": OWNER,
    "POST running.leave": OWNER,
    "GET tutoring.desk": LOOKERS | {"instructor"},
    "GET tutoring.run": LOOKERS,
    "POST tutoring.save_view": TUTORS,
    "POST tutoring.drop_view": OWNER,
    "POST tutoring.export": TUTORS,
    "GET tutoring.hand_over": TUTORS,
    "POST tutoring.hand_it_over": TUTORS,
    "GET tutoring.learner": LOOKERS,
    "POST tutoring.note": TUTORS,
    "GET tutoring.note_many": TUTORS,
    "POST tutoring.note_them": TUTORS,
    "GET tutoring.nudge": TUTORS,
    "POST tutoring.send": TUTORS,
    "GET tutoring.nudges": LOOKERS,
    "POST tutoring.take_back": TUTORS,
    "GET tutoring.notices": LOOKERS,
    "POST tutoring.put_up": TUTORS,
    "POST tutoring.take_down": TUTORS,
    "GET tutoring.templates": KEEPERS,
    "POST tutoring.write_template": KEEPERS,
    "GET tutoring.inbox": TUTORS,
    "GET tutoring.question": TUTORS,
    "POST tutoring.answer": TUTORS,
    "GET tutoring.ask": OWNER,
    "POST tutoring.ask_it": OWNER,
    "GET tutoring.my_questions": SIGNED_IN,
    "GET tutoring.my_question": OWNER,
    "POST tutoring.ask_more": OWNER,
    "GET tutoring.my_notices": SIGNED_IN,
    "POST tutoring.want": SIGNED_IN,
    "GET tutoring.stop": EVERYBODY,
    "POST tutoring.stop_now": EVERYBODY,
    "POST content.begin_session": SIGNED_IN,
    "POST content.take_pings": SIGNED_IN,
    "POST reading.launched": OWNER,
    "POST reading.viewed": OWNER,
    "POST assessments.begin": OWNER,
    "POST assessments.submit": OWNER,
    "POST assessments.answers": OWNER,
    "GET marking.queue": TUTORS | {"instructor"},
    "GET marking.following": TUTORS | {"instructor"},
    "GET marking.attempt": TUTORS,
    "POST marking.give": TUTORS,
    "GET credentials.record": SIGNED_IN,
    "GET credentials.of_completion": OWNER,
    "GET credentials.certificate": OWNER,
    "GET credentials.paper": OWNER,
    "GET credentials.qr_code": OWNER,
    "POST credentials.revoke": KEEPERS,
    "GET manage.start": KEEPERS,
    "GET results.page": RESULTS,
    "POST results.export": RESULTS - {"auditor"},
    "POST results.close": KEEPERS,
    "POST results.reopen": KEEPERS,
    "POST results.tell": KEEPERS,
    "GET results.preview": KEEPERS,
    "POST results.recompute": KEEPERS,
    "GET partners.requests": SCHOOLS,
    "GET partners.new": frozenset({"school_officer"}),
    "POST partners.make": frozenset({"school_officer"}),
    "GET partners.one": SCHOOL_READS,
    "POST partners.export": SCHOOL_TAKES,
    "POST partners.change": SCHOOL_ASKS,
    "POST partners.courses": SCHOOL_ASKS,
    "GET partners.choose": SCHOOL_ASKS,
    "POST partners.people": SCHOOL_ASKS,
    "POST partners.ask": SCHOOL_ASKS,
    "POST partners.withdraw": SCHOOL_ASKS,
    "POST partners.approve": SCHOOL_HEARS,
    "POST partners.send_back": SCHOOL_HEARS,
    "GET credentials.verify_form": EVERYBODY,
    "GET credentials.verify": EVERYBODY,
    **{
        f"{method} {endpoint}.{name}": who
        for endpoint in ("xapi", "xapi_1")
        for methods, name, who in (
            ("GET", "about", EVERYBODY),
            ("POST", "about", CREDENTIALS),
            ("GET POST PUT", "statements", CREDENTIALS),
        )
        for method in methods.split()
    },
}

WHOSE: dict[str, Callable[[Owned], dict[str, Any]]] = {
    "people.revoke": lambda row: {"sign_in_id": row.sign_in},
    "people.one": lambda row: {"id": row.person.id},
    "people.change_role": lambda row: {"id": row.person.id},
    "people.bring": lambda _row: {"purpose": "people"},
    "people.brought": lambda _row: {"purpose": "people"},
    "people.template": lambda _row: {"purpose": "organisations"},
    "people.sheet": lambda row: {"id": row.sheet},
    "people.confirm": lambda row: {"id": row.sheet},
    "people.result": lambda row: {"id": row.sheet},
    "people.reset": lambda _row: {"token": "no-such-token"},
    "people.reset_now": lambda _row: {"token": "no-such-token"},
    "learning.course": lambda row: {"id": row.course},
    "learning.enrol": lambda row: {"id": row.course},
    "learning.enrolment": lambda row: {"id": row.enrolment},
    **{
        f"running.{name}": lambda row: {"id": row.run}
        for name in (
            "run",
            "edit",
            "change",
            "open_it",
            "cancel",
            "let_in",
            "nominate",
            "enrol_nominated",
            "give_manager",
            "save_template",
        )
    },
    **{
        f"making.{name}": lambda row: {"id": row.course}
        for name in (
            "course",
            "facts",
            "change",
            "picture",
            "archive",
            "copy",
            "edit",
            "preview",
            "ready",
            "publish",
            "versions",
            "diff",
            "export",
        )
    },
    "making.activity": lambda row: {"id": row.course, "key": f"a{row.page}"},
    "making.save": lambda row: {"id": row.course, "key": f"a{row.page}"},
    "running.let_out": lambda row: {"id": row.run, "enrolment_id": row.enrolment},
    "running.end_waiting": lambda row: {"id": row.run, "waiting_id": row.waiting},
    "running.end_nomination": lambda row: {"id": row.run, "nomination_id": row.nomination},
    "running.delete_template": lambda row: {"id": row.run_template},
    "running.bring": lambda row: {"id": row.run, "purpose": "enrolments"},
    "running.brought": lambda row: {"id": row.run, "purpose": "nominations"},
    "running.blank": lambda _row: {"purpose": "nominations"},
    "running.sheet": lambda row: {"id": row.run_sheet},
    "running.confirm": lambda row: {"id": row.run_sheet},
    "running.result": lambda row: {"id": row.run_sheet},
    "running.withdraw": lambda row: {"id": row.enrolment},
    "running.leave": lambda row: {"id": row.waiting},
    "tutoring.run": lambda row: {"id": row.run},
    "tutoring.save_view": lambda row: {"id": row.run},
    "tutoring.drop_view": lambda row: {"id": row.desk["view"]},
    "tutoring.export": lambda row: {"id": row.run},
    "tutoring.hand_over": lambda row: {"id": row.run},
    "tutoring.hand_it_over": lambda row: {"id": row.run},
    "tutoring.learner": lambda row: {"id": row.enrolment},
    "tutoring.note": lambda row: {"id": row.enrolment},
    "tutoring.note_many": lambda row: {"id": row.run},
    "tutoring.note_them": lambda row: {"id": row.run},
    "tutoring.nudge": lambda row: {"id": row.run},
    "tutoring.send": lambda row: {"id": row.run},
    "tutoring.nudges": lambda row: {"id": row.run},
    "tutoring.take_back": lambda row: {"id": row.desk["nudge"]},
    "tutoring.notices": lambda row: {"id": row.run},
    "tutoring.put_up": lambda row: {"id": row.run},
    "tutoring.take_down": lambda row: {"id": row.desk["notice"]},
    "tutoring.question": lambda row: {"id": row.desk["question"]},
    "tutoring.answer": lambda row: {"id": row.desk["question"]},
    "tutoring.ask": lambda row: {"id": row.enrolment},
    "tutoring.ask_it": lambda row: {"id": row.enrolment},
    "tutoring.my_question": lambda row: {"id": row.desk["question"]},
    "tutoring.ask_more": lambda row: {"id": row.desk["question"]},
    "tutoring.stop": lambda row: {"token": unwanted.token("test-secret", row.person.id, "sms")},
    "tutoring.stop_now": lambda row: {"token": unwanted.token("test-secret", row.person.id, "sms")},
    "reading.launched": lambda row: {"id": row.enrolment, "activity": row.page},
    "reading.viewed": lambda row: {"id": row.enrolment, "activity": row.page},
    "assessments.begin": lambda row: {"id": row.enrolment, "activity": row.quiz},
    "assessments.submit": lambda row: {"id": row.attempt},
    "assessments.answers": lambda row: {"id": row.attempt},
    "marking.attempt": lambda row: {"id": row.attempt},
    "marking.give": lambda row: {"id": row.attempt},
    "credentials.of_completion": lambda row: {"id": row.completion},
    "credentials.certificate": lambda row: {"id": row.certificate},
    "credentials.paper": lambda row: {"id": row.certificate},
    "credentials.qr_code": lambda row: {"id": row.certificate},
    "credentials.revoke": lambda row: {"id": row.certificate},
    "credentials.verify": lambda row: {"code": row.code},
    **{
        f"results.{name}": lambda row: {"id": row.run}
        for name in ("page", "export", "close", "reopen", "tell", "preview", "recompute")
    },
    **{
        f"partners.{name}": lambda row: {"id": row.request}
        for name in (
            *("one", "export", "change", "courses", "choose", "people", "ask", "withdraw"),
            *("approve", "send_back"),
        )
    },
    "content_host.fetch": lambda _row: {"token": "1.1.ffffffffff.x", "name": "a.pdf"},
}
"""Endpoint → the values of its address, of a row that is `Owned`."""

SHOWS: dict[str, Callable[[str], set[str]]] = {
    "GET people.people": lambda _role: {"name"},
    "GET people.one": lambda role: (
        {"name", "email"} | (BIRTH | {"neis"} if role in KEEPERS else set())
    ),
    "GET people.access_log": lambda _role: {"name"},
    "GET running.audience": lambda _role: {"name"},
    "GET running.run": lambda _role: {"name"},
    **{
        f"POST running.{name}": lambda _role: {"name"}
        for name in (
            *("open_it", "cancel", "let_in", "let_out", "nominate", "end_nomination"),
            *("enrol_nominated", "give_manager", "save_template"),
        )
    },
    "GET people.audit": lambda _role: {"name", "number"},
    "GET results.page": lambda _role: {"name"},
    "GET tutoring.run": lambda _role: {"name"},
    "GET marking.attempt": lambda _role: {"name"},
    "POST marking.give": lambda _role: {"name"},
    "GET tutoring.learner": lambda _role: {"name", "email"},
    "GET tutoring.nudges": lambda _role: {"name"},
    "GET tutoring.hand_over": lambda _role: {"name"},
    "GET tutoring.notices": lambda _role: {"name"},
    "GET tutoring.inbox": lambda _role: {"name"},
    "GET tutoring.question": lambda _role: {"name"},
    "GET partners.requests": lambda _role: {"name"},
    "GET partners.one": lambda _role: {"name"},
}
"""What of someone's words a page shows to those who may open it."""

SHOWN_TOO = {
    "GET results.page": frozenset({"course_manager"}),
    "GET tutoring.run": frozenset({"course_manager"}),
    "GET marking.attempt": frozenset({"course_manager"}),
    "POST marking.give": frozenset({"course_manager"}),
    "GET tutoring.learner": frozenset({"course_manager"}),
    "GET tutoring.nudges": frozenset({"course_manager"}),
    "GET tutoring.hand_over": frozenset({"course_manager"}),
    "GET tutoring.notices": frozenset({"course_manager"}),
    "GET tutoring.inbox": frozenset({"course_manager"}),
    "GET tutoring.question": frozenset({"course_manager"}),
    "GET running.run": frozenset({"course_manager"}),
    "POST running.let_out": frozenset({"course_manager"}),
}
"""Who sees them there beside READERS."""

BIRTH = {"birth", "birth in digits", "birth with dots", "birth with tight dots"}
DONE = {200, 204, 302, 303, 400, 409, 410, 413, 415, 422, 429}
"""Let in: what the view then says of an empty request is its own matter."""

ONCE = {"people.revoke", "tutoring.drop_view"}
"""What is gone the second time."""

OF_ONESELF = {
    "people.sign_in_now",
    "people.sign_out",
    "people.forgotten_send",
    "people.reset_now",
    "people.look",
    "people.preferences",
    "people.change_password",
    "people.revoke",
    "people.revoke_others",
    "people.stay",
    "learning.enrol",
    "running.withdraw",
    "running.leave",
    "tutoring.want",
    "tutoring.stop_now",
    "content.begin_session",
    "content.take_pings",
    "reading.launched",
    "reading.viewed",
    "assessments.begin",
    "assessments.submit",
    "assessments.answers",
}
"""What an auditor, too, does: their own sign-in, look and learning."""


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
    for key, method, endpoint, policy in routes(app):
        once = method in SAFE or endpoint in ONCE
        bodies: list[dict[str, Any]] = [{}] if once else [{"data": {}}, {"json": {}}]
        for body in bodies:
            if method not in SAFE and role in world.actors:
                factories.sign_in(client, world.actors[role])
            answer = ask(app, client, endpoint, method, row, **body)
            wanted = expected(key, role, whose, policy)
            if answer.status_code not in wanted:
                wrong.append((key, body, answer.status_code, wanted))
            if answer.status_code == 302 and wanted == {302}:
                assert answer.headers["Location"].startswith("/sign-in")
            assert answer.headers["Content-Security-Policy"], key
            assert leaks(world, key, role, whose, answer) == []
            answer.close()
    assert wrong == [], f"{len(wrong)} of {role} with {whose} rows"


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
    before = everything(app)
    for key, method, endpoint, _ in routes(app):
        own_thing = endpoint in OF_ONESELF
        for whose in ("someone", "other"):
            if method in SAFE or not own_thing:
                factories.sign_in(client, world.actors["auditor"])
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
