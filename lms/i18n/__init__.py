"""Two languages, Korean first: message catalogues, dates and numbers as people write them."""

from lms.i18n.catalogue import LOCALES, Words, words
from lms.i18n.formats import josa

__all__ = ["LOCALES", "Words", "josa", "words"]
