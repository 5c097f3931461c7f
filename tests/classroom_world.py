"""A run with people, a room and instructors, and the plan of a meeting, for the classroom's tests.

The run's course has a page and an activity that attending a meeting completes.
"""

from datetime import timedelta
from types import SimpleNamespace

from sqlalchemy import insert, select

from lms.classroom import editing, meetings, seats
from lms.classroom.blocks import Block
from lms.classroom.models import Meeting, MeetingWaiting, Room, Seat
from lms.classroom.planning import MeetingPlan
from lms.learning.models import Activity, Enrolment, Unit
from lms.learning.rules import RuleSet
from lms.people.models import Person
from tests import factories
from tests.factories import NOW

START = NOW.replace(hour=0, minute=0, second=0) + timedelta(days=7)
"""09:00 in Seoul, a week from now."""

MEETING = {"kind": "meeting", "title": "집합 실습", "config": {"minutes": 170}}


def build(state, learners=4, units=([factories.PAGE], [MEETING])):
    with state.db.transaction() as session:
        home = factories.institution(session)
        course = factories.course(session, state.kinds, home, *units)
        run = factories.run(session, course, RuleSet(score_min=None, ordered=False))
        people = [
            factories.person(session, home, email=f"p{n}@example.kr") for n in range(learners)
        ]
        enrolments = [factories.enrolment(session, state.hook, one, run) for one in people]
        officer = factories.person(session, home, "officer")
        teacher = factories.person(session, home, email="t@example.kr")
        rooms = [
            factories.kept(
                session,
                Room(
                    institution_id=home.id,
                    building="본관",
                    name=f"{n}호",
                    capacity=30,
                    equipment=[],
                ),
            )
            for n in (305, 306)
        ]
        activity = session.scalar(
            select(Activity)
            .join(Unit, Unit.id == Activity.unit_id)
            .where(Unit.version_id == run.version_id, Activity.kind == "meeting")
        )
    return SimpleNamespace(
        home=home,
        course=course,
        run=run,
        people=people,
        enrolments=enrolments,
        officer=officer,
        teacher=teacher,
        rooms=rooms,
        activity=activity,
    )


def crowd(session, world, count):
    """(enrolment, person) ids of so many more people in the run, made in two statements."""
    people = session.scalars(
        insert(Person).returning(Person.id, sort_by_parameter_order=True),
        [
            {
                "institution_id": world.home.id,
                "issuer": "crowd",
                "subject": f"crowd-{n}",
                "account_name": f"crowd-{n}",
                "name": f"무리{n}",
                "staff_category": "teacher",
                "status": "active",
                "theme": "",
                "unwanted": [],
                "created_at": NOW,
            }
            for n in range(count)
        ],
    ).all()
    made = session.scalars(
        insert(Enrolment).returning(Enrolment.id, sort_by_parameter_order=True),
        [
            {
                "institution_id": world.home.id,
                "run_id": world.run.id,
                "person_id": one,
                "registration": f"crowd-{one}",
                "enrolled_at": NOW,
            }
            for one in people
        ],
    ).all()
    return list(zip(made, people, strict=True))


def block(start=START, minutes=180, breaks=((60, 10),)):
    return Block(start, start + timedelta(minutes=minutes), tuple(breaks))


def told(world, **more):
    return MeetingPlan(
        **{
            "title": "3회차 실습",
            "kind": "classroom",
            "blocks": (block(),),
            "capacity": 2,
            "room_id": world.rooms[0].id,
            "activity_id": world.activity.id if world.activity else None,
            **more,
        }
    )


def planned(session, state, world, **more):
    run = session.merge(world.run)
    return editing.plan_meeting(
        session, state.hook, run, told(world, **more), actor_id=world.officer.id, now=NOW
    )


def opened(session, state, world, **more):
    meeting = planned(session, state, world, **more)
    meetings.open_meeting(session, state.hook, meeting, actor_id=world.officer.id, now=NOW)
    return meeting


def seated(session, meeting_id):
    """(person, seat number, state) of who has a seat, in the order of the numbers."""
    return [
        tuple(row)
        for row in session.execute(
            select(Seat.person_id, Seat.seat_no, Seat.state)
            .where(Seat.meeting_id == meeting_id, Seat.seat_no.is_not(None))
            .order_by(Seat.seat_no)
        )
    ]


def waiting(session, meeting_id):
    """Who waits, in order."""
    return list(
        session.scalars(
            select(MeetingWaiting.person_id)
            .where(MeetingWaiting.meeting_id == meeting_id, MeetingWaiting.ended_at.is_(None))
            .order_by(MeetingWaiting.id)
        )
    )


def again(session, meeting):
    return session.get_one(Meeting, meeting.id)


def take(session, state, meeting, enrolment, **more):
    """The enrolment's person takes a seat, or the last place on the list."""
    enrolment = session.merge(enrolment)
    return seats.take(
        session,
        state.hook,
        session.merge(meeting),
        enrolment,
        **{"actor_id": enrolment.person_id, "now": NOW, **more},
    )
