"""Questions with their answers, and notices of a run."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from lms.edge import State
from lms.errors import ClosedError
from lms.learning.models import Enrolment
from lms.outbox import Task
from lms.people import service
from lms.people.models import AuditRow, Person
from lms.tutoring import forgetting, notes, questions
from lms.tutoring.models import Answer, LearnerNote, Notice, Nudge, Question
from tests import factories
from tests.factories import NOW
from tests.tutoring_world import World

DAY = timedelta(days=1)


@pytest.fixture
def world(state: State) -> World:
    with state.db.transaction() as session:
        made = World(session, state)
        made.asker = factories.enrolment(  # type: ignore[attr-defined]
            session,
            state.hook,
            factories.person(session, made.home, name="문의함", email="ask@example.kr"),
            made.run,
        )
    return made


def test_a_learner_asks_and_is_answered_by_mail(client: Any, state: State, world: Any) -> None:
    with state.db.reading() as session:
        learner = session.get_one(Person, world.asker.person_id)
    factories.sign_in(client, learner)
    course = client.get(f"/enrolments/{world.asker.id}").text
    assert f"/enrolments/{world.asker.id}/questions" in course
    path = f"/enrolments/{world.asker.id}/questions"
    assert client.post(path, data={"text": " "}).status_code == 422
    sent = client.post(path, data={"text": "2차시가 멈춥니다.", "activity": "999"})
    assert sent.status_code == 303
    again = client.post(path, data={"text": "2차시가 멈춥니다."})
    assert again.location == sent.location
    assert "문의를 보냈습니다." in client.get(sent.location).text
    (one,) = rows(state, Question)
    factories.sign_in(client, world.manager)
    assert "2차시가 멈춥니다." in client.get("/desk/questions").text
    assert client.get("/desk/questions?run=99999").text.count("2차시가") == 0
    thread = f"/desk/questions/{one.id}"
    assert "2차시가 멈춥니다." in client.get(thread).text
    answered = client.post(f"{thread}/answers", data={"text": "고쳤습니다."})
    assert answered.status_code == 303
    assert "답을 기다리는 문의가 없습니다." in client.get("/desk/questions").text
    assert "문의함" in client.get("/desk/questions?answered=1").text
    with state.db.reading() as session:
        task = session.scalars(select(Task).where(Task.name == "tutoring.tell_answer")).one()
    for _ in range(2):
        questions.tell_answer(state, task, NOW)
    with state.db.reading() as session:
        (mail,) = session.scalars(select(Task).where(Task.name == "mail.send"))
    assert mail.payload["to"] == "ask@example.kr"
    assert "고쳤습니다." in mail.payload["body"]
    assert f"http://localhost/questions/{one.id}" in mail.payload["body"]
    factories.sign_in(client, learner)
    assert "고쳤습니다." in client.get(f"/questions/{one.id}").text
    assert "2차시가 멈춥니다." in client.get("/questions").text
    more = client.post(f"/questions/{one.id}/more", data={"text": "아직입니다."})
    assert more.status_code == 303
    assert [row.text for row in rows(state, Answer)] == ["고쳤습니다.", "아직입니다."]
    (one,) = rows(state, Question)
    assert one.answered_at is None


def rows(state: State, model: Any) -> list[Any]:
    with state.db.reading() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def test_those_that_waited_longest_stand_first_and_are_called_late(
    client: Any, state: State, world: Any
) -> None:
    with state.db.transaction() as session:
        enrolment = session.get_one(Enrolment, world.asker.id)
        for ago, text in ((1, "새것"), (9, "오래된 것"), (3, "사흘 된 것")):
            questions.ask(session, enrolment, text, activity_id=None, now=NOW - ago * DAY)
    with state.db.reading() as session:
        found = questions.inbox(session, world.home.id, None, answered=False)
        assert [row.Question.text for row in found] == ["오래된 것", "사흘 된 것", "새것"]
        assert [questions.is_late(row.Question, NOW) for row in found] == [True, True, False]
        last = found[1].Question
        rest = questions.inbox(
            session, world.home.id, None, answered=False, after=(last.at, last.id)
        )
        assert [row.Question.text for row in rest] == ["새것"]
        assert questions.inbox(session, world.home.id, [], answered=False) == []
    factories.sign_in(client, world.manager)
    with state.db.transaction() as session:  # the page's own time is today's
        session.execute(update(type(world.run)).values(learn_until=NOW.date() + 3650 * DAY))
    assert "답을 기다리는 문의 3건" in client.get("/desk").text


def test_too_many_that_wait_are_refused(state: State, world: Any) -> None:
    with state.db.transaction() as session:
        enrolment = session.get_one(Enrolment, world.asker.id)
        for number in range(questions.MOST_OPEN):
            questions.ask(session, enrolment, f"{number}", activity_id=None, now=NOW)
        with pytest.raises(ClosedError):
            questions.ask(session, enrolment, "하나 더", activity_id=None, now=NOW)


def test_another_learners_question_is_not_found(client: Any, state: State, world: Any) -> None:
    with state.db.transaction() as session:
        enrolment = session.get_one(Enrolment, world.asker.id)
        asked = questions.ask(session, enrolment, "비밀", activity_id=None, now=NOW)
        other = factories.person(session, world.home)
    factories.sign_in(client, other)
    assert client.get(f"/questions/{asked.id}").status_code == 404
    assert client.get(f"/enrolments/{world.asker.id}/questions").status_code == 404
    assert client.get(f"/desk/questions/{asked.id}").status_code == 403


def test_somebody_without_an_address_gets_no_mail(state: State, world: Any) -> None:
    with state.db.transaction() as session:
        enrolment = session.get_one(Enrolment, world.asker.id)
        asked = questions.ask(session, enrolment, "물음", activity_id=None, now=NOW)
        questions.add(session, asked, "답", author_id=world.manager.id, now=NOW)
        session.execute(update(Person).values(email=None))
        task = session.scalars(select(Task).where(Task.name == "tutoring.tell_answer")).one()
    questions.tell_answer(state, task, NOW)
    with state.db.reading() as session:
        assert session.scalars(select(Task).where(Task.name == "mail.send")).all() == []


def test_a_notice_is_seen_where_one_learns_until_it_is_taken_down(
    client: Any, state: State, world: Any
) -> None:
    factories.sign_in(client, world.manager)
    path = f"/desk/runs/{world.run.id}/notices"
    assert client.post(path, data={"title": "제목"}).status_code == 422
    for _ in range(2):
        told = {"title": "자막을 고쳤습니다", "body": "<b>다시</b> 보지 않으셔도 됩니다."}
        assert client.post(path, data=told).status_code == 303
    (notice,) = rows(state, Notice)
    with state.db.transaction() as session:  # the pages' own time is today's
        session.execute(update(type(world.run)).values(learn_until=NOW.date() + 3650 * DAY))
        learner = session.get_one(Person, world.asker.person_id)
    factories.sign_in(client, learner)
    for page in ("/", f"/enrolments/{world.asker.id}", "/notices"):
        text = client.get(page).text
        assert ("자막을 고쳤습니다" in text, "<b>다시</b>" in text) == (True, False), page
    factories.sign_in(client, world.manager)
    assert client.post(f"/desk/notices/{notice.id}/end").status_code == 303
    assert client.post(f"/desk/notices/{notice.id}/end").status_code == 303
    assert "자막을 고쳤습니다" in client.get(path).text
    factories.sign_in(client, learner)
    for page in ("/", f"/enrolments/{world.asker.id}", "/notices"):
        assert "자막을 고쳤습니다" not in client.get(page).text
    with state.db.reading() as session:
        acts = session.scalars(select(AuditRow.act).where(AuditRow.subject == "notice")).all()
        assert acts == ["notice.end"]


def test_what_was_written_about_the_forgotten_is_forgotten(state: State, world: Any) -> None:
    with state.db.transaction() as session:
        enrolment = session.get_one(Enrolment, world.asker.id)
        asked = questions.ask(session, enrolment, "물음", activity_id=None, now=NOW)
        questions.add(session, asked, "문의함 님, 답", author_id=world.manager.id, now=NOW)
        run, more = enrolment.run, {"author_id": world.manager.id, "now": NOW}
        notes.add(session, run, [enrolment.id], kind="call", text="전화 이야기", **more)
        session.add(
            Nudge(
                institution_id=world.home.id,
                run_id=run.id,
                enrolment_id=enrolment.id,
                person_id=enrolment.person_id,
                key="k",
                channel="mail",
                subject="제목",
                body="문의함 선생님",
                at=NOW,
                due=NOW,
                outcome="sent",
            )
        )
        person = session.get_one(Person, enrolment.person_id)
        forgetting.forget(session)
        session.expire_all()
        assert [one.text for one in session.scalars(select(Question))] == ["물음"]
        service.forget(session, person, actor_id=None, now=NOW, reason="본인 요청")
    forgetting.nightly(state, NOW)
    for model in (Question, Answer, LearnerNote):
        assert [one.text for one in rows(state, model)] == [""]
    (nudge,) = rows(state, Nudge)
    assert (nudge.subject, nudge.body, nudge.outcome) == ("", "", "sent")
