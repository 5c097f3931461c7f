"""One leader among any number of schedulers; it alone asks the clock which jobs are due."""

import logging
import time
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor as JobThreads
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import DBAPIError

from lms import clock
from lms.edge import State
from lms.outbox import Job, leases, runs
from scheduler.pace import Pace

log = structlog.get_logger("lms.scheduler")
LEASE = "scheduler"
_JOB_THREADS = 4


class Leader:
    """Takes and renews the lease. While it has it, an APScheduler asks each job for its slot.

    A leader that was paused past its lease cannot know. So nothing is begun on its word: the
    lease is read again in the transaction that claims a slot, and the claim is a unique row.
    """

    def __init__(self, state: State, *, holder: str, pace: Pace) -> None:
        self._state = state
        self._holder = holder
        self._pace = pace
        self._jobs: list[Job] = [job for some in state.hook.lms_jobs() for job in some]
        self._asked: dict[str, datetime] = {}
        self._ahead = timedelta(0)
        self._believed_until = 0.0
        self._clock: BackgroundScheduler | None = None
        # Says «maximum number of running instances reached» every second of a longer job.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    @property
    def leads(self) -> bool:
        return self._clock is not None

    def renew(self) -> None:
        """Take the lease or keep it, and begin or end leading accordingly."""
        asked = time.monotonic()
        try:
            with self._state.db.transaction() as session:
                connection = session.connection()
                ours = leases.take(connection, LEASE, holder=self._holder, life=self._pace.lease)
                self._ahead = leases.database_now(connection) - clock.now()
                if ours and not self.leads:
                    cut_off = runs.note_cut_off(connection, holder=self._holder)
        except DBAPIError as error:
            log.warning("lease_not_renewed", error=type(error).__name__)
            ours = self.leads and asked < self._believed_until
        else:
            self._believed_until = asked + self._pace.lease.total_seconds()
            if ours and not self.leads:
                log.info("leads", holder=self._holder, cut_off=cut_off)
        if ours and not self.leads:
            self._begin()
        elif not ours and self.leads:
            log.info("leads_no_more", holder=self._holder)
            self._end(wait=False)

    def stop(self) -> None:
        """Let running jobs end, and the next leader begin at once."""
        if not self.leads:
            return
        self._end(wait=True)
        try:
            with self._state.db.transaction() as session:
                leases.give_back(session.connection(), LEASE, holder=self._holder)
        except DBAPIError as error:
            log.warning("lease_not_given_back", error=type(error).__name__)

    def tick(self, job: Job) -> None:
        """Run the job's latest slot if it is nobody's yet. Asks the database only at a new slot."""
        if job.slot(clock.now() + self._ahead) == self._asked.get(job.name):
            return
        with self._state.db.transaction() as session:
            connection = session.connection()
            leases.hold_briefly(connection, self._pace.lease)
            if not leases.holds(connection, LEASE, holder=self._holder):
                return
            slot = job.slot(leases.database_now(connection))
            claimed = runs.begin(connection, job.name, slot, holder=self._holder)
        self._asked[job.name] = slot
        if claimed:
            self._run(job, slot)

    def _run(self, job: Job, slot: datetime) -> None:
        begun, error = time.monotonic(), None
        try:
            job.run(self._state, slot)
        except Exception as failure:  # said in its row; the next slot is a new try
            error = f"{type(failure).__name__}: {failure}"[:500]
            log.exception("job_failed", job=job.name, slot=slot.isoformat())
        with self._state.db.transaction() as session:
            runs.end(session.connection(), job.name, slot, error=error)
        took = round(time.monotonic() - begun, 3)
        log.info("job_done", job=job.name, slot=slot.isoformat(), seconds=took, ok=error is None)

    def _tick(self, job: Job) -> None:
        try:
            self.tick(job)
        except DBAPIError as error:
            log.warning("job_waits", job=job.name, error=type(error).__name__)

    def _begin(self) -> None:
        self._asked.clear()
        self._clock = BackgroundScheduler(
            timezone=UTC,
            executors={"default": JobThreads(_JOB_THREADS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for job in self._jobs:
            self._clock.add_job(
                self._tick,
                IntervalTrigger(seconds=self._pace.tick, timezone=UTC),
                args=[job],
                id=job.name,
                next_run_time=clock.now(),
            )
        self._clock.start()

    def _end(self, *, wait: bool) -> None:
        if self._clock is not None:
            self._clock.shutdown(wait=wait)
            self._clock = None
