"""Who comes into a run, when, how often and by which way; what they are told."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from lms.errors import ClosedError, ConflictError, InvalidError
from lms.learning.models import Enrolment, Nomination
from lms.learning.rules import RuleSet
from lms.learning.running import joining, nominating, runs, telling
from lms.outbox import Task
from lms.people.models import AuditRow
from tests import factories
from tests.factories import NOW
from tests.runs_world import TODAY, build, planned, told


@pytest.fixture
def world(state):
    return build(state)


def opened(session, state, world, **more):
    run = planned(session, world, **more)
    runs.open_run(session, state.hook, run, actor_id=None, now=NOW)
    return run


def come(session, state, who, run, **more):
    base = {"actor_id": who.id, "now": NOW}
    return joining.join(session, state.hook, session.merge(who), run, **(base | more))


def test_one_applies_in_the_application_period_and_officers_at_any_time(state, world):
    who = world.people[0]
    with state.db.transaction() as session:
        run = opened(
            session,
            state,
            world,
            apply_from=TODAY + timedelta(1),
            apply_until=TODAY + timedelta(2),
        )
        with pytest.raises(ClosedError, match="2026-11-24부터 신청"):
            come(session, state, who, run)
        with pytest.raises(ClosedError, match="2026-11-25에 신청이 끝났습니다"):
            come(session, state, who, run, now=NOW + timedelta(days=3))
        officers = come(session, state, who, run, source="officer", actor_id=world.officer.id)
        mine = come(session, state, world.people[1], run, now=NOW + timedelta(days=1))
        assert (officers.source, mine.source) == ("officer", "self")
        reasons = session.scalars(
            select(AuditRow.reason).filter_by(act="enrol").order_by(AuditRow.id)
        ).all()
        assert reasons == ["담당자가 등록", "본인 신청"]


def test_without_an_application_period_one_applies_while_one_may_learn(state, world):
    with state.db.transaction() as session:
        run = opened(session, state, world)
        with pytest.raises(ClosedError, match="2026-12-01부터"):
            come(session, state, world.people[0], run)
        enrolment = come(session, state, world.people[0], run, now=NOW + timedelta(days=8))
        assert enrolment.state == "enrolled"


def test_withdrawing_needs_a_reason_and_has_a_deadline_and_coming_back_is_attempt_two(state, world):
    who = world.people[0]
    with state.db.transaction() as session:
        run = opened(
            session,
            state,
            world,
            apply_from=TODAY,
            apply_until=TODAY + timedelta(9),
            withdraw_until=TODAY + timedelta(3),
        )
        first = come(session, state, who, run)

        def leave(reason, actor_id=who.id, days=0):
            at = NOW + timedelta(days=days)
            joining.withdraw(session, state.hook, first, reason=reason, actor_id=actor_id, now=at)

        with pytest.raises(InvalidError, match="왜 취소하는지"):
            leave(" ")
        with pytest.raises(ClosedError, match="2026-11-26"):
            leave("늦음", days=4)
        leave("담당자에게 부탁", actor_id=world.officer.id, days=4)
        leave("두 번째는 그대로", days=4)
        assert (first.state, first.withdrawal) == ("withdrawn", "담당자에게 부탁")
        second = come(session, state, who, run)
        assert (second.attempt, second.id != first.id) == (2, True)
        assert second.registration != first.registration


def test_who_is_done_keeps_it_and_comes_again_after_two_years_only(state, world):
    who = world.people[0]
    with state.db.transaction() as session:
        run = opened(session, state, world, learn_from=TODAY)
        done = come(session, state, who, run)
        done.completed_at = NOW
        with pytest.raises(ConflictError, match="이미 이수한"):
            joining.withdraw(session, state.hook, done, reason="x", actor_id=who.id, now=NOW)
        soon = opened(session, state, world, learn_from=TODAY)
        with pytest.raises(ConflictError, match="2028-11-23부터 다시"):
            come(session, state, who, soon)
        late = opened(
            session,
            state,
            world,
            learn_from=date(2028, 11, 23),
            learn_until=date(2028, 12, 23),
            apply_from=TODAY,
            apply_until=TODAY,
        )
        assert come(session, state, who, late).attempt == 1
        yearly = opened(
            session, state, world, learn_from=TODAY, rule=RuleSet(score_min=None, repeat_years=0)
        )
        with pytest.raises(ConflictError, match="듣고 있습니다"):
            come(session, state, who, yearly)
        overruled = come(
            session, state, who, soon, source="officer", overrule="재교육 지시", actor_id=None
        )
        row = session.scalars(select(AuditRow).filter_by(subject_id=overruled.id, act="enrol"))
        assert row.one().reason == "재교육 지시"


def test_only_distance_courses_may_overlap(state, world):
    who = world.people[0]
    with state.db.transaction() as session:
        home = session.merge(world.home)
        kinds = ["classroom", "blended", "self_paced", "classroom"]
        courses = [factories.course(session, state.kinds, home) for _ in kinds]
        made = []
        for course, mode in zip(courses, kinds, strict=True):
            course.delivery_mode = mode
            run = runs.plan(session, course, told(learn_from=TODAY), actor_id=None, now=NOW)
            runs.open_run(session, state.hook, run, actor_id=None, now=NOW)
            made.append(run)
        come(session, state, who, made[0])
        with pytest.raises(ConflictError, match=f"「{courses[0].title}」"):
            come(session, state, who, made[1])
        assert come(session, state, who, made[2]).state == "enrolled"
        made[3].learn_from = made[0].learn_until + timedelta(days=1)
        made[3].learn_until = made[3].learn_from + timedelta(days=5)
        made[3].apply_from = TODAY
        session.flush()
        assert come(session, state, who, made[3]).state == "enrolled"


def test_a_nominated_run_is_for_who_was_named(state, world):
    first, second, third, _ = world.people
    with state.db.transaction() as session:
        run = opened(session, state, world, way="nomination", seats=1, learn_from=TODAY)
        with pytest.raises(ClosedError, match="추천 명단에 있는"):
            come(session, state, first, run)
        numbers = {first.id: "가-1", second.id: None}
        assert nominating.nominate(session, run, numbers, actor_id=None, now=NOW) == 2
        assert nominating.nominate(session, run, numbers, actor_id=None, now=NOW) == 0
        found = nominating.enrol_all(session, state.hook, run, actor_id=None, now=NOW)
        assert [type(one).__name__ for one in found.values()] == ["Enrolment", "ClosedError"]
        rows = session.scalars(select(Nomination).order_by(Nomination.id)).all()
        with pytest.raises(ConflictError, match="이미 등록된"):
            nominating.take_back(session, rows[0], reason="", actor_id=None, now=NOW)
        nominating.take_back(session, rows[1], reason="착오", actor_id=None, now=NOW)
        assert session.scalars(select(Nomination.person_id)).all() == [first.id]
        assert third.id not in found


def test_a_school_run_takes_its_own_staff_alone(state, world):
    with state.db.transaction() as session:
        school = factories.organisation(session, session.merge(world.home))
        run = opened(session, state, world, organisation_id=school.id, learn_from=TODAY)
        mine = session.merge(world.people[0])
        mine.organisation_id = school.id
        session.flush()
        found = joining.join_many(
            session,
            state.hook,
            run,
            [mine.id, world.people[1].id],
            source="school",
            actor_id=None,
            now=NOW,
        )
        assert [type(one).__name__ for one in found.values()] == ["Enrolment", "ClosedError"]


def test_another_institutions_person_joins_nothing(state, world):
    with state.db.transaction() as session:
        stranger = factories.person(session, factories.institution(session))
        run = opened(session, state, world, learn_from=TODAY)
        with pytest.raises(ConflictError, match="다른 연수기관"):
            come(session, state, stranger, run)


def test_what_people_are_told_by_mail(state, world):
    first, second, third, _ = world.people
    with state.db.transaction() as session:
        run = opened(
            session,
            state,
            world,
            way="application",
            apply_from=TODAY,
            apply_until=TODAY,
            seats=1,
        )
        for who in (first, second, third):
            come(session, state, who, run)
        enrolment = session.scalars(select(Enrolment)).one()
        joining.withdraw(session, state.hook, enrolment, reason="사정", actor_id=first.id, now=NOW)
        runs.cancel(session, state.hook, run, reason="강사 사정", actor_id=None, now=NOW)
    keep(state)
    keep(state)
    with state.db.reading() as session:
        mails = session.scalars(select(Task).filter_by(name="mail.send").order_by(Task.id)).all()
        told = {(one.payload["to"], one.payload["subject"]) for one in mails}
    title = world.course.title
    assert told == {
        ("p1@example.kr", f"「{title}」 1기에 등록되었습니다"),
        ("p1@example.kr", f"「{title}」 1기가 취소되었습니다"),
        ("p2@example.kr", f"「{title}」 1기의 대기가 끝났습니다"),
    }
    assert "강사 사정" in next(
        one.payload["body"] for one in mails if "취소" in one.payload["subject"]
    )


def keep(state):
    """Keep every promise of news, as the scheduler would."""
    handlers = {
        "learning.tell_place": telling.tell_place,
        "learning.tell_lapsed": telling.tell_lapsed,
        "learning.tell_cancelled": telling.tell_cancelled,
    }
    with state.db.reading() as session:
        tasks = session.scalars(select(Task).where(Task.name.in_(handlers))).all()
    for task in tasks:
        handlers[task.name](state, task, NOW)
