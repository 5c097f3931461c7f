"""Opening and reading pages and files: what is stated of them, by our own clock."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pluggy
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from lms.db import Prepared
from lms.errors import ClosedError, NotFoundError
from lms.learning.models import Activity
from lms.learning.rows import ActivityLike, EnrolmentLike
from lms.learning.service import Settled, check_open, facts_of, load_units, lock, record
from lms.learning.stating import about_activity, activity_iri, setting_of
from lms.xapi import vocabulary as say
from lms.xapi.models import Statement

PAGE, FILE = "page", "file"
TYPES = {PAGE: say.TYPE_PAGE, FILE: say.TYPE_DOCUMENT}
NOT_HERE = "찾는 것이 없습니다. 주소를 다시 확인해 주십시오."


class _Launched(NamedTuple):
    at: datetime | None


class TooSoonError(ClosedError):
    """Not open long enough yet; `retry_after` in seconds."""

    code = "too_soon"

    def __init__(self, retry_after: int) -> None:
        super().__init__("조금 더 읽어 주십시오. {n}초 뒤에 마칠 수 있습니다.", n=retry_after)
        self.retry_after = retry_after


def launch(
    session: Session,
    hook: pluggy.HookRelay,
    enrolment_id: int,
    activity: Activity,
    *,
    now: datetime,
) -> datetime:
    """When the activity was first opened in this enrolment: now, if never before.

    Raises ClosedError when it is not open, NotFoundError when it is neither page nor file.
    """
    if activity.kind not in TYPES:
        raise NotFoundError(NOT_HERE)
    enrolment = lock(session, enrolment_id)
    known = launched_at(session, enrolment, activity)
    if known is not None:
        return known
    check_open(session, hook, enrolment, activity, now=now)
    said = about_activity(
        setting_of(session, enrolment.id),
        activity,
        say.INITIALIZED,
        activity_type=TYPES[activity.kind],
        now=now,
    )
    record(session, hook, enrolment.id, activity.id, [said], now=now)
    return now


def view(
    session: Session,
    hook: pluggy.HookRelay,
    enrolment: EnrolmentLike,
    activity: Activity,
    *,
    now: datetime,
) -> Settled | None:
    """State that the activity was read; None when that was stated before.

    Raises TooSoonError while it has not been open long enough by our own clock, ClosedError when
    it is not open, NotFoundError when it is neither page nor file.
    """
    if activity.kind not in TYPES:
        raise NotFoundError(NOT_HERE)
    enrolment = lock(session, enrolment.id)
    units = load_units(session, enrolment)
    if facts_of(units, activity.id).done:
        return None
    setting = setting_of(session, enrolment.id)
    check_open(session, hook, enrolment, activity, now=now, zone=setting.zone, units=units)
    least = timedelta(seconds=least_seconds(activity.config))
    opened = launched_at(session, enrolment, activity)
    left = least if opened is None else opened + least - now
    if left > timedelta(0):
        raise TooSoonError(whole_seconds(left))
    said = about_activity(
        setting,
        activity,
        say.EXPERIENCED,
        activity_type=TYPES[activity.kind],
        now=now,
        result={"completion": True},
    )
    return record(session, hook, enrolment.id, activity.id, [said], now=now, units=units)


_LAUNCHED = Prepared(
    # What the registration's index finds is looked through: SQLite would rather walk that of the
    # activity, which has everybody's statements.
    select(
        func.min(Statement.stored).filter(
            Statement.activity == bindparam("activity"),
            Statement.verb == say.INITIALIZED,
            Statement.authority == "lms",
        )
    ).where(
        Statement.institution_id == bindparam("institution_id"),
        Statement.registration == bindparam("registration"),
    ),
    _Launched,
)


def launched_at(
    session: Session, enrolment: EnrolmentLike, activity: ActivityLike
) -> datetime | None:
    """When we first stated that the activity was opened; None if it never was."""
    home = setting_of(session, enrolment.id).home_page
    [found] = _LAUNCHED.all(
        session,
        institution_id=enrolment.institution_id,
        registration=enrolment.registration,
        activity=activity_iri(home, activity.id),
    )
    return found.at


def least_seconds(config: dict[str, Any]) -> int:
    """How long the activity must be open."""
    return int(config.get("min_seconds", 0))


def whole_seconds(span: timedelta) -> int:
    """Rounded up: who waits that long has waited long enough."""
    return -(span // timedelta(seconds=-1))
