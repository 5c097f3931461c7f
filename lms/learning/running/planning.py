"""A run before it is one: what is told of it, and what about it cannot be."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.learning.facts import ActivityFacts
from lms.learning.models import Activity, CourseVersion, Unit
from lms.learning.rules import RuleSet
from lms.learning.running import audience as audiences
from lms.learning.running.audience import Audience

WAYS = {"at_once": "바로 등록", "application": "신청", "nomination": "추천 명단"}
STATES = {
    "planned": "준비",
    "open": "열림",
    "running": "학습 중",
    "closed": "마감",
    "cancelled": "취소",
}
DISTANCE = frozenset({"self_paced", "live"})
"""Deliveries that one attends from anywhere."""

_DAY_MS = 24 * 60 * 60 * 1000


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All that an officer says of a run."""

    learn_from: date
    learn_until: date
    apply_from: date | None = None
    apply_until: date | None = None
    withdraw_until: date | None = None
    way: str = "at_once"
    seats: int | None = None
    audience: Audience = Audience()
    rule: RuleSet = RuleSet()
    name: str = ""
    organisation_id: int | None = None
    """A school run's school."""


def with_school(told: RunPlan, organisation_id: int | None) -> RunPlan:
    """The plan for a school run's school: no form may change whose it is."""
    return msgspec.structs.replace(told, organisation_id=organisation_id)


def with_frozen(told: RunPlan, kept: RunPlan) -> RunPlan:
    """The plan with what was frozen when the run opened."""
    return msgspec.structs.replace(told, rule=kept.rule, way=kept.way)


class Trouble(NamedTuple):
    """Something about a plan that cannot be (`grave`), or that one should know of."""

    field: str
    message: str
    """A msgid."""

    params: dict[str, Any]
    grave: bool = True


class Outline(NamedTuple):
    """A version's activities as nobody has begun them."""

    version_id: int
    number: int
    activities: tuple[ActivityFacts, ...]

    @property
    def scored_kinds(self) -> tuple[str, ...]:
        return tuple(sorted({one.kind for one in self.activities if one.role == "score"}))

    @property
    def units(self) -> int:
        return len({one.unit for one in self.activities})


def newest(session: Session, course_id: int) -> CourseVersion | None:
    """The course's newest published version."""
    return session.scalar(
        select(CourseVersion)
        .where(CourseVersion.course_id == course_id, CourseVersion.published_at.is_not(None))
        .order_by(CourseVersion.number.desc())
        .limit(1)
    )


def outline(session: Session, version: CourseVersion) -> Outline:
    rows = session.execute(
        select(
            Activity.id,
            Unit.position,
            Activity.kind,
            Activity.role,
            Activity.title,
            Activity.weight_ms,
        )
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Unit.version_id == version.id)
        .order_by(Unit.position, Activity.position)
    )
    return Outline(
        version.id,
        version.number,
        tuple(
            ActivityFacts(
                activity_id=id_, unit=unit, kind=kind, role=role, title=title, weight_ms=weight
            )
            for id_, unit, kind, role, title, weight in rows
        ),
    )


def troubles(told: RunPlan, content: Outline) -> list[Trouble]:
    """What cannot be, without asking anybody: dates, seats, rules that nobody can meet."""
    found = _dates(told)
    if told.way not in WAYS:
        found.append(Trouble("way", "들어오는 방법을 목록에서 골라 주십시오.", {}))
    if told.seats is not None and told.seats < 1:
        found.append(
            Trouble("seats", "자리는 한 자리 이상이어야 합니다. 제한이 없으면 비워 두십시오.", {})
        )
    return found + _score(told.rule, content) + _reach(told, content)


def about_audience(session: Session, told: RunPlan, institution_id: int, on: date) -> list[Trouble]:
    """What the audience's numbers say: nobody (grave), or fewer than there are seats."""
    if told.audience == Audience():
        return []
    total = session.scalar(
        select(func.count()).select_from(
            audiences.people(told.audience, institution_id, on).subquery()
        )
    )
    if not total:
        return [
            Trouble(
                "audience",
                "대상 조건에 맞는 사람이 0명입니다. 조건을 하나씩 빼며 인원을 확인해 주십시오.",
                {},
            )
        ]
    if told.seats is not None and told.seats > total:
        message = "대상은 {people}명인데 자리는 {seats}석입니다. 자리가 남게 됩니다."
        return [Trouble("seats", message, {"people": total, "seats": told.seats}, grave=False)]
    return []


def _dates(told: RunPlan) -> list[Trouble]:
    found: list[Trouble] = []
    if told.learn_until < told.learn_from:
        message = (
            "학습이 끝나는 날({until})이 시작하는 날({from_})보다 먼저입니다. "
            "두 날짜를 확인해 주십시오."
        )
        params = {"until": told.learn_until, "from_": told.learn_from}
        found.append(Trouble("learn_until", message, params))
    first, last = told.apply_from, told.apply_until
    if first and last and last < first:
        message = (
            "신청이 끝나는 날({until})이 시작하는 날({from_})보다 먼저입니다. "
            "두 날짜를 확인해 주십시오."
        )
        found.append(Trouble("apply_until", message, {"until": last, "from_": first}))
    elif (last or first or told.learn_from) > told.learn_until:
        message = "신청 기간이 학습이 끝난 뒤({until})까지 이어집니다. 그 전에 끝나야 합니다."
        field = "apply_until" if last else "apply_from"
        found.append(Trouble(field, message, {"until": told.learn_until}))
    if told.way == "application" and not (first and last):
        message = "신청을 받는 기수는 신청 기간의 첫날과 마지막 날을 모두 적어야 합니다."
        found.append(Trouble("apply_until" if first else "apply_from", message, {}))
    day = told.withdraw_until
    if day and not (first or told.learn_from) <= day <= told.learn_until:
        message = "스스로 취소할 수 있는 마지막 날은 신청 첫날과 학습 마지막 날 사이여야 합니다."
        found.append(Trouble("withdraw_until", message, {}))
    return found


def _score(rule: RuleSet, content: Outline) -> list[Trouble]:
    kinds = content.scored_kinds
    if rule.score_min is not None and not kinds:
        message = (
            "점수를 요구하지만 이 과정({n}판)에는 점수를 매기는 활동이 없습니다. "
            "점수 기준을 빼거나 평가를 넣어 새 판을 내 주십시오."
        )
        return [Trouble("score_min", message, {"n": content.number})]
    if rule.weights is not None and set(rule.weights) != set(kinds):
        message = (
            "점수 비중을 정한 활동({told})과 점수를 매기는 활동({kinds})이 다릅니다. "
            "있는 활동에만, 빠짐없이 비중을 정해 주십시오."
        )
        params = {"told": ", ".join(sorted(rule.weights)), "kinds": ", ".join(kinds)}
        return [Trouble("weights", message, params)]
    return []


def _reach(told: RunPlan, content: Outline) -> list[Trouble]:
    """A rule that nobody can meet in the time there is."""
    days = (told.learn_until - told.learn_from).days + 1
    if days < 1:
        return []  # said already
    found = []
    needed = least_units(told.rule, content.activities)
    if told.rule.units_per_day and days * told.rule.units_per_day < needed:
        message = (
            "이수하려면 적어도 {need}차시를 들어야 하는데, 하루 {n}차시씩 {days}일이면 "
            "{can}차시까지입니다. 기간을 늘리거나 하루 차시 수를 늘려 주십시오."
        )
        params = {
            "need": needed,
            "n": told.rule.units_per_day,
            "days": days,
            "can": days * told.rule.units_per_day,
        }
        found.append(Trouble("units_per_day", message, params))
    watching = _least_watching_ms(told.rule, content.activities)
    if watching > days * _DAY_MS:
        message = (
            "영상을 가장 빠르게 보아도 {hours}시간이 걸리는데 학습 기간은 {days}일입니다. "
            "기간을 늘려 주십시오."
        )
        params = {"hours": -(-watching // 3_600_000), "days": days}
        found.append(Trouble("learn_until", message, params))
    return found


def least_units(rule: RuleSet, activities: Sequence[ActivityFacts]) -> int:
    """How many units one must begin at the least to complete by the rule."""
    weights: dict[int, int] = {}
    scored: set[int] = set()
    for one in activities:
        weights.setdefault(one.unit, 0)
        if one.role == "progress":
            weights[one.unit] += one.weight_ms
        elif rule.score_min is not None:
            scored.add(one.unit)
    lacking = rule.progress_permille * sum(weights.values())
    begun: set[int] = set()
    if rule.ordered:
        last = max(scored, default=0)
        for unit in sorted(weights):
            if (unit > last and lacking <= 0) or not (weights[unit] or unit in scored):
                continue
            begun.add(unit)
            lacking -= 1000 * weights[unit]
        return len(begun)
    begun |= scored
    lacking -= 1000 * sum(weights[unit] for unit in scored)
    for unit in sorted(set(weights) - scored, key=lambda each: -weights[each]):
        if lacking <= 0:
            break
        begun.add(unit)
        lacking -= 1000 * weights[unit]
    return len(begun)


def _least_watching_ms(rule: RuleSet, activities: Sequence[ActivityFacts]) -> int:
    """Wall time that videos take at the fastest speed, when all else is done first."""
    progress = [one for one in activities if one.role == "progress"]
    total = sum(one.weight_ms for one in progress)
    rest = sum(one.weight_ms for one in progress if one.kind != "video")
    needed = max(0, rule.progress_permille * total // 1000 - rest)
    return needed * 100 // rule.speed_percent
