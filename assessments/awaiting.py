"""Essays that wait for a person's mark: the queue, the mark, and what follows from it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import pluggy
from sqlalchemy import ColumnElement, Select, and_, func, select, true
from sqlalchemy.orm import Session

from assessments import stating
from assessments.config import Question, Quiz, read
from assessments.marking import mark_all, waits_for_somebody
from assessments.models import QuizAttempt, QuizMark
from assessments.service import answers_of
from lms.errors import ClosedError, ConflictError, InvalidError
from lms.learning.models import Activity, Course, Enrolment, Run
from lms.learning.service import Settled, lock, record
from lms.people import audit
from lms.people.actor import Actor
from lms.people.models import Person

_OFFICE = frozenset({"officer", "institution_admin"})


class Mark(msgspec.Struct, frozen=True):
    """What a marker gives for one essay. `points`: whole, of the question's."""

    points: int
    comment: str = ""


class Pile(NamedTuple):
    """What waits in one activity of one run."""

    run_id: int
    activity_id: int
    course_title: str
    run_number: int
    title: str
    waiting: int
    since: datetime


def piles(session: Session, actor: Actor) -> list[Pile]:
    """What waits for a mark of the actor, the longest waiting first: one query."""
    query = (
        _waiting(
            Run.id,
            Activity.id,
            Course.title,
            Run.number,
            Activity.title,
            func.count(),
            func.min(QuizAttempt.submitted_at),
        )
        .join(Course, Course.id == Run.course_id)
        .where(_theirs(actor))
        .group_by(Run.id, Activity.id, Course.title, Run.number, Activity.title)
        .order_by(func.min(QuizAttempt.submitted_at))
    )
    return [Pile(*row) for row in session.execute(query)]


def in_runs(session: Session, run_ids: Sequence[int]) -> list[tuple[int, int, str, int, datetime]]:
    """(run, activity, its title, how many wait, since when) in these runs: one query."""
    query = (
        _waiting(
            Run.id,
            Activity.id,
            Activity.title,
            func.count(),
            func.min(QuizAttempt.submitted_at),
        )
        .where(Run.id.in_(run_ids))
        .group_by(Run.id, Activity.id, Activity.title)
        .order_by(Run.id, func.min(QuizAttempt.submitted_at))
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in session.execute(query)]


def next_attempt(
    session: Session,
    actor: Actor,
    *,
    run_id: int | None = None,
    activity_id: int | None = None,
    after: int | None = None,
) -> int | None:
    """The attempt that has waited longest, within a run or an activity; `after`: leave one out."""
    query = _waiting(QuizAttempt.id).where(_theirs(actor))
    if run_id is not None:
        query = query.where(Run.id == run_id)
    if activity_id is not None:
        query = query.where(Activity.id == activity_id)
    if after is not None:
        query = query.where(QuizAttempt.id != after)
    found: int | None = session.scalar(
        query.order_by(QuizAttempt.submitted_at, QuizAttempt.id).limit(1)
    )
    return found


def essays(session: Session, attempt: QuizAttempt) -> list[tuple[Question, str, QuizMark | None]]:
    """Each essay of the attempt, what was written, and the mark that it has."""
    quiz = read(attempt.activity.config)
    given = {one.question: one.value for one in answers_of(session, attempt.id)}
    marks = marks_of(session, attempt.id)
    return [
        (question, (given.get(question.id) or [""])[0], marks.get(question.id))
        for question in quiz.questions
        if question.id in waits_for_somebody(quiz.questions, given)
    ]


def marks_of(session: Session, attempt_id: int) -> dict[str, QuizMark]:
    """The marks of an attempt by question id."""
    found = session.scalars(select(QuizMark).filter_by(attempt_id=attempt_id))
    return {one.question: one for one in found}


def give(
    session: Session,
    hook: pluggy.HookRelay,
    attempt: QuizAttempt,
    marks: Mapping[str, Mark],
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> Settled:
    """Mark every essay of an attempt and state the verdict, which may complete the course.

    A mark may be changed, with a `reason`, until the run is closed; the best score stands. Raises
    InvalidError for points out of range or a missing mark, ClosedError after the run was closed,
    ConflictError when somebody else has marked it meanwhile.
    """
    enrolment = lock(session, attempt.enrolment_id)
    session.refresh(attempt)
    if attempt.submitted_at is None:
        raise ConflictError("아직 내지 않은 답입니다. 낸 뒤에 채점할 수 있습니다.")
    if enrolment.run.state == "closed":
        raise ClosedError("마감한 기수입니다. 기수를 다시 연 뒤에 채점해 주십시오.")
    again = attempt.score is not None
    if again and not reason.strip():
        raise ConflictError("이미 채점한 답입니다. 점수를 고치려면 까닭을 적어 주십시오.")
    quiz = read(attempt.activity.config)
    given = {one.question: one.value for one in answers_of(session, attempt.id)}
    wanted = waits_for_somebody(quiz.questions, given)
    _check(quiz, wanted, marks)
    before = _keep(session, attempt, {name: marks[name] for name in wanted}, actor, now)
    verdict = mark_all(
        quiz.questions,
        given,
        pass_permille=quiz.pass_permille,
        given={name: marks[name].points for name in wanted},
    )
    attempt.score = verdict.score
    attempt.marks = dict(verdict.right)
    audit.write(
        session,
        institution_id=attempt.institution_id,
        actor_id=actor.person_id,
        act="mark",
        subject="quiz_attempt",
        subject_id=attempt.id,
        reason=reason.strip() or "채점",
        now=now,
        before=before,
        after={name: marks[name].points for name in wanted},
        score=verdict.score,
    )
    said = stating.marked(session, attempt, verdict, now=now)
    return record(session, hook, enrolment.id, attempt.activity_id, said, now=now, by_learner=False)


def _check(quiz: Quiz, wanted: Sequence[str], marks: Mapping[str, Mark]) -> None:
    for name in wanted:
        question = quiz.question(name)
        most = question.points if question else 0
        if name not in marks or not 0 <= marks[name].points <= most:
            raise InvalidError(
                "점수는 0점에서 {most}점 사이의 정수로 적어 주십시오.",
                most=most,
                field=f"points-{name}",
            )


def _keep(
    session: Session, attempt: QuizAttempt, marks: Mapping[str, Mark], actor: Actor, now: datetime
) -> dict[str, int]:
    """Write the marks; gives the points that stood before."""
    known = marks_of(session, attempt.id)
    before = {name: mark.points for name, mark in known.items()}
    for name, mark in marks.items():
        told = {
            "points": mark.points,
            "comment": mark.comment.strip(),
            "marker_id": actor.person_id,
            "at": now,
        }
        row = known.get(name)
        if row is None:
            fixed = {"institution_id": attempt.institution_id, "attempt_id": attempt.id}
            session.add(QuizMark(**fixed, question=name, **told))
        else:
            for column, value in told.items():
                setattr(row, column, value)
    return before


def _waiting(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(QuizAttempt)
        .join(Enrolment, Enrolment.id == QuizAttempt.enrolment_id)
        .join(Run, Run.id == Enrolment.run_id)
        .join(Activity, Activity.id == QuizAttempt.activity_id)
        .join(Person, Person.id == Enrolment.person_id)
        .where(
            QuizAttempt.submitted_at.is_not(None),
            QuizAttempt.score.is_(None),
            Enrolment.state == "enrolled",
        )
    )


def _theirs(actor: Actor) -> ColumnElement[bool]:
    """The attempts that the actor may mark: the office's all, others' of their runs."""
    inside = QuizAttempt.institution_id == actor.institution_id
    if actor.roles & _OFFICE:
        return and_(inside, true())
    mine = set(actor.runs.get("course_manager", ())) | set(actor.runs.get("instructor", ()))
    return and_(inside, Run.id.in_(sorted(mine)))
