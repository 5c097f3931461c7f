"""Pages of school runs: a school puts one together, the institute decides, both see how it goes."""

from lms.partners.views import composing, deciding, listing
from lms.partners.views.entrance import MENU, blueprint

__all__ = ["MENU", "blueprint", "composing", "deciding", "listing"]
