"""Questions that wait for an answer, for the start page of those who run the institution."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from lms.edge.deciding import FIRST, Item, Waits
from lms.edge.rendering import url
from lms.learning.models import Course, Run
from lms.tutoring.models import Question
from lms.tutoring.overview import answered_by
from lms.tutoring.permissions import ANSWER

_SHOWN = 40
"""Characters of a question that stand in the line."""


def waits(session: Session, actor: Any) -> Iterable[Waits]:
    """Unanswered questions that are the actor's to answer, the oldest first: one query."""
    if not ANSWER.allows(actor, None):
        return
    mine = answered_by(actor)
    rows = session.execute(
        select(Question.id, Question.text, Question.at, Course.title, func.count().over())
        .join(Run, Run.id == Question.run_id)
        .join(Course, Course.id == Run.course_id)
        .where(
            Question.institution_id == actor.institution_id,
            Question.answered_at.is_(None),
            true() if mine is None else Question.run_id.in_(mine),
        )
        .order_by(Question.at, Question.id)
        .limit(FIRST)
    ).all()
    yield Waits(
        order=50,
        title="답을 기다리는 문의 {n}건",
        count=rows[0][4] if rows else 0,
        icon="note",
        action="답하러 가기",
        href=url("tutoring.inbox"),
        items=tuple(
            Item(f"{title} · {_short(text)}", url("tutoring.question", id=id_), since=at)
            for id_, text, at, title, _ in rows
        ),
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
