"""What was written to and about people who are forgotten is forgotten, too: every night."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from lms.learning.models import Enrolment
from lms.people.models import Person
from lms.tutoring.models import Answer, LearnerNote, Nudge, Question


def nightly(state: Any, _slot: datetime) -> None:
    """Empty the texts; that something was sent, asked and noted, and when, stays."""
    with state.db.transaction() as session:
        forget(session)


def forget(session: Session) -> None:
    """Empty all texts that name somebody forgotten. Running it again changes nothing."""
    gone = select(Person.id).where(Person.status == "forgotten")
    theirs = select(Enrolment.id).where(Enrolment.person_id.in_(gone))
    asked = select(Question.id).where(Question.person_id.in_(gone))
    for change in (
        update(Nudge)
        .where(Nudge.person_id.in_(gone), Nudge.body != "")
        .values(subject="", body=""),
        update(LearnerNote)
        .where(LearnerNote.enrolment_id.in_(theirs), LearnerNote.text != "")
        .values(text=""),
        update(Question).where(Question.id.in_(asked), Question.text != "").values(text=""),
        update(Answer)
        .where(or_(Answer.question_id.in_(asked), Answer.author_id.in_(gone)), Answer.text != "")
        .values(text=""),
    ):
        session.execute(change.execution_options(synchronize_session=False))
