"""How a certificate's number is written."""

import pytest

from lms.people.numbering import PatternError, check_pattern, fields_of, format_number

USUAL = "{institution}-{kind}-{year}-{run}-{serial:05}"
VALUES = {"institution": "GA", "kind": "직무", "year": 2026, "run": "0117"}


@pytest.mark.parametrize(
    ("pattern", "serial", "number"),
    [
        (USUAL, 42, "GA-직무-2026-0117-00042"),
        (USUAL, 123456, "GA-직무-2026-0117-123456"),
        ("{year}-{serial}", 7, "2026-7"),
        ("제{year}년 {run}기 {serial:3}번", 7, "제2026년 0117기   7번"),
        ("{{{serial:09}}}", 1, "{000000001}"),
    ],
)
def test_a_number_follows_its_pattern(pattern: str, serial: int, number: str) -> None:
    check_pattern(pattern)
    assert format_number(pattern, **VALUES, serial=serial) == number  # type: ignore[arg-type]


def test_a_pattern_tells_its_fields() -> None:
    assert fields_of(USUAL) == {"institution", "kind", "year", "run", "serial"}
    assert fields_of("{year}-{serial:05}") == {"year", "serial"}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "{serial}이 있어야"),
        ("{institution}-{year}", "{serial}이 있어야"),
        ("{serial", "짝이 맞지"),
        ("serial}", "짝이 맞지"),
        ("{}{serial}", "쓸 수 없는 자리입니다: {}"),
        ("{0}{serial}", "쓸 수 없는 자리입니다: {0}"),
        ("{name}-{serial}", "쓸 수 없는 자리입니다: {name}"),
        ("{serial.__class__}", "쓸 수 없는 자리입니다: {serial.__class__}"),
        ("{run[0]}{serial}", "쓸 수 없는 자리입니다: {run[0]}"),
        ("{serial!r}", "모양을 정할 수 없습니다"),
        ("{year:04}{serial}", "모양을 정할 수 없습니다"),
        ("{serial:999999999}", "1에서 9까지"),
        ("{serial:x}", "1에서 9까지"),
        ("{serial:{year}}", "1에서 9까지"),
        ("{serial}\n", "줄바꿈 없이"),
        ("{serial}" + "-" * 80, "줄바꿈 없이"),
    ],
)
def test_a_wrong_pattern_is_refused_in_words(pattern: str, message: str) -> None:
    with pytest.raises(PatternError) as caught:
        check_pattern(pattern)
    assert message in str(caught.value)
    with pytest.raises(PatternError):
        format_number(pattern, **VALUES, serial=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"serial": 0}, "일련번호는 1부터"),
        ({"run": " "}, "{run} 자리에 넣을 값이 비어"),
        ({"run": "가" * 80}, "80자까지"),
        ({"kind": "직\n무"}, "줄바꿈 없이"),
    ],
)
def test_a_wrong_value_is_refused_in_words(changed: dict[str, object], message: str) -> None:
    with pytest.raises(PatternError) as caught:
        format_number(USUAL, **{**VALUES, "serial": 1, **changed})  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_a_field_that_is_not_printed_may_be_empty() -> None:
    made = format_number("{serial:05}", institution="", kind="", year=2026, run="", serial=3)
    assert made == "00003"
