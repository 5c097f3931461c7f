"""`python -m benchmarks.seats`: ten thousand tries from 64 threads on a hundred seats.

Each try is a person of their own, in a transaction of their own, as a click on «take a seat» is.
Afterwards it is checked that exactly the seats are taken, that seats and places on the waiting list
were given in one order, and that those who give back are followed by the first in line.
"""

import argparse
import platform
import shutil
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select

from benchmarks import servers, world
from lms import clock, migrations
from lms.classroom import editing, meetings, seats
from lms.classroom.blocks import Block
from lms.classroom.models import Meeting, MeetingWaiting, Seat
from lms.classroom.planning import MeetingPlan
from lms.db import Database
from lms.edge import State
from lms.learning import rules
from lms.learning.authoring import publish
from lms.learning.models import Course, Enrolment, Run
from lms.people.models import Institution, Person

Pairs = list[tuple[int, int]]


def main() -> None:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="ieum-seats-", dir=asked.folder))
    try:
        with servers.database(asked.database, folder) as url:
            app = world.create_app({"LMS_DATABASE_URL": url, "LMS_VAR": str(folder / "var")})
            try:
                print(measure(app, url, asked))
            finally:
                app.extensions["lms"].db.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(app: Flask, url: str, asked: argparse.Namespace) -> str:
    """Build, try, check; returns the figures."""
    state: State = app.extensions["lms"]
    migrations.upgrade(state.settings.database)
    meeting, people = build(state, asked.tries, asked.seats)
    crowd = Database(url, threads=asked.threads)
    begun = time.perf_counter()
    try:
        took, got = _try(crowd, state, meeting, people, asked.threads)
    finally:
        crowd.dispose()
    whole = time.perf_counter() - begun
    _check(state, meeting, asked.seats, got)
    took.sort()
    return "\n".join(
        (
            f"{asked.database}, {asked.tries} tries from {asked.threads} threads on {asked.seats} "
            f"seats; Python {platform.python_version()}",
            f"{asked.tries / whole:.0f} tries a second, {whole:.1f} s in all",
            f"a try: p50 {statistics.median(took) * 1000:.0f} ms, "
            f"p95 {took[len(took) * 95 // 100] * 1000:.0f} ms (the queue for the lock included)",
            f"{asked.seats} seats taken, {asked.tries - asked.seats} waiting, in one order, "
            "0 errors",
        )
    )


def _try(
    crowd: Database, state: State, meeting: int, people: Pairs, threads: int
) -> tuple[list[float], list[list[tuple[int, str, int]]]]:
    start = threading.Barrier(threads)
    now = clock.now()
    took: list[float] = []

    def come(part: Pairs) -> list[tuple[int, str, int]]:
        start.wait()
        mine = []
        for enrolment, person in part:
            begun = time.perf_counter()
            with crowd.transaction() as session:
                found = seats.take(
                    session,
                    state.hook,
                    session.get_one(Meeting, meeting),
                    session.get_one(Enrolment, enrolment),
                    actor_id=person,
                    now=now,
                )
                mine.append((person, type(found).__name__, found.id))
            took.append(time.perf_counter() - begun)
        return mine

    with ThreadPoolExecutor(threads) as pool:
        return took, list(pool.map(come, [people[n::threads] for n in range(threads)]))


def _check(state: State, meeting: int, most: int, got: list[list[tuple[int, str, int]]]) -> None:
    """Raises AssertionError where a seat was sold twice or the order was not kept."""
    with state.db.transaction() as session:
        numbers = session.scalars(
            select(Seat.seat_no).where(Seat.seat_no.is_not(None)).order_by(Seat.seat_no)
        ).all()
        line = list(
            session.scalars(
                select(MeetingWaiting.person_id)
                .where(MeetingWaiting.ended_at.is_(None))
                .order_by(MeetingWaiting.id)
            )
        )
        everybody = [one for part in got for one in part]
        _hold(list(numbers) == list(range(1, most + 1)), "a seat too many or too few")
        came = sorted((id_, person) for person, kind, id_ in everybody if kind != "Seat")
        _hold(line == [person for _, person in came], "the list is not in order")
        for part in got:
            ids = [id_ for _, kind, id_ in part if kind != "Seat"]
            _hold(ids == sorted(ids), "who came later stands before")
        for _ in range(10):
            seat = session.scalars(
                select(Seat).where(Seat.state == "confirmed").order_by(Seat.since, Seat.id).limit(1)
            ).one()
            number = seat.seat_no
            how: dict[str, Any] = {"actor_id": seat.person_id, "now": clock.now()}
            seats.release(session, state.hook, seat, **how)
            heir = session.scalar(select(Seat.person_id).where(Seat.seat_no == number))
            _hold(heir == line.pop(0), "the seat went past the first in line")


def _hold(true: bool, said: str) -> None:
    if not true:
        raise AssertionError(said)


def build(state: State, count: int, most: int) -> tuple[int, Pairs]:
    """The meeting's id, and (enrolment, person) of everybody who may come."""
    now = clock.now()
    with state.db.transaction() as session:
        home = Institution(
            code="SEATS",
            name="SEATS",
            short_name="SEATS",
            home_page="https://seats.example",
            zone="Asia/Seoul",
            settings={},
            created_at=now,
        )
        session.add(home)
        session.flush()  # all the rest is the institution's
        course = _course(state, session, home, now)
        run = _run(session, course, now)
        start = now + timedelta(days=7)
        plan = MeetingPlan(
            title="강당",
            kind="classroom",
            place="강당",
            capacity=most,
            blocks=(Block(start, start + timedelta(hours=3)),),
        )
        how: dict[str, Any] = {"actor_id": None, "now": now}
        meeting = editing.plan_meeting(session, state.hook, run, plan, **how)
        meetings.open_meeting(session, state.hook, meeting, **how)
        return meeting.id, _people(session, home, run, count, now)


def _course(state: State, session: Any, home: Institution, now: Any) -> Course:
    course = Course(
        institution_id=home.id,
        code="S",
        title="과정",
        training_kind="in_service",
        delivery_mode="classroom",
        recognised_minutes=900,
        created_at=now,
    )
    session.add(course)
    session.flush()  # its version refers to it
    page = {
        "kind": "page",
        "title": "읽기",
        "role": "progress",
        "config": {"body": "<p>글</p>", "min_seconds": 0},
    }
    told = [{"title": "차시", "activities": [page]}]
    publish(session, state.kinds, course, told, files=lambda _name: 0, now=now)
    return course


def _run(session: Any, course: Course, now: Any) -> Run:
    run = Run(
        institution_id=course.institution_id,
        course_id=course.id,
        version_id=course.versions[-1].id,
        year=now.year,
        number=1,
        learn_from=now.date() - timedelta(days=1),
        learn_until=now.date() + timedelta(days=60),
        state="running",
        rule=rules.frozen(rules.RuleSet()),
    )
    session.add(run)
    session.flush()  # the meeting refers to it
    return run


def _people(session: Any, home: Institution, run: Run, count: int, now: Any) -> Pairs:
    people = session.scalars(
        insert(Person).returning(Person.id, sort_by_parameter_order=True),
        [
            {
                "institution_id": home.id,
                "issuer": "seats",
                "subject": str(n),
                "account_name": f"seats-{n}",
                "name": f"사람{n}",
                "staff_category": "teacher",
                "status": "active",
                "theme": "",
                "unwanted": [],
                "created_at": now,
            }
            for n in range(count)
        ],
    ).all()
    made = session.scalars(
        insert(Enrolment).returning(Enrolment.id, sort_by_parameter_order=True),
        [
            {
                "institution_id": home.id,
                "run_id": run.id,
                "person_id": one,
                "registration": f"seats-{one}",
                "enrolled_at": now,
            }
            for one in people
        ],
    ).all()
    return list(zip(made, people, strict=True))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--seats", type=int, default=100)
    parser.add_argument("--folder", help="where the database lies while it is measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
