"""What a course manager writes down about learners: a call, a note. Inserted only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from lms.errors import InvalidError
from lms.learning.models import Enrolment, Run
from lms.people.models import Person
from lms.tutoring.models import LearnerNote
from lms.tutoring.words import NOTE_KINDS

LONGEST = 2000


def add(
    session: Session,
    run: Run,
    enrolment_ids: Sequence[int],
    *,
    kind: str,
    text: str,
    author_id: int,
    now: datetime,
) -> int:
    """Write the same note to each of these enrolments of the run; returns to how many.

    Raises InvalidError without a text, without anybody, or for an unknown kind.
    """
    text = text.strip()
    if kind not in NOTE_KINDS:
        raise InvalidError("통화인지 메모인지 골라 주십시오.", field="kind")
    if not text:
        raise InvalidError("무슨 이야기를 나누었는지 적어 주십시오.", field="text")
    if len(text) > LONGEST:
        raise InvalidError("{n}자까지 적을 수 있습니다.", field="text", n=LONGEST)
    known = session.scalars(
        select(Enrolment.id).where(Enrolment.run_id == run.id, Enrolment.id.in_(enrolment_ids))
    ).all()
    if not known:
        raise InvalidError("기록할 사람을 골라 주십시오.")
    rows = [
        {
            "institution_id": run.institution_id,
            "enrolment_id": enrolment_id,
            "author_id": author_id,
            "at": now,
            "kind": kind,
            "text": text,
        }
        for enrolment_id in known
    ]
    session.execute(insert(LearnerNote), rows)
    return len(rows)


def of_enrolment(session: Session, enrolment_id: int) -> Sequence[Any]:
    """Every note on an enrolment, newest first, with who wrote it."""
    return session.execute(
        select(LearnerNote, Person.name.label("author"))
        .join(Person, Person.id == LearnerNote.author_id)
        .where(LearnerNote.enrolment_id == enrolment_id)
        .order_by(LearnerNote.id.desc())
        .limit(100)
    ).all()


def of_run(session: Session, run_id: int, *, most: int = 20) -> Sequence[Any]:
    """The newest notes on the run's learners, with whom they are about."""
    return session.execute(
        select(LearnerNote, Person.name.label("learner"), Enrolment.id.label("enrolment_id"))
        .join(Enrolment, Enrolment.id == LearnerNote.enrolment_id)
        .join(Person, Person.id == Enrolment.person_id)
        .where(Enrolment.run_id == run_id)
        .order_by(LearnerNote.id.desc())
        .limit(most)
    ).all()
