"""The form of a meeting: what was typed, what it means, and what about it must be mended."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.classroom.blocks import Block
from lms.classroom.planning import BY_LINK, PARTS, MeetingPlan
from lms.classroom.rules import AttendanceRule
from lms.errors import InvalidError
from lms.learning.running.form import Form
from lms.people.models import Organisation

ROWS = 3
"""Rows for times that a new form shows."""

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_PAUSE = re.compile(r"(\d{1,2}:\d{2})\s*[-–~]\s*(\d{1,2}:\d{2})")


def read(session: Session, form: Form, institution_id: int, zone: str) -> MeetingPlan | None:
    """The plan; None when something was typed that means nothing (see `form.troubles`)."""
    blocks = _blocks(form, ZoneInfo(zone))
    kind = form.text("kind") or "classroom"
    capacity = form.number("capacity")
    if capacity is None and not form.text("capacity"):
        form.wrong("capacity", "자리가 몇 석인지 적어 주십시오.")
    told: dict[str, Any] = {
        "title": form.text("title"),
        "kind": kind,
        "activity_id": form.number("activity"),
        "room_id": form.number("room"),
        "host_id": _host(session, form, institution_id) if kind == "practice" else None,
        "place": form.text("place"),
        "skills": tuple(dict.fromkeys(form.words("skills"))),
        "seats_until": form.day("seats_until"),
        "leave_until": form.day("leave_until"),
        "offer_minutes": (form.number("offer_hours", 0) or 0) * 60,
        "instructors": _instructors(form),
    }
    if kind in BY_LINK:
        told["provider"] = form.text("provider") or None
        told["provider_told"] = {
            name.removeprefix("provider-"): value.strip()
            for name, value in form.one.items()
            if name.startswith("provider-")
        }
    rule = _rule(form)
    if form.troubles or rule is None or capacity is None:
        return None
    return MeetingPlan(blocks=blocks, capacity=capacity, rule=rule, **told)


def shown(plan: MeetingPlan, zone: str, host: str) -> dict[str, Any]:
    """What the form shows of a plan: the inverse of `read`."""
    rule = plan.rule
    return {
        "title": plan.title,
        "kind": plan.kind,
        "capacity": str(plan.capacity),
        "activity": str(plan.activity_id or ""),
        "room": str(plan.room_id or ""),
        "host": host,
        "place": plan.place,
        "provider": plan.provider or "",
        "skills": ", ".join(plan.skills),
        "seats_until": _iso(plan.seats_until),
        "leave_until": _iso(plan.leave_until),
        "offer_hours": str(plan.offer_minutes // 60),
        "present": str(rule.present_permille // 10),
        "grace": str(rule.grace_minutes),
        "check_out": "1" if rule.check_out else "",
        "checks": str(rule.checks),
        "instructors": [str(person_id) for person_id, _ in plan.instructors],
        **{f"part-{person_id}": part for person_id, part in plan.instructors},
        **{f"provider-{name}": value for name, value in plan.provider_told.items()},
        **_times_shown(plan, ZoneInfo(zone)),
    }


def first_plan(zone: str) -> dict[str, Any]:
    """What an empty form says."""
    rule = AttendanceRule()
    plan = MeetingPlan(title="", kind="classroom", blocks=(), capacity=30, rule=rule)
    return shown(plan, zone, "") | {"block-1-from": "09:00", "block-1-until": "12:00"}


def rows_of(values: Mapping[str, Any]) -> int:
    """How many rows for times the form shows: one more than are filled in, at least three."""
    filled = [n for n in range(1, 41) if values.get(f"block-{n}-day")]
    return max(ROWS, (filled[-1] if filled else 0) + 1)


def _blocks(form: Form, zone: ZoneInfo) -> tuple[Block, ...]:
    found = []
    for n in range(1, 41):
        parts = [form.text(f"block-{n}-{name}") for name in ("day", "from", "until")]
        if not parts[0]:
            continue
        day, start, end = form.day(f"block-{n}-day"), _clock(parts[1]), _clock(parts[2])
        if day is None or start is None or end is None:
            form.wrong(
                "blocks",
                "{n}번째 시간의 날과 시각을 적어 주십시오. 예: 2026-12-02, 09:00, 12:00",
                n=n,
            )
            continue
        found.append(_block(form, n, (day, start, end), zone))
    return tuple(found)


def _block(form: Form, n: int, told: tuple[date, time, time], zone: ZoneInfo) -> Block:
    day, start, end = told
    at = datetime.combine(day, start, zone)
    breaks = []
    text = form.text(f"block-{n}-breaks")
    pauses = _PAUSE.findall(text)
    left = _PAUSE.sub("", text).replace(",", "").strip()
    for from_, until in pauses:
        first, last = _clock(from_), _clock(until)
        if first is None or last is None:
            left = text
            continue
        begins = _minutes(start, first)
        breaks.append((begins, _minutes(first, last)))
    if left:
        form.wrong("blocks", "{n}번째 시간의 쉬는 시간을 10:50-11:00처럼 적어 주십시오.", n=n)
    return Block(at, datetime.combine(day, end, zone), tuple(breaks))


def _minutes(start: time, end: time) -> int:
    return (end.hour - start.hour) * 60 + end.minute - start.minute


def _clock(text: str) -> time | None:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2])
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _rule(form: Form) -> AttendanceRule | None:
    try:
        return AttendanceRule(
            present_permille=(form.number("present", 80) or 0) * 10,
            grace_minutes=form.number("grace", 10) or 0,
            check_out=bool(form.text("check_out")),
            checks=form.number("checks", 0) or 0,
        )
    except InvalidError as error:
        names = {"present_permille": "present", "grace_minutes": "grace"}
        form.wrong(
            names.get(error.field or "", error.field or "present"), error.message, **error.params
        )
        return None


def _instructors(form: Form) -> tuple[tuple[int, str], ...]:
    ids = [int(one) for one in form.ticked("instructors") if one.isdecimal() and len(one) < 12]
    parts = {one: form.text(f"part-{one}") for one in ids}
    return tuple((one, part if part in PARTS else "lead") for one, part in parts.items())


def _host(session: Session, form: Form, institution_id: int) -> int | None:
    typed = form.text("host")
    if not typed:
        return None
    found = session.scalars(
        select(Organisation.id)
        .where(
            Organisation.institution_id == institution_id,
            (Organisation.name == typed) | (Organisation.code == typed),
        )
        .limit(2)
    ).all()
    if len(found) != 1:
        form.wrong(
            "host",
            "「{typed}」을 하나로 알아볼 수 없습니다. 이름이나 부호를 그대로 적어 주십시오.",
            typed=typed,
        )
        return None
    return found[0]


def _times_shown(plan: MeetingPlan, zone: ZoneInfo) -> dict[str, str]:
    told: dict[str, str] = {}
    for n, one in enumerate(plan.blocks, 1):
        start, end = one.starts_at.astimezone(zone), one.ends_at.astimezone(zone)
        told |= {
            f"block-{n}-day": start.date().isoformat(),
            f"block-{n}-from": start.strftime("%H:%M"),
            f"block-{n}-until": end.strftime("%H:%M"),
            f"block-{n}-breaks": ", ".join(
                f"{a.astimezone(zone):%H:%M}-{b.astimezone(zone):%H:%M}" for a, b in one.pauses
            ),
        }
    return told


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
