"""Which characters the shipped fonts can print."""

import unicodedata
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FONTS = Path(__file__).parent / "fonts"

# They are in many fonts and leave no ink: a name made of them would print as nothing.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u034f\u2800")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def normalised(text: str) -> str:
    """The text as it is printed: NFC, runs of white space as one space, none at the ends.

    NFC joins Hangul that a Mac or a phone sent as single jamo (UAX #15); old syllables, which
    have no code of their own, stay sequences of jamo and are joined by the font.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def missing_glyphs(text: str) -> list[str]:
    """The characters that cannot be printed, each once, in order of first appearance.

    Empty when every character has a glyph. Invisible characters (format, control, private use,
    fillers outside a Hangul syllable, variation selectors) count as missing.
    """
    printed = normalised(text)
    found: dict[str, None] = {}
    for index, character in enumerate(printed):
        if not _printable(character, following=printed[index + 1 : index + 2]):
            found[character] = None
    return list(found)


def _printable(character: str, *, following: str) -> bool:
    if character == " ":
        return True
    if character in _BLANK:
        # A filler stands for the missing half of an old syllable and needs the other half.
        return character in "\u115f\u1160" and _is_jamo(following)
    if unicodedata.category(character) in _INVISIBLE:
        return False
    return ord(character) in _covered()


def _is_jamo(character: str) -> bool:
    return bool(character) and (
        "\u1100" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7fb"
    )


@cache
def _covered() -> frozenset[int]:
    codes: set[int] = set()
    for path in sorted(FONTS.glob("*.[ot]tf")):
        with TTFont(path, lazy=True) as font:
            codes.update(font.getBestCmap())
    return frozenset(codes)
