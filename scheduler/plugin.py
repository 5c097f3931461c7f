"""What the scheduler gives by hook: forgetting, and sending mail."""

from collections.abc import Iterable
from datetime import timedelta

from lms import mail
from lms.hooks import hookimpl
from lms.outbox import Handler, Job
from scheduler import housekeeping

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_AT_NIGHT = timedelta(hours=17, minutes=30)
"""02:30 in Seoul."""


@hookimpl
def lms_jobs() -> Iterable[Job]:
    return [
        Job("scheduler.forget_kept_tasks", housekeeping.forget_kept_tasks, _DAY, _AT_NIGHT),
        Job("scheduler.forget_runs", housekeeping.forget_runs, _DAY, _AT_NIGHT),
        Job("scheduler.forget_access", housekeeping.forget_access, _DAY, _AT_NIGHT),
        Job("scheduler.forget_ways_in", housekeeping.forget_ways_in, _HOUR),
    ]


@hookimpl
def lms_tasks() -> dict[str, Handler]:
    return {"mail.send": mail.send}
