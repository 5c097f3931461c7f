"""`python -m benchmarks.closing`: the end of a run of 1,000 learners.

Builds a run in an empty database of its own: each learner reads nearly every page, and some have a
statement more that was stored past the usual way, as when a question is marked anew. Then the
results page's figures, closing, and recomputing in batches are timed in this process, with the
statements of SQL that each costs.
"""

import argparse
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from benchmarks import queries, servers, world
from lms import clock, migrations
from lms.edge import State
from lms.learning import rules, service, stating
from lms.learning.authoring import publish
from lms.learning.models import Activity, Course, Enrolment, Run, Unit
from lms.learning.running import closing, joining, recomputing, results
from lms.people.models import Institution, Person
from lms.xapi import store
from lms.xapi import vocabulary as say

PAGES = 10
ZONE = "Asia/Seoul"


def main() -> None:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="ieum-closing-", dir=asked.folder))
    try:
        with servers.database(asked.database, folder) as url:
            app = world.create_app({"LMS_DATABASE_URL": url, "LMS_VAR": str(folder / "var")})
            try:
                print(measure(app, asked))
            finally:
                app.extensions["lms"].db.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(app: Flask, asked: argparse.Namespace) -> str:
    """Build, close, recompute; returns the table."""
    state: State = app.extensions["lms"]
    migrations.upgrade(state.settings.database)
    run, officer = build(state, asked.learners, asked.gains)
    now = clock.now() + timedelta(days=1)
    lines = [
        f"{asked.database}, {asked.learners} learners with {PAGES} statements each, "
        f"{asked.gains} of whom gain; Python {platform.python_version()}",
        "",
        "| what | ms | SQL statements |",
        "| --- | ---: | ---: |",
    ]

    def timed(what: str, work: Callable[[], Any]) -> Any:
        with queries.counted(app) as seen:
            begun = time.perf_counter()
            found = work()
            took = (time.perf_counter() - begun) * 1000
        lines.append(f"| {what} | {took:.0f} | {sum('BEGIN' not in one for one in seen)} |")
        return found

    def closed() -> bool:
        with state.db.transaction() as session:
            row = session.get_one(Run, run)
            return closing.close(
                session, state.hook, row, actor_id=officer, now=now, zone=ZONE, reason="끝"
            )

    timed("figures of the results page", lambda: _figures(state, run))
    timed("closing", closed)
    timed("closing again", closed)
    found = timed("plan of a recomputation", lambda: _plan(state, run))
    longest = timed(
        f"recomputing, in batches of {recomputing.BATCH}",
        lambda: _apply(state, run, found, officer, now),
    )
    timed("plan once more", lambda: _plan(state, run))
    lines.append(f"\nLongest batch, for which other writers wait on SQLite: {longest:.0f} ms")
    return "\n".join([*lines, ""])


def _figures(state: State, run: int) -> Any:
    with state.db.reading() as session:
        return results.figures(session, session.get_one(Run, run))


def _plan(state: State, run: int) -> recomputing.Plan:
    with state.db.reading() as session:
        return recomputing.plan(session, session.get_one(Run, run))


def _apply(state: State, run_id: int, found: recomputing.Plan, officer: int, now: Any) -> float:
    """The longest batch in milliseconds."""
    how: dict[str, Any] = {"reason": "정답을 바로잡음", "actor_id": officer, "now": now}
    longest = 0.0
    with state.db.transaction() as session:
        recomputing.begin(session, session.get_one(Run, run_id), found, **how)
    for start in range(0, len(found.moving), recomputing.BATCH):
        some = found.moving[start : start + recomputing.BATCH]
        begun = time.perf_counter()
        with state.db.transaction() as session:
            run = session.get_one(Run, run_id)
            recomputing.apply(session, state.hook, run, some, **how)
        longest = max(longest, (time.perf_counter() - begun) * 1000)
    return longest


def build(state: State, learners: int, gains: int) -> tuple[int, int]:
    """A run whose learners have read all but the last page; (run, officer)."""
    now = clock.now()
    with state.db.transaction() as session:
        home = _kept(
            session,
            Institution(
                code="END",
                name="가온교육연수원",
                short_name="가온",
                zone=ZONE,
                home_page="https://end.example",
                settings={},
                created_at=now,
            ),
        )
        run = _run(session, state, home, now)
        people = _people(session, home, learners, now)
        joining.join_many(
            session, state.hook, run, people, source="officer", actor_id=people[0], now=now
        )
    with state.db.reading() as session:
        enrolments = session.scalars(select(Enrolment.id).order_by(Enrolment.id)).all()
    for start in range(0, learners, 50):
        with state.db.transaction() as session:
            for place, one in enumerate(enrolments[start : start + 50], start):
                _learn(session, state, one, now, gains=place < gains)
    return run.id, people[0]


def _run(session: Session, state: State, home: Institution, now: Any) -> Run:
    course = _kept(
        session,
        Course(
            institution_id=home.id,
            code="E1",
            title="끝나는 과정",
            training_kind="in_service",
            delivery_mode="self_paced",
            recognised_minutes=900,
            created_at=now,
        ),
    )
    page = {"kind": "page", "title": "읽기", "config": {"body": "<p>글</p>", "min_seconds": 0}}
    told = [{"title": f"차시 {place}", "activities": [page]} for place in range(1, PAGES + 1)]
    publish(session, state.kinds, course, told, files=lambda _name: 1, now=now)
    day = clock.local_day(now, ZONE)
    row: Run = _kept(
        session,
        Run(
            institution_id=home.id,
            course_id=course.id,
            version_id=course.versions[-1].id,
            year=day.year,
            number=1,
            learn_from=day - timedelta(days=30),
            learn_until=day + timedelta(days=30),
            state="running",
            rule=rules.frozen(rules.RuleSet(score_min=None, progress_permille=950, ordered=False)),
        ),
    )
    return row


def _people(session: Session, home: Institution, count: int, now: Any) -> list[int]:
    rows = [
        {
            "institution_id": home.id,
            "issuer": "local",
            "subject": f"end-{place}",
            "account_name": f"end-{place}",
            "name": f"학습 {place:05}",
            "staff_category": "teacher",
            "status": "active",
            "theme": "",
            "created_at": now,
        }
        for place in range(count)
    ]
    session.execute(insert(Person), rows)
    return list(session.scalars(select(Person.id).order_by(Person.id)))


def _learn(session: Session, state: State, enrolment_id: int, now: Any, *, gains: bool) -> None:
    enrolment = session.get_one(Enrolment, enrolment_id)
    setting = stating.setting_of(session, enrolment.id)
    pages = session.scalars(
        select(Activity)
        .join(Unit, Unit.id == Activity.unit_id)
        .where(Unit.version_id == enrolment.run.version_id)
        .order_by(Unit.position)
    ).all()
    said = [
        stating.about_activity(
            setting,
            page,
            say.EXPERIENCED,
            activity_type=say.TYPE_PAGE,
            now=now,
            result={"completion": True},
        )
        for page in pages
    ]
    for page, one in zip(pages[:-1], said, strict=False):
        service.record(session, state.hook, enrolment.id, page.id, [one], now=now)
    if gains:
        store.add(
            session.connection(), setting.institution_id, said[-1:], authority=store.LMS, now=now
        )


def _kept(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()  # others name it
    return row


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--learners", type=int, default=1000)
    parser.add_argument("--gains", type=int, default=100)
    parser.add_argument("--folder", help="where the database and files go for the while")
    return parser.parse_args()


if __name__ == "__main__":
    main()
