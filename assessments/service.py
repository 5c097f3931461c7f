"""Taking a quiz: begin, answer (see answering.py), submit. Marked here, never in the browser."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import pluggy
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from assessments import stating
from assessments.answering import Answer, Kept, keep, save
from assessments.config import read
from assessments.marking import mark_all, waits_for_somebody
from assessments.models import QuizAnswer, QuizAttempt
from lms.errors import ClosedError, InvalidError, NotFoundError
from lms.learning.models import Activity, Enrolment
from lms.learning.service import Settled, check_open, lock, record
from lms.people.actor import Actor

__all__ = ["Answer", "Kept", "Submitted", "answers_of", "attempts_of", "begin", "save", "submit"]

KIND = "quiz"


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """What a submission came to. `settled` is None when it had been submitted before."""

    attempt: QuizAttempt
    settled: Settled | None


def begin(
    session: Session,
    hook: pluggy.HookRelay,
    enrolment: Enrolment,
    activity: Activity,
    *,
    actor: Actor,
    now: datetime,
) -> QuizAttempt:
    """The attempt that is open, or a new one.

    Raises ClosedError when the activity is closed or every attempt is used, NotFoundError when
    it is not the actor's or no quiz.
    """
    if enrolment.person_id != actor.person_id or activity.kind != KIND:
        raise NotFoundError("찾는 것이 없습니다. 주소를 다시 확인해 주십시오.")
    enrolment = lock(session, enrolment.id)
    check_open(session, hook, enrolment, activity, now=now)
    attempts = attempts_of(session, enrolment.id, activity.id)
    if attempts and attempts[-1].submitted_at is None:
        return attempts[-1]
    if attempts and attempts[-1].score is None:
        raise ClosedError("낸 답을 채점하고 있습니다. 결과가 나온 뒤에 다시 풀 수 있습니다.")
    most = read(activity.config).attempts
    if len(attempts) >= most:
        raise ClosedError(
            "{n}번을 모두 푸셨습니다. 더 풀어야 하면 과정 담당자에게 문의해 주십시오.", n=most
        )
    attempt = QuizAttempt(
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        enrolment=enrolment,
        activity_id=activity.id,
        activity=activity,
        number=len(attempts) + 1,
        begun_at=now,
        submitted_at=None,
        score=None,
        marks={},
    )
    session.add(attempt)
    session.flush()  # its id goes into the address that the caller answers with
    said = stating.begun(session, attempt, now=now)
    record(session, hook, enrolment.id, activity.id, [said], now=now)
    return attempt


def submit(
    session: Session,
    hook: pluggy.HookRelay,
    attempt: QuizAttempt,
    *,
    actor: Actor,
    now: datetime,
    answers: Mapping[str, Sequence[str]] | None = None,
) -> Submitted:
    """Mark the attempt and tell what came of it; the same result when it was submitted before.

    An essay in it waits for somebody: the attempt then has no score yet (see awaiting.py).

    `answers`: by question id, as the form shows them now; they stand over what was saved. Raises
    ClosedError when the quiz is closed by now, InvalidError for an answer that cannot be.
    """
    if attempt.enrolment.person_id != actor.person_id:
        raise NotFoundError("찾는 것이 없습니다. 주소를 다시 확인해 주십시오.")
    enrolment = lock(session, attempt.enrolment_id)
    # Whoever waited for the lock looks again: another request may have submitted meanwhile.
    session.refresh(attempt)
    if attempt.submitted_at is not None:
        return Submitted(attempt=attempt, settled=None)
    activity = attempt.activity
    check_open(session, hook, enrolment, activity, now=now)
    quiz = read(activity.config)
    if answers:
        _take(session, attempt, answers, now)
    given = {answer.question: answer.value for answer in answers_of(session, attempt.id)}
    waiting = waits_for_somebody(quiz.questions, given)
    marked = mark_all(quiz.questions, given, pass_permille=quiz.pass_permille)
    attempt.submitted_at = now
    attempt.score = None if waiting else marked.score
    attempt.marks = {name: right for name, right in marked.right.items() if name not in waiting}
    said = stating.submitted(session, attempt, quiz, given, None if waiting else marked, now=now)
    settled = record(session, hook, enrolment.id, activity.id, said, now=now)
    return Submitted(attempt=attempt, settled=settled)


def attempts_of(session: Session, enrolment_id: int, activity_id: int) -> list[QuizAttempt]:
    """The attempts of an enrolment at one quiz, in their order."""
    query = select(QuizAttempt).filter_by(enrolment_id=enrolment_id, activity_id=activity_id)
    return list(session.scalars(query.order_by(QuizAttempt.number)))


def answers_of(session: Session, attempt_id: int) -> list[QuizAnswer]:
    """What was answered in an attempt, as it stands."""
    return list(
        session.scalars(
            select(QuizAnswer)
            .filter_by(attempt_id=attempt_id)
            # keep() writes in Core: what the session remembers may be older.
            .execution_options(populate_existing=True)
        )
    )


def _take(
    session: Session, attempt: QuizAttempt, answers: Mapping[str, Sequence[str]], now: datetime
) -> None:
    quiz = read(attempt.activity.config)
    last = session.scalar(
        select(func.max(QuizAnswer.client_seq)).where(QuizAnswer.attempt_id == attempt.id)
    )
    taken = [
        Answer(id=str(uuid.uuid4()), seq=(last or 0) + 1, question=question, value=list(value))
        for question, value in answers.items()
    ]
    for answer in taken:
        question = quiz.question(answer.question)
        most = question.longest if question else 0
        if question and any(len(text) > most for text in answer.value):
            raise InvalidError("답은 {n}자까지 적을 수 있습니다. 줄여서 다시 내 주십시오.", n=most)
    keep(session.connection(), attempt.institution_id, attempt.id, quiz, taken, now=now)
