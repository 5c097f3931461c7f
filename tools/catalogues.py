"""Keep both catalogues full: `python tools/catalogues.py` brings them up to date, `--check` looks.

A msgid is the Korean sentence itself. In templates it is what `_()` and `_n()` are given; in
Python it is any Korean string that is not a docstring, so that no refusal can be forgotten.
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import nodes

ROOT = Path(__file__).parent.parent
PACKAGES = ("lms", "content", "assessments", "microlearning", "scheduler")
LOCALE = ROOT / "lms" / "i18n" / "locale"
LOCALES = ("ko", "en")
# Not shown to readers of pages: data of the demonstration, what the command line prints, formats
# that know their language themselves, and the paper, which is Korean by law.
SKIPPED = re.compile(
    r"lms/(demo|cli|i18n|migrations)/|assessments/demo\.py$|/commands\.py$"
    r"|/credentials/(paper|glyphs)\.py$"
    r"|/xapi/vocabulary\.py$"
)
HANGUL = re.compile(r"[가-힣]")
FIELD = re.compile(r"{(\w*)[^}]*}")
Message = str | tuple[str, str]


def main() -> None:
    found = dict(extracted())
    both = [f"counted in one place and not in another: {one}" for one in clashing(set(found))]
    if both or "--check" in sys.argv:
        problems = both or [line for locale in LOCALES for line in check(locale, set(found))]
        print(*problems, sep="\n") if problems else print(f"{len(found)} messages, both full")
        sys.exit(1 if problems else 0)
    for locale in LOCALES:
        update(locale, found)


def extracted() -> Iterator[tuple[Message, str]]:
    """Each message with the file that it stands in."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            name = str(path.relative_to(ROOT))
            if SKIPPED.search(name):
                continue
            if path.suffix == ".py":
                yield from ((message, name) for message in of_python(path))
            elif path.suffix == ".html":
                yield from ((message, name) for message in of_template(path))


def of_python(path: Path) -> Iterator[Message]:
    """Korean strings of a module, less its docstrings; pairs given to `.count()`."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    paired = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docs.add(id(node.value))  # a sentence under a field
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "count"
            and len(node.args) >= 2
        ):
            one, many = node.args[0], node.args[1]
            if isinstance(one, ast.Constant) and isinstance(many, ast.Constant):
                paired.update({id(one), id(many)})
                yield str(one.value), str(many.value)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) not in docs | paired and HANGUL.search(node.value):
            yield node.value


def of_template(path: Path) -> Iterator[Message]:
    """What `_()` and `_n()` are given in a template."""
    tree = jinja2.Environment(autoescape=True).parse(path.read_text("utf-8"))
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name):
            continue
        texts = [arg.value for arg in call.args if isinstance(arg, nodes.Const)]
        if call.node.name == "_" and texts and HANGUL.search(str(texts[0])):
            yield texts[0]
        elif call.node.name == "_n" and len(texts) >= 2:
            yield texts[0], texts[1]


def clashing(found: set[Message]) -> list[str]:
    """Msgids given both to `_()` and to `_n()`: a catalogue has one entry for each."""
    counted = {message[0] for message in found if isinstance(message, tuple)}
    return sorted(counted & {message for message in found if isinstance(message, str)})


def update(locale: str, found: dict[Message, str]) -> None:
    """Write the catalogue with every message; what was translated stays so."""
    path = LOCALE / locale / "messages.po"
    before = load(path, locale)
    after = Catalog(
        locale=locale, project="Ieum", charset="utf-8", fuzzy=False, header_comment="# 이음"
    )
    for message, place in sorted(found.items(), key=lambda one: (one[1], str(one[0]))):
        known = before.get(message[0] if isinstance(message, tuple) else message)
        told = known.string if known is not None else None
        if locale == "ko":
            told = (message[0],) if isinstance(message, tuple) else message
        elif isinstance(message, tuple) != isinstance(told, tuple | list):
            told = ("", "") if isinstance(message, tuple) else ""  # counted now, or no longer
        after.add(message, told or "", locations=[(place, 0)])
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.BytesIO()
    write_po(text, after, width=100, include_lineno=False, omit_header=False)
    path.write_bytes(text.getvalue())
    empty = sum(not _full(one.string) for one in after if one.id)
    print(f"{path.relative_to(ROOT)}: {len(found)} messages, {empty} without a translation")


def check(locale: str, found: set[Message]) -> Iterator[str]:
    """What is missing, left over, empty, or has other places to fill in than its msgid."""
    catalogue = load(LOCALE / locale / "messages.po", locale)
    known = {_key(one.id): one for one in catalogue if one.id}
    wanted = {message[0] if isinstance(message, tuple) else message for message in found}
    for message in sorted(wanted - set(known)):
        yield f"{locale}: missing: {message}"
    for message in sorted(set(known) - wanted):
        yield f"{locale}: no longer used: {message}"
    for message in sorted(wanted & set(known)):
        told = known[message].string
        if not _full(told) or known[message].fuzzy:
            yield f"{locale}: not translated: {message}"
            continue
        for form in told if isinstance(told, tuple | list) else (told,):
            if not set(FIELD.findall(form)) <= set(FIELD.findall(message)):
                yield f"{locale}: fills in other fields: {message}"


def load(path: Path, locale: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=locale)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def _key(message: str | tuple[str, ...] | list[str]) -> str:
    return message if isinstance(message, str) else message[0]


def _full(told: str | tuple[str, ...] | list[str] | None) -> bool:
    return all(told) if isinstance(told, tuple | list) else bool(told)


if __name__ == "__main__":
    main()
