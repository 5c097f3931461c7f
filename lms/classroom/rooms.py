"""Rooms: added, changed, taken out of use; and what instructors can teach."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lms.classroom.models import InstructorSkill, Meeting, Room
from lms.errors import ConflictError, InvalidError
from lms.people import audit
from lms.people.models import Person

EQUIPMENT = {
    "projector": "빔 프로젝터",
    "board": "전자칠판",
    "pc": "컴퓨터 실습",
    "tablet": "태블릿",
    "camera": "녹화 카메라",
    "sound": "음향",
    "group": "모둠 책상",
    "step_free": "휠체어 접근",
}
MOST_PEOPLE = 5000
MOST_SKILLS = 20


def add(
    session: Session,
    institution_id: int,
    *,
    building: str,
    name: str,
    capacity: int,
    equipment: Sequence[str] = (),
    note: str = "",
    actor_id: int | None,
    now: datetime,
) -> Room:
    """A new room. Raises InvalidError, or ConflictError where the building has one of that name."""
    building, name = _checked(building, name, capacity)
    _check_new(session, institution_id, building, name, None)
    room = Room(
        institution_id=institution_id,
        building=building,
        name=name,
        capacity=capacity,
        equipment=_known(equipment),
        note=note.strip()[:500],
    )
    session.add(room)
    session.flush()  # the audit row names it
    _note(session, room, "room.add", "강의실 더함", actor_id, now)
    return room


def change(
    session: Session,
    room: Room,
    *,
    building: str,
    name: str,
    capacity: int,
    equipment: Sequence[str],
    note: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Say something else of it. Raises ConflictError where a meeting to come has more seats."""
    building, name = _checked(building, name, capacity)
    _check_new(session, room.institution_id, building, name, room.id)
    most = session.scalar(
        select(func.max(Meeting.capacity)).where(
            Meeting.room_id == room.id,
            Meeting.kind == "classroom",
            Meeting.state.in_(("planned", "open", "closed")),
            Meeting.ends_at > now,
        )
    )
    if most is not None and capacity < most:
        raise ConflictError(
            "자리가 {seats}석인 회차가 이 강의실에 잡혀 있습니다. 그 회차를 먼저 옮겨 주십시오.",
            seats=most,
        )
    before = [room.building, room.name, room.capacity, list(room.equipment)]
    room.building, room.name, room.capacity = building, name, capacity
    room.equipment, room.note = _known(equipment), note.strip()[:500]
    after = [building, name, capacity, list(room.equipment)]
    if before != after:
        _note(session, room, "room.change", "강의실 고침", actor_id, now, was=before)


def archive(
    session: Session, room: Room, *, away: bool, actor_id: int | None, now: datetime
) -> None:
    """Plan with it no more, or again. Raises ConflictError while meetings are to come in it."""
    if away == (room.archived_at is not None):
        return
    if away:
        coming = session.scalar(
            select(func.count())
            .select_from(Meeting)
            .where(Meeting.room_id == room.id, Meeting.state != "cancelled", Meeting.ends_at > now)
        )
        if coming:
            raise ConflictError(
                "이 강의실에 잡힌 회차가 {n}개 남아 있습니다. 그 회차를 먼저 옮겨 주십시오.",
                n=coming,
            )
    room.archived_at = now if away else None
    said = "더 쓰지 않음" if away else "다시 씀"
    _note(session, room, "room.archive" if away else "room.restore", said, actor_id, now)


def say_skills(
    session: Session,
    person: Person,
    skills: Sequence[str],
    *,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Exactly these can somebody teach."""
    wanted = list(dict.fromkeys(one.strip()[:60] for one in skills if one.strip()))
    if len(wanted) > MOST_SKILLS:
        raise InvalidError(
            "전문 분야는 {most}개까지 적을 수 있습니다.", field="skills", most=MOST_SKILLS
        )
    session.execute(delete(InstructorSkill).where(InstructorSkill.person_id == person.id))
    session.add_all(
        InstructorSkill(institution_id=person.institution_id, person_id=person.id, skill=one)
        for one in wanted
    )
    audit.write(
        session,
        institution_id=person.institution_id,
        actor_id=actor_id,
        act="instructor.skills",
        subject="person",
        subject_id=person.id,
        reason="전문 분야 고침",
        now=now,
        skills=wanted,
    )


def _checked(building: str, name: str, capacity: int) -> tuple[str, str]:
    building, name = building.strip()[:60], name.strip()[:60]
    if not building:
        raise InvalidError("어느 건물인지 적어 주십시오.", field="building")
    if not name:
        raise InvalidError("강의실 이름을 문패대로 적어 주십시오.", field="name")
    if not 0 < capacity <= MOST_PEOPLE:
        raise InvalidError(
            "들어가는 인원은 1명에서 {most}명 사이로 적어 주십시오.",
            field="capacity",
            most=MOST_PEOPLE,
        )
    return building, name


def _check_new(
    session: Session, institution_id: int, building: str, name: str, own: int | None
) -> None:
    found = session.scalar(
        select(Room.id).where(
            Room.institution_id == institution_id, Room.building == building, Room.name == name
        )
    )
    if found is not None and found != own:
        raise ConflictError(
            "{building}에 {name} 강의실이 이미 있습니다. 이름을 다르게 적어 주십시오.",
            building=building,
            name=name,
        )


def _known(equipment: Sequence[str]) -> list[str]:
    return [one for one in EQUIPMENT if one in equipment]


def _note(
    session: Session,
    room: Room,
    act: str,
    reason: str,
    actor_id: int | None,
    now: datetime,
    **detail: object,
) -> None:
    audit.write(
        session,
        institution_id=room.institution_id,
        actor_id=actor_id,
        act=act,
        subject="room",
        subject_id=room.id,
        reason=reason,
        now=now,
        **detail,
    )
