"""Notices of a run (공지): shown where its learners learn; taken down, never deleted."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import Session

from lms.db import Prepared, PreparedIn
from lms.errors import InvalidError
from lms.learning.models import Course, Enrolment, Run
from lms.people import audit
from lms.people.models import Person
from lms.tutoring.models import Notice

LONGEST_TITLE, LONGEST = 120, 4000


def put_up(
    session: Session, run: Run, *, title: str, body: str, author_id: int, now: datetime
) -> Notice:
    """A new notice. Raises InvalidError without a title or a text.

    The same one still standing is that one: a form sent twice puts up one notice.
    """
    title, body = title.strip(), body.strip()
    for key, text, longest in (("title", title, LONGEST_TITLE), ("body", body, LONGEST)):
        if not text:
            raise InvalidError("제목과 글을 모두 적어 주십시오.", field=key)
        if len(text) > longest:
            raise InvalidError("{n}자까지 적을 수 있습니다.", field=key, n=longest)
    for known in session.scalars(select(Notice).filter_by(run_id=run.id, ended_at=None)):
        if (known.title, known.body) == (title, body):
            return known
    notice = Notice(
        institution_id=run.institution_id,
        run_id=run.id,
        author_id=author_id,
        at=now,
        title=title,
        body=body,
        ended_at=None,
    )
    session.add(notice)
    return notice


def take_down(session: Session, notice: Notice, *, actor_id: int, now: datetime) -> None:
    """End a notice; nothing if it ended before."""
    if notice.ended_at is not None:
        return
    notice.ended_at = now
    audit.write(
        session,
        institution_id=notice.institution_id,
        actor_id=actor_id,
        act="notice.end",
        subject="notice",
        subject_id=notice.id,
        reason="공지를 내림",
        now=now,
    )


def of_run(session: Session, run_id: int) -> Sequence[Any]:
    """All notices of a run, those that stand first, newest first, with who wrote them."""
    return session.execute(
        select(Notice, Person.name.label("author"))
        .join(Person, Person.id == Notice.author_id)
        .where(Notice.run_id == run_id)
        .order_by(Notice.ended_at.is_not(None), Notice.id.desc())
        .limit(100)
    ).all()


class Standing(NamedTuple):
    """A notice on the page where one learns."""

    run_id: int
    at: datetime
    title: str
    body: str


class Mine(NamedTuple):
    """A notice of a run that somebody is learning in."""

    id: int
    at: datetime
    title: str
    body: str
    course: str
    enrolment_id: int


_STANDING = PreparedIn(
    select(Notice.run_id, Notice.at, Notice.title, Notice.body)
    .where(Notice.ended_at.is_(None))
    .order_by(Notice.id.desc())
    .limit(20),
    Notice.run_id,
    Standing,
)
_MINE = Prepared(
    select(
        Notice.id,
        Notice.at,
        Notice.title,
        Notice.body,
        Course.title.label("course"),
        Enrolment.id.label("enrolment_id"),
    )
    .select_from(Enrolment)
    .join(Run, Run.id == Enrolment.run_id)
    .join(Course, Course.id == Run.course_id)
    .join(Notice, Notice.run_id == Run.id)
    .where(
        Enrolment.person_id == bindparam("person_id"),
        Enrolment.state == "enrolled",
        Run.learn_until >= bindparam("today"),
        Run.state.in_(("open", "running")),
        Notice.ended_at.is_(None),
    )
    .order_by(Notice.id.desc())
    .limit(bindparam("most", type_=Integer)),
    Mine,
)


def standing(session: Session, run_ids: Sequence[int]) -> Sequence[Standing]:
    """What stands for the learners of these runs, newest first: one query."""
    return _STANDING.all(session.connection(), run_ids) if run_ids else []


def for_person(session: Session, person_id: int, today: date, *, most: int = 50) -> Sequence[Mine]:
    """What stands in the runs that somebody is learning in, newest first: one query."""
    return _MINE.all(session, person_id=person_id, today=today, most=most)
