"""Taking a quiz: answers kept as they come, marked here, submitted once, and nobody else's."""

import json
import threading
import uuid
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from sqlalchemy import func, select, update

from assessments import answering, service
from assessments.models import QuizAnswer, QuizAttempt
from lms.errors import ClosedError, ConflictError, InvalidError, NotFoundError
from lms.learning.models import ActivityResult, Completion, Enrolment, Run
from lms.learning.service import activity_in
from lms.people.models import SignIn
from lms.xapi import store
from tests import factories

QUESTIONS = [
    {
        "id": "q1",
        "type": "single",
        "text": "가장 먼저 할 일은 무엇입니까?",
        "choices": [{"id": "a", "text": "까닭을 묻는다"}, {"id": "b", "text": "떼어 놓는다"}],
        "correct": ["b"],
        "feedback": "안전이 먼저입니다.",
        "points": 100,
    },
    {
        "id": "q2",
        "type": "multiple",
        "text": "모두 고르십시오.",
        "choices": [{"id": name, "text": f"보기 {name}"} for name in "abc"],
        "correct": ["a", "c"],
        "feedback": "둘입니다.",
        "points": 100,
    },
    {
        "id": "q3",
        "type": "short",
        "text": "마지막은 무엇입니까?",
        "correct": ["비밀정답"],
        "feedback": "그대로 적어 둡니다.",
        "points": 100,
    },
]
QUIZ = {
    "kind": "quiz",
    "title": "평가",
    "role": "score",
    "config": {"attempts": 2, "pass_permille": 600, "questions": QUESTIONS},
}
RIGHT = {"q1": ["b"], "q2": ["c", "a"], "q3": [" 비밀 정답. "]}


class World(SimpleNamespace):
    """One learner before one quiz that is all that their course asks."""

    def begin(self):
        return self.client.post(f"/quizzes/{self.enrolment.id}/{self.activity.id}/begin")

    def attempt(self):
        with self.db.reading() as session:
            attempts = service.attempts_of(session, self.enrolment.id, self.activity.id)
            return attempts[-1] if attempts else None

    def send(self, *answers, attempt=None, client=None):
        number = attempt or self.attempt().id
        return (client or self.client).post(
            f"/quizzes/attempts/{number}/answers", json={"answers": list(answers)}
        )

    def submit(self, attempt=None, client=None, **form):
        number = attempt or self.attempt().id
        return (client or self.client).post(f"/quizzes/attempts/{number}/submit", data=form)

    def page(self):
        return self.client.get(f"/enrolments/{self.enrolment.id}?activity={self.activity.id}")

    def answers(self):
        with self.db.reading() as session:
            return {
                one.question: one.value for one in service.answers_of(session, self.attempt().id)
            }

    def statements(self):
        with self.db.reading() as session:
            found = store.of_registration(
                session.connection(), self.enrolment.institution_id, self.enrolment.registration
            )
            return [json.loads(one.raw) for one in found]

    def verbs(self):
        return [one["verb"]["id"].rsplit("/", 1)[1] for one in self.statements()]

    def count(self, model):
        with self.db.reading() as session:
            return session.scalar(select(func.count()).select_from(model))

    def close_run(self):
        with self.db.transaction() as session:
            session.execute(update(Run).values(state="closed", learn_until=date(2026, 11, 23)))


@pytest.fixture
def world(app, client):
    state = app.extensions["lms"]
    with state.db.transaction() as session:
        home = factories.institution(session)
        person = factories.person(session, home)
        course = factories.course(session, state.kinds, home, [QUIZ])
        enrolment = factories.enrolment(session, state.hook, person, factories.run(session, course))
        activity = factories.activities(session, enrolment)[0]
    with time_machine.travel(factories.NOW, tick=False) as traveller:
        factories.sign_in(client, person)
        yield World(
            app=app,
            db=state.db,
            hook=state.hook,
            client=client,
            home=home,
            person=person,
            enrolment=enrolment,
            activity=activity,
            traveller=traveller,
        )


def answer(question, *value, seq=1, id=None):  # noqa: A002
    return {"id": id or str(uuid.uuid4()), "seq": seq, "question": question, "value": list(value)}


def test_answers_are_acknowledged_and_the_submission_completes_the_course(world):
    begun = world.begin()
    assert begun.status_code == 303
    first = answer("q1", "b")
    assert world.send(first).json == {"acked": [first["id"]], "saved_at": "14:03:12"}
    world.traveller.shift(timedelta(seconds=30))
    rest = [answer("q2", "c", "a", seq=2), answer("q3", " 비밀 정답. ", seq=3)]
    assert world.send(*rest).json == {"acked": [one["id"] for one in rest], "saved_at": "14:03:42"}
    assert world.submit().status_code == 303
    assert world.verbs() == [
        "registered", "attempted", "answered", "answered", "answered", "completed", "passed",
        "completed",
    ]  # fmt: skip
    passed = world.statements()[6]
    assert passed["result"] == {
        "success": True,
        "score": {"scaled": 1.0, "raw": 300, "min": 0, "max": 300},
    }
    told = world.statements()[2]
    assert told["result"] == {"response": "b", "success": True}
    assert told["object"]["definition"]["interactionType"] == "choice"
    with world.db.reading() as session:
        enrolment = session.get_one(Enrolment, world.enrolment.id)
        assert (enrolment.score, enrolment.completed_at is not None) == (10000, True)
    assert world.count(Completion) == 1
    html = world.page().text
    assert "100점" in html
    assert "통과했습니다" in html
    assert "이수증 보기" in html


def test_the_same_answer_again_changes_nothing_and_an_older_one_is_dropped(world):
    world.begin()
    new, old = answer("q1", "b", seq=5), answer("q1", "a", seq=4)
    for sent in ([new], [new], [old], [old, new]):
        assert world.send(*sent).json["acked"] == [one["id"] for one in sent]
    assert world.answers() == {"q1": ["b"]}
    assert world.count(QuizAnswer) == 1


def test_an_id_that_comes_back_with_another_answer_is_refused(world):
    world.begin()
    same = str(uuid.uuid4())
    world.send(answer("q1", "b", id=same))
    again = world.send(answer("q1", "a", id=same))
    assert (again.status_code, again.json["error"]["code"]) == (409, "conflict")
    assert world.answers() == {"q1": ["b"]}


@pytest.mark.parametrize(
    "wrong",
    [
        answer("q9", "a"),
        answer("q1", "z"),
        answer("q1", "a", "b"),
        answer("q2", "a", "a"),
        answer("q3", "하나", "둘"),
        answer("q3", "가" * 501),
        {**answer("q1", "a"), "id": "not-a-uuid"},
        {**answer("q1", "a"), "seq": -1},
        {**answer("q1", "a"), "right": True},
    ],
)
def test_what_cannot_be_an_answer_is_refused_and_nothing_is_half_saved(world, wrong):
    world.begin()
    refused = world.send(answer("q1", "b"), wrong)
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "invalid")
    assert world.answers() == {}


def test_an_answer_after_submission_is_refused_with_a_sentence(world):
    world.begin()
    world.send(answer("q1", "b"))
    world.submit()
    refused = world.send(answer("q1", "a", seq=2))
    assert refused.status_code == 409
    assert refused.json["error"]["message"].startswith("이미 제출한 평가입니다.")
    assert world.answers() == {"q1": ["b"]}


def test_answers_and_submission_after_the_run_closed_are_refused(world):
    world.begin()
    world.send(answer("q1", "b"))
    world.close_run()
    refused = world.send(answer("q2", "a", seq=2))
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "closed")
    assert "학습 기간이 끝났습니다" in refused.json["error"]["message"]
    assert world.submit(shown="q2", **{"a-q2": "a"}).status_code == 409
    assert world.answers() == {"q1": ["b"]}
    assert world.attempt().submitted_at is None
    assert world.verbs() == ["registered", "attempted"]


def test_beginning_goes_on_with_what_is_open_and_ends_with_the_attempts(world):
    world.begin()
    world.begin()
    assert world.count(QuizAttempt) == 1
    for number in (1, 2):
        assert world.attempt().number == number
        world.submit()
        ended = world.begin()
    assert ended.status_code == 409
    assert "2번을 모두 푸셨습니다" in ended.text
    assert world.count(QuizAttempt) == 2


def test_the_best_attempt_counts(world):
    for given in ({"q1": "b", "q3": "비밀정답"}, {"q1": "b"}):
        world.begin()
        world.submit(**{f"a-{name}": text for name, text in given.items()}, shown=["q1", "q3"])
    with world.db.reading() as session:
        result = session.scalar(select(ActivityResult))
        scores = [
            one.score for one in service.attempts_of(session, world.enrolment.id, world.activity.id)
        ]
        assert (scores, result.score, result.passed) == ([6666, 3333], 6666, True)


def test_the_form_alone_is_enough_and_what_it_does_not_show_stays(world):
    world.begin()
    world.send(answer("q1", "b"), answer("q2", "a", seq=2))
    world.submit(**{"a-q2": ["a", "c"], "a-q3": "비밀정답", "shown": ["q2", "q3"]})
    assert world.answers() == {"q1": ["b"], "q2": ["a", "c"], "q3": ["비밀정답"]}
    assert world.attempt().score == 10000


def test_submitting_twice_is_submitting_once(world):
    world.begin()
    world.submit(**{"a-q1": "b", "shown": "q1"})
    before = world.verbs()
    assert world.submit(**{"a-q1": "a", "shown": "q1"}).status_code == 303
    assert world.verbs() == before
    assert (world.attempt().score, world.answers()) == (3333, {"q1": ["b"]})


def test_fifty_equal_submissions_at_once_are_one(world):
    world.begin()
    world.send(*[answer(name, *value) for name, value in RIGHT.items()])
    attempt_id = world.attempt().id
    actor = SimpleNamespace(person_id=world.person.id)
    barrier, told, faults = threading.Barrier(10), [], []

    def work():
        barrier.wait()
        for _ in range(5):
            try:
                with world.db.transaction() as session:
                    attempt = session.get_one(QuizAttempt, attempt_id)
                    done = service.submit(
                        session, world.hook, attempt, actor=actor, now=factories.NOW
                    )
                    told.append((done.attempt.score, done.settled is not None))
            except Exception as error:
                faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sorted(told) == [(10000, False)] * 49 + [(10000, True)]
    assert world.verbs().count("passed") == 1
    assert world.count(Completion) == 1


def test_an_answer_that_races_with_the_submission_is_kept_or_refused_never_lost(world):
    world.begin()
    attempt_id = world.attempt().id
    actor = SimpleNamespace(person_id=world.person.id)
    sent = answering.Answer(**answer("q1", "b"))
    acked = []

    def save():
        try:
            world.db.writer.do(
                lambda connection: answering.save(connection, attempt_id, [sent], now=factories.NOW)
            )
            acked.append(True)
        except ClosedError:
            acked.append(False)

    thread = threading.Thread(target=save)
    with world.db.transaction() as session:
        attempt = session.get_one(QuizAttempt, attempt_id)
        thread.start()
        service.submit(session, world.hook, attempt, actor=actor, now=factories.NOW)
    thread.join()
    assert (acked == [True]) is (world.answers() == {"q1": ["b"]})
    assert world.attempt().marks["q1"] is (acked == [True])


def test_an_answer_kept_before_the_sign_in_ended_is_there_after_the_next(world):
    world.begin()
    world.send(answer("q1", "b"))
    with world.db.transaction() as session:
        session.execute(update(SignIn).values(revoked_at=factories.NOW))
    lost = answer("q3", "비밀정답", seq=2)
    refused = world.send(lost)
    assert (refused.status_code, refused.json["error"]["code"]) == (401, "sign_in")
    factories.sign_in(world.client, world.person)
    assert world.send(lost).json["acked"] == [lost["id"]]
    assert world.answers() == {"q1": ["b"], "q3": ["비밀정답"]}
    html = world.page().text
    assert 'value="비밀정답"' in html  # the learner's own words
    assert 'value="b" checked' in html


def test_what_is_right_never_reaches_the_browser_before_submission(world):
    secrets = ("비밀정답", "안전이 먼저입니다", "둘입니다", "그대로 적어 둡니다", "correct")
    seen = [world.page().text]
    world.begin()
    seen.append(world.page().text)
    seen.append(world.send(answer("q1", "a")).text)
    world.submit()
    failed = world.page().text
    world.begin()
    seen.append(world.page().text)  # another attempt: the last one's review is gone
    for text in seen:
        assert [secret for secret in secrets if secret in text] == []
    # Failed with an attempt left: what was wrong, and why, but not which one was right.
    assert "안전이 먼저입니다" in failed
    assert "비밀정답" not in failed
    assert 'class="answer right"' not in failed
    world.submit()
    last = world.page().text
    assert "비밀정답" in last
    assert 'class="answer right"' in last


@pytest.fixture
def strangers(world):
    """A colleague, somebody of another institution, an officer; each signed in."""
    found = {}
    with world.db.transaction() as session:
        away = factories.institution(session)
        people = {
            "colleague": factories.person(session, world.home),
            "elsewhere": factories.person(session, away, "institution_admin"),
            "officer": factories.person(session, world.home, "officer"),
        }
    for name, person in people.items():
        found[name] = factories.browser(world.app)
        factories.sign_in(found[name], person)
    return found


@pytest.mark.parametrize("who", ["colleague", "elsewhere", "officer"])
def test_an_attempt_is_its_owners_alone(world, strangers, who):
    world.begin()
    stranger, number = strangers[who], world.attempt().id
    assert world.send(answer("q1", "b"), client=stranger).status_code == 404
    assert world.submit(client=stranger).status_code == 404
    begun = stranger.post(f"/quizzes/{world.enrolment.id}/{world.activity.id}/begin")
    assert begun.status_code == 404
    assert (world.answers(), world.attempt().submitted_at, world.attempt().id) == ({}, None, number)


def test_nobody_signed_in_is_asked_to_sign_in(world):
    world.begin()
    nobody = factories.browser(world.app)
    assert world.send(answer("q1", "b"), client=nobody).status_code == 401
    assert world.submit(client=nobody).status_code == 401


def test_another_sites_form_is_refused(world):
    world.begin()
    world.client.environ_base["HTTP_SEC_FETCH_SITE"] = "cross-site"
    assert world.submit().status_code == 403
    assert world.send(answer("q1", "b")).status_code == 403
    assert world.attempt().submitted_at is None


def test_only_a_quiz_of_ones_own_course_can_be_begun(world):
    with world.db.transaction() as session:
        state = world.app.extensions["lms"]
        course = factories.course(session, state.kinds, world.home, [factories.PAGE, QUIZ])
        other = factories.enrolment(
            session, world.hook, world.person, factories.run(session, course)
        )
        page, quiz = factories.activities(session, other)
    for enrolment, activity in ((world.enrolment, quiz), (other, page)):
        begun = world.client.post(f"/quizzes/{enrolment.id}/{activity.id}/begin")
        assert begun.status_code == 404
    assert world.count(QuizAttempt) == 0


def test_the_service_itself_refuses_other_people_and_answers_that_cannot_be(world):
    world.begin()
    attempt_id = world.attempt().id
    me, other = (SimpleNamespace(person_id=world.person.id + more) for more in (0, 1))
    with world.db.transaction() as session:
        enrolment = session.get_one(Enrolment, world.enrolment.id)
        activity = activity_in(session, enrolment, world.activity.id)
        attempt = session.get_one(QuizAttempt, attempt_id)
        with pytest.raises(NotFoundError):
            service.begin(session, world.hook, enrolment, activity, actor=other, now=factories.NOW)
        with pytest.raises(NotFoundError):
            service.submit(session, world.hook, attempt, actor=other, now=factories.NOW)
        for wrong in ({"q1": ["z"]}, {"q3": ["가" * 501]}):
            with pytest.raises(InvalidError):
                service.submit(
                    session, world.hook, attempt, actor=me, now=factories.NOW, answers=wrong
                )
    with pytest.raises(NotFoundError):
        world.db.writer.do(
            lambda connection: answering.save(connection, attempt_id + 99, [], now=factories.NOW)
        )


def test_a_repeated_id_within_one_batch_is_refused_whole(world):
    world.begin()
    attempt_id, same = world.attempt().id, str(uuid.uuid4())
    twice = [answering.Answer(**answer("q1", name, id=same)) for name in "ab"]
    with pytest.raises(ConflictError):
        world.db.writer.do(
            lambda connection: answering.save(connection, attempt_id, twice, now=factories.NOW)
        )
    assert world.answers() == {}
