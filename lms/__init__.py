"""A learning management system that stands alone or mounts into a Flask site."""

from lms.app import create_app
from lms.extension import LMS
from lms.hooks import hookimpl

__all__ = ["LMS", "create_app", "hookimpl"]
