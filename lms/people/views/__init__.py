"""Pages of the people room. They stand on the edge, above the rest of the room."""

from lms.people.views import mine, resetting, roles, signing, staff
from lms.people.views.entrance import MENU, blueprint

__all__ = ["MENU", "blueprint", "mine", "resetting", "roles", "signing", "staff"]
