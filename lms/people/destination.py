"""Where a person goes after signing in: a path of this site, whatever the address asks for."""

import unicodedata
from urllib.parse import unquote, urlsplit

_LONGEST = 2000


def local_path(given: str | None, *, default: str) -> str:
    """`given` if it is a path of this site and nothing else, else `default`."""
    if not given or len(given) > _LONGEST:
        return default
    spellings = {given, unquote(given), unquote(unquote(given))}
    # A proxy or a browser may decode once more than we do, or fold full-width slashes.
    spellings |= {unicodedata.normalize("NFKC", each) for each in spellings}
    return given if all(_is_local(each) for each in spellings) else default


def _is_local(address: str) -> bool:
    path = address.partition("?")[0].partition("#")[0]
    if not path.startswith("/") or "//" in path or "\\" in address:
        return False
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp"} for letter in address):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc
