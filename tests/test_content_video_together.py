"""Reports of many: one commit, one breaking, at once and through several processes."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from lms.errors import ClosedError, ElsewhereError, InvalidError
from lms.learning import playing
from lms.learning.models import Coverage, Enrolment, LearningSession, Ping, Run
from lms.learning.pings import Report, take_all
from lms.people.models import Institution
from tests import factories
from tests.video_world import build, played, statements_of


@pytest.fixture
def world(app, client, monkeypatch):
    yield from build(app, client, monkeypatch)


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
        go.wait(60)

    told = [Report(seq=1, segments=[(0, 10_000)], event="pause")]
    learners = [mine, broken, closed, third]
    with ThreadPoolExecutor(5) as pool:
        pool.submit(world.db.writer.do, hold)
        begun.wait(60)
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
