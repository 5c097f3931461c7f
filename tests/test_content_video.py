"""Watching a video through the player's API: what is believed, where, and what follows."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from lms import clock
from lms.learning.coverage import SKIPPED, TOO_FAST
from lms.learning.models import Coverage, LearningSession, Ping
from lms.people.models import SignIn
from tests import factories
from tests.video_world import build, played


@pytest.fixture
def world(app, client, monkeypatch):
    yield from build(app, client, monkeypatch)


def test_beginning_says_what_a_player_needs(world):
    begun = world.begin()
    assert begun.status_code == 200
    told = begun.get_json()
    assert told == {
        "token": told["token"],
        "seq": 0,
        "position_ms": 0,
        "covered": [],
        "covered_ms": 0,
        "duration_ms": 60_000,
        "speed_percent": 150,
        "free_skip": False,
        "need_permille": 900,
        "saved_at": "14:03:12",
    }
    assert world.verbs() == ["registered", "initialized"]


def test_a_ping_is_credited_and_said(world):
    token = world.begin().get_json()["token"]
    world.passes(10)
    answer = world.ping(token, played(1, [0, 10_000], position=10_000))
    assert answer.status_code == 200
    assert answer.get_json() == {
        "acked": [1],
        "saved_at": "14:03:22",
        "covered": [[0, 10_000]],
        "covered_ms": 10_000,
        "refused": [],
        "settled": True,
        "state": {
            "progress_permille": 166,
            "activity_done": False,
            "unit_done": False,
            "completed": False,
            "certificate_url": None,
        },
    }


def test_a_client_that_posts_everything_gets_nothing(world):
    token = world.begin().get_json()["token"]
    world.passes(1)
    answer = world.ping(token, played(1, [0, 60_000], event="end", position=60_000)).get_json()
    assert answer["refused"] == [{"seq": 1, "reason": TOO_FAST}]
    assert answer["acked"] == [1]
    assert (answer["covered"], answer["covered_ms"]) == ([], 0)
    assert answer["state"]["completed"] is False
    with world.db.reading() as session:
        ping = session.scalars(select(Ping)).one()
        assert (ping.claimed_ms, ping.credited_ms, ping.refusal) == (60_000, 0, TOO_FAST)
        assert session.scalars(select(Coverage)).one().covered_ms == 0


def test_a_repeated_ping_is_acknowledged_and_counted_once(world):
    token = world.begin().get_json()["token"]
    world.passes(10)
    first = world.ping(token, played(1, [0, 10_000])).get_json()
    world.passes(10)
    again = world.ping(token, played(1, [10_000, 20_000])).get_json()
    assert (again["acked"], again["covered"]) == ([1], first["covered"])
    with world.db.reading() as session:
        assert len(session.scalars(select(Ping)).all()) == 1


def test_pings_in_another_order_are_each_taken_once(world):
    token = world.begin().get_json()["token"]
    world.passes(30)
    world.ping(token, played(3, [20_000, 30_000]))
    late = world.ping(token, played(2, [10_000, 20_000]), played(1, [0, 10_000])).get_json()
    assert (late["acked"], late["covered"]) == ([2, 1], [[0, 30_000]])


def test_what_waited_for_the_network_is_credited_as_it_was_played(world):
    token = world.begin().get_json()["token"]
    world.passes(40)
    queued = [played(n, [(n - 1) * 10_000, n * 10_000], position=n * 10_000) for n in range(1, 5)]
    answer = world.ping(token, *queued).get_json()
    assert (answer["acked"], answer["refused"]) == ([1, 2, 3, 4], [])
    assert answer["covered"] == [[0, 40_000]]


@pytest.mark.parametrize(("percent", "credited"), [(100, 10_000), (150, 15_000)])
def test_speed_counts_up_to_the_runs_limit(world, percent, credited):
    with world.db.transaction() as session:
        run = session.get_one(type(world.run), world.run.id)
        run.rule = {**run.rule, "speed_percent": percent}
    token = world.begin().get_json()["token"]
    world.passes(10)
    answer = world.ping(token, played(1, [0, credited], rate=percent)).get_json()
    assert answer["covered_ms"] == credited
    world.passes(10)
    too_fast = [credited, credited + credited + 2_001]
    answer = world.ping(token, played(2, too_fast, rate=200)).get_json()
    assert (answer["covered_ms"], len(answer["refused"])) == (credited, 1)


def test_jumping_to_the_end_is_refused_unless_the_run_lets_skip(world):
    token = world.begin().get_json()["token"]
    world.passes(10)
    jump = played(1, [40_000, 50_000], position=50_000)
    answer = world.ping(token, jump).get_json()
    assert (answer["covered"], answer["refused"]) == ([], [{"seq": 1, "reason": SKIPPED}])
    with world.db.transaction() as session:
        run = session.get_one(type(world.run), world.run.id)
        run.rule = {**run.rule, "free_skip": True}
    answer = world.ping(token, jump | {"seq": 2}).get_json()
    assert (answer["covered"], answer["refused"]) == ([[40_000, 50_000]], [])


def test_the_last_second_of_watching_completes_and_says_so(world):
    token = world.begin().get_json()["token"]
    world.passes(53.9)
    before = world.ping(token, played(1, [0, 53_900], position=53_900)).get_json()
    assert before["state"]["completed"] is False
    world.passes(1)
    after = world.ping(token, played(2, [53_900, 54_900], position=54_900)).get_json()
    state = after["state"]
    assert (state["activity_done"], state["unit_done"], state["completed"]) == (True, True, True)
    assert state["certificate_url"]
    assert world.verbs() == ["registered", "initialized", "played", "completed", "completed"]
    world.passes(5)
    more = world.ping(token, played(3, [54_900, 59_900], event="end", position=60_000)).get_json()
    assert more["state"]["certificate_url"] == state["certificate_url"]
    assert more["covered"] == [[0, 59_900]]


def test_a_second_device_asks_which_one_goes_on(world):
    first = world.begin().get_json()["token"]
    other = world.second_device()
    asked = world.begin(other)
    assert asked.status_code == 409
    assert asked.get_json() == {
        "error": {
            "code": "elsewhere",
            "message": "다른 기기에서 학습하고 있습니다. 여기서 계속할까요?",
            "device": "Android · Chrome",
        }
    }
    second = world.begin(other, take_over=True).get_json()["token"]
    world.passes(10)
    refused = world.ping(first, played(1, [0, 10_000]))
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "elsewhere")
    assert refused.get_json()["error"]["device"] == "Windows · Firefox"
    taken = world.ping(second, played(1, [0, 10_000]), client=other).get_json()
    assert taken["covered_ms"] == 10_000


def test_two_devices_do_not_earn_twice(world):
    other = world.second_device()
    first = world.begin().get_json()["token"]
    world.passes(10)
    world.ping(first, played(1, [0, 10_000]))
    second = world.begin(other, take_over=True).get_json()["token"]
    answer = world.ping(second, played(1, [10_000, 20_000]), client=other).get_json()
    assert answer["covered_ms"] == 10_000
    assert len(answer["refused"]) == 1


def test_an_acknowledged_ping_stays_so_after_another_device_took_over(world):
    first = world.begin().get_json()["token"]
    world.passes(10)
    world.ping(first, played(1, [0, 10_000]))
    world.begin(world.second_device(), take_over=True)
    again = world.ping(first, played(1, [0, 10_000]))
    assert (again.status_code, again.get_json()["acked"]) == (200, [1])


def test_a_reload_is_no_second_device_and_keeps_its_token(world):
    begun = world.begin().get_json()
    world.passes(10)
    world.ping(begun["token"], played(1, [0, 10_000], position=10_000))
    world.passes(1)
    again = world.begin(resume=begun["token"]).get_json()
    assert (again["token"], again["seq"]) == (begun["token"], 1)
    assert (again["covered"], again["position_ms"]) == ([[0, 10_000]], 10_000)


def test_a_device_that_fell_silent_is_not_asked_about(world):
    first = world.begin().get_json()["token"]
    world.passes(90)
    again = world.begin(world.second_device())
    assert again.status_code == 200
    assert again.get_json()["token"] != first
    with world.db.reading() as session:
        assert session.scalars(select(LearningSession)).one().device == "Windows · Firefox"


def test_a_clock_that_is_set_forward_credits_nothing(world):
    token = world.begin().get_json()["token"]
    world.traveller.shift(timedelta(minutes=25))  # the monotonic clock stands
    answer = world.ping(token, played(1, [0, 60_000])).get_json()
    assert (answer["covered_ms"], len(answer["refused"])) == (0, 1)


def test_after_the_last_day_nothing_is_credited(world):
    token = world.begin().get_json()["token"]
    with world.db.transaction() as session:
        session.get_one(type(world.run), world.run.id).learn_until = date(2026, 11, 22)
    world.passes(10)
    answer = world.ping(token, played(1, [0, 10_000]))
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "closed")
    with world.db.reading() as session:
        assert session.scalars(select(Ping)).all() == []


def test_another_enrolments_reports_are_refused(world):
    token = world.begin().get_json()["token"]
    assert world.ping(token, played(1), enrolment=world.enrolment.id).status_code == 200
    assert world.ping(token, played(2), enrolment=world.enrolment.id + 1).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"seq": 0},
        {"segments": [[-1, 5]]},
        {"segments": [[1]]},
        {"segments": "all"},
        {"event": "complete"},
        {"position_ms": 2**40},
    ],
)
def test_a_malformed_ping_changes_nothing(world, wrong):
    token = world.begin().get_json()["token"]
    world.passes(10)
    answer = world.ping(token, played(1, [0, 10_000]) | wrong)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, "invalid")
    with world.db.reading() as session:
        assert session.scalars(select(Ping)).all() == []


def test_nobody_reports_for_another(world):
    token = world.begin().get_json()["token"]
    with world.db.transaction() as session:
        home = session.get_one(type(world.person), world.person.id).institution
        stranger = factories.person(session, home)
    other = factories.browser(world.client.application)
    factories.sign_in(other, stranger)
    assert world.begin(other).status_code == 404
    assert world.ping(token, played(1, [0, 1_000]), client=other).status_code == 409
    signed_out = factories.browser(world.client.application)
    assert world.ping(token, played(1), client=signed_out).status_code == 401


def test_who_was_remembered_reports_nothing_after_signing_out(world):
    token = world.begin().get_json()["token"]
    assert world.ping(token, played(1, [0, 1_000])).status_code == 200
    with world.db.transaction() as session:
        # On another process, say: nobody told this one.
        session.execute(update(SignIn).values(revoked_at=clock.now()))
    assert world.ping(token, played(2, [1_000, 2_000])).status_code == 401
    with world.db.reading() as session:
        assert session.scalars(select(Ping.seq)).all() == [1]
