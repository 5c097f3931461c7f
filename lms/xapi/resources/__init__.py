"""The resources of the standard, each in a module; importing them puts them on the blueprints."""

from lms.xapi.resources import about, activities, agents, documents, oauth, statements
from lms.xapi.resources.seam import xapi_1, xapi_2

__all__ = [
    "about",
    "activities",
    "agents",
    "documents",
    "oauth",
    "statements",
    "xapi_1",
    "xapi_2",
]
