"""What the partners room gives."""

from lms.partners import models as models
