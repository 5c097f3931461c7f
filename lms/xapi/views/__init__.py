"""The pages of the record store, for those who run an institution or look at how it is run."""

from lms.xapi.views import credentials, forwards, health, statements
from lms.xapi.views.entrance import MENU, blueprint
from lms.xapi.views.forwards import forwards_late

__all__ = [
    "MENU",
    "blueprint",
    "credentials",
    "forwards",
    "forwards_late",
    "health",
    "statements",
]
