"""The end of a run: figures, closing, opening again, telling the results."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lms import clock, hookimpl
from lms.db import Database
from lms.edge import State
from lms.errors import ClosedError, ConflictError, InvalidError
from lms.learning import service
from lms.learning.models import (
    ActivityResult,
    Enrolment,
    Run,
    RunChange,
    Waiting,
)
from lms.learning.running import closing, results, telling_results
from lms.learning.running.closing import Unmarked
from lms.learning.running.results import Figures
from lms.outbox import Task
from lms.people import service as people
from lms.people.models import AuditRow
from lms.plugins import plugin_manager
from tests import factories
from tests.closing_world import LATER, ZONE, asked_of, everything, reads, scores, world
from tests.factories import NOW


@pytest.fixture
def statements(state: State) -> list[str]:
    return asked_of(state)


def test_figures_count_learners_and_why_they_did_not_complete(db: Database, state: State) -> None:
    with db.transaction() as session:
        home, _, run = world(session, state, [factories.PAGE], [factories.QUIZ])
        joined = [
            factories.enrolment(session, state.hook, factories.person(session, home), run)
            for _ in range(6)
        ]
        reads(session, state, joined[0])
        scores(session, state, joined[0], 95)
        reads(session, state, joined[1])
        scores(session, state, joined[1], 40)
        reads(session, state, joined[2])
        scores(session, state, joined[3], 70)
        joined[5].state, joined[5].withdrawn_at, joined[5].withdrawal = "withdrawn", NOW, "전보"
        # Who looks after a run is no learner of it.
        manager = factories.person(session, home)
        factories.enrolment(session, state.hook, manager, run)
        people.grant(
            session,
            manager.id,
            home.id,
            "course_manager",
            run_id=run.id,
            actor_id=None,
            now=NOW,
            reason="시험",
        )
    with db.reading() as session:
        run = session.get_one(Run, run.id)
        assert results.figures(session, run) == Figures(
            enrolled=5,
            completed=1,
            never=1,
            progress=1,
            untested=1,
            score=1,
            withdrawn=1,
            bands=(1, 0, 1, 0, 1),
            mean=(9500 + 4000 + 7000) // 3,
        )
        lines = results.listed(session, run)
        told = {line.id: line.result for line in lines}
        assert told == {
            joined[0].id: "completed",
            joined[1].id: "score",
            joined[2].id: "untested",
            joined[3].id: "progress",
            joined[4].id: "never",
            joined[5].id: "withdrawn",
        }
        assert [line.name for line in lines] == sorted(line.name for line in lines)
        first = results.listed(session, run, most=2)
        rest = results.listed(session, run, after=(first[1].name, first[1].id))
        assert [*first[:2], *rest] == lines
        assert {one.result for one in results.listed(session, run, only="open")} == set(
            results.NOT_COMPLETED
        )
        assert [one.id for one in results.listed(session, run, text=lines[0].name)] == [lines[0].id]
    assert results.share(164, 300) == "54.7%"
    assert results.share(0, 0) == "0%"


def test_a_run_is_closed_once_and_then_counts_nothing(db: Database, state: State) -> None:
    with db.transaction() as session:
        home, officer, run = world(session, state, way="application", seats=1)
        inside = factories.enrolment(session, state.hook, factories.person(session, home), run)
        (page,) = factories.activities(session, inside)
        queued = Waiting(
            institution_id=home.id,
            run_id=run.id,
            person_id=factories.person(session, home).id,
            at=NOW,
        )
        session.add(queued)
    how = {"actor_id": officer.id, "now": LATER, "zone": ZONE}
    with db.transaction() as session:
        assert closing.close(session, state.hook, run, **how)
    with db.transaction() as session:
        before = (
            session.scalars(select(RunChange)).all(),
            session.scalars(select(AuditRow.id)).all(),
        )
        assert not closing.close(session, state.hook, run, **how)
        assert everything(session) == before
        kept = session.get_one(Run, run.id)
        assert (kept.state, kept.closed_at) == ("closed", LATER)
        (changed,) = before[0]
        assert (changed.before, changed.after, changed.reason) == (
            "running",
            "closed",
            closing.ENDED,
        )
        assert session.get_one(Waiting, queued.id).outcome == "lapsed"
    with db.transaction() as session:
        mine = session.get_one(Enrolment, inside.id)
        # Even on a day that lay in the period, as on a browser's late report.
        with pytest.raises(ClosedError):
            service.check_open(session, state.hook, mine, page, now=NOW)
        with pytest.raises(ClosedError):
            closing.check_takes_marks(kept)


def test_a_closed_run_is_read_and_every_way_in_is_shut(
    app: Flask, db: Database, state: State, client: FlaskClient
) -> None:
    with db.transaction() as session:
        units = ([factories.PAGE], [factories.QUIZ], [factories.VIDEO])
        home, officer, run = world(session, state, *units)
        run.learn_until = date(2099, 12, 31)
        learner = factories.person(session, home)
        mine = factories.enrolment(session, state.hook, learner, run)
        page, quiz, video = (one.id for one in factories.activities(session, mine))
        how = {"actor_id": officer.id, "now": NOW, "zone": ZONE, "reason": "일찍 끝남"}
        closing.close(session, state.hook, run, **how)
        before = session.scalars(select(ActivityResult.id)).all()
    factories.sign_in(client, learner)
    assert client.get(f"/enrolments/{mine.id}").status_code == 200
    tried = [
        client.post(f"/enrolments/{mine.id}/activities/{page}/launched"),
        client.post(f"/enrolments/{mine.id}/activities/{page}/viewed"),
        client.post(f"/quizzes/{mine.id}/{quiz}/begin"),
        client.post("/learning-sessions", json={"enrolment": mine.id, "activity": video}),
    ]
    assert [one.status_code for one in tried] == [409] * 4
    with db.reading() as session:
        assert session.scalars(select(ActivityResult.id)).all() == before


def test_closing_early_needs_a_reason_and_a_run_that_was_open(db: Database, state: State) -> None:
    with db.transaction() as session:
        _, officer, run = world(session, state)
        how = {"actor_id": officer.id, "now": NOW, "zone": ZONE}
        with pytest.raises(InvalidError):
            closing.close(session, state.hook, run, **how)
        assert closing.close(session, state.hook, run, reason="모두 마침", **how)
        planned = factories.run(session, run.course, state="planned")
        with pytest.raises(ConflictError):
            closing.close(session, state.hook, planned, reason="x", **how)


class Marker:
    """A room in which work waits for marks."""

    def __init__(self) -> None:
        self.left = 2

    @hookimpl
    def lms_unmarked(self, run_ids: list[int]) -> list[Unmarked]:
        return [
            Unmarked(run_id=one, activity_id=1, title="서술형", count=self.left) for one in run_ids
        ]


def test_unmarked_work_stands_against_closing(
    app: Flask, db: Database, state: State, client: FlaskClient
) -> None:
    marker = Marker()
    manager = plugin_manager(third_parties=False)
    manager.register(marker)
    app.extensions["lms"] = replace(state, hook=manager.hook)
    with db.transaction() as session:
        _, officer, run = world(session, state)
    how = {"actor_id": officer.id, "now": LATER, "zone": ZONE}
    with db.transaction() as session:
        with pytest.raises(ConflictError) as refused:
            closing.close(session, manager.hook, run, **how)
        assert refused.value.params == {"n": 2, "names": "서술형"}
        assert session.get_one(Run, run.id).state == "running"
    factories.sign_in(client, officer)
    assert "채점을 마쳐야" in client.get(f"/manage/runs/{run.id}/results").text
    assert "채점할 답안 2건" in client.get("/manage").text
    marker.left = 0
    with db.transaction() as session:
        assert closing.close(session, manager.hook, run, **how)


def test_reopening_needs_a_reason_and_a_day_to_learn_on(db: Database, state: State) -> None:
    with db.transaction() as session:
        home, officer, run = world(session, state)
        inside = factories.enrolment(session, state.hook, factories.person(session, home), run)
        how = {"actor_id": officer.id, "now": LATER, "zone": ZONE}
        closing.close(session, state.hook, run, **how)
        today = clock.local_day(LATER, ZONE)
        with pytest.raises(InvalidError):
            closing.reopen(session, run, reason=" ", until=today, **how)
        with pytest.raises(InvalidError):
            closing.reopen(session, run, reason="이의 신청", **how)
        assert closing.reopen(session, run, reason="이의 신청", until=today, **how)
        assert not closing.reopen(session, run, reason="다시", until=today, **how)
        assert (run.state, run.learn_until, run.closed_at) == ("running", today, None)
        (page,) = factories.activities(session, inside)
        service.check_open(session, state.hook, inside, page, now=LATER)
        acts = session.scalars(
            select(AuditRow.act).filter_by(subject="run", subject_id=run.id).order_by(AuditRow.id)
        ).all()
        assert acts == ["run.closed", "run.extend", "run.running"]
        assert [one.what for one in results.history(session, run)].count("run.extend") == 1


def test_results_are_told_within_ten_days_of_the_last_day(db: Database, state: State) -> None:
    with db.transaction() as session:
        _, officer, run = world(session, state)
        assert results.results_due(run, days=10, zone=ZONE) == date(2026, 12, 10)
        with pytest.raises(ConflictError):
            closing.tell_results(session, run, reason="", actor_id=officer.id, now=NOW)
        closing.close(
            session, state.hook, run, reason="끝", actor_id=officer.id, now=NOW, zone=ZONE
        )
        # Closed a week early: the days run from then.
        assert results.results_due(run, days=10, zone=ZONE) == date(2026, 12, 3)
        assert closing.tell_results(session, run, reason="공문", actor_id=officer.id, now=LATER)
        assert not closing.tell_results(session, run, reason="공문", actor_id=officer.id, now=LATER)
        assert run.results_told_at == LATER


def test_who_did_not_complete_and_their_school_hear_of_the_closing(
    db: Database, state: State
) -> None:
    with db.transaction() as session:
        home, officer, run = world(session, state)
        school = factories.organisation(session, home)
        at = {"organisation_id": school.id}
        lazy = factories.person(session, home, email="lazy@example.kr", **at)
        done = factories.person(session, home, email="done@example.kr", **at)
        factories.person(session, home, "school_officer", email="school@example.kr", **at)
        factories.enrolment(session, state.hook, lazy, run)
        reads(session, state, factories.enrolment(session, state.hook, done, run))
        closing.close(session, state.hook, run, actor_id=officer.id, now=LATER, zone=ZONE)
    with db.reading() as session:
        task = session.scalars(select(Task).filter_by(name="learning.tell_results")).one()
    telling_results.tell_results(state, task, LATER)
    telling_results.tell_results(state, task, LATER)
    with db.reading() as session:
        mails = session.scalars(select(Task).where(Task.key.startswith("result:"))).all()
        told = {one.payload["to"]: one.payload["body"] for one in mails}
        assert len(mails) == 2
        assert "학습한 기록이 없습니다." in told["lazy@example.kr"]
        assert "2명이 참여해 1명이 이수했습니다." in told["school@example.kr"]


def test_the_results_page_costs_the_same_for_one_and_for_three(
    app: Flask, db: Database, state: State, client: FlaskClient, statements: list[str]
) -> None:
    with db.transaction() as session:
        home, officer, run = world(session, state)
    factories.sign_in(client, officer)
    costs = []
    for count in (1, 2):
        with db.transaction() as session:
            for _ in range(count):
                person = factories.person(session, home)
                factories.enrolment(session, state.hook, person, run)
        assert client.get(f"/manage/runs/{run.id}/results").status_code == 200
        statements.clear()
        page = client.get(f"/manage/runs/{run.id}/results")
        costs.append(sum(sql.startswith("SELECT") for sql in statements))
        assert person.name in page.text
    assert costs[0] == costs[1]
    assert client.get("/manage").status_code == 200
    statements.clear()
    client.get("/manage")
    assert len(statements) <= 12


def test_the_officer_closes_recomputes_and_takes_the_sheet(
    app: Flask, db: Database, state: State, client: FlaskClient
) -> None:
    with db.transaction() as session:
        home, officer, run = world(session, state)
        one = factories.enrolment(
            session, state.hook, factories.person(session, home, name="=HYPERLINK"), run
        )
        reads(session, state, one)
        run.learn_until = clock.local_day(clock.now(), ZONE) - timedelta(days=1)
        run.learn_from = run.learn_until - timedelta(days=9)
    factories.sign_in(client, officer)
    place = f"/manage/runs/{run.id}"
    assert "마감할 기수" in client.get("/manage").text
    assert client.post(f"{place}/close", data={}).headers["Location"].endswith("said=closed")
    assert client.post(f"{place}/close", data={}).headers["Location"].endswith("said=same")
    page = client.get(f"{place}/results").text
    assert "100% = 1 ÷ 1" in page
    sheet = client.post(f"{place}/results/export", data={"reason": "확인", "form": "csv"})
    assert "'=HYPERLINK" in sheet.get_data(as_text=True)
    book = client.post(f"{place}/results/export", data={"reason": "확인"})
    assert book.get_data()[:2] == b"PK"
    assert client.post(f"{place}/results/export", data={}).status_code == 422
    plan = client.get(f"{place}/recompute").text
    assert "달라지는 것이 없습니다" in plan
    with db.transaction() as session:
        session.get_one(Enrolment, one.id).progress_permille = 10
    assert client.post(f"{place}/recompute", data={"mark": "x"}).status_code == 422
    stale = client.post(f"{place}/recompute", data={"mark": "x", "reason": "확인"})
    assert stale.status_code == 409
    mark = stale.text.split('name="mark" value="')[1].split('"')[0]
    done = client.post(f"{place}/recompute", data={"mark": mark, "reason": "확인"})
    assert done.headers["Location"].endswith("said=recomputed")
    with db.reading() as session:
        assert session.get_one(Enrolment, one.id).progress_permille == 1000
    told = client.post(f"{place}/results/told", data={"reason": "공문"})
    assert told.headers["Location"].endswith("said=told")
    again = {"reason": "이의 신청", "until": clock.local_day(clock.now(), ZONE).isoformat()}
    reopened = client.post(f"{place}/reopen", data=again)
    assert reopened.headers["Location"].endswith("said=reopened")
