"""Runs: planned, opened, changed, begun, cancelled. Each step leaves a row of who, when and why."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import pluggy
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.errors import ConflictError, InvalidError
from lms.learning import rules
from lms.learning.models import Course, CourseVersion, Run, RunChange
from lms.learning.running import audience as audiences
from lms.learning.running import joining, planning, waiting
from lms.learning.running.planning import RunPlan, Trouble
from lms.learning.service import zone_of
from lms.people import audit, service
from lms.people.models import RoleGrant

STEPS = {
    "planned": frozenset({"open", "cancelled"}),
    "open": frozenset({"running", "closed", "cancelled"}),
    "running": frozenset({"closed", "cancelled"}),
    "closed": frozenset({"running"}),
    "cancelled": frozenset(),
}
"""State → the states that may follow."""

_PLANNED_ONLY = ("rule", "way", "organisation_id")
_FROZEN = ("score_min", "weights", "way")
_TOLD = (
    "learn_from", "learn_until", "apply_from", "apply_until", "withdraw_until", "way", "seats",
    "name", "organisation_id",
)  # fmt: skip


def plan(
    session: Session, course: Course, told: RunPlan, *, actor_id: int | None, now: datetime
) -> Run:
    """A planned run of the course's newest published version.

    Raises InvalidError with the first thing that cannot be; nothing is kept then.
    """
    version = _version(session, course.id)
    refuse(planning.troubles(told, planning.outline(session, version)))
    year = told.learn_from.year
    run = Run(
        institution_id=course.institution_id,
        course_id=course.id,
        course=course,
        version_id=version.id,
        year=year,
        number=_next_number(session, course.id, year),
        state="planned",
        rule=rules.frozen(told.rule),
        audience=audiences.frozen(told.audience),
        **{name: getattr(told, name) for name in _TOLD},
    )
    session.add(run)
    session.flush()  # its change and the audit row refer to it
    _note(session, run, "", "planned", reason="만듦", actor_id=actor_id, now=now)
    return run


def as_plan(run: Run) -> RunPlan:
    """What was told of a run."""
    return RunPlan(
        audience=audiences.parse(run.audience),
        rule=rules.parse(run.rule),
        **{name: getattr(run, name) for name in _TOLD},
    )


def change(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    told: RunPlan,
    *,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Say something else of a run. What was frozen when it opened stays; more seats fill at once.

    Raises ConflictError for what is frozen or over, InvalidError for what cannot be.
    """
    run = joining.lock_run(session, run.id)
    before = as_plan(run)
    changed = {
        name: (getattr(before, name), getattr(told, name))
        for name in (*_TOLD, "audience", "rule")
        if getattr(before, name) != getattr(told, name)
    }
    if not changed:
        return
    _check_change(session, run, changed, reason, clock.local_day(now, _zone(session, run)))
    version = session.get_one(CourseVersion, run.version_id)
    found = planning.troubles(told, planning.outline(session, version))
    # What is frozen cannot be mended any more, so it must not stand in the way of the rest.
    refuse(one for one in found if run.state == "planned" or one.field not in _FROZEN)
    for name in _TOLD:
        setattr(run, name, getattr(told, name))
    run.audience, run.rule = audiences.frozen(told.audience), rules.frozen(told.rule)
    audit.write(
        session,
        institution_id=run.institution_id,
        actor_id=actor_id,
        act="run.change",
        subject="run",
        subject_id=run.id,
        reason=reason.strip() or "준비 중 고침",
        now=now,
        changed={name: [_plain(one) for one in pair] for name, pair in changed.items()},
    )
    joining.promote(session, hook, run, now=now)


def open_run(
    session: Session, hook: pluggy.HookRelay, run: Run, *, actor_id: int | None, now: datetime
) -> None:
    """Let people in: the newest version and the rules are fixed from now on.

    Raises ConflictError unless it is planned, InvalidError when nobody could join or complete it.
    """
    run = joining.lock_run(session, run.id)
    _check_step(run, "open")
    version = _version(session, run.course_id)
    told = as_plan(run)
    today = clock.local_day(now, _zone(session, run))
    refuse(planning.troubles(told, planning.outline(session, version)))
    refuse(planning.about_audience(session, told, run.institution_id, today))
    if told.learn_until < today:
        raise InvalidError(
            "학습 기간이 {day}에 이미 끝났습니다. 기간을 고친 뒤에 여십시오.",
            field="learn_until",
            day=told.learn_until,
        )
    run.version_id = version.id
    run.rule = rules.frozen(told.rule)
    run.opened_at = now
    move(session, run, "open", reason="열기", actor_id=actor_id, now=now)
    _begin_if_due(session, run, today, now)


def cancel(
    session: Session,
    hook: pluggy.HookRelay,
    run: Run,
    *,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Call a run off; who is in it or waits is told by mail. Raises InvalidError without a reason,
    ConflictError when it is over."""
    run = joining.lock_run(session, run.id)
    move(session, run, "cancelled", reason=reason, actor_id=actor_id, now=now)
    waiting.lapse(session, run, now=now)
    hook.lms_after_run_cancelled(
        session=session, run=run, reason=reason.strip(), actor_id=actor_id, now=now
    )
    task, home = "learning.tell_cancelled", run.institution_id
    waiting.tell(session, task, home, now=now, about="run", number=run.id)


def move(
    session: Session, run: Run, to: str, *, reason: str, actor_id: int | None, now: datetime
) -> None:
    """The run goes to another state, with its history row and its audit row.

    The caller holds the run's lock (`joining.lock_run`). Raises ConflictError for a step that there
    is not, InvalidError without a reason.
    """
    if not reason.strip():
        raise InvalidError("왜 그렇게 하는지 한 줄로 적어 주십시오.", field="reason")
    _check_step(run, to)
    before, run.state = run.state, to
    run.closed_at = now if to == "closed" else None
    _note(session, run, before, to, reason=reason.strip(), actor_id=actor_id, now=now)


def begin_due(session: Session, institution_id: int, today: date, *, now: datetime) -> int:
    """Open runs whose first day of learning has come are running; how many that were."""
    due = session.scalars(
        select(Run.id).where(
            Run.institution_id == institution_id, Run.state == "open", Run.learn_from <= today
        )
    ).all()
    return sum(_begin_if_due(session, joining.lock_run(session, one), today, now) for one in due)


def look_after(
    session: Session,
    run: Run,
    person_ids: Iterable[int],
    *,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Exactly these people are the run's course managers from now on, each by a granted role."""
    wanted, held = set(person_ids), set(managers(session, run.id))
    for act, who in ((service.grant, wanted - held), (service.end_grant, held - wanted)):
        for person_id in sorted(who):
            act(
                session,
                person_id,
                run.institution_id,
                "course_manager",
                run_id=run.id,
                actor_id=actor_id,
                now=now,
                reason=reason,
            )


def managers(session: Session, run_id: int) -> list[int]:
    """The ids of the people who look after a run now."""
    return list(
        session.scalars(
            select(RoleGrant.person_id).where(
                RoleGrant.role == "course_manager",
                RoleGrant.run_id == run_id,
                RoleGrant.ended_at.is_(None),
            )
        )
    )


def refuse(found: Iterable[Trouble]) -> None:
    """Raises InvalidError with the first grave trouble."""
    for one in found:
        if one.grave:
            raise InvalidError(one.message, field=one.field, **one.params)


def _version(session: Session, course_id: int) -> CourseVersion:
    version = planning.newest(session, course_id)
    if version is None:
        raise InvalidError(
            "게시한 판이 없는 과정입니다. 과정을 먼저 게시한 뒤에 기수를 만들어 주십시오.",
            field="course",
        )
    return version


def _next_number(session: Session, course_id: int, year: int) -> int:
    # Two at once get the same number; the unique key refuses one, which is then tried again.
    last = session.scalar(select(func.max(Run.number)).filter_by(course_id=course_id, year=year))
    return (last or 0) + 1


def _check_step(run: Run, to: str) -> None:
    if to not in STEPS[run.state]:
        raise ConflictError(
            "「{now}」 상태인 기수는 「{to}」 상태로 바꿀 수 없습니다. 화면을 새로 고쳐 주십시오.",
            now=planning.STATES[run.state],
            to=planning.STATES[to],
        )


def _check_change(
    session: Session, run: Run, changed: dict[str, tuple[Any, Any]], reason: str, today: date
) -> None:
    if run.state in {"closed", "cancelled"}:
        raise ConflictError("마감했거나 취소한 기수는 고칠 수 없습니다.")
    if run.state == "planned":
        return
    if fixed := [name for name in _PLANNED_ONLY if name in changed]:
        raise ConflictError(
            "열린 기수의 이수 규칙과 들어오는 방법은 바꿀 수 없습니다. 새 기수를 만들어 주십시오.",
            fixed=", ".join(fixed),
        )
    if not reason.strip():
        raise InvalidError("열린 기수를 왜 고치는지 한 줄로 적어 주십시오.", field="reason")
    if "learn_from" in changed and run.state == "running":
        raise ConflictError("학습이 시작된 기수의 첫날은 바꿀 수 없습니다.")
    if "learn_until" in changed and changed["learn_until"][1] < today:
        raise InvalidError(
            "마지막 날을 지난날로 바꿀 수 없습니다. 오늘이나 그 뒤로 적어 주십시오.",
            field="learn_until",
        )
    seats = changed.get("seats", (None, None))[1]
    taken = joining.taken(session, run.id)
    if seats is not None and seats < taken:
        raise InvalidError(
            "이미 {taken}명이 들어와 있어 자리를 {seats}석으로 줄일 수 없습니다.",
            field="seats",
            taken=taken,
            seats=seats,
        )


def _begin_if_due(session: Session, run: Run, today: date, now: datetime) -> bool:
    if run.state != "open" or run.learn_from > today:
        return False
    move(session, run, "running", reason="학습 첫날", actor_id=None, now=now)
    return True


def _note(
    session: Session,
    run: Run,
    before: str,
    after: str,
    *,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    session.add(
        RunChange(
            institution_id=run.institution_id,
            run_id=run.id,
            at=now,
            actor_id=actor_id,
            before=before,
            after=after,
            reason=reason,
        )
    )
    audit.write(
        session,
        institution_id=run.institution_id,
        actor_id=actor_id,
        act=f"run.{after}",
        subject="run",
        subject_id=run.id,
        reason=reason,
        now=now,
        before=before,
        after=after,
    )


def _zone(session: Session, run: Run) -> str:
    return zone_of(session, run.institution_id)


def _plain(value: Any) -> Any:
    """As the audit row keeps it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, rules.RuleSet):
        return rules.frozen(value)
    return audiences.frozen(value) if isinstance(value, audiences.Audience) else value
