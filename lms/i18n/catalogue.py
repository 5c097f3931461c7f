"""Catalogues read straight from .po files: no compiled copy to go stale.

We do not use Flask-Babel: mounted in a host site, the host may have its own.
"""

from datetime import date, datetime
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from markupsafe import Markup

from lms.i18n import formats

LOCALES = ("ko", "en")
_HERE = Path(__file__).parent / "locale"


class Words:
    """The sentences of one language; a msgid is the Korean sentence itself."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self._one: dict[str, str] = {}
        self._many: dict[str, tuple[str, ...]] = {}
        path = _HERE / locale / "messages.po"
        if path.exists():
            self._read(path)

    def _read(self, path: Path) -> None:
        with path.open("rb") as file:
            for message in read_po(file, locale=self.locale):
                if not message.id or message.fuzzy:
                    continue
                told = message.string
                if isinstance(message.id, tuple | list):
                    self._many[message.id[0]] = tuple(told or ())
                elif isinstance(told, str) and told:
                    self._one[message.id] = told

    def text(self, message: str, /, **params: object) -> str:
        """The sentence in this language with `params` put in; Markup stays Markup.

        A date is put in as this language writes the day, so that a refusal need not know it.
        """
        found = self._one.get(message, message)
        for key, value in params.items():
            if isinstance(value, date) and not isinstance(value, datetime):
                params[key] = formats.day(value, self.locale)
        return _fill(found, params)

    def count(self, one: str, many: str, n: int, /, **params: object) -> str:
        """The sentence for `n` things: Korean has one form, English two."""
        forms = self._many.get(one)
        if forms:
            found = forms[0] if n == 1 or len(forms) == 1 else forms[1]
        else:
            found = one if n == 1 else many
        return _fill(found, {"n": n, **params})


def _fill(sentence: str, params: dict[str, object]) -> str:
    if not params:
        return sentence
    if Markup in map(type, params.values()):
        return Markup(sentence).format(**params)  # noqa: S704  catalogue text, params escaped
    return sentence.format(**params)


@cache
def words(locale: str) -> Words:
    """The catalogue of a language; Korean for one we do not have."""
    return Words(locale if locale in LOCALES else LOCALES[0])
