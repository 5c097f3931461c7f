"""Makes the certificate's fonts in `lms/credentials/fonts/` from three open originals.

    npm pack --ignore-scripts pretendard-gov@1.3.9 && tar xzf pretendard-gov-1.3.9.tgz
    apt-get install fonts-noto-cjk unicode-data
    python tools/make_fonts.py --pretendard package/dist

The results are renamed, because the licence keeps the name «Pretendard» for the unchanged font
(SIL OFL 1.1, section 3). Same originals in, same bytes out.
"""

import argparse
import bz2
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

OUT = Path(__file__).resolve().parents[1] / "lms" / "credentials" / "fonts"
LICENCE = (
    "This Font Software is licensed under the SIL Open Font License, Version 1.1. "
    "This licence is available with a FAQ at: https://openfontlicense.org"
)
HANGUL = range(0xAC00, 0xD7A4)
JAMO = (*range(0x1100, 0x1200), *range(0xA960, 0xA97D), *range(0xD7B0, 0xD7FC), 0x25CC)
SIGNS = (*range(0x20, 0x7F), *range(0xA1, 0x100), *map(ord, "·「」『』〈〉《》【】‘’“”…–—~․ㆍ"))
HAN_BLOCKS = (range(0x2E80, 0x3000), range(0x3040, 0x3100), range(0x3400, 0xA000))
SOURCE = "kIRG_KSource"
NAME_LISTS = frozenset({"kKoreanName", "kKoreanEducationHanja"})
FEATURES = ["ccmp", "ljmo", "vjmo", "tjmo", "kern", "liga", "mark", "mkmk", "locl", "case"]


def korean_hanja(unihan: Path) -> tuple[set[int], set[int]]:
    """Hanja in everyday and name use, and all the others of Korean standards (UAX #38).

    The first are KS X 1001, KS X 1002 and the lists for schools and for names. Compatibility
    ideographs are left out: NFC turns each into the character it doubles.
    """
    common: set[int] = set()
    rare: set[int] = set()
    for path in sorted(unihan.glob("Unihan_*.txt.bz2")):
        with bz2.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                if not line.startswith("U+"):
                    continue
                code, field, value = line.rstrip("\n").split("\t")[:3]
                if field in NAME_LISTS or (field == SOURCE and value.split("-")[0] in {"K0", "K1"}):
                    common.add(int(code[2:], 16))
                elif field == SOURCE:
                    rare.add(int(code[2:], 16))
    doubles = set(range(0xF900, 0xFB00)) | set(range(0x2F800, 0x2FA20))
    return common - doubles, rare - common - doubles


def noto(folder: Path, kind: str, weight: str) -> TTFont:
    """The Korean face out of a Noto CJK collection."""
    collection = TTCollection(folder / f"Noto{kind}CJK-{weight}.ttc")
    return next(
        font for font in collection.fonts if font["name"].getDebugName(1) == f"Noto {kind} CJK KR"
    )


def rename(font: TTFont, family: str, weight: str) -> None:
    """Gives the font a name of its own and keeps the makers' copyright lines."""
    names = font["name"]
    copyright_line = names.getDebugName(0)
    names.names = []
    wanted = {
        0: f"{copyright_line} Subset and renamed for Ieum.",
        1: family,
        2: weight,
        3: f"{family} {weight} 1.0",
        4: f"{family} {weight}",
        5: "Version 1.000",
        6: f"{family.replace(' ', '')}-{weight}",
        13: LICENCE,
        14: "https://openfontlicense.org",
    }
    for name_id, text in wanted.items():
        names.setName(text, name_id, 3, 1, 0x409)
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames[0] = wanted[6]
        top = cff.topDictIndex[0]
        top.FullName, top.FamilyName = wanted[4], family


def write(font: TTFont, codes: Iterable[int], family: str, weight: str) -> None:
    """Cuts the font down to `codes`, renames it and saves it."""
    options = subset.Options()
    options.hinting = False
    options.glyph_names = False
    options.notdef_outline = True
    options.layout_features = FEATURES
    # The paper is set in rows only, so what serves vertical setting is left out.
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "DSIG"]
    cut = subset.Subsetter(options)
    cut.populate(unicodes=codes)
    cut.subset(font)
    rename(font, family, weight)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    suffix = "otf" if "CFF " in font else "ttf"
    path = OUT / f"{family.replace(' ', '')}-{weight}.{suffix}"
    font.save(path)
    print(f"{path.name}: {len(font.getBestCmap())} characters, {path.stat().st_size:,} bytes")


def main() -> None:
    """Reads the originals named on the command line and writes the four files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pretendard", type=Path, required=True, help="dist of pretendard-gov")
    parser.add_argument("--noto", type=Path, default=Path("/usr/share/fonts/opentype/noto"))
    parser.add_argument("--unihan", type=Path, default=Path("/usr/share/unicode"))
    given = parser.parse_args()
    static = given.pretendard / "public" / "static" / "alternative"
    font = TTFont(static / "PretendardGOV-Regular.ttf")
    # Its Han shapes are the Japanese ones; names are printed in the Korean ones below.
    # The private area holds drawings that no reader could copy out again.
    codes = [
        code
        for code in font.getBestCmap()
        if code < 0xE000 and not any(code in block for block in HAN_BLOCKS)
    ]
    write(font, codes, "Ieum Sans", "Regular")
    common, rare = korean_hanja(given.unihan)
    write(noto(given.noto, "Sans", "Regular"), {*common, *JAMO}, "Ieum Hanja", "Regular")
    write(noto(given.noto, "Sans", "Regular"), rare, "Ieum Hanja Rare", "Regular")
    write(noto(given.noto, "Serif", "Bold"), {*HANGUL, *SIGNS}, "Ieum Serif", "Bold")


if __name__ == "__main__":
    main()
