"""Pages of the desk, and what learners see of it."""

from lms.tutoring.views import (
    answering,
    asking,
    handing,
    learner,
    noticing,
    nudging,
    overview,
    running,
)
from lms.tutoring.views.entrance import MENU, blueprint

__all__ = [
    "MENU",
    "answering",
    "asking",
    "blueprint",
    "handing",
    "learner",
    "noticing",
    "nudging",
    "overview",
    "running",
]
