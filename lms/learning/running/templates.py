"""How an institution usually opens runs: kept under a name, and rolled out over a year."""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec
import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.errors import InvalidError, NotFoundError
from lms.learning.models import Course, Run, RunTemplate
from lms.learning.rules import RuleSet
from lms.learning.running import planning, runs
from lms.learning.running.audience import Audience
from lms.learning.running.planning import Outline, RunPlan, Trouble
from lms.people import audit
from lms.people.models import Institution
from lms.people.settings import parse as settings_of


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A run without its dates: days are counted from the first day of learning."""

    learn_days: int = 30
    apply_opens_before: int | None = None
    """Days before the first day of learning; None is no application period."""

    apply_closes_before: int | None = None
    """The same; negative when one may still apply while others learn."""

    withdraw_days: int | None = None
    """Days of learning after which nobody withdraws by themselves any more."""

    way: str = "at_once"
    seats: int | None = None
    audience: Audience = Audience()
    rule: RuleSet = RuleSet()


class Month(NamedTuple):
    """One month of a year's rolling runs, before it is made."""

    plan: RunPlan
    troubles: list[Trouble]
    there: Run | None
    """A run of the course with that very period, which is left as it is."""


def of_plan(plan: RunPlan) -> Template:
    """The template that makes such plans."""
    start = plan.learn_from
    first, last, out = plan.apply_from, plan.apply_until, plan.withdraw_until
    return Template(
        learn_days=(plan.learn_until - start).days + 1,
        apply_opens_before=(start - first).days if first else None,
        apply_closes_before=(start - last).days if last else None,
        withdraw_days=(out - start).days + 1 if out else None,
        way=plan.way,
        seats=plan.seats,
        audience=plan.audience,
        rule=plan.rule,
    )


def plan_of(template: Template, learn_from: date, learn_until: date | None = None) -> RunPlan:
    """A plan that begins on that day; `learn_until` instead of so many days."""
    until = learn_until or learn_from + timedelta(days=template.learn_days - 1)
    last_out = None
    if template.withdraw_days is not None:
        last_out = min(until, learn_from + timedelta(days=template.withdraw_days - 1))
    return RunPlan(
        learn_from=learn_from,
        learn_until=until,
        apply_from=_before(learn_from, template.apply_opens_before),
        apply_until=_last_day(learn_from, until, template.apply_closes_before),
        withdraw_until=last_out,
        way=template.way,
        seats=template.seats,
        audience=template.audience,
        rule=template.rule,
    )


def listed(session: Session, institution_id: int) -> Sequence[RunTemplate]:
    """The institution's templates by name."""
    query = select(RunTemplate).filter_by(institution_id=institution_id).order_by(RunTemplate.name)
    return session.scalars(query).all()


def find(session: Session, institution_id: int, template_id: int) -> RunTemplate:
    """Raises NotFoundError."""
    row = session.scalar(
        select(RunTemplate).filter_by(id=template_id, institution_id=institution_id)
    )
    if row is None:
        raise NotFoundError("찾는 기수 양식이 없습니다. 목록에서 다시 골라 주십시오.")
    return row


def parse(row: RunTemplate) -> Template:
    """Raises msgspec.ValidationError."""
    return msgspec.convert(row.told, Template)


def save(
    session: Session,
    institution_id: int,
    name: str,
    template: Template,
    *,
    actor_id: int | None,
    now: datetime,
) -> RunTemplate:
    """Keep a template under a name; one of that name is replaced. Raises InvalidError."""
    name = " ".join(name.split())[:80]
    if not name:
        raise InvalidError("양식의 이름을 적어 주십시오.", field="name")
    row = session.scalar(select(RunTemplate).filter_by(institution_id=institution_id, name=name))
    if row is None:
        row = RunTemplate(institution_id=institution_id, name=name, told={})
        session.add(row)
    row.told = msgspec.to_builtins(template)
    session.flush()  # the audit row names it
    _note(session, row, "run_template.save", actor_id, now)
    return row


def delete(session: Session, row: RunTemplate, *, actor_id: int | None, now: datetime) -> None:
    """Runs that were made with it stay as they are."""
    _note(session, row, "run_template.delete", actor_id, now)
    session.delete(row)


def first_plan(
    session: Session, course: Course, content: Outline, *, template_id: int | None, today: date
) -> RunPlan:
    """What the form of a new run begins with: next month, by a template or the settings."""
    start = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    if template_id is not None:
        template = parse(find(session, course.institution_id, template_id))
        return plan_of(template, start)
    template = Template(rule=usual_rule(session, course, content))
    return plan_of(template, start, _end_of_month(start))


def usual_rule(session: Session, course: Course, content: Outline) -> RuleSet:
    """The institution's settings, as far as they fit the course: duties come every year."""
    told = settings_of(session.get_one(Institution, course.institution_id).settings)
    return RuleSet(
        progress_permille=told.progress_permille,
        score_min=told.score_min if content.scored_kinds else None,
        units_per_day=told.units_per_day,
        ordered=told.ordered,
        speed_percent=told.speed_percent,
        free_skip=told.free_skip,
        repeat_years=0 if course.training_kind == "duty" else told.repeat_years,
    )


def year_of_months(
    session: Session,
    course: Course,
    template: Template,
    year: int,
    months: Iterable[int],
    *,
    name: str = "",
) -> list[Month]:
    """A run a month, from its first day to its last, and what stands against each.

    `name`: of each run, with “{n}” for the number of its month.
    """
    version = planning.newest(session, course.id)
    if version is None:
        raise InvalidError(
            "게시한 판이 없는 과정입니다. 과정을 먼저 게시한 뒤에 기수를 만들어 주십시오.",
            field="course",
        )
    content = planning.outline(session, version)
    there = {
        (run.learn_from, run.learn_until): run
        for run in session.scalars(
            select(Run).where(Run.course_id == course.id, Run.state != "cancelled")
        )
    }
    found = []
    for month in sorted(set(months)):
        start = date(year, month, 1)
        plan = msgspec.structs.replace(
            plan_of(template, start, _end_of_month(start)),
            name=name.replace("{n}", str(month)),
        )
        at = (plan.learn_from, plan.learn_until)
        found.append(Month(plan, planning.troubles(plan, content), there.get(at)))
    return found


def roll(
    session: Session,
    hook: pluggy.HookRelay,
    course: Course,
    template: Template,
    year: int,
    months: Iterable[int],
    *,
    name: str = "",
    managers: Iterable[int] = (),
    opened: bool = False,
    actor_id: int | None,
    now: datetime,
) -> list[Run]:
    """Make the months that are not there yet, all or none; a second time makes none.

    Raises InvalidError with the first thing that cannot be, in whatever month.
    """
    made, who = [], list(managers)
    for month in year_of_months(session, course, template, year, months, name=name):
        if month.there is not None:
            continue
        run = runs.plan(session, course, month.plan, actor_id=actor_id, now=now)
        reason = "한 해 기수를 만들며"
        runs.look_after(session, run, who, reason=reason, actor_id=actor_id, now=now)
        if opened:
            runs.open_run(session, hook, run, actor_id=actor_id, now=now)
        made.append(run)
    return made


def _before(start: date, days: int | None) -> date | None:
    return None if days is None else start - timedelta(days=days)


def _last_day(start: date, until: date, days: int | None) -> date | None:
    last = _before(start, days)
    return None if last is None else min(last, until)


def _end_of_month(start: date) -> date:
    return start.replace(day=monthrange(start.year, start.month)[1])


def _note(
    session: Session, row: RunTemplate, act: str, actor_id: int | None, now: datetime
) -> None:
    audit.write(
        session,
        institution_id=row.institution_id,
        actor_id=actor_id,
        act=act,
        subject="run_template",
        subject_id=row.id,
        reason=row.name,
        now=now,
    )
