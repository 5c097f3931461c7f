"""`python -m benchmarks.desk`: the course manager's desk with a run of 1,000 learners.

Builds a run in an empty database of its own, starts `lms serve`, and asks for the desk's pages and
exports from one client at a time: p50, p95 and p99 of each, and the SQL statements of one request.
"""

import argparse
import http.client
import os
import platform
import shutil
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from benchmarks import load, queries, servers, world
from lms import clock, migrations
from lms.edge import State
from lms.learning import rules
from lms.learning.authoring import publish
from lms.learning.models import Activity, ActivityResult, Course, Enrolment, Run, Unit
from lms.people import service, sign_ins
from lms.people.models import Institution, Organisation, Person, SignIn
from lms.people.service import token_hash
from lms.tutoring.models import Nudge

PAGE_AIM_MS, EXPORT_AIM_MS = 100.0, 1000.0
UNITS = 15
EXPORTS = 5


def main() -> None:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="ieum-desk-", dir=asked.folder))
    try:
        with servers.database(asked.database, folder) as url:
            print(measure(url, folder, asked))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(url: str, folder: Path, asked: argparse.Namespace) -> str:
    """Build, serve, ask; returns the table."""
    port = servers.free_port()
    env = {
        "LMS_DATABASE_URL": url,
        "LMS_VAR": str(folder / "var"),
        "LMS_BASE_URL": f"http://localhost:{port}",
        "PORT": str(port),
    }
    app = world.create_app(env)
    try:
        migrations.upgrade(app.extensions["lms"].settings.database)
        run_id, one, cookie = build(app, asked.learners, asked.others)
        paths = _paths(run_id, one)
        counts = {what: queries.count(app, "GET", path, cookie)[1] for what, path in paths.items()}
    finally:
        app.extensions["lms"].db.dispose()
    lines = _head(asked)
    with servers.served(
        "lms.cli", "serve", "--port", str(port), port=port, env=env, log=folder / "ieum.log"
    ):
        for what, path in paths.items():
            request = load.request("GET", path, port=port, cookie=cookie)
            load.drive(port, [iter([request] * 5)], seconds=60)
            found = load.drive(port, [repeat(request)], seconds=asked.seconds)
            lines.append(
                f"| {what} | {found.p50} | {found.p95} | {found.p99} | {found.requests} "
                f"| {found.errors} | {counts[what]} | {_met(found.p95, PAGE_AIM_MS)} |"
            )
        for form in ("csv", "xlsx"):
            took = sorted(_export(port, run_id, cookie, form) for _ in range(EXPORTS))
            lines.append(
                f"| export, {form} | {took[len(took) // 2]} | {took[-1]} | {took[-1]} "
                f"| {EXPORTS} | 0 | | {_met(took[-1], EXPORT_AIM_MS)} |"
            )
    return "\n".join([*lines, ""])


def _paths(run_id: int, one: int) -> dict[str, str]:
    here = f"/desk/runs/{run_id}"
    return {
        "the desk": "/desk",
        "run, who needs care": here,
        "run, all": f"{here}?show=all",
        "run, all by name": f"{here}?show=all&sort=name",
        "run, a search": f"{here}?show=all&q=%ED%95%99%EA%B5%90+7",
        "one learner": f"/desk/enrolments/{one}",
        "nudge, preview for all": f"{here}/nudge?picked=all&show=care",
    }


def build(app: Flask, learners: int, others: int) -> tuple[int, int, str]:
    """A run of `learners` beside runs with `others` together; (run, an enrolment, a cookie)."""
    state: State = app.extensions["lms"]
    now = clock.now()
    with state.db.transaction() as session:
        home = _institution(session, now)
        course = _course(session, state, home, now)
        run = _run(session, course, 1, now)
        people = _people(session, home, max(learners, others, 1), now)
        first = _enrol(session, run, people[:learners], now)
        for number in range(others // max(1, len(people)) if others else 0):
            _enrol(session, _run(session, course, number + 2, now), people, now)
        _results(session, run, first, now)
        token = _manager(session, home, run, now)
    cookie = world._People(state, app)._cookie(token)  # noqa: SLF001  a browser's, as pages make it
    return run.id, first[len(first) // 3], cookie


def _institution(session: Session, now: datetime) -> Institution:
    home = Institution(
        code="DESK",
        name="가온교육연수원",
        short_name="가온",
        zone="Asia/Seoul",
        home_page="https://desk.example",
        settings={},
        created_at=now,
    )
    session.add(home)
    session.flush()  # everything names it
    return home


def _course(session: Session, state: State, home: Institution, now: datetime) -> Course:
    course = Course(
        institution_id=home.id,
        code="D1",
        title="교사 교육과정! 나도 실천할 수 있다",
        training_kind="in_service",
        delivery_mode="self_paced",
        recognised_minutes=1800,
        created_at=now,
    )
    session.add(course)
    session.flush()  # its version names it
    page = {"kind": "page", "title": "읽기", "config": {"body": "<p>글</p>", "min_seconds": 0}}
    question = {
        "id": "q1",
        "type": "single",
        "text": "무엇이 맞습니까?",
        "choices": [{"id": "a", "text": "이것"}, {"id": "b", "text": "저것"}],
        "correct": ["a"],
        "points": 100,
    }
    quiz = {
        "kind": "quiz",
        "title": "평가",
        "role": "score",
        "config": {"attempts": 3, "pass_permille": 600, "questions": [question]},
    }
    told = [{"title": f"{number}차시", "activities": [page]} for number in range(1, UNITS)]
    told.append({"title": "평가", "activities": [quiz]})
    publish(session, state.kinds, course, told, files=lambda _name: 1, now=now)
    return course


def _run(session: Session, course: Course, number: int, now: datetime) -> Run:
    today = clock.local_day(now, "Asia/Seoul")
    run = Run(
        institution_id=course.institution_id,
        course_id=course.id,
        version_id=course.versions[-1].id,
        year=today.year,
        number=number,
        learn_from=today - timedelta(days=21),
        learn_until=today + timedelta(days=6),
        state="running",
        rule=rules.frozen(rules.RuleSet(ordered=False)),
    )
    session.add(run)
    session.flush()  # enrolments name it
    return run


def _people(session: Session, home: Institution, count: int, now: datetime) -> list[int]:
    schools = [
        {"institution_id": home.id, "code": f"{n}", "name": f"{n}번 학교", "kind": "school"}
        for n in range(40)
    ]
    session.execute(insert(Organisation), schools)
    places = list(session.scalars(select(Organisation.id).order_by(Organisation.id)))
    rows = [
        {
            "institution_id": home.id,
            "issuer": "local",
            "subject": f"p{n}",
            "account_name": uuid.uuid4().hex,
            "name": f"김보기{n * 7919 % count}",
            "email": f"p{n}@example.kr",
            "organisation_id": places[n % len(places)],
            "staff_category": "teacher",
            "status": "active",
            "theme": "",
            "unwanted": [],
            "created_at": now,
        }
        for n in range(count)
    ]
    for start in range(0, count, 5000):
        session.execute(insert(Person), rows[start : start + 5000])
    return list(session.scalars(select(Person.id).order_by(Person.id)))


def _enrol(session: Session, run: Run, people: list[int], now: datetime) -> list[int]:
    """Every tenth not begun, a good third done, the rest on the way or silent."""
    activities = session.scalars(
        select(Activity.id)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Unit.version_id == run.version_id)
        .order_by(Unit.position)
    ).all()
    rows = []
    for n, person_id in enumerate(people):
        begun, done = n % 10 != 0, n % 3 == 1
        progress = 1000 if done else n * 37 % 950 if begun else 0
        acted = now - timedelta(days=n % 16, hours=n % 20) if begun else None
        rows.append(
            {
                "institution_id": run.institution_id,
                "run_id": run.id,
                "person_id": person_id,
                "attempt": 1,
                "registration": str(uuid.uuid4()),
                "state": "enrolled",
                "source": "self",
                "enrolled_at": now - timedelta(days=22 - n % 5),
                "progress_permille": progress,
                "score": 5000 + n * 13 % 5000 if progress > 800 else None,
                "need_ms": 0,
                "last_position_ms": 0,
                "last_activity_id": activities[progress * UNITS // 1001] if begun else None,
                "last_act_at": acted,
                "completed_at": acted if done else None,
            }
        )
    for start in range(0, len(rows), 5000):
        session.execute(insert(Enrolment), rows[start : start + 5000])
    query = select(Enrolment.id).where(Enrolment.run_id == run.id).order_by(Enrolment.id)
    return list(session.scalars(query))


def _results(session: Session, run: Run, enrolments: list[int], now: datetime) -> None:
    """Results of a few activities each, some tests not passed, and a message to every other."""
    activities = [one.id for unit in run.version.units for one in unit.activities]
    results: list[dict[str, Any]] = []
    for n, enrolment in enumerate(enrolments):
        for place in range(n % UNITS):
            last = place == UNITS - 2
            results.append(
                {
                    "institution_id": run.institution_id,
                    "enrolment_id": enrolment,
                    "activity_id": activities[-1] if last else activities[place],
                    "progress_permille": 1000,
                    "passed": False if last else None,
                    "done": True,
                    "statements": [],
                    "first_at": now,
                    "done_at": now,
                }
            )
    session.execute(insert(ActivityResult), results)
    query = select(Enrolment.id, Enrolment.person_id).where(Enrolment.id.in_(enrolments[::2]))
    at = now - timedelta(days=5)
    session.execute(
        insert(Nudge),
        [
            {
                "institution_id": run.institution_id,
                "run_id": run.id,
                "enrolment_id": enrolment,
                "person_id": person,
                "key": f"b:{enrolment}",
                "channel": "mail",
                "subject": "이어서 하시겠어요?",
                "body": "글",
                "at": at,
                "due": at,
                "ended_at": at,
                "outcome": "sent",
            }
            for enrolment, person in session.execute(query)
        ],
    )


def _manager(session: Session, home: Institution, run: Run, now: datetime) -> str:
    person = Person(
        institution_id=home.id,
        issuer="local",
        subject="manager",
        account_name=uuid.uuid4().hex,
        name="박견본",
        created_at=now,
    )
    session.add(person)
    session.flush()  # the role and the sign-in name it
    service.grant(
        session,
        person.id,
        home.id,
        "course_manager",
        run_id=run.id,
        actor_id=None,
        now=now,
        reason="측정",
    )
    token = sign_ins.new_token()
    session.add(
        SignIn(
            institution_id=home.id,
            person_id=person.id,
            token_hash=token_hash(token),
            device="",
            address="127.0.0.1",
            created_at=now,
            seen_at=now,
        )
    )
    return token


def _export(port: int, run_id: int, cookie: str, form: str) -> float:
    """Milliseconds until the last byte of the whole run's sheet is here."""
    body = urlencode({"show": "all", "form": form, "reason": "측정"})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {
        "Host": f"localhost:{port}",
        "User-Agent": load.AGENT,
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": cookie,
    }
    begun = time.perf_counter()
    connection.request("POST", f"/desk/runs/{run_id}/export", body, headers)
    answer = connection.getresponse()
    read = answer.read()
    took = (time.perf_counter() - begun) * 1000
    connection.close()
    if answer.status != http.client.OK or len(read) < 1000:
        raise SystemExit(f"The {form} export was answered with {answer.status}.")
    return round(took, 1)


def _met(found: float, aim: float) -> str:
    return f"under {aim:g} ms: {'met' if found < aim else 'not met'}"


def _head(asked: argparse.Namespace) -> list[str]:
    return [
        f"# The desk on {asked.database}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        f"A run of {asked.learners:,} learners, {asked.others:,} enrolments beside it; one client; "
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}.",
        "",
        "| what | p50 ms | p95 ms | p99 ms | requests | errors | SQL statements | aim |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--learners", type=int, default=1000, help="of the run that is shown")
    parser.add_argument("--others", type=int, default=0, help="enrolments in other runs")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each page")
    parser.add_argument("--folder", help="where the database lies; a real disk, not a RAM one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
