"""Learners part of the way, done and late: every step a statement, as if they had learnt it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.demo.institutions import Made
from lms.learning import service, stating
from lms.learning.enrolling import enrol
from lms.learning.models import Activity, Coverage, Enrolment, Run, Unit
from lms.people.models import Person
from lms.xapi import vocabulary as say

DONE, HALF, BEGUN = 6, 10, 10
"""Learners of each run that are done, half-way, and only enrolled."""

# What the people with a login find: (person's number, slug, activities done, milliseconds seen of
# the video that comes next).
_OWN = (
    (0, "school-violence", 4, 0),
    (0, "anti-graft", 0, 0),
    (0, "privacy", 99, 0),
    (0, "google-tools", 2, 12_000),
    (1, "anti-graft", 0, 0),
    (1, "basic-literacy", 2, 9_000),
    (2, "infosec", 2, 0),
    (2, "anti-harassment", 1, 0),
    (2, "school-violence", 1, 0),
)


def make(state: Any, made: Made, *, now: datetime) -> None:
    """Enrol people of the first institution and let some of them learn."""
    for number, slug, steps, seen_ms in _OWN:
        if slug in made.runs:
            _learner(state, made, number, slug, steps, now, seen_ms=seen_ms)
    for order, slug in enumerate(sorted(made.runs)):
        for place, steps in enumerate(_shares()):
            number = 20 + order * 30 + place
            _learner(state, made, number, slug, steps, now)


def _shares() -> Iterator[int]:
    yield from [99] * DONE
    yield from range(1, HALF + 1)
    yield from [0] * BEGUN


def _learner(
    state: Any,
    made: Made,
    number: int,
    slug: str,
    steps: int,
    now: datetime,
    *,
    seen_ms: int = 0,
) -> None:
    """Enrol somebody some days ago and let them do the first `steps` activities."""
    with state.db.transaction() as session:
        person = session.scalar(
            select(Person).filter_by(institution_id=made.first.id, subject=f"demo-{number}")
        )
        run = session.get_one(Run, made.runs[slug])
        if person is None:
            return
        begun = _begin(run, now, number)
        enrolment = enrol(session, state.hook, person, run, actor_id=person.id, now=begun)
        activities = session.scalars(
            select(Activity)
            .join(Unit, Unit.id == Activity.unit_id)
            .where(Unit.version_id == run.version_id)
            .order_by(Unit.position, Activity.position)
        ).all()
        for place, activity in enumerate(activities[:steps], 1):
            # An activity an evening, between seven and ten at the institute.
            evening = begun.replace(hour=10, minute=0) + timedelta(days=place)
            at = evening + timedelta(minutes=(number * 37 + place * 29) % 170)
            if at >= now:
                break
            if _is_written(activity):
                continue  # handed in, and marked by somebody, in the room that marks
            _do(session, state.hook, enrolment, activity, at, number)
        if seen_ms:
            _watch(session, state.hook, enrolment, activities[steps], now, seen_ms)


def _is_written(activity: Activity) -> bool:
    """Whether a person has to mark it."""
    questions = activity.config.get("questions", ())
    return any(question["type"] == "essay" for question in questions)


def _begin(run: Run, now: datetime, number: int) -> datetime:
    length = (run.learn_until - run.learn_from).days
    days = max(3, min(18, length - 4) - number % 5)
    ended = max(0, (now.date() - run.learn_until).days)
    return now - timedelta(days=days + ended, hours=number % 9)


def _do(
    session: Session, hook: Any, enrolment: Enrolment, activity: Activity, at: datetime, number: int
) -> None:
    setting = stating.setting_of(session, enrolment.id)
    if activity.kind == "video":
        said = _watched(session, setting, enrolment, activity, at)
    elif activity.kind == "quiz":
        said = _answered(setting, activity, at, 70 + number * 7 % 30)
    else:
        said = stating.about_activity(
            setting,
            activity,
            say.EXPERIENCED,
            activity_type=say.TYPE_PAGE,
            now=at,
            result={"completion": True},
        )
    service.record(session, hook, enrolment.id, activity.id, [said], now=at)


def _watch(
    session: Session, hook: Any, enrolment: Enrolment, activity: Activity, now: datetime, ms: int
) -> None:
    """Leave a video part of the way through, last night."""
    at = now - timedelta(hours=16)
    setting = stating.setting_of(session, enrolment.id)
    said = _watched(session, setting, enrolment, activity, at, until_ms=ms)
    service.record(session, hook, enrolment.id, activity.id, [said], now=at)
    enrolment.last_position_ms = ms


def _watched(
    session: Session,
    setting: Any,
    enrolment: Enrolment,
    activity: Activity,
    at: datetime,
    *,
    until_ms: int | None = None,
) -> bytes:
    length = activity.config["duration_ms"]
    seen = length if until_ms is None else until_ms
    session.add(
        Coverage(
            institution_id=enrolment.institution_id,
            enrolment_id=enrolment.id,
            activity_id=activity.id,
            intervals=[[0, seen]],
            covered_ms=seen,
            position_ms=seen,
            stated_ms=seen,
            updated_at=at,
        )
    )
    extensions = {
        say.EXT_PROGRESS: seen * 1000 // length / 1000,
        say.EXT_SEGMENTS: f"0[.]{seen / 1000:g}",
    }
    return stating.about_activity(
        setting,
        activity,
        say.COMPLETED if seen == length else say.PAUSED,
        activity_type=say.TYPE_VIDEO,
        now=at,
        result={"extensions": extensions} | ({"completion": True} if seen == length else {}),
        category=(say.PROFILE_VIDEO,),
    )


def _answered(setting: Any, activity: Activity, at: datetime, points: int) -> bytes:
    return stating.about_activity(
        setting,
        activity,
        say.PASSED,
        activity_type=say.TYPE_ASSESSMENT,
        now=at,
        result={
            "completion": True,
            "success": True,
            "score": {"scaled": points / 100, "raw": points, "min": 0, "max": 100},
        },
    )
