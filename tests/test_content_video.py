"""Watching a video through the player's API: what is believed, where, and what follows."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Barrier, Event
from types import SimpleNamespace

import pytest
import time_machine
from sqlalchemy import event, select

from lms import clock
from lms.errors import ClosedError, ElsewhereError, InvalidError
from lms.learning import playing
from lms.learning.coverage import SKIPPED, TOO_FAST
from lms.learning.models import Coverage, Enrolment, LearningSession, Ping, Run
from lms.learning.pings import Asked, Reading, Report, take_all
from lms.learning.rules import RuleSet
from lms.people.models import Institution
from lms.xapi import store
from tests import factories

NO_SCORE = RuleSet(score_min=None)


class World(SimpleNamespace):
    """One learner before one video, and a clock that the test moves."""

    def begin(self, client=None, **more):
        body = {"enrolment": self.enrolment.id, "activity": self.activity.id, **more}
        return (client or self.client).post("/learning-sessions", json=body)

    def ping(self, token, *pings, client=None, **more):
        return (client or self.client).post("/pings", json={"token": token, "pings": pings, **more})

    def asked(self, learner, reports, *, token=None, enrolment_id=None):
        """What POST /pings hands to the writer, of a learner with a person and a token."""
        by = Reading(
            person_id=learner.person.id,
            institution_id=learner.person.institution_id,
            zone="Asia/Seoul",
            now=clock.now(),
            mono_ms=self.mono.now,
            boot=clock.boot(),
        )
        return Asked(self.hook, token or learner.token, reports, by, enrolment_id)

    def passes(self, seconds):
        self.traveller.shift(timedelta(seconds=seconds))
        self.mono.now += round(seconds * 1000)

    def second_device(self):
        other = factories.browser(self.client.application)
        other.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Windows NT 10.0) Firefox/150"
        factories.sign_in(other, self.person)
        return other

    def verbs(self):
        with self.db.transaction() as session:
            found = store.of_registration(
                session.connection(), self.enrolment.institution_id, self.enrolment.registration
            )
            return [one.verb.rsplit("/", 1)[1] for one in found]


@pytest.fixture
def world(app, client, monkeypatch):
    state = app.extensions["lms"]
    mono = SimpleNamespace(now=1_000_000)
    monkeypatch.setattr(clock, "monotonic_ms", lambda: mono.now)
    with state.db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home)
        course = factories.course(session, state.kinds, home, [factories.VIDEO])
        run = factories.run(session, course, NO_SCORE)
        enrolment = factories.enrolment(session, state.hook, person, run)
        activity = factories.activities(session, enrolment)[0]
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        factories.sign_in(client, person)
        yield World(
            db=state.db,
            hook=state.hook,
            client=client,
            person=person,
            run=run,
            enrolment=enrolment,
            activity=activity,
            traveller=traveller,
            mono=mono,
        )


@contextmanager
def statements_of(db):
    """The SQL that is run within, on the writing pool."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(" ".join(statement.split()))

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def played(seq, *segments, event="tick", position=0, rate=100):
    return {
        "seq": seq,
        "segments": segments,
        "position_ms": position,
        "rate": rate,
        "event": event,
        "at": "2026-11-23T05:03:12Z",
    }


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


def test_one_ping_reads_once_and_writes_thrice(world):
    token = world.begin().get_json()["token"]
    world.passes(3)
    world.ping(token, played(1, [0, 3_000]))
    world.passes(1)
    with statements_of(world.db) as seen:
        world.ping(token, played(2, [3_000, 4_000]))
    verbs = [statement.split()[0] for statement in seen if "lms_sign_in" not in statement]
    words = {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert [verb for verb in verbs if verb in words] == ["SELECT", "UPDATE", "INSERT", "UPDATE"]


def neighbours(world, number):
    """So many more learners of the same video, each with a token of their own."""
    found = []
    for _ in range(number):
        with world.db.transaction() as session:
            person = factories.person(
                session, session.get_one(Institution, world.person.institution_id)
            )
            run = session.get_one(Run, world.run.id)
            enrolment = factories.enrolment(session, world.hook, person, run)
        other = factories.browser(world.client.application)
        factories.sign_in(other, person)
        token = world.begin(other, enrolment=enrolment.id).get_json()["token"]
        found.append(SimpleNamespace(person=person, enrolment=enrolment, token=token))
    return found


def test_the_reports_of_a_commit_are_read_and_written_together(world):
    mine = SimpleNamespace(person=world.person, token=world.begin().get_json()["token"])
    others = neighbours(world, 3)
    world.passes(10)
    quiet = [Report(seq=1, segments=[(0, 1_000)])]
    more = [Report(seq=2, segments=[(1_000, 2_000)])]
    asked = [
        world.asked(mine, quiet),
        world.asked(others[0], quiet, token="another's"),
        world.asked(others[1], quiet),
        world.asked(others[2], quiet, enrolment_id=world.enrolment.id),
        world.asked(mine, more),  # after their first
    ]
    with statements_of(world.db) as seen, world.db.engine.begin() as connection:
        first, elsewhere, second, wrong, again = take_all(connection, asked)
    assert (first.covered, second.covered, again.covered) == (
        [(0, 1_000)],
        [(0, 1_000)],
        [(0, 2_000)],
    )
    assert isinstance(elsewhere, ElsewhereError)
    assert isinstance(wrong, InvalidError)
    verbs = [statement.split()[0] for statement in seen if "lms_" in statement]
    # One round for different people, one for whoever reported twice; the stored are looked for
    # once, for the token that is not current.
    one_round = ["UPDATE", "INSERT", "UPDATE"]
    assert verbs == ["SELECT", "SELECT", *one_round, "SELECT", *one_round]


def test_a_report_that_breaks_harms_no_neighbour_in_its_commit(world, monkeypatch):
    mine = SimpleNamespace(person=world.person, token=world.begin().get_json()["token"])
    [broken, closed, third] = neighbours(world, 3)
    world.passes(20)
    real = playing.tell
    fails = {broken.enrolment.id: ZeroDivisionError(), closed.enrolment.id: ClosedError("닫힘")}

    def tell(session, hook, row, *rest, **more):
        settled = real(session, hook, row, *rest, **more)
        if row.enrolment_id in fails:
            raise fails[row.enrolment_id]
        return settled

    monkeypatch.setattr(playing, "tell", tell)
    begun, go = Event(), Event()

    def hold(_connection):
        begun.set()
        go.wait(10)

    told = [Report(seq=1, segments=[(0, 10_000)], event="pause")]
    learners = [mine, broken, closed, third]
    with ThreadPoolExecutor(5) as pool:
        pool.submit(world.db.writer.do, hold)
        begun.wait(10)
        answers = [
            pool.submit(world.db.writer.do_together, take_all, world.asked(one, told))
            for one in learners
        ]
        while world.db.writer._waiting.qsize() < len(learners):
            time.sleep(0.002)
        go.set()
    assert [answers[place].result().covered for place in (0, 3)] == [[(0, 10_000)]] * 2
    assert [type(answers[place].exception()) for place in (1, 2)] == [
        ZeroDivisionError,
        ClosedError,
    ]
    with world.db.reading() as session:
        kept = {one.token for one in session.scalars(select(Ping))}
        covered = session.scalars(select(Coverage.covered_ms).order_by(Coverage.id)).all()
    assert kept == {mine.token, third.token}
    assert covered == [10_000, 0, 0, 10_000]


def test_two_pings_at_once_lose_nothing(world):
    token = world.begin().get_json()["token"]
    world.passes(20)
    mine = SimpleNamespace(person=world.person, token=token)

    def report(seq, start):
        return world.asked(mine, [Report(seq=seq, segments=[(start, start + 10_000)])])

    first = world.db.writer.do_together(take_all, report(2, 10_000))
    second = world.db.writer.do_together(take_all, report(1, 0))
    assert first.covered == [(10_000, 20_000)]
    assert second.covered == [(0, 20_000)]
    with world.db.reading() as session:
        assert session.get_one(Enrolment, world.enrolment.id).progress_permille == 333


def test_pings_through_several_processes_lose_nothing(world):
    """Each in a transaction of its own, as many web processes would have it."""
    token = world.begin().get_json()["token"]
    world.passes(40)
    mine = SimpleNamespace(person=world.person, token=token)
    together = Barrier(8)

    def process(seq):
        one = Report(seq=seq, segments=[((seq - 1) * 5_000, seq * 5_000)])
        together.wait()
        with world.db.engine.begin() as connection:
            take_all(connection, [world.asked(mine, [one])])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(process, range(1, 9)))
    with world.db.reading() as session:
        assert session.scalars(select(Coverage)).one().intervals == [[0, 40_000]]
        assert session.scalars(select(LearningSession)).one().seq == 8
