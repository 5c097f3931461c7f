"""What about a plan cannot be, asked of the database: rows that it names, times that are taken."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.classroom import conflicts, holding, planning
from lms.classroom.models import InstructorSkill, Meeting, Room
from lms.classroom.planning import MeetingPlan
from lms.learning.models import Activity, Run, Unit
from lms.learning.running.planning import Trouble
from lms.learning.service import zone_of
from lms.people.models import Organisation, Person

KIND = "meeting"
"""The kind of activity that attending a meeting completes."""


def troubles(
    session: Session, run: Run, told: MeetingPlan, meeting: Meeting | None = None
) -> list[Trouble]:
    """All that cannot be, and what one should know of, but for conflicts of time."""
    found = planning.troubles(told)
    if told.blocks:
        found += _about_period(session, run, told)
    found += _about_rows(session, run, told)
    if meeting is not None:
        found += planning.about_seats(told, holding.taken(session, meeting.id))
    return found + _about_skills(session, run.institution_id, told)


def conflicts_of(
    session: Session, institution_id: int, told: MeetingPlan, meeting: Meeting | None
) -> list[conflicts.Conflict]:
    """Where its room, instructors and learners are at that time: what the save refuses."""
    return conflicts.find(
        session,
        institution_id,
        told.blocks,
        room_id=told.room_id if told.kind in planning.IN_A_ROOM else None,
        instructor_ids=[person_id for person_id, _ in told.instructors],
        meeting_id=meeting.id if meeting else None,
    )


def _about_period(session: Session, run: Run, told: MeetingPlan) -> list[Trouble]:
    zone = zone_of(session, run.institution_id)
    days = [clock.local_day(at, zone) for one in told.blocks for at in (one.starts_at, one.ends_at)]
    found = []
    if min(days) < run.learn_from or max(days) > run.learn_until:
        found.append(
            Trouble(
                "blocks",
                "학습 기간({from_}–{until}) 밖의 시간이 있습니다. 시간을 고치거나 기수의 기간을 "
                "늘려 "
                "주십시오.",
                {"from_": run.learn_from, "until": run.learn_until},
            )
        )
    last = max(days)
    found += [
        Trouble(name, "회차가 끝난 뒤의 날입니다. 회차의 날이나 그 앞으로 적어 주십시오.", {})
        for name in ("seats_until", "leave_until")
        if (day := getattr(told, name)) is not None and day > last
    ]
    return found


def _about_rows(session: Session, run: Run, told: MeetingPlan) -> list[Trouble]:
    """Rows that the plan names and that are not there, or not the institution's."""
    found, home = [], run.institution_id
    if told.room_id is not None and told.kind in planning.IN_A_ROOM:
        room = session.get(Room, told.room_id)
        if room is None or room.institution_id != home:
            found.append(Trouble("room", "강의실을 목록에서 골라 주십시오.", {}))
        else:
            found += planning.about_room(told, room.capacity, f"{room.building} {room.name}")
    host = session.get(Organisation, told.host_id) if told.host_id else None
    if told.host_id is not None and (host is None or host.institution_id != home):
        found.append(Trouble("host", "등록된 학교나 기관의 이름을 적어 주십시오.", {}))
    if told.activity_id is not None and not _is_of_run(session, run, told.activity_id):
        found.append(Trouble("activity", "이 기수의 과정에 있는 차시를 골라 주십시오.", {}))
    ids = [person_id for person_id, _ in told.instructors]
    known = session.scalars(
        select(Person.id).where(
            Person.id.in_(ids), Person.institution_id == home, Person.status == "active"
        )
    ).all()
    if len(set(known)) != len(ids):
        found.append(Trouble("instructors", "강사를 다시 찾아 골라 주십시오.", {}))
    return found


def _is_of_run(session: Session, run: Run, activity_id: int) -> bool:
    query = (
        select(Activity.id)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(
            Activity.id == activity_id,
            Activity.kind == KIND,
            Unit.version_id == run.version_id,
        )
    )
    return session.scalar(query) is not None


def _about_skills(session: Session, institution_id: int, told: MeetingPlan) -> list[Trouble]:
    """Skills that nobody who teaches there has: said, and no hindrance."""
    if not told.skills:
        return []
    ids = [person_id for person_id, _ in told.instructors]
    have = set(
        session.scalars(
            select(InstructorSkill.skill).where(
                InstructorSkill.institution_id == institution_id,
                InstructorSkill.person_id.in_(ids),
            )
        )
    )
    return [
        Trouble(
            "skills", "「{skill}」 전문 분야가 있는 강사가 없습니다.", {"skill": skill}, grave=False
        )
        for skill in told.skills
        if skill not in have
    ]
