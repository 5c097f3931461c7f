"""Keep the tables of docs/ true: `python tools/document.py` writes them, `--check` looks.

A table stands between `<!-- name -->` and `<!-- /name -->` and is made from the code; the text
around it is written by people.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lms
from lms.config import Settings
from lms.edge.blueprint import Policy
from lms.permissions import ROLES, Permission

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGES = ("lms", "content", "assessments", "microlearning", "scheduler")
TYPES = {str: "text", int: "whole number", bool: "1 or 0"}


@dataclass(frozen=True)
class Route:
    """A route as its module declared it."""

    method: str
    rule: str
    policy: Policy


def main() -> None:
    stale = [page for page in pages() if not _is_true(page)]
    if "--check" in sys.argv:
        for page in stale:
            print(f"{page.relative_to(ROOT)} is behind the code: run python tools/document.py")
        sys.exit(1 if stale else 0)
    for page in stale:
        page.write_text(rendered(page))
        print(f"{page.relative_to(ROOT)} is brought up to date")


def pages() -> list[Path]:
    """The pages that hold tables of ours."""
    return [DOCS / "settings.md", DOCS / "permissions.md"]


def rendered(page: Path) -> str:
    """The page's text with its tables made anew."""
    text = page.read_text()
    for name, table in TABLES.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        # Only a page that has the mark asks for the table.
        if mark.search(text):
            made = table()
            text = mark.sub(lambda found, made=made: found[1] + made + found[2], text)
    return text


def settings_table() -> str:
    """Every setting of an installation, in the order of the class."""
    return _table(
        ("setting", "type", "default", "what it is"),
        (
            (
                f"`LMS_{one.name.upper()}`",
                TYPES[type(one.default)],
                _default(one.default),
                one.metadata["sentence"],
            )
            for one in fields(Settings)
        ),
    )


def permissions_table() -> str:
    """Who has which permission, asked of the permissions themselves."""
    return _table(
        ("permission", "nobody signed in", *ROLES),
        (
            (f"`{one.name}`", *(_answer(one, role) for role in (None, *ROLES)))
            for one in permissions()
        ),
        centred=True,
    )


def routes_table() -> str:
    """Every route with what it declares."""
    return _table(
        ("method", "route", "permission", "scope"),
        (
            (
                one.method,
                f"`{one.rule}`",
                f"`{one.policy.permission.name}`",
                one.policy.scope + (", content host" if one.policy.place == "content" else ""),
            )
            for one in routes()
        ),
    )


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "permissions": permissions_table,
    "routes": routes_table,
}


def routes() -> list[Route]:
    """Ours, by address and method."""
    with tempfile.TemporaryDirectory() as folder:
        app = lms.create_app(LMS_VAR=folder, LMS_DATABASE_URL=f"sqlite:///{folder}/none.sqlite")
        app.extensions["lms"].db.dispose()
    found = [
        Route(method, rule.rule, app.view_functions[rule.endpoint].lms_policy)  # type: ignore[attr-defined]
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]
    return sorted(found, key=lambda one: (one.rule, one.method))


def permissions() -> list[Permission]:
    """Those of every permissions.py, and those that routes name; by name."""
    found = {one.policy.permission.name: one.policy.permission for one in routes()}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("permissions.py"):
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            mine = [one for one in vars(module).values() if isinstance(one, Permission)]
            found |= {one.name: one for one in mine}
    return [found[name] for name in sorted(found)]


def _answer(permission: Permission, role: str | None) -> str:
    """● for any row, «own» for one's own alone, nothing for neither."""
    if role is None:
        return "●" if permission.allows(None, _thing(of=1)) else ""
    actor: Any = SimpleNamespace(
        person_id=1,
        organisation_id=1,
        roles=frozenset({"learner", role}),
        runs={role: frozenset({1})},
    )
    if permission.allows(actor, _thing(of=2)):
        return "●"
    return "own" if permission.allows(actor, _thing(of=1)) else ""


def _thing(*, of: int) -> Any:
    """Something about a person, whether it says so itself or by its enrolment."""
    return SimpleNamespace(
        person_id=of,
        run_id=of,
        organisation_id=of,
        asked_at=0,
        instructors=[SimpleNamespace(person_id=of)],
        enrolment=SimpleNamespace(person_id=of, run_id=of),
    )


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{int(value)}`"
    return f"`{value}`" if value != "" else "empty"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], *, centred: bool = False) -> str:
    head = list(head)
    rest = ":-:" if centred else "---"
    lines = [head, ["---", *[rest] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_true(page: Path) -> bool:
    return page.read_text() == rendered(page)


if __name__ == "__main__":
    main()
