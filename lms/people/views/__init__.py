"""Pages of the people room. They stand on the edge, above the rest of the room."""

from lms.people.views import (
    access_log,
    auditing,
    institution,
    mine,
    resetting,
    roles,
    sheets,
    signing,
    staff,
)
from lms.people.views.entrance import MENU, blueprint

__all__ = [
    "MENU",
    "access_log",
    "auditing",
    "blueprint",
    "institution",
    "mine",
    "resetting",
    "roles",
    "sheets",
    "signing",
    "staff",
]
