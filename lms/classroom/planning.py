"""A meeting before it is one: what is told of it, and what about it cannot be. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from lms.classroom import blocks as times
from lms.classroom.blocks import Block
from lms.classroom.rules import AttendanceRule
from lms.learning.running.planning import Trouble

KINDS = {
    "classroom": "집합",
    "live": "실시간",
    "hybrid": "집합과 실시간 함께",
    "practice": "현장 실습",
}
STATES = {
    "planned": "준비",
    "open": "신청 받음",
    "closed": "신청 마감",
    "held": "마침",
    "cancelled": "취소",
}
IN_A_ROOM = frozenset({"classroom", "hybrid"})
BY_LINK = frozenset({"live", "hybrid"})
MOST_SEATS = 10_000
MOST_OFFER_MINUTES = 14 * 24 * 60
PARTS = {"lead": "주 강사", "assistant": "보조 강사"}


class MeetingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All that who plans says of a meeting."""

    title: str
    kind: str
    blocks: tuple[Block, ...]
    capacity: int
    activity_id: int | None = None
    room_id: int | None = None
    host_id: int | None = None
    place: str = ""
    provider: str | None = None
    provider_told: Mapping[str, Any] = {}
    instructors: tuple[tuple[int, str], ...] = ()
    """Person and part, as in PARTS."""

    skills: tuple[str, ...] = ()
    seats_until: date | None = None
    leave_until: date | None = None
    offer_minutes: int = 0
    rule: AttendanceRule = AttendanceRule()


def troubles(told: MeetingPlan) -> list[Trouble]:
    """What cannot be, without asking anybody."""
    found = times.troubles(told.blocks)
    if not told.title.strip():
        found.append(Trouble("title", "회차를 부를 이름을 적어 주십시오.", {}))
    if told.kind not in KINDS:
        found.append(Trouble("kind", "모이는 방법을 목록에서 골라 주십시오.", {}))
    if not 0 < told.capacity <= MOST_SEATS:
        found.append(
            Trouble("capacity", "자리는 1석에서 {most}석 사이여야 합니다.", {"most": MOST_SEATS})
        )
    if not 0 <= told.offer_minutes <= MOST_OFFER_MINUTES:
        found.append(
            Trouble("offer_minutes", "자리를 맡아 두는 시간은 14일을 넘길 수 없습니다.", {})
        )
    return found + _place(told)


def about_room(told: MeetingPlan, room_capacity: int | None, room: str) -> list[Trouble]:
    """More seats than the room holds; a hybrid meeting may have them, its rest comes by link."""
    if room_capacity is None or told.kind != "classroom" or told.capacity <= room_capacity:
        return []
    return [
        Trouble(
            "capacity",
            "{room}에는 {room_seats}명까지 들어갑니다. 자리를 줄이거나 더 큰 강의실을 골라 "
            "주십시오.",
            {"room": room, "room_seats": room_capacity},
        )
    ]


def about_seats(told: MeetingPlan, taken: int) -> list[Trouble]:
    """Fewer seats than are taken."""
    if told.capacity >= taken:
        return []
    return [
        Trouble(
            "capacity",
            "이미 {taken}명에게 자리가 있어 {seats}석으로 줄일 수 없습니다. "
            "먼저 자리를 옮기거나 회차를 나누어 주십시오.",
            {"taken": taken, "seats": told.capacity},
        )
    ]


def _place(told: MeetingPlan) -> list[Trouble]:
    found = []
    if told.kind in IN_A_ROOM and told.room_id is None and not told.place.strip():
        found.append(Trouble("room", "강의실을 고르거나 모이는 곳을 적어 주십시오.", {}))
    if told.kind == "practice" and told.host_id is None:
        found.append(Trouble("host", "실습을 맡는 학교나 기관을 적어 주십시오.", {}))
    if told.kind in BY_LINK and told.provider is None:
        found.append(Trouble("provider", "실시간 연수에 쓰는 서비스를 골라 주십시오.", {}))
    return found
