"""When two headings of columns mean the same."""

import re
import unicodedata


def same(heading: str) -> str:
    """A heading less what people vary: blanks, brackets with a remark, signs, case."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    text = re.sub(r"\([^)]*\)|\[[^\]]*\]", "", text) or text
    return re.sub(r"[\s\W_]+", "", text)
