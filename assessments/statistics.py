"""Which questions a run's learners get wrong, for those who look after them."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessments.config import read
from assessments.models import QuizAttempt
from assessments.service import KIND
from lms.learning.models import Activity, Enrolment, Run, Unit

FEWEST = 5
"""First attempts from which a share says something."""

MOST = 5
"""Questions that are told."""


@dataclass(frozen=True)
class Hard:
    """A question and how many of those who tried it were wrong the first time, in permille."""

    text: str
    share: int
    wrong: int
    tried: int
    href: str | None = None


def hardest(session: Session, run: Run) -> list[Hard]:
    """The questions most often wrong at the first attempt, the hardest first: two queries."""
    quizzes = session.execute(
        select(Activity.id, Activity.config)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Unit.version_id == run.version_id, Activity.kind == KIND)
        .order_by(Unit.position, Activity.position)
    ).all()
    if not quizzes:
        return []
    tried, wrong = _counted(session, run)
    found = [
        Hard(
            text=question.text,
            share=wrong[activity_id, question.id] * 1000 // tried[activity_id, question.id],
            wrong=wrong[activity_id, question.id],
            tried=tried[activity_id, question.id],
        )
        for activity_id, config in quizzes
        for question in read(config).questions
        if tried[activity_id, question.id] >= FEWEST and wrong[activity_id, question.id]
    ]
    return sorted(found, key=lambda one: -one.share)[:MOST]


def _counted(
    session: Session, run: Run
) -> tuple[Counter[tuple[int, str]], Counter[tuple[int, str]]]:
    tried: Counter[tuple[int, str]] = Counter()
    wrong: Counter[tuple[int, str]] = Counter()
    rows = session.execute(
        select(QuizAttempt.activity_id, QuizAttempt.marks)
        .join(Enrolment, Enrolment.id == QuizAttempt.enrolment_id)
        .where(
            Enrolment.run_id == run.id,
            QuizAttempt.number == 1,
            QuizAttempt.submitted_at.is_not(None),
        )
    )
    for activity_id, marks in rows:
        for question, right in marks.items():
            tried[activity_id, question] += 1
            wrong[activity_id, question] += not right
    return tried, wrong
