"""What is learnt: courses and their frozen versions, runs, who is enrolled, how far they are."""

from lms.learning.models.completions import (
    Completion,
    CompletionReview,
    ProofDay,
    RecountFinding,
)
from lms.learning.models.courses import (
    Activity,
    Course,
    CourseDraft,
    CourseVersion,
    Unit,
)
from lms.learning.models.progress import ActivityResult, Coverage, LearningSession, Ping
from lms.learning.models.runs import (
    Enrolment,
    Nomination,
    Run,
    RunChange,
    RunTemplate,
    Waiting,
)

__all__ = [
    "Activity",
    "ActivityResult",
    "Completion",
    "CompletionReview",
    "Course",
    "CourseDraft",
    "CourseVersion",
    "Coverage",
    "Enrolment",
    "LearningSession",
    "Nomination",
    "Ping",
    "ProofDay",
    "RecountFinding",
    "Run",
    "RunChange",
    "RunTemplate",
    "Unit",
    "Waiting",
]
