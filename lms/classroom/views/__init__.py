"""Pages of the classroom: rooms, meetings and their week for who plans; one's own for learners."""

from lms.classroom.views import attendance, meeting, mine, planning, rooms, week
from lms.classroom.views.entrance import MENU, blueprint

__all__ = ["MENU", "attendance", "blueprint", "meeting", "mine", "planning", "rooms", "week"]
