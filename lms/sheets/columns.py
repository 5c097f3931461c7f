"""Which column of a sheet holds what, whatever its heading is called this year."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lms.errors import InvalidError
from lms.sheets.headings import same
from lms.sheets.reading import Table

_LOOKED_AT = 10
"""Rows among which the headings are looked for: many sheets begin with a title."""


@dataclass(frozen=True)
class Column:
    """A field, the heading that we print, and other headings that mean the same."""

    field: str
    heading: str
    aliases: tuple[str, ...] = ()
    required: bool = False


def pick(table: Table, columns: Sequence[Column]) -> list[tuple[int, dict[str, str]]]:
    """The rows by field; a column that the sheet does not have is not among the keys.

    Raises InvalidError that names every missing column and the headings that were found, or a
    heading that stands there twice.
    """
    return list(each(table, columns))


def each(table: Table, columns: Sequence[Column]) -> Iterator[tuple[int, dict[str, str]]]:
    """As `pick()`, one row at a time: a large sheet need not be held twice. Raises at once."""
    above = [(table.head_number, table.head), *table.rows[:_LOOKED_AT]]
    needed = {column.field for column in columns if column.required}
    places = [(number, _places(cells, columns)) for number, cells in above]
    head_number, chosen = next(
        (one for one in places if needed <= one[1].keys()),
        max(places, key=lambda one: len(one[1])),
    )
    head = dict(above)[head_number]
    _check(head, chosen, columns)
    return (
        (number, {field: _at(cells, place) for field, place in chosen.items()})
        for number, cells in table.rows
        if number > head_number
    )


def headings(columns: Sequence[Column]) -> list[str]:
    """The head of an empty sheet to fill in."""
    return [column.heading for column in columns]


def _places(cells: Sequence[str], columns: Sequence[Column]) -> dict[str, int]:
    """Field → place of the first cell whose heading means it."""
    meant = {
        same(word): column.field for column in columns for word in (column.heading, *column.aliases)
    }
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        field = meant.get(same(cell))
        if field is not None:
            found.setdefault(field, place)
    return found


def _at(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _check(head: Sequence[str], found: dict[str, int], columns: Sequence[Column]) -> None:
    missing = [one.heading for one in columns if one.required and one.field not in found]
    if missing:
        raise InvalidError(
            "{missing} 항목이 없습니다. 찾은 항목: {found}. 첫 줄의 항목 이름을 고치거나 "
            "빈 양식을 내려받아 채워 주십시오.",
            field="file",
            missing=", ".join(missing),
            found=", ".join(cell for cell in head if cell)[:500],
        )
    for column in columns:
        words = {same(word) for word in (column.heading, *column.aliases)}
        if sum(same(cell) in words for cell in head) > 1:
            raise InvalidError(
                "‘{heading}’ 항목이 두 번 있습니다. 하나만 남기고 다시 올려 주십시오.",
                field="file",
                heading=column.heading,
            )
