"""Essays: handed in, marked by who looks after the run, and only then counted."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from assessments import awaiting, service, statistics
from assessments.awaiting import Mark
from assessments.editor import QuizEditor
from assessments.kind import QuizKind
from assessments.models import QuizAttempt, QuizMark
from lms.errors import ClosedError, ConflictError, InvalidError
from lms.learning.models import Completion, Enrolment, Run
from lms.learning.running import closing
from lms.people.models import AuditRow
from lms.xapi import store
from tests import factories
from tests.test_learning_pages import counting

CHOICE = {
    "id": "q1",
    "type": "single",
    "text": "먼저 할 일은 무엇입니까?",
    "choices": [{"id": "a", "text": "까닭을 묻는다"}, {"id": "b", "text": "떼어 놓는다"}],
    "correct": ["b"],
    "points": 40,
}
ESSAY = {
    "id": "q2",
    "type": "essay",
    "text": "학급에서 어떻게 하시겠습니까?",
    "guide": "비밀 기준: 절차 세 가지",
    "points": 60,
}
QUIZ = {
    "kind": "quiz",
    "title": "서술 평가",
    "role": "score",
    "config": {"attempts": 2, "pass_permille": 600, "questions": [CHOICE, ESSAY]},
}
WRITTEN = "먼저 떼어 놓고 보호자에게 알립니다."


class World(SimpleNamespace):
    """A learner who can hand in an essay, and the manager of the run."""

    def hand_in(self, text=WRITTEN, who=None, enrolment=None):
        client = who or self.client
        number = (enrolment or self.enrolment).id
        client.post(f"/quizzes/{number}/{self.activity.id}/begin")
        attempt = self.attempt(number)
        client.post(
            f"/quizzes/attempts/{attempt.id}/submit",
            data={"shown": ["q1", "q2"], "a-q1": "b", "a-q2": text},
        )
        return self.attempt(number)

    def attempt(self, enrolment_id=None):
        with self.db.reading() as session:
            number = enrolment_id or self.enrolment.id
            return service.attempts_of(session, number, self.activity.id)[-1]

    def mark(self, attempt, client=None, **form):
        return (client or self.manager).post(f"/marking/attempts/{attempt.id}", data=form)

    def verbs(self):
        with self.db.reading() as session:
            found = store.of_registration(
                session.connection(), self.enrolment.institution_id, self.enrolment.registration
            )
            return [json.loads(one.raw)["verb"]["id"].rsplit("/", 1)[1] for one in found]

    def enrolment_now(self):
        with self.db.reading() as session:
            return session.get_one(Enrolment, self.enrolment.id)

    def count(self, model):
        with self.db.reading() as session:
            return session.scalar(select(func.count()).select_from(model))


@pytest.fixture
def world(app):
    state = app.extensions["lms"]
    with state.db.transaction() as session:
        home = factories.institution(session)
        learner = factories.person(session, home)
        course = factories.course(session, state.kinds, home, [QUIZ])
        run = factories.run(session, course)
        enrolment = factories.enrolment(session, state.hook, learner, run)
        activity = factories.activities(session, enrolment)[0]
        manager = factories.person(session, home, "officer")
        stranger = factories.person(session, home, "course_manager")
    client, desk, other = (factories.browser(app) for _ in range(3))
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        factories.sign_in(client, learner)
        factories.sign_in(desk, manager)
        factories.sign_in(other, stranger)
        yield World(
            app=app,
            db=state.db,
            hook=state.hook,
            state=state,
            home=home,
            run=run,
            client=client,
            manager=desk,
            stranger=other,
            officer=manager,
            enrolment=enrolment,
            activity=activity,
            traveller=traveller,
        )


def test_an_essay_waits_and_its_mark_completes_the_course_in_that_request(world):
    attempt = world.hand_in()
    assert (attempt.submitted_at is not None, attempt.score, attempt.marks) == (
        True, None, {"q1": True},
    )  # fmt: skip
    assert world.verbs() == ["registered", "attempted", "answered", "answered", "completed"]
    page = world.client.get(f"/enrolments/{world.enrolment.id}").text
    assert "채점을 기다리고 있습니다" in page
    assert "비밀 기준" not in page
    acted = world.enrolment_now().last_act_at
    world.traveller.shift(timedelta(minutes=10))
    shown = world.manager.get(f"/marking/attempts/{attempt.id}").text
    assert WRITTEN in shown
    assert "비밀 기준" in shown
    marked = world.mark(attempt, **{"points-q2": "30", "comment-q2": "절차가 하나 빠졌습니다."})
    assert marked.status_code == 303
    assert world.verbs()[5:] == ["passed", "completed"]
    assert world.attempt().score == 7000
    done = world.enrolment_now()
    assert (done.score, done.completed_at is not None) == (7000, True)
    assert done.last_act_at == acted, "a mark is no act of the learner's"
    page = world.client.get(f"/enrolments/{world.enrolment.id}").text
    assert "60점 가운데 30점을 받았습니다. 절차가 하나 빠졌습니다." in page
    with world.db.reading() as session:
        row = session.scalars(select(AuditRow).filter_by(act="mark")).one()
    assert (row.actor_id, row.detail) == (
        world.officer.id, {"before": {}, "after": {"q2": 30}, "score": 7000},
    )  # fmt: skip


def test_an_essay_left_empty_needs_nobody(world):
    attempt = world.hand_in(text="  ")
    assert (attempt.score, world.count(QuizMark)) == (4000, 0)
    assert world.verbs()[-1] == "failed"


def test_while_an_essay_waits_nobody_begins_again(world):
    world.hand_in()
    refused = world.client.post(f"/quizzes/{world.enrolment.id}/{world.activity.id}/begin")
    assert (refused.status_code, world.count(QuizAttempt)) == (409, 1)


@pytest.mark.parametrize("points", ["", "61", "-1", "3.5", "많이"])
def test_points_out_of_range_are_refused_and_what_was_typed_stays(world, points):
    attempt = world.hand_in()
    refused = world.mark(attempt, **{"points-q2": points, "comment-q2": "적어 둔 말"})
    assert refused.status_code == 422
    assert "0점에서 60점 사이" in refused.text
    assert "적어 둔 말" in refused.text
    assert world.attempt().score is None


def test_a_mark_is_changed_with_a_reason_only_and_the_best_score_stays(world):
    attempt = world.hand_in()
    world.mark(attempt, **{"points-q2": "60"})
    refused = world.mark(attempt, **{"points-q2": "10"})
    assert refused.status_code == 409
    assert "까닭을 적어 주십시오" in refused.text
    assert world.attempt().score == 10000
    assert world.mark(attempt, **{"points-q2": "10", "reason": "잘못 읽음"}).status_code == 303
    assert (world.attempt().score, world.enrolment_now().score) == (5000, 10000)
    assert world.count(Completion) == 1
    with world.db.reading() as session:
        reasons = session.scalars(select(AuditRow.reason).filter_by(act="mark")).all()
    assert sorted(reasons) == ["잘못 읽음", "채점"]


def test_who_does_not_look_after_the_run_marks_nothing(world):
    attempt = world.hand_in()
    assert world.stranger.get(f"/marking/attempts/{attempt.id}").status_code == 403
    assert world.mark(attempt, client=world.stranger, **{"points-q2": "1"}).status_code == 403
    assert "채점할 것이 없습니다" in world.stranger.get("/marking").text
    assert world.client.get("/marking").status_code == 403
    assert world.attempt().score is None


def test_a_run_with_unmarked_work_is_not_closed(world):
    world.hand_in()
    world.traveller.shift(timedelta(days=400))
    now = factories.NOW + timedelta(days=400)

    def close():
        with world.db.transaction() as session:
            run = session.get_one(Run, world.run.id)
            return closing.close(
                session, world.hook, run, actor_id=None, now=now, zone="Asia/Seoul", reason="시험"
            )

    with pytest.raises(ConflictError):
        close()
    with world.db.transaction() as session:
        attempt = session.get_one(QuizAttempt, world.attempt().id)
        actor = SimpleNamespace(person_id=world.officer.id, institution_id=world.home.id)
        awaiting.give(session, world.hook, attempt, {"q2": Mark(0)}, actor=actor, now=now)
    assert close() is True
    with world.db.transaction() as session:
        attempt = session.get_one(QuizAttempt, world.attempt().id)
        marks = {"q2": Mark(60)}
        with pytest.raises(ClosedError):
            awaiting.give(session, world.hook, attempt, marks, actor=actor, now=now, reason="다시")


def test_the_queue_puts_the_oldest_in_front_and_costs_the_same_for_more(world):
    first = world.hand_in()
    with counting(world.db) as one:
        world.manager.get("/marking")
    at_first = [sql for sql in one if sql.startswith("SELECT")]
    for _ in range(3):
        with world.db.transaction() as session:
            someone = factories.person(session, world.home)
            run = session.get_one(Run, world.run.id)
            enrolment = factories.enrolment(session, world.hook, someone, run)
        client = factories.browser(world.app)
        world.traveller.shift(timedelta(minutes=1))
        factories.sign_in(client, someone)
        world.hand_in(who=client, enrolment=enrolment)
    with counting(world.db) as four:
        world.manager.get("/marking")
    assert len([sql for sql in four if sql.startswith("SELECT")]) == len(at_first)
    following = world.manager.get(f"/marking/next?run={world.run.id}")
    assert following.headers["Location"].endswith(f"/marking/attempts/{first.id}")
    assert "4건" in world.manager.get("/marking").text


def test_two_who_mark_at_once_do_not_overwrite_each_other(world):
    attempt = world.hand_in()
    actor = SimpleNamespace(person_id=world.officer.id, institution_id=world.home.id)

    def give(points):
        with world.db.transaction() as session:
            row = session.get_one(QuizAttempt, attempt.id)
            awaiting.give(
                session, world.hook, row, {"q2": Mark(points)}, actor=actor, now=factories.NOW
            )

    give(50)
    with pytest.raises(ConflictError):
        give(10)
    assert world.attempt().score == 9000


def test_the_hardest_questions_are_told_once_enough_have_tried(world):
    with world.db.transaction() as session:
        run = session.get_one(Run, world.run.id)
        for number in range(6):
            someone = factories.person(session, world.home)
            enrolment = factories.enrolment(session, world.hook, someone, run)
            session.add(
                QuizAttempt(
                    institution_id=world.home.id,
                    enrolment_id=enrolment.id,
                    activity_id=world.activity.id,
                    number=1,
                    begun_at=factories.NOW,
                    submitted_at=factories.NOW,
                    score=0,
                    marks={"q1": number < 2, "q2": True},
                )
            )
    with world.db.reading() as session:
        found = statistics.hardest(session, session.get_one(Run, world.run.id))
    assert [(one.text, one.share, one.wrong, one.tried) for one in found] == [
        (CHOICE["text"], 666, 4, 6)
    ]


def form(**more):
    return MultiDict(
        {"attempts": "3", "pass_points": "60", "questions": "2"}
        | {
            "q-0-id": "q1", "q-0-order": "2", "q-0-type": "single", "q-0-text": "첫 질문",
            "q-0-points": "50", "q-0-c-0-id": "a", "q-0-c-0-text": "하나",
            "q-0-c-1-id": "", "q-0-c-1-text": "둘", "q-0-c-1-right": "1", "q-0-c-2-text": " ",
            "q-1-order": "1", "q-1-type": "short", "q-1-text": "둘째", "q-1-points": "50",
            "q-1-answers": "정답\r\n\r\n 답 ",
        }
        | more
    )  # fmt: skip


def test_the_form_of_a_quiz_becomes_its_config_and_back():
    editor = QuizEditor()
    made = editor.read(form(), {}, {})
    assert made.problems == ()
    assert made.config == {
        "attempts": 3,
        "pass_permille": 600,
        "questions": [
            {
                "id": "q1", "type": "short", "text": "둘째", "correct": ["정답", "답"],
                "choices": [], "feedback": "", "points": 50,
            },
            {
                "id": "q2", "type": "single", "text": "첫 질문", "correct": ["c2"],
                "choices": [{"id": "a", "text": "하나"}, {"id": "c2", "text": "둘"}],
                "feedback": "", "points": 50,
            },
        ],
    }  # fmt: skip
    checked = QuizKind().check(made.config)
    assert editor.context(checked)["questions"][0]["answers"] == "정답\n답"


def test_ids_of_questions_stay_from_version_to_version():
    made = QuizEditor().read(form(**{"q-1-id": "q7"}), {}, {})
    assert [one["id"] for one in made.config["questions"]] == ["q7", "q1"]


def test_what_is_not_ready_is_kept_and_wrong_numbers_are_named():
    made = QuizEditor().read(form(**{"q-0-drop": "1", "q-1-answers": ""}), {}, {})
    assert [one["text"] for one in made.config["questions"]] == ["둘째"]
    with pytest.raises(InvalidError):
        QuizKind().check(made.config)
    wrong = QuizEditor().read(form(attempts="0", **{"q-1-points": "많이"}), {}, {})
    assert [one.params.get("n") or one.field for one in wrong.problems] == ["attempts", 2]
