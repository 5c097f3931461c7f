"""Meetings: planned, changed, cancelled and restored; what cannot be is refused with a sentence."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from lms.classroom import blocks as times
from lms.classroom import clockwork, editing, meetings, seats
from lms.classroom.models import Meeting, MeetingChange, MeetingInstructor, Seat, Trigger
from lms.errors import ConflictError, InvalidError
from lms.learning.running import joining, runs
from lms.outbox import Task
from lms.people.models import AuditRow, RoleGrant
from tests import classroom_world as worlds
from tests.classroom_world import START, block
from tests.factories import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def world(state):
    return worlds.build(state)


def change(session, state, meeting, **more):
    overrule = more.pop("overrule", "")
    told = editing.as_plan(meeting)
    return editing.change_meeting(
        session,
        state.hook,
        meeting,
        replace(told, **more),
        reason="강사 사정",
        overrule=overrule,
        actor_id=None,
        now=NOW,
    )


def test_time_that_counts_leaves_breaks_and_gaps_out():
    first = block(minutes=180, breaks=((60, 10), (120, 10)))
    second = block(START + 4 * HOUR, minutes=60, breaks=())
    assert times.troubles([second, first]) == []
    assert times.scheduled_ms([second, first]) == (180 - 20 + 60) * 60_000
    assert times.taught([second, first])[0] == (START, START + HOUR)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"blocks": ()}, "날과 시각"),
        ({"blocks": (block(), block(START + HOUR))}, "1번째 시간과 2번째 시간이 겹칩니다"),
        ({"blocks": (block(minutes=-60, breaks=()),)}, "끝을 시작보다"),
        ({"blocks": (block(breaks=((170, 20),)),)}, "쉬는 시간"),
        ({"blocks": (block(breaks=((20, 20), (30, 20))),)}, "쉬는 시간"),
        ({"blocks": (block(minutes=15 * 60, breaks=()),)}, "14시간"),
        ({"title": " "}, "이름"),
        ({"capacity": 0}, "1석에서"),
        ({"capacity": 31}, "30명까지"),
        ({"room_id": None}, "강의실"),
        ({"kind": "practice"}, "실습"),
        ({"kind": "live"}, "서비스"),
        ({"kind": "live", "provider": "generic", "provider_told": {"address": "zoom"}}, "https"),
        ({"kind": "live", "provider": "none"}, "서비스"),
        ({"blocks": (block(START + timedelta(days=40_000)),)}, "학습 기간"),
        ({"seats_until": START.date() + timedelta(days=3)}, "끝난 뒤의 날"),
        ({"activity_id": 10**9}, "차시"),
        ({"instructors": ((10**9, "lead"),)}, "강사"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(sqlite_app, told, said):
    state = sqlite_app.extensions["lms"]
    world = worlds.build(state, learners=0)
    with (
        pytest.raises((InvalidError, ConflictError), match=said),
        state.db.transaction() as session,
    ):
        worlds.planned(session, state, world, **told)
    with state.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Meeting)) == 0


def test_steps_leave_their_rows(state, world):
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world)
        meetings.close_meeting(session, meeting, reason="마감", actor_id=None, now=NOW)
        with pytest.raises(ConflictError, match="되살릴"):
            meetings.restore_meeting(
                session, state.hook, meeting, reason="x", actor_id=None, now=NOW
            )
        meetings.hold_meeting(session, meeting, reason="출석 정리", actor_id=None, now=NOW)
        with pytest.raises(ConflictError, match="「마침」"):
            meetings.cancel_meeting(session, meeting, reason="x", actor_id=None, now=NOW)
        rows = session.execute(
            select(MeetingChange.before, MeetingChange.after).order_by(MeetingChange.id)
        ).all()
        audits = session.scalars(
            select(AuditRow.act).where(AuditRow.subject == "meeting").order_by(AuditRow.id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("", "planned"),
        ("planned", "open"),
        ("open", "closed"),
        ("closed", "held"),
    ]
    assert audits == ["meeting.planned", "meeting.open", "meeting.closed", "meeting.held"]


def test_a_room_an_instructor_and_a_learner_are_in_one_place_at_a_time(state, world):
    with state.db.transaction() as session:
        teachers = ((world.teacher.id, "lead"),)
        first = worlds.opened(session, state, world, instructors=teachers)
        with pytest.raises(ConflictError, match="본관 305호에서"):
            worlds.planned(session, state, world, blocks=(block(START + 2 * HOUR),))
        other = {"room_id": world.rooms[1].id, "activity_id": None}
        with pytest.raises(ConflictError, match="강사가"):
            worlds.planned(session, state, world, instructors=teachers, **other)
        second = worlds.opened(session, state, world, blocks=(block(START + 3 * HOUR),), **other)
        for meeting in (first, second):
            seats.take(
                session,
                state.hook,
                meeting,
                session.merge(world.enrolments[0]),
                actor_id=world.people[0].id,
                now=NOW,
            )
        with pytest.raises(ConflictError, match="자리가 있습니다"):
            change(session, state, second, blocks=(block(START + HOUR),))
        assert second.starts_at == START + 3 * HOUR
        assert change(session, state, second, blocks=(block(START + HOUR),), overrule="양해함")
        # What is cancelled stands in nobody's way.
        meetings.cancel_meeting(session, first, reason="폭설", actor_id=None, now=NOW)
        third = worlds.planned(session, state, world, instructors=teachers)
        assert third.room_id == first.room_id
        with pytest.raises(ConflictError, match="305호"):
            meetings.restore_meeting(session, state.hook, first, reason="x", actor_id=None, now=NOW)


def test_a_move_keeps_history_raises_the_sequence_and_tells_each_once(state, world):
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world)
        uid = meeting.uid
        for one in world.enrolments[:3]:
            seats.take(
                session,
                state.hook,
                meeting,
                session.merge(one),
                actor_id=one.person_id,
                now=NOW,
            )
        assert change(session, state, meeting, blocks=(block(START + HOUR),))
        assert not change(session, state, meeting)
        assert (meeting.uid, meeting.sequence, meeting.starts_at) == (uid, 1, START + HOUR)
        note = session.scalars(
            select(MeetingChange).order_by(MeetingChange.id.desc()).limit(1)
        ).one()
        assert note.told["blocks"][0][0]["starts_at"] == START.isoformat().replace("+00:00", "Z")
        due = session.scalars(
            select(Trigger.due).where(Trigger.dropped_at.is_(None), Trigger.done_at.is_(None))
        ).all()
        assert due == [START + HOUR]
    told = run_tasks(state, "classroom.tell_meeting") * 2
    for task in told:  # kept twice, as a scheduler that died would
        state_handlers(state)[task.name](state, task, NOW)
    with state.db.reading() as session:
        mails = session.scalars(
            select(Task.payload).where(Task.name == "mail.send").order_by(Task.id)
        ).all()
    # Two with a seat and one who waits.
    assert [mail["to"] for mail in mails] == [f"p{n}@example.kr" for n in range(3)]
    assert "바뀌었습니다" in mails[0]["subject"]


def run_tasks(state, name):
    with state.db.reading() as session:
        return session.scalars(select(Task).where(Task.name == name)).all()


def state_handlers(state):
    return {name: keep for some in state.hook.lms_tasks() for name, keep in some.items()}


def test_cancelled_and_restored_loses_nothing(state, world):
    with state.db.transaction() as session:
        first = worlds.opened(session, state, world)
        other = worlds.opened(session, state, world, blocks=(block(START + 24 * HOUR),))
        for one in world.enrolments[:3]:
            seats.take(
                session, state.hook, first, session.merge(one), actor_id=one.person_id, now=NOW
            )
        before = worlds.seated(session, first.id), worlds.waiting(session, first.id)
        meetings.cancel_meeting(session, first, reason="폭설", actor_id=None, now=NOW)
        assert (worlds.seated(session, first.id), worlds.waiting(session, first.id)) == before
    for task in run_tasks(state, "classroom.tell_meeting"):
        state_handlers(state)[task.name](state, task, NOW)
    with state.db.reading() as session:
        mails = session.scalars(select(Task.payload).where(Task.name == "mail.send")).all()
    assert len(mails) == 3
    assert all("폭설" in mail["body"] and other.title in mail["body"] for mail in mails)
    with state.db.transaction() as session:
        first = session.merge(first)
        # One of them goes to the other meeting meanwhile.
        session.get_one(Meeting, other.id)
        seats.take(
            session,
            state.hook,
            session.merge(other),
            session.merge(world.enrolments[0]),
            actor_id=world.people[0].id,
            now=NOW,
        )
        meetings.restore_meeting(
            session, state.hook, first, reason="눈이 그침", actor_id=None, now=NOW
        )
        assert (first.state, first.sequence) == ("open", 2)
        # The second keeps the seat, the first has the other one, and who waited moved up.
        assert [row[0] for row in worlds.seated(session, first.id)] == [
            world.people[2].id,
            world.people[1].id,
        ]
        assert worlds.waiting(session, first.id) == []


def test_instructors_have_the_role_as_long_as_they_teach_in_the_run(state, world):
    def held(session):
        return session.scalars(
            select(RoleGrant.run_id).where(
                RoleGrant.role == "instructor", RoleGrant.ended_at.is_(None)
            )
        ).all()

    with state.db.transaction() as session:
        teachers = ((world.teacher.id, "lead"),)
        one = worlds.planned(session, state, world, instructors=teachers)
        two = worlds.planned(
            session, state, world, instructors=teachers, blocks=(block(START + 24 * HOUR),)
        )
        assert held(session) == [world.run.id]
        change(session, state, one, instructors=())
        assert held(session) == [world.run.id]
        change(session, state, two, instructors=((world.people[0].id, "assistant"),))
        assert session.scalars(select(MeetingInstructor.person_id)).all() == [world.people[0].id]
        assert held(session) == [world.run.id]
        assert session.scalar(
            select(RoleGrant.person_id).where(
                RoleGrant.role == "instructor", RoleGrant.ended_at.is_(None)
            )
        ) == (world.people[0].id)


def test_a_run_that_is_called_off_takes_its_meetings_along(state, world):
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world)
        run = session.merge(world.run)
        runs.cancel(session, state.hook, run, reason="수요 없음", actor_id=None, now=NOW)
        assert worlds.again(session, meeting).state == "cancelled"
        assert session.scalars(select(Trigger.dropped_at)).all() == [NOW]


def test_who_leaves_the_run_leaves_its_meetings(state, world):
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world, capacity=1)
        for one in world.enrolments[:3]:
            seats.take(
                session, state.hook, meeting, session.merge(one), actor_id=one.person_id, now=NOW
            )
        for n in (1, 0):
            joining.withdraw(
                session,
                state.hook,
                session.merge(world.enrolments[n]),
                reason="전출",
                actor_id=world.people[n].id,
                now=NOW,
            )
        assert worlds.seated(session, meeting.id) == [(world.people[2].id, 1, "confirmed")]
        assert worlds.waiting(session, meeting.id) == []
        gone = session.scalars(select(Seat).where(Seat.person_id == world.people[0].id)).one()
        assert (gone.state, gone.why) == ("released", "withdrawn")


def test_its_first_minute_ends_sign_up_and_waiting_once(state, world, monkeypatch):
    monkeypatch.setattr(clockwork, "database_now", lambda _connection: START)
    with state.db.transaction() as session:
        meeting = worlds.opened(session, state, world, capacity=1)
        for one in world.enrolments[:2]:
            seats.take(
                session, state.hook, meeting, session.merge(one), actor_id=one.person_id, now=NOW
            )
    tasks = run_tasks(state, "classroom.fire")
    assert [task.due for task in tasks] == [START]
    clockwork.fire(state, tasks[0], START)
    clockwork.fire(state, tasks[0], START)
    with state.db.reading() as session:
        meeting = worlds.again(session, meeting)
        outcomes = session.scalars(select(Trigger.outcome)).all()
        steps = session.scalars(
            select(MeetingChange.after).where(MeetingChange.after == "closed")
        ).all()
        waits = worlds.waiting(session, meeting.id)
    assert (meeting.state, outcomes, steps, waits) == ("closed", ["waiting: 1"], ["closed"], [])
