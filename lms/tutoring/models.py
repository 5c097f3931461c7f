"""Looking after the learners of a run: nudges, notes, questions, notices, saved views."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.learning.models import Activity, Enrolment, Run
from lms.people.models import Institution, Person


class NudgeTemplate(Base):
    """What is written to learners, by hand or by rule. pii: none"""

    __tablename__ = "lms_nudge_template"
    __table_args__ = (UniqueConstraint("institution_id", "name"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    name: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    """Text with the fields of lms.tutoring.wording in braces, e.g. {name} or {days_left}."""

    rule: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Empty: only by hand. Else {"silent_days": 7} or {"days_left": 3}."""

    active: Mapped[bool] = mapped_column(default=True)


class Nudge(Base):
    """One message to one learner: who wrote it, when it went, or why it did not.

    pii: the text names its reader; retirement: lms.tutoring.forgetting
    """

    __tablename__ = "lms_nudge"
    __table_args__ = (
        Index("ix_lms_nudge_enrolment", "enrolment_id", "at"),
        Index("ix_lms_nudge_person", "person_id", "at"),
        Index("ix_lms_nudge_ended", "ended_at"),
        Index("ix_lms_nudge_run", "run_id", "id"),
    )

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    template_id: Mapped[int | None] = mapped_column(ForeignKey(NudgeTemplate.id))
    key: Mapped[str] = mapped_column(unique=True)
    """Person, template, subject and step: the same nudge twice is one."""

    channel: Mapped[str]
    """mail · sms · alimtalk"""

    subject: Mapped[str]
    body: Mapped[str]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey(Person.id))
    """None: a rule wrote it."""

    at: Mapped[datetime]
    due: Mapped[datetime]
    """Not before: quiet hours push it to the morning."""

    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="queued")
    """queued · sent · dropped (its reason no longer held) · failed"""

    why: Mapped[str | None]
    """Why it was dropped or failed, in a sentence."""

    acted_at: Mapped[datetime | None]
    """The first act seen after it was sent, within lms.tutoring.sending.HELPS."""


class LearnerNote(Base):
    """What a course manager wrote down about a learner, e.g. a call.

    pii: text; retirement: lms.tutoring.forgetting
    """

    __tablename__ = "lms_learner_note"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    at: Mapped[datetime]
    kind: Mapped[str]
    """call · note"""

    text: Mapped[str]


class Question(Base):
    """A learner asks those who look after the run.

    pii: text; retirement: lms.tutoring.forgetting
    """

    __tablename__ = "lms_question"
    __table_args__ = (Index("ix_lms_question_run", "run_id", "answered_at"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey(Enrolment.id), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    """Who asks: `owns` looks at it."""

    activity_id: Mapped[int | None] = mapped_column(ForeignKey(Activity.id))
    """Where the learner stood."""

    at: Mapped[datetime]
    text: Mapped[str]
    answered_at: Mapped[datetime | None]


class Answer(Base):
    """A reply to a question, from either side.

    pii: text; retirement: lms.tutoring.forgetting
    """

    __tablename__ = "lms_answer"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    question_id: Mapped[int] = mapped_column(ForeignKey(Question.id), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    at: Mapped[datetime]
    text: Mapped[str]


class Notice(Base):
    """Something that all learners of a run should know. pii: none"""

    __tablename__ = "lms_notice"

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    run_id: Mapped[int] = mapped_column(ForeignKey(Run.id), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey(Person.id))
    at: Mapped[datetime]
    title: Mapped[str]
    body: Mapped[str]
    ended_at: Mapped[datetime | None]
    """Taken down; kept."""


class SavedView(Base):
    """A filter that somebody keeps. pii: id"""

    __tablename__ = "lms_saved_view"
    __table_args__ = (UniqueConstraint("person_id", "page", "name"),)

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    person_id: Mapped[int] = mapped_column(ForeignKey(Person.id, ondelete="CASCADE"))
    page: Mapped[str]
    name: Mapped[str]
    query: Mapped[str]
    """The query string of the list, without its place."""

    at: Mapped[datetime]
