"""How a certificate's number is written: a pattern of the institution, filled in.

The counter behind `serial` belongs to a run and is kept elsewhere; here nothing is counted.
"""

import re
from string import Formatter

from lms.errors import InvalidError

FIELDS = ("institution", "kind", "year", "run", "serial")
LONGEST = 80

_SERIAL_WIDTH = re.compile(r"0?[1-9]")


class PatternError(InvalidError):
    """The pattern, or a number made from it, cannot be used."""


def check_pattern(pattern: str) -> None:
    """Returns nothing when numbers can be made from the pattern; else raises PatternError.

    Allowed are plain characters and the five fields, each bare, but for `{serial:05}` (1-9 digits,
    filled with zeros). `{serial}` must be there, or all numbers of a run would be the same.
    """
    fields = fields_of(pattern)
    if "serial" not in fields:
        raise PatternError("번호 양식에 일련번호 자리 {serial}이 있어야 합니다.")


def fields_of(pattern: str) -> frozenset[str]:
    """The names of the fields in the pattern; raises PatternError when one is unknown or wrong.

    A pattern without `run` makes the same numbers in every run, whose counters each start at 1.
    """
    if len(pattern) > LONGEST or not pattern.isprintable():
        raise PatternError("번호 양식은 줄바꿈 없이 {most}자까지 적습니다.", most=LONGEST)
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        raise PatternError("번호 양식의 중괄호 { }가 짝이 맞지 않습니다.") from error
    names = set()
    for _, name, spec, conversion in parts:
        if name is not None:
            _check_field(name, spec or "", conversion)
            names.add(name)
    return frozenset(names)


def format_number(
    pattern: str, *, institution: str, kind: str, year: int, run: str, serial: int
) -> str:
    """The number with its fields filled in, e.g. `GA-직무-2026-0117-00042`.

    A serial with more digits than the pattern has room for is written in full. Raises
    PatternError for a wrong pattern, a serial below 1, an empty field or a number over 80
    characters.
    """
    fields = fields_of(pattern)
    check_pattern(pattern)
    if serial < 1:
        raise PatternError("일련번호는 1부터입니다.")
    values: dict[str, str | int] = {
        "institution": institution,
        "kind": kind,
        "year": year,
        "run": run,
        "serial": serial,
    }
    empty = sorted(name for name in fields if not str(values[name]).strip())
    if empty:
        raise PatternError(
            "번호 양식의 {place} 자리에 넣을 값이 비어 있습니다.", place=f"{{{empty[0]}}}"
        )
    number = pattern.format_map(values)
    if len(number) > LONGEST or not number.isprintable():
        raise PatternError(
            "이수번호는 줄바꿈 없이 {most}자까지입니다. 양식을 줄여 주십시오.", most=LONGEST
        )
    return number


def _check_field(name: str, spec: str, conversion: str | None) -> None:
    if name not in FIELDS:
        allowed = ", ".join(f"{{{field}}}" for field in FIELDS)
        raise PatternError(
            "번호 양식에 쓸 수 없는 자리입니다: {place}. 쓸 수 있는 자리는 {allowed}입니다.",
            place=f"{{{name}}}",
            allowed=allowed,
        )
    width_wanted = name == "serial" and spec
    if conversion or (spec and not width_wanted):
        raise PatternError(
            "번호 양식의 {place} 자리에는 모양을 정할 수 없습니다.", place=f"{{{name}}}"
        )
    if width_wanted and not _SERIAL_WIDTH.fullmatch(spec):
        raise PatternError("일련번호 자릿수는 {serial:05}처럼 1에서 9까지로 적습니다.")
