"""Work for later: on the clock (Job), or once, promised in a transaction (Task)."""

from lms.outbox.jobs import Handler, Job
from lms.outbox.models import JobRun, Lease, Task
from lms.outbox.service import promise

__all__ = ["Handler", "Job", "JobRun", "Lease", "Task", "promise"]
