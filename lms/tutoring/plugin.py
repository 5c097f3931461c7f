"""What the tutoring room gives."""

from lms.tutoring import models as models
