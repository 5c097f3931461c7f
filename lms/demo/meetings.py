"""Rooms, and a month of meetings around today: to come, waited for, over, called off."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.classroom import editing, meetings, rooms, seats, settling
from lms.classroom.blocks import Block
from lms.classroom.models import Meeting, Room, Seat
from lms.classroom.planning import MeetingPlan
from lms.demo.institutions import Made
from lms.learning.authoring import publish
from lms.learning.models import Activity, Course, Enrolment, Run, Unit
from lms.learning.rules import RuleSet
from lms.learning.running import joining, runs
from lms.learning.running.planning import RunPlan
from lms.people.models import Account, Person

_OFFICER = 5
SECOND = 16
"""Rooms of the branch."""

LEARNERS, FIRST = 44, 120
_KITS = (
    ("projector", "sound", "step_free"),
    ("projector", "board", "group", "step_free"),
    ("projector", "board", "pc"),
    ("projector", "tablet", "group", "camera"),
)
_SKILLS = ("학교 안전", "수업 나눔", "토의·토론", "디지털 도구", "회복적 생활교육")


@dataclass
class Stage:
    """What all the meetings of a run are made with."""

    state: Any
    run: Run
    parts: list[Activity]
    halls: list[Room]
    teachers: list[int]
    learners: list[Enrolment]
    officer: int
    today: date
    zone: str
    now: datetime


def build(state: Any, made: Made, *, now: datetime) -> None:
    """For the first institution, on a classroom course of the plan and a blended one."""
    with state.db.transaction() as session:
        officer = _person(session, made, _OFFICER)
        halls = _rooms(session, made, officer, now)
        teachers = _teachers(session, made, officer, now)
    for place, mode in enumerate(("classroom", "blended")):
        with state.db.transaction() as session:
            stage = _stage(state, session, made, mode, place, halls, teachers, officer, now)
            if stage is None:
                continue
            for number, told in enumerate(_TOLD):
                _meeting(session, stage, number + place, *told, offset=place)


def _rooms(session: Session, made: Made, officer: int, now: datetime) -> list[Room]:
    """73 rooms in the main building and 16 in the branch."""
    names = [("본관", f"{floor}{n:02}호") for floor in range(1, 10) for n in range(1, 10)][:73]
    names += [("분원", f"{floor}0{n}호") for floor in (1, 2) for n in range(1, SECOND // 2 + 1)]
    return [
        rooms.add(
            session,
            made.first.id,
            building=building,
            name=name,
            capacity=(24, 30, 36, 48, 120)[place % 5],
            equipment=_KITS[place % len(_KITS)],
            actor_id=officer,
            now=now - timedelta(days=300),
        )
        for place, (building, name) in enumerate(names)
    ]


def _teachers(session: Session, made: Made, officer: int, now: datetime) -> list[int]:
    """The demo's instructor and five more, each with what they can teach."""
    first = session.scalar(
        select(Account.person_id).filter_by(institution_id=made.first.id, login="instructor")
    )
    more = session.scalars(
        select(Person.id)
        .where(Person.institution_id == made.first.id, Person.status == "active")
        .order_by(Person.id)
        .offset(FIRST - 8)
        .limit(5)
    ).all()
    ids = [one for one in (first, *more) if one is not None]
    for place, person_id in enumerate(ids):
        skills = {_SKILLS[place % 5], _SKILLS[(place * 2 + 1) % 5]}
        person = session.get_one(Person, person_id)
        rooms.say_skills(session, person, sorted(skills), actor_id=officer, now=now)
    return ids


def _stage(
    state: Any,
    session: Session,
    made: Made,
    mode: str,
    place: int,
    halls: list[Room],
    teachers: list[int],
    officer: int,
    now: datetime,
) -> Stage | None:
    began = now - timedelta(days=20)
    run = _run(state, session, made, mode, officer, began)
    if run is None:
        return None
    parts = session.scalars(
        select(Activity)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Unit.version_id == run.version_id, Activity.kind == "meeting")
        .order_by(Unit.position)
    )
    return Stage(
        state=state,
        run=run,
        parts=list(parts),
        halls=[session.merge(one) for one in halls],
        teachers=teachers,
        learners=_learners(state, session, made, run, place, began),
        officer=officer,
        today=clock.local_day(now, made.first.zone),
        zone=made.first.zone,
        now=now,
    )


def _run(
    state: Any, session: Session, made: Made, mode: str, officer: int, began: datetime
) -> Run | None:
    """A run of the first course of that sort without content: it gets some here."""
    course = session.scalar(
        select(Course)
        .where(
            Course.institution_id == made.first.id,
            Course.delivery_mode == mode,
            Course.id.not_in(select(Run.course_id)),
        )
        .order_by(Course.id)
        .limit(1)
    )
    if course is None:
        return None
    publish(session, state.kinds, course, _units(mode), files=lambda _name: 0, now=began)
    first = clock.local_day(began, made.first.zone)
    told = RunPlan(
        learn_from=first,
        learn_until=first + timedelta(days=50),
        rule=RuleSet(score_min=None, ordered=False, progress_permille=1000),
        name="겨울 집합반" if mode == "classroom" else "겨울 혼합반",
    )
    run = runs.plan(session, course, told, actor_id=officer, now=began)
    runs.open_run(session, state.hook, run, actor_id=officer, now=began)
    return run


def _units(mode: str) -> list[dict[str, Any]]:
    page = {
        "kind": "page",
        "title": "오기 전에 읽기",
        "role": "progress",
        "config": {
            "body": "<p>교실에서 다룰 사례를 먼저 읽고 오십시오. "
            "모둠마다 한 사례를 맡아 이야기합니다.</p>",
            "min_seconds": 0,
        },
    }
    return [
        {"title": "사전학습", "activities": [page]},
        *(
            {
                "title": f"{n}차 {'모임' if mode == 'classroom' else '실시간 모임'}",
                "activities": [
                    {
                        "kind": "meeting",
                        "title": title,
                        "role": "progress",
                        "config": {"minutes": 170, "note": "필기구와 사례 자료를 가져오십시오."},
                    }
                ],
            }
            for n, title in enumerate(("사례 나눔", "실습과 되돌아보기"), 1)
        ),
    ]


def _learners(
    state: Any, session: Session, made: Made, run: Run, place: int, at: datetime
) -> list[Enrolment]:
    """The demo's teachers first, so that their pages have something on them."""
    named = session.scalars(
        select(Account.person_id).where(
            Account.institution_id == made.first.id,
            Account.login.in_(("teacher", "teacher2", "latecomer")),
        )
    ).all()
    more = session.scalars(
        select(Person.id)
        .where(Person.institution_id == made.first.id, Person.status == "active")
        .order_by(Person.id)
        .offset(FIRST + place * LEARNERS)
        .limit(LEARNERS)
    ).all()
    # Somebody is in one classroom course at a time.
    people = list(dict.fromkeys((*(named[:2] if place == 0 else named[2:]), *more)))
    found = joining.join_many(
        session, state.hook, run, people, source="officer", actor_id=None, now=at
    )
    return [one for one in found.values() if isinstance(one, Enrolment)]


# Days from today, hour, part, kind, seats, how many ask, what became of it.
_TOLD = (
    (-16, 9, 0, "classroom", 24, 18, "held"),
    (-15, 13, 0, "classroom", 20, 20, "held"),
    (-9, 9, 0, "hybrid", 30, 12, "held"),
    (-6, 14, 1, "classroom", 24, 14, "cancelled"),
    (-3, 9, 1, "classroom", 24, 16, "held"),
    (-1, 13, 1, "live", 40, 12, "closed"),
    (0, 9, 1, "classroom", 30, 14, "closed"),
    (0, 15, None, "live", 60, 20, "open"),
    (2, 9, 0, "classroom", 10, 16, "open"),
    (3, 13, 1, "classroom", 12, 20, "offers"),
    (5, 9, 1, "hybrid", 36, 10, "moved"),
    (8, 9, 1, "practice", 8, 6, "open"),
    (9, 14, None, "classroom", 30, 9, "cancelled"),
    (12, 9, 0, "classroom", 24, 5, "open"),
    (15, 13, 1, "classroom", 24, 0, "planned"),
    (19, 9, 1, "live", 60, 0, "planned"),
)  # fmt: skip


def _meeting(
    session: Session,
    stage: Stage,
    number: int,
    days: int,
    hour: int,
    part: int | None,
    kind: str,
    capacity: int,
    asking: int,
    what: str,
    *,
    offset: int,
) -> None:
    day = stage.today + timedelta(days=days + offset)
    start = clock.start_of_day(day, stage.zone) + timedelta(hours=hour)
    at = min(stage.now, start) - timedelta(days=10)
    told = _plan(session, stage, number, part, kind, capacity, start, what)
    how: dict[str, Any] = {"actor_id": stage.officer, "now": at}
    meeting = editing.plan_meeting(session, stage.state.hook, stage.run, told, **how)
    if what == "planned":
        return
    meetings.open_meeting(session, stage.state.hook, meeting, **how)
    _ask(session, stage, meeting, number, asking, at)
    _became(session, stage, meeting, told, what, at + timedelta(days=2))


def _plan(
    session: Session,
    stage: Stage,
    number: int,
    part: int | None,
    kind: str,
    capacity: int,
    start: datetime,
    what: str,
) -> MeetingPlan:
    activity = None if part is None else stage.parts[part]
    hall = stage.halls[(number * 7 + 2) % len(stage.halls)]
    while hall.capacity < capacity:
        hall = stage.halls[(stage.halls.index(hall) + 1) % len(stage.halls)]
    host = session.scalar(
        select(func.min(Person.organisation_id)).where(
            Person.institution_id == stage.run.institution_id
        )
    )
    where: dict[str, Any] = {
        "room_id": hall.id if kind in {"classroom", "hybrid"} else None,
        "host_id": host if kind == "practice" else None,
        "place": "본관 2층 안내 데스크 앞" if kind == "practice" else "",
    }
    if kind in {"live", "hybrid"}:
        where |= {
            "provider": "generic",
            "provider_told": {
                "address": f"https://live.ieum.example/{number}?name={{participant}}"
            },
        }
    return MeetingPlan(
        title=f"{activity.title if activity else '질문 받는 시간'} {number + 1}회차",
        kind=kind,
        blocks=(Block(start, start + timedelta(hours=3), ((60, 10),)),),
        capacity=capacity,
        activity_id=activity.id if activity else None,
        instructors=((stage.teachers[number % len(stage.teachers)], "lead"),),
        skills=(_SKILLS[number % 5],),
        offer_minutes=24 * 60 if what == "offers" else 0,
        **where,
    )


def _ask(
    session: Session, stage: Stage, meeting: Meeting, number: int, asking: int, at: datetime
) -> None:
    """So many of the learners ask for a seat, one after another; who may not have one has none."""
    first = 0 if meeting.ends_at > stage.now else number * 5
    asked = 0
    for place in range(len(stage.learners)):
        if asked == asking:
            break
        one = stage.learners[(first + place) % len(stage.learners)]
        moment = at + timedelta(hours=1 + place)
        if seats.against(session, meeting, one, source="self", now=moment) is not None:
            continue
        seats.take(session, stage.state.hook, meeting, one, actor_id=one.person_id, now=moment)
        asked += 1


def _became(
    session: Session,
    stage: Stage,
    meeting: Meeting,
    told: MeetingPlan,
    what: str,
    at: datetime,
) -> None:
    how: dict[str, Any] = {"actor_id": stage.officer, "now": at}
    if what == "cancelled":
        meetings.cancel_meeting(session, meeting, reason="강사 사정으로 쉼", **how)
    elif what == "moved":
        later = meeting.starts_at + timedelta(hours=1)
        blocks = (Block(later, later + timedelta(hours=3), ((60, 10),)),)
        plan = MeetingPlan(
            **{name: getattr(told, name) for name in MeetingPlan.__struct_fields__}
            | {"blocks": blocks, "provider_told": dict(told.provider_told)}
        )
        editing.change_meeting(
            session,
            stage.state.hook,
            meeting,
            plan,
            reason="강의실 정비",
            overrule="양해 구함",
            **how,
        )
    elif what == "offers":
        _give_back(session, stage, meeting)
    elif what in {"held", "closed"}:
        meetings.close_meeting(session, meeting, reason="시작", **how)
        if what == "held":
            _settle(session, stage, meeting)


def _settle(session: Session, stage: Stage, meeting: Meeting) -> None:
    """One was absent, one came too late, one left a little early; the others were there."""
    query = select(Seat.person_id).filter_by(meeting_id=meeting.id, state="confirmed")
    people = session.scalars(query.order_by(Seat.seat_no)).all()
    start, end, minute = meeting.starts_at, meeting.ends_at, timedelta(minutes=1)
    odd = [None, (start + 70 * minute, end), (start, end - 15 * minute)]
    spans = [*odd, *[(start, end)] * len(people)]
    settling.settle(
        session,
        stage.state.hook,
        meeting,
        {one: settling.Word(span) for one, span in zip(people, spans, strict=False)},
        reason="출석부를 보고 정리함",
        actor_id=stage.teachers[0],
        now=end + 20 * minute,
    )


def _give_back(session: Session, stage: Stage, meeting: Meeting) -> None:
    """Two seats are free again, and held for who is next: their answers are waited for now."""
    at = stage.now - timedelta(hours=2)
    query = select(Seat).filter_by(meeting_id=meeting.id, state="confirmed")
    for seat in session.scalars(query.order_by(Seat.seat_no.desc()).limit(2)).all():
        seats.release(session, stage.state.hook, seat, actor_id=seat.person_id, now=at)


def _person(session: Session, made: Made, number: int) -> int:
    return session.scalars(
        select(Person.id).filter_by(institution_id=made.first.id, subject=f"demo-{number}")
    ).one()
