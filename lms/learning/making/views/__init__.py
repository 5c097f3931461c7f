"""The pages where courses are made: /manage/courses and below."""

from lms.learning.making.views import courses, draft, moving, picture, preview, versions
from lms.learning.making.views.room import blueprint

__all__ = ["blueprint", "courses", "draft", "moving", "picture", "preview", "versions"]
