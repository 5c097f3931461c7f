"""docs/xapi-requirements.md: each requirement of the standard, and tests that exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = (TESTS.parent / "docs" / "xapi-requirements.md").read_text()
RULES = (
    *("statement_people", "statement_things", "statement_values"),
    *("comparison", "seam", "forms", "clients"),
)
"""Modules whose every test is about a requirement."""


def rows() -> list[list[str]]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in TABLE.splitlines()
        if line.startswith("| ")
    ]
    return [row for row in cells if row[0] not in {"section", "---"}]


def found_in(module: str) -> set[str]:
    path = TESTS / f"test_xapi_{module}.py"
    if not path.exists():
        return set()
    return {
        one.name
        for one in ast.parse(path.read_text()).body
        if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
    }


def named() -> set[tuple[str, str]]:
    found = re.findall(r"`(\w+)::(test_\w+)`", TABLE)
    return {(module, name) for module, name in found} - {("seam", "test_x")}


def test_every_row_has_a_section_a_version_and_tests() -> None:
    assert len(rows()) > 100
    for section, requirement, version, tests in rows():
        assert re.fullmatch(r"([DC] \d.*|IEEE 9274\.1\.1|RFC \d+ .*|)", section), section
        assert requirement
        assert version in {"both", "1.0.3", "2.0"}, requirement
        assert re.fullmatch(r"`\w+::test_\w+`( `\w+::test_\w+`)*", tests), requirement


def test_every_test_that_is_named_exists() -> None:
    missing = {(module, name) for module, name in named() if name not in found_in(module)}
    assert missing == set()


@pytest.mark.parametrize("module", RULES)
def test_every_test_about_rules_is_named(module: str) -> None:
    assert found_in(module) - {name for where, name in named() if where == module} == set()
