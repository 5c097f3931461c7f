"""A demo-like institute, and in it people at just the step that is to be measured."""

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import Flask
from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.orm import Session

import lms
from benchmarks.load import AGENT
from content import reading_acts
from lms import clock, migrations
from lms.demo.build import build as build_demo
from lms.edge import State
from lms.files.models import StoredFile
from lms.learning import rules, service, stating
from lms.learning.authoring import publish
from lms.learning.enrolling import enrol
from lms.learning.models import (
    Activity,
    Course,
    CourseVersion,
    Coverage,
    Enrolment,
    LearningSession,
    Run,
    Unit,
)
from lms.learning.running.checking import DISTANCE
from lms.people import sign_ins
from lms.people.models import Institution, Person, SignIn
from lms.people.service import token_hash
from lms.xapi import vocabulary as say

SPARE = 1_000
"""More synthetic people than are needed: the demo enrols some of them itself."""

BATCH = 50
VIDEO_MS = 1_800_000
COVERED_MS = 1_609_100
"""Of the completions' video: 893 permille, and 100 ms more are 894."""

_PAGES = 7
_LONG_MS = 6 * 3600 * 1000
"""A video so long that a run of pings crosses none of the lines at which a statement is made."""


@dataclass
class Learner:
    """Somebody signed in, with what they are about to do."""

    person_id: int
    token: str
    cookie: str = ""
    enrolment: int = 0
    activity: int = 0
    session: str = ""


@dataclass
class World:
    """Learners by what they are for."""

    readers: list[Learner] = field(default_factory=list)
    """`enrolment`: one of theirs in a course of the demo, half-way."""

    watchers: list[Learner] = field(default_factory=list)
    by_page: list[Learner] = field(default_factory=list)
    by_ping: list[Learner] = field(default_factory=list)


def create_app(config: dict[str, str]) -> Flask:
    """The app in this process, for preparing and counting: it does not log its requests."""
    app = lms.create_app(**config)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    return app


def build(app: Flask, *, learners: int, completions: int, say_so: Callable[[str], None]) -> World:
    """Fill the empty database that `app` is configured for."""
    state: State = app.extensions["lms"]
    migrations.upgrade(state.settings.database)
    say_so("the demo institute")
    now = clock.now()
    build_demo(state, people=SPARE + 2 * learners + 2 * completions)
    world, people = World(), _People(state, app)
    say_so(f"{learners} readers")
    runs = _open_runs(state)
    world.readers = people.take(learners)
    _each(state, world.readers, lambda session, one: _reads(session, state, one, runs, now))
    say_so(f"{learners} watchers")
    long = _course(state, [_video("긴 영상", _LONG_MS)], rules.RuleSet(score_min=None), now)
    world.watchers = people.take(learners)
    _each(state, world.watchers, lambda session, one: _watches(session, state, one, long, now))
    say_so(f"{completions} learners a page short, and as many a ping short")
    units = [_video("영상", VIDEO_MS), *(_page(place) for place in range(_PAGES))]
    page_short = _course(state, units, rules.RuleSet(ordered=False, score_min=None), now)
    world.by_page = people.take(completions)
    _each(
        state, world.by_page, lambda session, one: _reads_on(session, state, one, page_short, now)
    )
    lower = rules.RuleSet(progress_permille=800, ordered=False, score_min=None)
    ping_short = _course(state, units, lower, now)
    world.by_ping = people.take(completions)
    _each(
        state, world.by_ping, lambda session, one: _plays_on(session, state, one, ping_short, now)
    )
    return world


def wake(app: Flask) -> None:
    """Put every sign-in and learning session at this moment: preparing may have taken long."""
    state: State = app.extensions["lms"]
    now = clock.now()
    with state.db.transaction() as session:
        session.execute(update(SignIn).values(seen_at=now))
        session.execute(
            update(LearningSession).values(
                credited_at=now - timedelta(seconds=10),
                mono_ms=clock.monotonic_ms() - 10_000,
                boot=clock.boot(),
            )
        )


class _People:
    """Gives out synthetic people, signed in, with the cookie that their browser would hold."""

    def __init__(self, state: State, app: Flask) -> None:
        self._state, self._app, self._last = state, app, 0

    def take(self, count: int) -> list[Learner]:
        now, made = clock.now(), []
        with self._state.db.transaction() as session:
            # Whom the demo enrolled nowhere: no rule of enrolling stands in their way.
            people = session.execute(
                select(Person.id, Person.institution_id)
                .join(Institution)
                .where(
                    Institution.code == "SETI",
                    Person.subject.like("demo-%"),
                    Person.id > self._last,
                    ~exists().where(Enrolment.person_id == Person.id),
                )
                .order_by(Person.id)
                .limit(count)
            ).all()
            if len(people) < count:
                raise RuntimeError("the demo institute has too few people for this")
            self._last = people[-1].id
            for person_id, institution_id in people:
                token = sign_ins.new_token()
                made.append(Learner(person_id, token, self._cookie(token)))
                session.execute(
                    insert(SignIn),
                    {
                        "institution_id": institution_id,
                        "person_id": person_id,
                        "token_hash": token_hash(token),
                        "device": "Android · Chrome",
                        "address": "127.0.0.1",
                        "created_at": now,
                        "seen_at": now,
                    },
                )
        return made

    def _cookie(self, token: str) -> str:
        # As it stands after the first page: with the CSRF token, and Flask-Login's mark of the
        # browser, without which every answer would set the cookie anew.
        manager = self._app.login_manager  # type: ignore[attr-defined]  # Flask-Login's way
        with self._app.test_request_context(
            "/", headers={"User-Agent": AGENT}, environ_base={"REMOTE_ADDR": "127.0.0.1"}
        ):
            mark = manager._session_identifier_generator()  # noqa: SLF001
        serializer = self._app.session_interface.get_signing_serializer(self._app)  # type: ignore[attr-defined]
        told = {
            "_user_id": token,
            "_fresh": True,
            "_id": mark,
            "lms_csrf": secrets.token_urlsafe(16),
        }
        return f"{self._app.config['SESSION_COOKIE_NAME']}={serializer.dumps(told)}"


def _each(
    state: State, learners: Sequence[Learner], work: Callable[[Session, Learner], None]
) -> None:
    for start in range(0, len(learners), BATCH):
        with state.db.transaction() as session:
            for one in learners[start : start + BATCH]:
                work(session, one)


def _open_runs(state: State) -> list[int]:
    today = clock.local_day(clock.now(), "Asia/Seoul")
    with state.db.reading() as session:
        query = (
            select(func.min(Run.id))  # one of each course: nobody takes two runs of it at once
            .join(Institution, Institution.id == Run.institution_id)
            .join(Course, Course.id == Run.course_id)
            .where(
                Institution.code == "SETI",
                Run.state == "running",
                Run.learn_until >= today,
                Run.organisation_id.is_(None),  # a school's own run takes its staff alone
                Course.delivery_mode.in_(DISTANCE),  # others may not overlap
            )
            .group_by(Run.course_id)
            .order_by(func.min(Run.id))
        )
        return list(session.scalars(query))


def _reads(
    session: Session, state: State, one: Learner, runs: Sequence[int], now: datetime
) -> None:
    """Enrolled in four courses, three activities into one of them, as a Monday morning has it."""
    mine = [runs[(one.person_id + step) % len(runs)] for step in range(4)]
    enrolments = [_enrol(session, state, one, run, now - timedelta(days=2)) for run in mine]
    activities = list(_activities(session, enrolments[0].run))
    for place, activity in enumerate(activities[:3], 1):
        _finish(session, state, enrolments[0], activity, now - timedelta(hours=30 - place))
    one.enrolment, one.activity = enrolments[0].id, activities[3].id


def _watches(session: Session, state: State, one: Learner, run: int, now: datetime) -> None:
    enrolment = _enrol(session, state, one, run, now - timedelta(days=1))
    (activity,) = _activities(session, enrolment.run)
    one.enrolment, one.activity = enrolment.id, activity.id
    _sit_down(session, one, enrolment, now)
    _cover(session, enrolment, activity, 0, now)


def _reads_on(session: Session, state: State, one: Learner, run: int, now: datetime) -> None:
    """One page away: the video is done and the page was opened."""
    enrolment = _enrol(session, state, one, run, now - timedelta(days=1))
    video, page, *_ = _activities(session, enrolment.run)
    _finish(session, state, enrolment, video, now - timedelta(hours=2))
    reading_acts.launch(session, state.hook, enrolment.id, page, now=now - timedelta(hours=1))
    one.enrolment, one.activity = enrolment.id, page.id


def _plays_on(session: Session, state: State, one: Learner, run: int, now: datetime) -> None:
    """One ping away: a tenth of a second of the video is missing."""
    enrolment = _enrol(session, state, one, run, now - timedelta(days=1))
    video, *_ = _activities(session, enrolment.run)
    told = {"extensions": {say.EXT_PROGRESS: COVERED_MS * 1000 // VIDEO_MS / 1000}}
    said = stating.about_activity(
        stating.setting_of(session, enrolment.id),
        video,
        say.PLAYED,
        activity_type=say.TYPE_VIDEO,
        now=now - timedelta(hours=1),
        result=told,
        category=(say.PROFILE_VIDEO,),
    )
    service.record(
        session, state.hook, enrolment.id, video.id, [said], now=now - timedelta(hours=1)
    )
    one.enrolment, one.activity = enrolment.id, video.id
    _sit_down(session, one, enrolment, now)
    _cover(session, enrolment, video, COVERED_MS, now)


def _enrol(session: Session, state: State, one: Learner, run: int, at: datetime) -> Enrolment:
    person = session.get_one(Person, one.person_id)
    return enrol(session, state.hook, person, session.get_one(Run, run), actor_id=person.id, now=at)


def _finish(
    session: Session, state: State, enrolment: Enrolment, activity: Activity, at: datetime
) -> None:
    kinds = {"video": say.TYPE_VIDEO, "quiz": say.TYPE_ASSESSMENT}
    result: dict[str, Any] = {"completion": True}
    if activity.kind == "video":
        result["extensions"] = {say.EXT_PROGRESS: 1}
    if activity.kind == "quiz":
        result |= {"success": True, "score": {"scaled": 0.9, "raw": 90, "min": 0, "max": 100}}
    said = stating.about_activity(
        stating.setting_of(session, enrolment.id),
        activity,
        say.COMPLETED,
        activity_type=kinds.get(activity.kind, say.TYPE_PAGE),
        now=at,
        result=result,
    )
    service.record(session, state.hook, enrolment.id, activity.id, [said], now=at)


def _sit_down(session: Session, one: Learner, enrolment: Enrolment, now: datetime) -> None:
    one.session = secrets.token_urlsafe(24)
    session.add(
        LearningSession(
            institution_id=enrolment.institution_id,
            person_id=one.person_id,
            token=one.session,
            device="Android · Chrome",
            enrolment_id=one.enrolment,
            activity_id=one.activity,
            started_at=now,
            seen_at=now,
            credited_at=now,
            mono_ms=clock.monotonic_ms(),
            boot=clock.boot(),
            seq=0,
        )
    )


def _cover(
    session: Session, enrolment: Enrolment, activity: Activity, covered: int, now: datetime
) -> None:
    session.add(
        Coverage(
            institution_id=enrolment.institution_id,
            enrolment_id=enrolment.id,
            activity_id=activity.id,
            intervals=[[0, covered]] if covered else [],
            covered_ms=covered,
            position_ms=covered,
            stated_ms=covered,
            updated_at=now,
        )
    )


def _activities(session: Session, run: Run) -> Sequence[Activity]:
    return session.scalars(
        select(Activity)
        .join(Unit)
        .where(Unit.version_id == run.version_id)
        .order_by(Unit.position, Activity.position)
    ).all()


def _course(
    state: State, units: Sequence[dict[str, Any]], rule: rules.RuleSet, now: datetime
) -> int:
    """A run of a new course, open this month; returns its id."""
    with state.db.transaction() as session:
        home = session.scalars(select(Institution).filter_by(code="SETI")).one()
        file = session.scalars(
            select(StoredFile.id).filter_by(institution_id=home.id, media_type="video/webm")
        ).first()
        course = Course(
            institution_id=home.id,
            code=f"BENCH{secrets.token_hex(3)}",
            title="재는 과정",
            training_kind="in_service",
            delivery_mode="self_paced",
            recognised_minutes=900,
            created_at=now,
        )
        session.add(course)
        session.flush()  # its version refers to it
        version: CourseVersion = publish(
            session, state.kinds, course, units, files=lambda _name: file or 0, now=now
        )
        today = clock.local_day(now, home.zone)
        run = Run(
            institution_id=home.id,
            course_id=course.id,
            version_id=version.id,
            year=today.year,
            number=1,
            learn_from=today - timedelta(days=20),
            learn_until=today + timedelta(days=20),
            state="running",
            rule=rules.frozen(rule),
        )
        session.add(run)
        session.flush()  # its id is the answer
        return run.id


def _video(title: str, length: int) -> dict[str, Any]:
    config = {"src": "1.webm", "duration_ms": length, "transcript": [(0, "말")]}
    return {"title": title, "activities": [{"kind": "video", "title": title, "config": config}]}


def _page(place: int) -> dict[str, Any]:
    config = {"body": "<p>읽을 글입니다.</p>", "min_seconds": 0}
    title = f"{place + 2}차시 읽기"
    return {"title": title, "activities": [{"kind": "page", "title": title, "config": config}]}
