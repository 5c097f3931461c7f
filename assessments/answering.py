"""Answers as they come in: each checked against its question, kept once, in Core for the writer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, Row, insert, select, update

from assessments.config import LONGEST_ESSAY, Question, Quiz, read
from assessments.models import QuizAnswer, QuizAttempt
from lms import clock
from lms.errors import ClosedError, ConflictError, InvalidError, NotFoundError
from lms.learning.models import Activity, Enrolment, Run
from lms.learning.service import check_period
from lms.people.models import Institution

SUBMITTED = "이미 제출한 평가입니다. 결과 화면에서 점수를 볼 수 있습니다."
Uuid = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer as the browser sends it. `seq` rises with each change of the same device."""

    id: Uuid
    seq: Annotated[int, Meta(ge=0, lt=2**53)]
    question: Annotated[str, Meta(max_length=40)]
    value: Annotated[list[Annotated[str, Meta(max_length=LONGEST_ESSAY)]], Meta(max_length=50)]


class Kept(msgspec.Struct, frozen=True):
    """`acked`: ids that need not be sent again, in the order in which they came."""

    acked: list[str]
    saved_at: datetime


def save(
    connection: Connection, attempt_id: int, answers: Sequence[Answer], *, now: datetime
) -> Kept:
    """Keep the answers of an attempt that is open; all of them or none.

    The same id again changes nothing; an answer older than the one that stands is dropped, and
    both are acknowledged. Raises ClosedError after submission or outside the learning period,
    InvalidError for a question or choice that is not there, ConflictError when an id comes back
    with another value.
    """
    row = _lock(connection, attempt_id)
    if row.submitted_at is not None:
        raise ClosedError(SUBMITTED)
    _check_period(row, now)
    keep(connection, row.institution_id, attempt_id, read(row.config), answers, now=now)
    return Kept([answer.id for answer in answers], now)


def keep(
    connection: Connection,
    institution_id: int,
    attempt_id: int,
    quiz: Quiz,
    answers: Sequence[Answer],
    *,
    now: datetime,
) -> None:
    """Write the answers that are newer than what stands. Under the enrolment's lock."""
    for answer in answers:
        check_value(quiz, answer.question, answer.value)
    stands = _standing(connection, attempt_id)
    for answer in answers:
        known = stands.get(answer.question)
        if known is not None and answer.id == known[0]:
            if answer.value != known[2]:
                raise ConflictError(
                    "같은 번호로 다른 답이 왔습니다. 화면을 새로 고친 뒤 다시 답해 주십시오."
                )
            continue
        if known is not None and answer.seq < known[1]:
            continue
        values = {
            "value": answer.value,
            "client_id": answer.id,
            "client_seq": answer.seq,
            "saved_at": now,
        }
        if known is None:
            fixed = {"institution_id": institution_id, "attempt_id": attempt_id}
            connection.execute(
                insert(QuizAnswer).values(**fixed, question=answer.question, **values)
            )
        else:
            connection.execute(
                update(QuizAnswer)
                .where(QuizAnswer.attempt_id == attempt_id, QuizAnswer.question == answer.question)
                .values(**values)
            )
        stands[answer.question] = (answer.id, answer.seq, answer.value)


def check_value(quiz: Quiz, question_id: str, value: Sequence[str]) -> None:
    """Raises InvalidError when the value cannot be an answer to that question."""
    question = quiz.question(question_id)
    if question is None:
        raise InvalidError(
            "이 퀴즈에 없는 문항입니다. 화면을 새로 고친 뒤 다시 답해 주십시오.", field="question"
        )
    if not _fits(question, value):
        raise InvalidError(
            "이 문항에 쓸 수 없는 답입니다. 화면을 새로 고친 뒤 다시 답해 주십시오.", field="value"
        )


def _fits(question: Question, value: Sequence[str]) -> bool:
    if question.type in {"short", "essay"}:
        return len(value) <= 1 and all(len(text) <= question.longest for text in value)
    if question.type == "single" and len(value) > 1:
        return False
    return len(set(value)) == len(value) and set(value) <= {each.id for each in question.choices}


def _standing(connection: Connection, attempt_id: int) -> dict[str, tuple[str, int, list[Any]]]:
    rows = connection.execute(
        select(
            QuizAnswer.question, QuizAnswer.client_id, QuizAnswer.client_seq, QuizAnswer.value
        ).where(QuizAnswer.attempt_id == attempt_id)
    )
    return {row.question: (row.client_id, row.client_seq, row.value) for row in rows}


def _lock(connection: Connection, attempt_id: int) -> Row[Any]:
    # The enrolment's row first and alone: submitting holds it too, and what is read afterwards is
    # then newer than any submission that we waited for.
    owner = select(QuizAttempt.enrolment_id).where(QuizAttempt.id == attempt_id).scalar_subquery()
    connection.execute(select(Enrolment.id).where(Enrolment.id == owner).with_for_update())
    row = connection.execute(
        select(
            QuizAttempt.institution_id,
            QuizAttempt.submitted_at,
            Activity.config,
            Enrolment.state,
            Run.state.label("run_state"),
            Run.learn_from,
            Run.learn_until,
            Institution.zone,
        )
        .join(Activity, Activity.id == QuizAttempt.activity_id)
        .join(Enrolment, Enrolment.id == QuizAttempt.enrolment_id)
        .join(Run, Run.id == Enrolment.run_id)
        .join(Institution, Institution.id == QuizAttempt.institution_id)
        .where(QuizAttempt.id == attempt_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("찾는 것이 없습니다. 주소를 다시 확인해 주십시오.")
    return row


def _check_period(row: Row[Any], now: datetime) -> None:
    run = Run(state=row.run_state, learn_from=row.learn_from, learn_until=row.learn_until)
    check_period(Enrolment(state=row.state, run=run), clock.local_day(now, row.zone))
