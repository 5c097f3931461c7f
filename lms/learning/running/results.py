"""How a run went: its figures, its scores, its learners one by one. Constant numbers of queries."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select, tuple_
from sqlalchemy.orm import Session, aliased

from lms import clock
from lms.learning import rules
from lms.learning.models import Enrolment, Run, RunChange
from lms.people.models import AuditRow, Organisation, Person, RoleGrant

PAGE = 50
SHEET_PAGE = 500
STAFF = ("course_manager", "instructor")
BANDS = (60, 70, 80, 90)
"""Points between which scores are counted together; the first is everything below it."""

Key = tuple[str, int]

RESULTS = {
    "completed": "이수",
    "never": "학습하지 않음",
    "progress": "진도가 모자람",
    "untested": "평가를 다 치르지 않음",
    "score": "점수가 모자람",
    "withdrawn": "수강 취소",
}
"""What became of an enrolment, and why it is not completed (msgids)."""

NOT_COMPLETED = ("never", "progress", "untested", "score")


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`enrolled` is who did not withdraw: completed and the four reasons add up to it."""

    enrolled: int
    completed: int
    never: int
    progress: int
    untested: int
    score: int
    withdrawn: int
    bands: tuple[int, ...]
    """Scores below 60, in the sixties, … from 90 on."""

    mean: int | None
    """Of the scores that there are, hundredths of a point."""

    @property
    def scored(self) -> int:
        return sum(self.bands)


class Line(NamedTuple):
    """One enrolment and what became of it."""

    id: int
    person_id: int
    name: str
    organisation: str | None
    staff_category: str
    attempt: int
    progress_permille: int
    score: int | None
    result: str
    completed_at: datetime | None
    withdrawn_at: datetime | None
    withdrawal: str | None
    last_act_at: datetime | None


def learners(run: Run) -> tuple[ColumnElement[bool], ...]:
    """Enrolments of a run that count in its figures: who looks after it is no learner of it."""
    staff = select(RoleGrant.person_id).where(
        RoleGrant.run_id == run.id, RoleGrant.role.in_(STAFF), RoleGrant.ended_at.is_(None)
    )
    return Enrolment.run_id == run.id, Enrolment.person_id.not_in(staff)


def result(rule: rules.RuleSet) -> ColumnElement[str]:
    """One of RESULTS for an enrolment, in SQL.

    What progress lacks is in `need_ms`, to the millisecond; a percent could be a hair too high.
    """
    none_yet: tuple[Any, ...] = (
        (Enrolment.state == "withdrawn", "withdrawn"),
        (Enrolment.completed_at.is_not(None), "completed"),
        (Enrolment.last_act_at.is_(None), "never"),
        (Enrolment.need_ms > 0, "progress"),
    )
    if rule.score_min is not None:
        none_yet += ((Enrolment.score < rule.score_min, "score"),)
    return case(*none_yet, else_="untested")


def figures(session: Session, run: Run) -> Figures:
    """The run's figures: one query."""
    what = result(rules.parse(run.rule))

    def how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    has = and_(Enrolment.state == "enrolled", Enrolment.score.is_not(None))
    edges = [0, *(points * 100 for points in BANDS), None]
    bands = [
        how_many(and_(has, Enrolment.score >= low, *([Enrolment.score < high] if high else [])))
        for low, high in pairwise(edges)
    ]
    total = func.coalesce(func.sum(case((has, Enrolment.score), else_=0)), 0)
    row = session.execute(
        select(*(how_many(what == name) for name in RESULTS), *bands, total).where(*learners(run))
    ).one()
    counted = dict(zip(RESULTS, map(int, row), strict=False))
    in_bands = tuple(map(int, row[len(RESULTS) : -1]))
    return Figures(
        enrolled=sum(counted.values()) - counted["withdrawn"],
        bands=in_bands,
        mean=int(row[-1]) // sum(in_bands) if sum(in_bands) else None,
        **counted,
    )


def listed(
    session: Session,
    run: Run,
    *,
    only: str = "",
    text: str = "",
    after: Key | None = None,
    most: int = PAGE,
) -> list[Line]:
    """At most `most` + 1 enrolments by name after `after`; the one too many says there are more.

    `only`: one of RESULTS, or «open» for all who have not completed. `text`: in a name or school.
    """
    what = result(rules.parse(run.rule))
    query = _lines(what).where(*learners(run))
    if only == "open":
        query = query.where(what.in_(NOT_COMPLETED))
    elif only in RESULTS:
        query = query.where(what == only)
    if text:
        query = query.where(
            Person.name.icontains(text, autoescape=True)
            | Organisation.name.icontains(text, autoescape=True)
        )
    if after is not None:
        query = query.where(
            tuple_(Person.name, Enrolment.id) > tuple_(literal(after[0]), literal(after[1]))
        )
    rows = session.execute(query.order_by(Person.name, Enrolment.id).limit(most + 1))
    return [Line(*row) for row in rows]


def _lines(what: ColumnElement[str]) -> Select[Any]:
    columns: list[Any] = [
        Enrolment.id,
        Enrolment.person_id,
        Person.name,
        Organisation.name,
        Person.staff_category,
        Enrolment.attempt,
        Enrolment.progress_permille,
        Enrolment.score,
        what,
        Enrolment.completed_at,
        Enrolment.withdrawn_at,
        Enrolment.withdrawal,
        Enrolment.last_act_at,
    ]
    return (
        select(*columns)
        .join(Person, Person.id == Enrolment.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
    )


def whole_sheet(db: Any, run: Run, *, only: str, text: str) -> Iterator[Line]:
    """Every line, page by page, each on a fresh session: a slow reader holds no snapshot open."""
    after: Key | None = None
    while True:
        with db.reading() as session:
            found = listed(session, run, only=only, text=text, after=after, most=SHEET_PAGE)
        yield from found[:SHEET_PAGE]
        if len(found) <= SHEET_PAGE:
            return
        last = found[SHEET_PAGE - 1]
        after = (last.name, last.id)


class Event(NamedTuple):
    """Something that was done to the run as a whole."""

    at: datetime
    what: str
    """`opened`, `closed`, … (the state it came into), or the act of an audit row."""

    reason: str
    actor: str | None
    detail: dict[str, Any]


ACTS = ("run.recompute", "run.extend", "run.tell_results")


def history(session: Session, run: Run) -> list[Event]:
    """What happened to the run, newest first: its states, recomputations, notices. Two queries."""
    actor = aliased(Person)
    moved = session.execute(
        select(RunChange.at, RunChange.after, RunChange.reason, actor.name)
        .outerjoin(actor, actor.id == RunChange.actor_id)
        .where(RunChange.run_id == run.id)
        .order_by(RunChange.id.desc())  # a run may open and begin at one instant
    )
    events = [Event(at, after, reason, name, {}) for at, after, reason, name in moved]
    done = session.execute(
        select(AuditRow.at, AuditRow.act, AuditRow.reason, actor.name, AuditRow.detail)
        .outerjoin(actor, actor.id == AuditRow.actor_id)
        .where(
            AuditRow.institution_id == run.institution_id,
            AuditRow.subject == "run",
            AuditRow.subject_id == run.id,
            AuditRow.act.in_(ACTS),
        )
    )
    events += [Event(*row) for row in done]
    return sorted(events, key=lambda one: one.at, reverse=True)


def results_due(run: Run, *, days: int, zone: str) -> date:
    """The last local day to tell the results: `days` after the training ended.

    It ended on its last day, or when it was closed, if that came first (domain: within 10 days).
    """
    ended = run.learn_until
    if run.closed_at is not None:
        ended = min(ended, clock.local_day(run.closed_at, zone))
    return ended + timedelta(days=days)


def offices(session: Session, run: Run) -> Sequence[Any]:
    """The learners' offices with how many of each are enrolled and completed: one query."""
    completed = func.sum(case((Enrolment.completed_at.is_not(None), 1), else_=0))
    return session.execute(
        select(Organisation.id, Organisation.name, func.count(), completed)
        .select_from(Enrolment)
        .join(Person, Person.id == Enrolment.person_id)
        .join(Organisation, Organisation.id == Person.organisation_id)
        .where(*learners(run), Enrolment.state == "enrolled")
        .group_by(Organisation.id, Organisation.name)
        .order_by(Organisation.name)
    ).all()


def share(part: int, whole: int) -> str:
    """“54.7%”, to the tenth, rounded half up; “0%” of nothing."""
    tenths = (part * 2000 + whole) // (2 * whole) if whole else 0
    return f"{tenths // 10}.{tenths % 10}%" if tenths % 10 else f"{tenths // 10}%"
