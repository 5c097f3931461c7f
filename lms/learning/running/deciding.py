"""Runs that wait for somebody: to be opened, to be closed, to be told of, to be marked."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pluggy
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, lazyload

from lms import clock
from lms.edge.deciding import FIRST, Item, Waits
from lms.edge.rendering import url
from lms.learning.models import Course, Run
from lms.learning.permissions import CLOSE_RUN
from lms.learning.running import closing, counter, results
from lms.people.settings import parse as settings_of

SOON = timedelta(days=14)
"""A planned run whose learning begins within it should be opened."""


def waits(session: Session, hook: pluggy.HookRelay, actor: Any, now: datetime) -> Iterable[Waits]:
    """Nothing for who may not close runs. A query for each kind, and one for each who marks."""
    if not CLOSE_RUN.allows(actor, None):
        return
    today = clock.local_day(now, actor.zone)
    days = settings_of(dict(actor.institution_settings)).result_days
    yield _kind(
        session,
        actor,
        20,
        "곧 시작하는데 아직 열지 않은 기수 {n}개",
        "기수 열러 가기",
        (Run.state == "planned", Run.learn_from <= today + SOON, Run.learn_until >= today),
        lambda run: (run.learn_from, "{day}에 학습이 시작됩니다."),
        "running.run",
    )
    yield _kind(
        session,
        actor,
        30,
        "학습 기간이 끝나 마감할 기수 {n}개",
        "마감하러 가기",
        (Run.state.in_(counter.TAKES), Run.learn_until < today),
        lambda run: (results.results_due(run, days=days, zone=actor.zone), "{day}까지 알릴 결과"),
    )
    yield _kind(
        session,
        actor,
        35,
        "결과를 소속기관에 알릴 기수 {n}개",
        "결과 알리러 가기",
        (Run.state == "closed", Run.results_told_at.is_(None), Run.closed_at.is_not(None)),
        lambda run: (results.results_due(run, days=days, zone=actor.zone), "{day}까지"),
    )
    yield _marking(session, hook, actor, today)


def _kind(
    session: Session,
    actor: Any,
    order: int,
    title: str,
    action: str,
    where: tuple[ColumnElement[bool], ...],
    note: Callable[[Run], tuple[date, str]],
    page: str = "results.page",
) -> Waits:
    rows = session.execute(
        select(Run, Course.title, func.count().over())
        .join(Course, Course.id == Run.course_id)
        .where(Run.institution_id == actor.institution_id, *where)
        .order_by(Run.learn_until, Run.id)
        .limit(FIRST)
        .options(lazyload(Run.course))
    ).all()
    items = []
    for run, course, _ in rows:
        day, sentence = note(run)
        items.append(Item(_named(run, course), url(page, id=run.id), sentence, {"day": day}))
    count = rows[0][2] if rows else 0
    return Waits(order, title, count, "flag", action, None, tuple(items))


def _marking(session: Session, hook: pluggy.HookRelay, actor: Any, today: date) -> Waits:
    """Work in runs that people learn in, or that ended within a year and are not closed."""
    runs = session.execute(
        select(Run.id, Run.year, Run.number, Course.title)
        .join(Course, Course.id == Run.course_id)
        .where(
            Run.institution_id == actor.institution_id,
            Run.state.in_(counter.TAKES),
            Run.learn_from <= today,
            Run.learn_until >= today - timedelta(days=365),
        )
        .order_by(Run.learn_until, Run.id)
    ).all()
    left = closing.unmarked(session, hook, [run.id for run in runs])
    items = [
        Item(
            f"{run.title} · {one.title}",
            one.href or _page(run.id),
            "답안 {n}건",
            {"n": one.count},
            one.since,
        )
        for run in runs
        for one in left.get(run.id, [])
    ]
    count = sum(one.count for some in left.values() for one in some)
    first = tuple(items[:FIRST])
    return Waits(40, "채점할 답안 {n}건", count, "edit", "채점하러 가기", None, first)


def _named(run: Run, course: str) -> str:
    return f"{course} · {run.year}-{run.number}"


def _page(run_id: int) -> str:
    return url("results.page", id=run_id)
