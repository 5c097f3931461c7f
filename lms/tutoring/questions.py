"""Questions of learners to those who look after their run, and the answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from lms.errors import ClosedError, InvalidError
from lms.i18n import words
from lms.learning.models import Activity, Course, Enrolment, Run, Unit
from lms.outbox import promise
from lms.people.models import Organisation, Person
from lms.tutoring.models import Answer, Question

LATE = timedelta(days=2)
"""A question that waits longer is late."""

LONGEST = 4000
PAGE = 30
MOST_OPEN = 10
"""Questions of one enrolment that may wait at a time."""


def ask(
    session: Session, enrolment: Enrolment, text: str, *, activity_id: int | None, now: datetime
) -> Question:
    """The learner's question. Raises InvalidError when it is empty, ClosedError when too many wait.

    The very same text while the first still waits is the first one: a form sent twice asks once.
    """
    text = _checked(text)
    waiting = session.scalars(
        select(Question).filter_by(enrolment_id=enrolment.id, answered_at=None)
    ).all()
    for one in waiting:
        if one.text == text:
            return one
    if len(waiting) >= MOST_OPEN:
        raise ClosedError(
            "답을 기다리는 문의가 {n}건 있습니다. 답이 오면 더 물으실 수 있습니다.", n=MOST_OPEN
        )
    question = Question(
        institution_id=enrolment.institution_id,
        run_id=enrolment.run_id,
        enrolment_id=enrolment.id,
        person_id=enrolment.person_id,
        activity_id=_of_version(session, enrolment, activity_id),
        at=now,
        text=text,
        answered_at=None,
    )
    session.add(question)
    session.flush()  # its id goes into the address of the answer
    return question


def add(
    session: Session, question: Question, text: str, *, author_id: int, now: datetime
) -> Answer:
    """A reply from either side; the learner's own opens the question again.

    An answer is told to the learner by mail. Raises InvalidError for an empty one.
    """
    answer = Answer(
        institution_id=question.institution_id,
        question_id=question.id,
        author_id=author_id,
        at=now,
        text=_checked(text),
    )
    session.add(answer)
    if author_id == question.person_id:
        question.answered_at = None
        return answer
    question.answered_at = now
    session.flush()  # its id names the promise
    promise(
        session,
        "tutoring.tell_answer",
        key=f"answer:{answer.id}:tell",
        now=now,
        institution_id=question.institution_id,
        answer=answer.id,
    )
    return answer


def tell_answer(state: Any, task: Any, now: datetime) -> None:
    """Promise the mail that a question was answered; people without an address get none."""
    with state.db.transaction() as session:
        answer = session.get(Answer, task.payload["answer"])
        question = session.get(Question, answer.question_id) if answer else None
        person = session.get(Person, question.person_id) if question else None
        if answer is None or question is None or person is None or not person.email:
            return
        course = session.scalar(
            select(Course.title)
            .join(Run, Run.course_id == Course.id)
            .where(Run.id == question.run_id)
        )
        say = words(person.locale or "ko").text
        path = f"{state.prefix.rstrip('/')}/questions/{question.id}"
        promise(
            session,
            "mail.send",
            key=f"answer:{answer.id}:mail",
            now=now,
            institution_id=question.institution_id,
            to=person.email,
            subject=say("「{title}」 문의에 답이 왔습니다", title=course or ""),
            body=say(
                "{name} 님, 물으신 것에 답이 왔습니다.\n\n{text}\n\n이어서 물으시려면: {address}",
                name=person.name,
                text=answer.text,
                address=state.settings.base_url.rstrip("/") + path,
            ),
        )


def waiting(session: Session, run_ids: Sequence[int]) -> int:
    """How many questions of these runs wait for an answer."""
    query = select(func.count(Question.id)).where(
        Question.run_id.in_(run_ids), Question.answered_at.is_(None)
    )
    return session.scalar(query) or 0


def inbox(
    session: Session,
    institution_id: int,
    run_ids: Sequence[int] | None,
    *,
    answered: bool,
    after: tuple[datetime, int] | None = None,
) -> Sequence[Any]:
    """Questions of these runs (None: all): those that waited longest first, answered ones by the
    newest; one more than a page."""
    query = _lines().where(Question.institution_id == institution_id, _in(run_ids))
    if answered:
        query = query.where(Question.answered_at.is_not(None))
        order: Any = (Question.answered_at, Question.id)
        if after is not None:
            query = query.where(tuple_(*order) < tuple_(*after))
        query = query.order_by(*(column.desc() for column in order))
    else:
        query = query.where(Question.answered_at.is_(None))
        if after is not None:
            query = query.where(tuple_(Question.at, Question.id) > tuple_(*after))
        query = query.order_by(Question.at, Question.id)
    return session.execute(query.limit(PAGE + 1)).all()


def of_person(session: Session, person_id: int) -> Sequence[Any]:
    """What somebody asked, newest first."""
    query = _lines().where(Question.person_id == person_id)
    return session.execute(query.order_by(Question.id.desc()).limit(100)).all()


def of_enrolment(session: Session, enrolment_id: int) -> Sequence[Any]:
    """What was asked from an enrolment, newest first."""
    query = _lines().where(Question.enrolment_id == enrolment_id)
    return session.execute(query.order_by(Question.id.desc()).limit(100)).all()


def one(session: Session, question_id: int) -> Any:
    """The question with what it is about."""
    return session.execute(_lines().where(Question.id == question_id)).one()


def replies(session: Session, question_id: int) -> Sequence[Any]:
    """What was said to a question, in order, with who said it."""
    return session.execute(
        select(Answer, Person.name.label("author"))
        .join(Person, Person.id == Answer.author_id)
        .where(Answer.question_id == question_id)
        .order_by(Answer.id)
    ).all()


def is_late(question: Any, now: datetime) -> bool:
    return question.answered_at is None and question.at < now - LATE


def _lines() -> Select[Any]:
    learner = aliased(Person)
    query: Any = (
        select(
            Question,
            learner.name.label("learner"),
            Organisation.name.label("school"),
            Course.title.label("course"),
            Run.year,
            Run.number,
            Activity.title.label("activity"),
            Unit.position.label("unit"),
        )
        .join(learner, learner.id == Question.person_id)
        .outerjoin(Organisation, Organisation.id == learner.organisation_id)
        .join(Run, Run.id == Question.run_id)
        .join(Course, Course.id == Run.course_id)
        .outerjoin(Activity, Activity.id == Question.activity_id)
        .outerjoin(Unit, Unit.id == Activity.unit_id)
    )
    found: Select[Any] = query
    return found


def _in(run_ids: Sequence[int] | None) -> ColumnElement[bool]:
    return true() if run_ids is None else Question.run_id.in_(run_ids)


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise InvalidError("내용을 적어 주십시오.", field="text")
    if len(text) > LONGEST:
        raise InvalidError(
            "{n}자까지 적을 수 있습니다. 나누어 적어 주십시오.", field="text", n=LONGEST
        )
    return text


def _of_version(session: Session, enrolment: Enrolment, activity_id: int | None) -> int | None:
    if activity_id is None:
        return None
    return session.scalar(
        select(Activity.id)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Activity.id == activity_id, Unit.version_id == enrolment.run.version_id)
    )
