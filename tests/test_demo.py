"""The demo institute: every line of the plan and of the law is a course, and all of it holds."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from assessments.awaiting import piles
from assessments.models import QuizMark
from lms import clock
from lms.classroom.models import Meeting, MeetingWaiting, Room, Seat
from lms.classroom.planning import KINDS
from lms.credentials.models import Certificate
from lms.demo.build import build
from lms.extension import build_state
from lms.learning import proof, recount
from lms.learning.models import Completion, Course, Enrolment, Unit
from lms.people.actor import Identity
from lms.people.models import Person
from lms.people.service import find_actor
from tests.conftest import PACE, make_sqlite

DATA = Path(__file__).parents[1] / "lms" / "demo" / "data"


@pytest.fixture(scope="module")
def demo(tmp_path_factory, sqlite_template):
    folder = tmp_path_factory.mktemp("demo")
    url = make_sqlite(sqlite_template, folder)
    state = build_state({"LMS_DATABASE_URL": url, "LMS_VAR": str(folder), **PACE})
    built = build(state, people=400)
    yield state, built
    state.db.dispose()


def test_every_line_of_the_plan_and_every_statutory_training_is_a_course(demo):
    state, _ = demo
    plan = json.loads((DATA / "plan_2024_rows.json").read_text("utf-8"))["rows"]
    planned = [row for row in plan if row["stage"] == "plan2024"]
    duties = json.loads((DATA / "mandatory.json").read_text("utf-8"))
    with state.db.reading() as session:
        courses = session.scalars(select(Course).where(Course.institution_id == 1)).all()
        by_code = {course.code: course for course in courses}
        in_the_making = 1
        assert len(courses) - in_the_making == len(planned) + len(duties) == 136 + 48
        for duty in duties:
            course = by_code[f"D{duty['id']:02}"]
            assert (course.title, course.legal_basis) == (duty["name_ko"], duty["legal_basis"])
            if duty["hours_per_year"]:
                assert course.recognised_minutes == duty["hours_per_year"] * 60
        lines = sorted((row["line"], row["name"], row.get("learners")) for row in planned)
        assert lines == sorted(
            (course.source_line, course.title, course.planned_learners)
            for course in courses
            if course.source_line
        )


def test_at_least_eight_courses_play_and_some_people_are_done_midway_and_late(demo):
    state, _ = demo
    with state.db.reading() as session:
        playing = session.scalar(select(func.count(Unit.version_id.distinct())))
        revised, in_class = 1, 2
        assert playing - revised - in_class == 10 + 2
        done = session.scalar(select(func.count()).where(Enrolment.completed_at.is_not(None)))
        midway = session.scalar(
            select(func.count()).where(
                Enrolment.completed_at.is_(None), Enrolment.progress_permille > 0
            )
        )
        assert (done >= 60, midway >= 50) == (True, True)
        assert session.scalar(select(func.count()).select_from(Certificate)) == done


def test_a_month_of_meetings_in_all_states_and_89_rooms(demo):
    state, _ = demo
    with state.db.reading() as session:
        rooms = session.execute(select(Room.building, func.count()).group_by(Room.building)).all()
        assert {tuple(row) for row in rooms} == {("본관", 73), ("분원", 16)}
        states = set(session.scalars(select(Meeting.state)))
        assert states == {"planned", "open", "closed", "held", "cancelled"}
        assert set(session.scalars(select(Meeting.kind))) == set(KINDS)
        assert set(session.scalars(select(Seat.state))) == {"offered", "confirmed", "released"}
        waiting = select(func.count()).where(MeetingWaiting.ended_at.is_(None))
        assert session.scalar(waiting) > 5
        today = clock.now()
        days = [(at - today).days for at in session.scalars(select(Meeting.starts_at))]
        assert (min(days) < -10, max(days) > 10) == (True, True)


def test_every_completion_of_the_demo_replays_and_the_recount_finds_nothing(demo):
    state, _ = demo
    with state.db.reading() as session:
        completions = session.scalars(select(Completion).limit(15)).all()
        assert all(proof.replay(session, one).holds for one in completions)
        enrolments = session.scalars(select(Enrolment).limit(40)).all()
        assert [each for one in enrolments for each in recount.differences(session, one)] == []


def test_people_are_as_many_as_asked_and_each_institution_has_its_own(demo):
    state, built = demo
    with state.db.reading() as session:
        counts = session.execute(
            select(Person.institution_id, func.count()).group_by(Person.institution_id)
        ).all()
        assert sorted(tuple(row) for row in counts) == [(1, 400), (2, 60)]
    assert {account.role for account in built.accounts} == {
        "learner",
        "course_manager",
        "instructor",
        "officer",
        "school_officer",
        "institution_admin",
        "auditor",
        "operator",
    }
    assert set(built.record_store) == {"username", "password"}


def test_essays_wait_for_who_looks_after_the_run_and_some_are_marked(demo):
    state, _ = demo
    settings = replace(state.settings, institution="SETI")
    with state.db.reading() as session:
        who = [
            find_actor(session, Identity(subject=subject), now=clock.now(), settings=settings)
            for subject in ("demo-3", "demo-4", "demo-0")
        ]
        manager, instructor, teacher = ([one.waiting for one in piles(session, x)] for x in who)
        assert (manager, instructor, teacher) == ([4], [4], [])
        assert session.scalar(select(func.count()).select_from(QuizMark)) == 6
