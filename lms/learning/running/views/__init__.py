"""Pages of runs, for the office, and what a learner does about a run."""

from lms.learning.running.views import editing, listing, mine, people, rolling, sheets
from lms.learning.running.views.entrance import MENU, blueprint

__all__ = [
    "MENU",
    "blueprint",
    "editing",
    "listing",
    "mine",
    "people",
    "rolling",
    "sheets",
]
