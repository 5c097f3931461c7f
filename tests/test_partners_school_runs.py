"""School runs: put together by a school, decided by the institute, joined by that staff alone."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import Database
from lms.edge import State
from lms.errors import ClosedError, ConflictError, InvalidError, NotFoundError
from lms.learning import stating
from lms.learning.authoring import publish
from lms.learning.enrolling import enrol
from lms.learning.models import Course, Enrolment, Run
from lms.learning.service import record
from lms.outbox import Task
from lms.partners import checking, composing, reading, school_runs, staff, telling
from lms.partners.composing import Told
from lms.partners.models import SchoolRequest
from lms.people.models import AuditRow, Institution, Person
from lms.xapi import vocabulary
from tests import factories
from tests.factories import NOW
from tests.partners_world import PERIOD, TODAY, approve, ask, build, inside


def test_from_request_to_runs_in_one_step(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        assert ask(session, world)
        assert not ask(session, world)  # a second click
    with db.transaction() as session:
        opened = approve(session, state, world, word="좋습니다")
    with db.transaction() as session:
        assert approve(session, state, world) == opened
    with db.reading() as session:
        runs = session.scalars(select(Run).order_by(Run.id)).all()
        assert [run.id for run in runs] == opened
        assert [run.course_id for run in runs] == [one.id for one in world.courses]
        for run in runs:
            assert (run.organisation_id, run.state, run.name) == (
                world.school.id,
                "running",
                "2학기 연수",
            )
            assert run.rule["score_min"] is None  # nothing in it is scored
        everybody = {(run.id, one.id) for run in runs for one in world.teachers}
        assert inside(session) == everybody
        row = session.get_one(SchoolRequest, world.request.id)
        assert (row.state, row.decided_by, row.reason) == (
            "approved",
            world.institute.id,
            "좋습니다",
        )
        acts = session.scalars(
            select(AuditRow.act).filter_by(subject="school_request").order_by(AuditRow.id)
        ).all()
        assert acts == [
            "school_request.draft",
            "school_request.asked",
            "school_request.approved",
        ]
        sources = set(session.scalars(select(Enrolment.source)))
        assert sources == {"school"}


def test_sent_back_mended_and_asked_again(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        row = world.request
        how = {"actor_id": world.institute.id, "now": NOW}
        with pytest.raises(ConflictError):
            school_runs.send_back(session, row, known="", reason="x", **how)
        ask(session, world)
        with pytest.raises(ConflictError):  # what is sent stands still
            composing.put_course(session, row, world.courses[0].id)
        known = school_runs.mark(row)
        with pytest.raises(InvalidError):
            school_runs.send_back(session, row, known=known, reason=" ", **how)
        assert school_runs.send_back(session, row, known=known, reason="기간이 짧습니다", **how)
        assert not school_runs.send_back(session, row, known=known, reason="다시", **how)
        longer = Told(title=PERIOD.title, learn_from=TODAY, learn_until=TODAY + timedelta(days=60))
        composing.change(session, row, longer, known=known)
        assert ask(session, world)
        # The institute had the page of before open: it would decide on what it has not read.
        with pytest.raises(ConflictError):
            approve(session, state, world, known=known)
        assert len(approve(session, state, world)) == 2
        states = session.scalars(
            select(AuditRow.act).filter_by(subject="school_request").order_by(AuditRow.id)
        ).all()
        assert [one.partition(".")[2] for one in states] == [
            "draft",
            "asked",
            "sent_back",
            "asked",
            "approved",
        ]


def test_what_is_missing_is_said_and_nothing_is_sent(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        row = world.request
        composing.set_people(session, row, [])
        with pytest.raises(InvalidError) as missing:
            ask(session, world)
        assert missing.value.field == "people"
        composing.drop_course(session, row, world.courses[0].id)
        composing.drop_course(session, row, world.courses[1].id)
        with pytest.raises(InvalidError) as missing:
            ask(session, world)
        assert missing.value.field == "courses"
        with pytest.raises(InvalidError):
            school_runs_change(session, row, learn_until=TODAY - timedelta(days=1))
        with pytest.raises(InvalidError):
            school_runs_change(session, row, title=" ")
        with pytest.raises(ConflictError):
            composing.change(session, row, PERIOD, known="something older")
        foreign = factories.course(session, state.kinds, factories.institution(session))
        with pytest.raises(NotFoundError):
            composing.put_course(session, row, foreign.id)


def school_runs_change(session: Session, row: SchoolRequest, **told: Any) -> None:
    changed = Told(
        **{
            "title": row.title,
            "learn_from": row.learn_from,
            "learn_until": row.learn_until,
            **told,
        }
    )
    composing.change(session, row, changed, known=school_runs.mark(row))


def test_courses_keep_the_order_that_the_school_wants(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state, courses=3)
        one, two, three = (course.id for course in world.courses)
        composing.shift_course(session, world.request, three, by=-1)
        composing.put_course(session, world.request, two)  # there already
        composing.shift_course(session, world.request, one, by=-1)  # the first stays first
        assert world.request.courses == [one, three, two]


def test_a_course_shows_its_own_newest_version(db: Database, state: State) -> None:
    """That another course has come to its second version says nothing of this one."""
    with db.transaction() as session:
        world = build(session, state)
        two = [{"title": f"차시 {n}", "activities": [factories.PAGE]} for n in (1, 2)]
        publish(session, state.kinds, world.courses[0], two, files=lambda _name: 1, now=NOW)
    with db.reading() as session:
        row = session.get_one(SchoolRequest, world.request.id)
        assert [one.units for one in reading.chosen(session, row)] == [2, 1]
        assert len(reading.found(session, world.home.id, "")) == 2


def test_what_stands_against_an_approval(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        ask(session, world)
        world.courses[0].archived_at = NOW
        found = checking.findings(session, world.request, today=TODAY)
        assert [one.grave for one in found.all] == [True]
        with pytest.raises(InvalidError):
            approve(session, state, world)
        assert world.request.state == "asked"
        world.courses[0].archived_at = None
        empty = Course(**_bare(world.home, "빈 과정"))
        factories.kept(session, empty)
        world.request.courses = [*world.request.courses, empty.id]
        found = checking.findings(session, world.request, today=TODAY)
        assert [one.params for one in found.grave] == [{"title": "빈 과정"}]
        world.request.courses = world.request.courses[:2]
        late = checking.findings(session, world.request, today=TODAY + timedelta(days=31))
        assert [one.grave for one in late.all] == [True]
        begun = checking.findings(session, world.request, today=TODAY + timedelta(days=1))
        assert [one.grave for one in begun.all] == [False]


def _bare(home: Institution, title: str) -> dict[str, Any]:
    return {
        "institution_id": home.id,
        "code": title,
        "title": title,
        "training_kind": "in_service",
        "delivery_mode": "self_paced",
        "recognised_minutes": 60,
        "created_at": NOW,
    }


def test_who_left_the_school_is_not_enrolled_and_who_learns_elsewhere_is_named(
    db: Database, state: State
) -> None:
    with db.transaction() as session:
        world = build(session, state)
        gone, busy, done = world.teachers
        ask(session, world)
        gone.organisation_id = world.other.id
        elsewhere = factories.run(session, world.courses[0])
        factories.enrolment(session, state.hook, busy, elsewhere)
        mine = factories.enrolment(session, state.hook, done, elsewhere)
        (page,) = factories.activities(session, mine)
        said = stating.about_activity(
            stating.setting_of(session, mine.id),
            page,
            vocabulary.EXPERIENCED,
            activity_type=vocabulary.TYPE_PAGE,
            now=NOW,
            result={"completion": True},
        )
        record(session, state.hook, mine.id, page.id, [said], now=NOW)
        found = checking.findings(session, world.request, today=TODAY)
        assert [(one.message, one.params["names"]) for one in found.all[1:]] == [
            (checking.LEARNING, busy.name),
            (checking.DONE, done.name),
        ]
        assert (found.gone, found.people) == ([gone.id], [busy.id, done.id])
        first, second = approve(session, state, world)
        # One learns it elsewhere, the other has done it within two years: not the first course.
        ours = {(run, one) for run, one in inside(session) if run != elsewhere.id}
        assert ours == {(second, busy.id), (second, done.id)}
        detail = session.scalars(
            select(AuditRow.detail).filter_by(act="school_request.approved")
        ).one()
        assert detail["gone"] == [gone.id]
        assert [row[:2] for row in detail["left_out"]] == [[first, busy.id], [first, done.id]]


def test_only_that_staff_joins(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        colleague = factories.person(session, world.home, organisation_id=world.school.id)
        stranger = factories.person(session, world.home, organisation_id=world.other.id)
        ask(session, world)
        run_id, _ = approve(session, state, world)
    for person in (colleague, stranger, world.institute):
        with db.transaction() as session:
            run = session.get_one(Run, run_id)
            with pytest.raises(ClosedError):
                enrol(session, state.hook, person, run, actor_id=person.id, now=NOW)


def test_two_officers_at_once_open_one_set_of_runs(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        other = factories.person(session, world.home, "officer")
        ask(session, world)
        known = school_runs.mark(world.request)
    told: list[Any] = []
    gate = threading.Barrier(2)

    def decide(who: int) -> None:
        gate.wait()
        with db.transaction() as session:
            told.append(approve(session, state, world, known=known, actor_id=who))

    threads = [
        threading.Thread(target=decide, args=(who,)) for who in (world.institute.id, other.id)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as session:
        runs = session.scalars(select(Run.id).order_by(Run.id)).all()
        assert told == [runs, runs]
        assert len(inside(session)) == 6


def test_names_are_matched_and_never_guessed(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state, teachers=0)
        at = {"organisation_id": world.school.id}
        kim = factories.person(session, world.home, name="김한별", **at)
        for _ in range(2):
            factories.person(session, world.home, name="이보람", **at)
        factories.person(session, world.home, name="박전출", organisation_id=world.other.id)
        factories.person(session, world.home, name="최휴직", status="leave", **at)
        found = staff.pasted(
            session, world.home.id, world.school.id, "김 한별\n이보람, 박전출; 최휴직\n김한별\n\n"
        )
        assert found == staff.Pasted([kim.id], ["박전출", "최휴직"], ["이보람"])
        outsiders = [kim.id, world.institute.id]
        assert staff.only(session, world.home.id, world.school.id, outsiders) == [kim.id]


def test_mails_go_to_those_who_hold_the_role_then(db: Database, state: State) -> None:
    with db.transaction() as session:
        world = build(session, state)
        ask(session, world)
        with db.reading() as nothing:
            assert nothing.scalars(select(Task)).all() == []
    keep(db, state)
    assert mails(db) == {"officer@example.kr"}
    with db.transaction() as session:
        known = school_runs.mark(world.request)
        school_runs.send_back(
            session,
            world.request,
            known=known,
            reason="기간",
            actor_id=world.institute.id,
            now=NOW + timedelta(hours=1),
        )
        # The officer who asked was transferred: their successor hears of it.
        officer = session.get_one(Person, world.officer.id)
        officer.organisation_id = world.other.id
        factories.person(
            session,
            world.home,
            "school_officer",
            organisation_id=world.school.id,
            email="next@example.kr",
        )
    keep(db, state)
    keep(db, state)
    assert mails(db) == {"officer@example.kr", "next@example.kr"}


def keep(db: Database, state: State) -> None:
    with db.reading() as session:
        tasks = session.scalars(select(Task).filter_by(name="partners.tell")).all()
    for task in tasks:
        telling.tell(state, task, NOW)


def mails(db: Database) -> set[str]:
    with db.reading() as session:
        found = session.scalars(select(Task).filter_by(name="mail.send")).all()
        assert len({one.key for one in found}) == len(found)
        return {one.payload["to"] for one in found}
