"""The house's rules that no other tool holds. Exceptions stand in closed lists, with a reason."""

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import jinja2
import pytest
from flask import Flask
from jinja2 import nodes
from sqlalchemy import inspect as look_into
from sqlalchemy.engine import make_url

import lms
from lms import hooks, migrations
from lms.config import Settings
from lms.db import Base
from lms.db.engine import connect
from lms.edge.blueprint import SAFE, Policy
from lms.people.settings import InstitutionSettings
from lms.permissions import Permission
from lms.plugins import plugin_manager
from tests import factories
from tests.conftest import make_app

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tools"))
import document  # noqa: E402  the tools are scripts, not a package

PACKAGES = ("lms", "content", "assessments", "microlearning", "scheduler")
HANGUL = re.compile(r"[\u3131-\u318e\uac00-\ud7a3]")
MOST_LINES, MOST_IN_A_FUNCTION = 400, 40

COMMITS = {
    "lms/db/engine.py": "session_on() releases a savepoint that the writer commits",
    "lms/edge/context.py": "at first sight a reading session begins a new moment",
}
"""Outside of these nobody commits or rolls back: the wrapper does."""

READS_THE_CLOCK = {
    "lms/edge/context.py": "the instant of a request",
    "lms/web/lane.py": "the instant of a request, in front of Flask",
    "lms/xapi/resources/statements.py": "the stored instant is the writer's",
    "lms/xapi/resources/documents.py": "as with statements: when a document was changed",
    "lms/checks.py": "compares our clock with the database's",
    "lms/cli/": "a command begins here, as a request does at the edge",
    "lms/people/commands.py": "a command begins here",
    "lms/people/founding.py": "a command begins here",
    "lms/xapi/commands.py": "a command begins here",
    "lms/xapi/forward_commands.py": "a command begins here",
    "lms/demo/build.py": "the demo is built around today",
    "scheduler/": "a job begins here",
}

LATE_IMPORTS = {
    ("lms/cli/institute.py", "lms.demo.build"): "its data is not loaded by other commands",
    ("lms/xapi/exporting.py", "pyarrow"): "an extra, and slow to load",
    ("lms/cli/upkeep.py", "lms.plugins"): "what else is to be checked is only asked by a check",
    ("lms/cli/__init__.py", "lms.plugins"): "only a plugin's command is worth loading them all",
    ("lms/cli/serving.py", "importlib"): "the scheduler is another floor, started by name",
}

KOREAN_BY_NATURE = {
    ("lms/edge/templates/lms/base.html", "한국어"): "a language's own name",
    ("lms/people/templates/lms/people/me.html", "한국어"): "a language's own name",
}


@pytest.fixture(scope="session", autouse=True)
def loaded() -> None:
    """Every package of ours imported, so that every model and hook is known."""
    plugin_manager(third_parties=False)


def modules() -> Iterator[tuple[str, ast.Module, str]]:
    """Name, tree and text of each module of the five packages, written by a person."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "versions" not in path.parts:
                text = path.read_text("utf-8")
                yield path.relative_to(ROOT).as_posix(), ast.parse(text), text


# Routes


def views(app: Flask) -> Iterator[tuple[str, set[str], Policy]]:
    for rule in app.url_map.iter_rules():
        policy = getattr(app.view_functions[rule.endpoint], "lms_policy", None)
        assert isinstance(policy, Policy), f"{rule.rule}: not a route of lms.edge.Blueprint"
        yield rule.rule, set(rule.methods or ()), policy


def test_every_route_says_who_may_and_whose_rows(sqlite_app: Flask) -> None:
    walked = list(views(sqlite_app))
    assert len(walked) > 40
    for rule, _, policy in walked:
        assert isinstance(policy.permission, Permission), rule
        assert policy.scope in {"institution", "public", "platform"}, rule
        # An id in the address names a row that the wrapper has loaded and checked.
        assert ("<int:id>" in rule) == (policy.on is not None), rule
        if policy.on is not None and policy.scope == "institution":
            assert "institution_id" in policy.on.__table__.columns, rule


def test_what_reaches_every_institution_is_listed(sqlite_app: Flask) -> None:
    """Scope «platform», and routes that no cookie opens: each with its own proof of right."""
    wide = {
        (rule, policy.scope, policy.browser)
        for rule, _, policy in views(sqlite_app)
        if policy.scope == "platform" or not policy.browser
    }
    assert wide == {
        ("/content/<token>/<name>", "platform", False),  # a signed link
        ("/meetings/calendar/<token>.ics", "platform", False),  # one's own unguessable address
        ("/notices/stop/<token>", "platform", False),  # a signed link in a mail
        *(
            (f"{endpoint}/{resource}", "platform", False)  # credentials of one institution
            for endpoint in ("/xapi", "/xapi/1.0.3")
            for resource in (
                "about",
                "activities",
                "activities/profile",
                "activities/state",
                "agents",
                "agents/profile",
                "statements",
                "oauth/token",
            )
        ),
        ("/healthz", "public", False),
        ("/readyz", "public", False),
    }


def test_a_get_never_opens_a_writing_transaction(sqlite_app: Flask) -> None:
    for rule, methods, policy in views(sqlite_app):
        assert not (policy.writes and methods <= SAFE), rule


@pytest.mark.parametrize("left_out", ["permission", "scope"])
def test_a_route_without_permission_or_scope_does_not_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    given = {"permission": 'Permission("a", anyone)', "scope": '"public"'}
    del given[left_out]
    name = f"room_without_{left_out}"
    (tmp_path / f"{name}.py").write_text(
        "from lms.edge import Blueprint\n"
        "from lms.permissions import Permission, anyone\n"
        "blueprint = Blueprint('room', __name__)\n"
        f"@blueprint.get('/room', {', '.join(f'{key}={value}' for key, value in given.items())})\n"
        "def room():\n    return ''\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TypeError, match=f"required keyword-only argument: '{left_out}'"):
        __import__(name)


# Models


def test_every_table_is_ours_by_its_name() -> None:
    assert len(Base.metadata.tables) > 20
    assert [name for name in Base.metadata.tables if not name.startswith("lms_")] == []


def test_every_model_says_what_it_holds_of_people() -> None:
    silent = [
        mapper.class_.__name__
        for mapper in Base.registry.mappers
        if not re.search(r"\bpii: \S", mapper.class_.__doc__ or "")
    ]
    assert silent == []


def test_every_model_about_people_names_its_institution() -> None:
    """The shard key: what is about somebody belongs to an institution, or to a row that does."""
    without = {
        name
        for name, table in Base.metadata.tables.items()
        if "institution_id" not in table.columns and name != "lms_institution"
    }
    assert without == {
        "lms_reset_token",  # of an account, for an hour
        "lms_tries",  # keyed hashes; whose is not known before signing in
        "lms_lease",
        "lms_job_run",
    }


# Migrations


def test_the_migrations_make_exactly_the_models(database_url: str) -> None:
    assert migrations.check(database_url, Base.metadata) == []
    assert migrations.current(database_url) == migrations.head() is not None


def test_migrations_go_down_and_up_again(database_url: str) -> None:
    before = tables(database_url)
    migrations.downgrade(database_url, "base")
    assert tables(database_url) == {}
    migrations.upgrade(database_url)
    assert tables(database_url) == before
    assert migrations.check(database_url, Base.metadata) == []


def tables(url: str) -> dict[str, list[str]]:
    """Our tables with their columns, in the database's own words."""
    engine = connect(make_url(url), threads=1)
    try:
        inspector = look_into(engine)
        return {
            name: sorted(f"{one['name']} {one['type']!r}" for one in inspector.get_columns(name))
            for name in sorted(inspector.get_table_names())
            if name != migrations.VERSION_TABLE
        }
    finally:
        engine.dispose()


# Documents


@pytest.mark.parametrize("page", document.pages(), ids=lambda page: page.name)
def test_the_tables_of_a_page_are_made_from_the_code(page: Path) -> None:
    assert page.read_text() == document.rendered(page), "run python tools/document.py"


def test_every_setting_stands_in_its_page_with_default_and_sentence() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    for one in fields(Settings):
        default = one.default if one.default != "" else None
        shown = int(default) if isinstance(default, bool) else default
        told = "empty" if shown is None else f"`{shown}`"
        line = next(row for row in text.splitlines() if f"| `LMS_{one.name.upper()}` |" in row)
        assert line.split(" | ")[2:] == [told, f"{one.metadata['sentence']} |"]


def test_every_setting_of_an_institution_stands_in_the_page() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    table = text.partition("<!-- institution-settings -->")[2].partition("<!-- /")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert named == list(InstitutionSettings.__struct_fields__)


def test_every_permission_stands_in_the_page_and_is_asked_for() -> None:
    text = (ROOT / "docs" / "permissions.md").read_text()
    source = "".join(text for _, _, text in modules())
    for one in document.permissions():
        assert f"| `{one.name}` |" in text
        (constant,) = re.findall(rf'^(\w+) = Permission\(\s*"{one.name}"', source, re.MULTILINE)
        uses = len(re.findall(rf"\b{constant}\b", source))
        assert uses > 1, f"{constant} is asked for nowhere"


def test_every_hook_says_what_it_is_and_stands_in_the_page() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text()
    found = {
        name: one
        for name, one in vars(hooks).items()
        if inspect.isfunction(one) and hasattr(one, "lms_spec")
    }
    assert len(found) >= 13
    for name, one in found.items():
        assert inspect.getdoc(one), name
        takes = ", ".join(inspect.signature(one).parameters)
        assert f"`{name}({takes})`" in text


def test_every_hook_is_used_by_our_own_code_or_by_the_tests_plugin() -> None:
    told = {name for name, one in vars(hooks).items() if hasattr(one, "lms_spec")}
    source = "".join(text for name, _, text in modules() if name != "lms/hooks.py")
    assert {name for name in told if name not in source} == set()


# Two apps, and a host


def test_two_apps_in_one_process_share_nothing(
    database_url: str, sqlite_template: Path, tmp_path: Path
) -> None:
    other_file = tmp_path / "other.sqlite"
    other_file.write_bytes(sqlite_template.read_bytes())
    one = make_app(database_url, tmp_path / "one", LMS_SECRET="first secret of two")
    two = make_app(f"sqlite:///{other_file}", tmp_path / "two", LMS_SECRET="second secret of two")
    mine, theirs = one.extensions["lms"], two.extensions["lms"]
    try:
        for name in ("settings", "db", "hook", "pages", "paths", "storage", "kinds", "secret"):
            assert getattr(mine, name) is not getattr(theirs, name), name
        for name, kind in mine.kinds.items():
            # A kind may be one for all if it remembers nothing.
            assert kind is not theirs.kinds[name] or vars(kind) == {}, name
        assert mine.pages["ko"].globals is not theirs.pages["ko"].globals
        with mine.db.transaction() as session:
            person = factories.person(session, factories.institution(session, "MINE"))
        browser = factories.browser(one)
        factories.sign_in(browser, person)
        assert person.name in browser.get("/me").text
        stranger = factories.browser(two)
        cookie = browser.get_cookie("lms")
        assert cookie is not None
        stranger.set_cookie("lms", cookie.value)
        assert stranger.get("/me").status_code == 302
        # One after the other in one thread: neither remembers the other's request.
        assert person.name in browser.get("/me").text
    finally:
        mine.db.dispose()
        theirs.db.dispose()


def test_a_host_package_of_the_same_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "__init__.py").write_text("")
    script = "import sys, lms; sys.path.insert(0, sys.argv[1]); lms.create_app()"
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "LMS_VAR": str(tmp_path / "var"), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    last = told.stderr.strip().splitlines()[-1]
    where = tmp_path / "content" / "__init__.py"
    assert last == (
        f"ImportError: lms needs its own package 'content' from {ROOT}, but found {where}."
    )


# Transactions, time, imports


def calls(tree: ast.Module, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in names:
            yield node  # type: ignore[misc]  a call, as asked above


def test_nobody_commits_but_the_wrapper() -> None:
    found = {name for name, tree, _ in modules() if any(calls(tree, "commit", "rollback"))}
    assert found == set(COMMITS)


def test_time_is_an_argument_below_the_edge() -> None:
    found = set()
    for name, tree, _ in modules():
        for call in calls(tree, "now", "utcnow", "today"):
            owner = ast.unparse(call.func).rpartition(".")[0]
            if owner in {"clock", "lms.clock", "datetime", "datetime.datetime", "date"}:
                found.add(name)
    allowed = tuple(READS_THE_CLOCK)
    assert {name for name in found if not name.startswith(allowed)} == {"lms/clock.py"}
    unused = {one for one in allowed if not any(name.startswith(one) for name in found)}
    assert unused == set(), "no longer needed: strike them from the list"


def test_an_import_inside_a_function_has_its_reason() -> None:
    found = set()
    for name, tree, _ in modules():
        for outer in ast.walk(tree):
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(outer):
                    if isinstance(node, ast.ImportFrom):
                        found.add((name, node.module))
                    elif isinstance(node, ast.Import):
                        found |= {(name, alias.name) for alias in node.names}
    assert found == set(LATE_IMPORTS)


def test_a_flush_says_why() -> None:
    silent = [
        f"{name}:{number}"
        for name, _, text in modules()
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"\bsession\.flush\(|\bown\.flush\(", line) and "#" not in line
    ]
    assert silent == []


# Sizes and words


def test_a_file_fits_a_sitting() -> None:
    long = {name: text.count("\n") for name, _, text in modules()}
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES} == {}


def test_a_function_fits_a_screen() -> None:
    """Its body, that is: what it is called with and what it says of itself do not count."""
    long = {}
    for name, tree, _ in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                if lines > MOST_IN_A_FUNCTION:
                    long[f"{name} {node.name}"] = lines
    assert long == {}


def files(*endings: str) -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in endings and "vendor" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def test_no_script_holds_korean_text() -> None:
    """Words come to a script from its page, in the reader's language."""
    found = [name for name, text in files(".js", ".mjs") if HANGUL.search(text)]
    assert found == []


def test_no_template_holds_a_sentence_that_is_not_translated() -> None:
    env = jinja2.Environment(autoescape=True)
    found = {}
    for name, text in files(".html"):
        for told in untranslated(env.parse(text)):
            found[name, told] = "goes through _()"
    assert {one for one in found if one not in KOREAN_BY_NATURE} == set()
    assert set(KOREAN_BY_NATURE) <= set(found)


def untranslated(tree: nodes.Template) -> Iterator[str]:
    translated = {
        id(arg)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {"_", "_n"}
        for arg in call.args
    }
    for data in tree.find_all(nodes.TemplateData):
        for piece in re.split(r"[<>\n]", data.data):
            if HANGUL.search(piece):
                yield piece.strip()
    for const in tree.find_all(nodes.Const):
        told = const.value if isinstance(const.value, str) else ""
        if HANGUL.search(told) and id(const) not in translated:
            yield told


def test_every_template_stands_under_the_name_of_its_package() -> None:
    """A host's templates and a plugin's may be called anything: ours are never in their way."""
    loose = [
        name
        for name, _ in files(".html")
        if not re.search(r"/templates/lms/(\w+/)?[\w-]+\.html$", name)
    ]
    assert loose == []


def test_the_public_names_are_few() -> None:
    assert sorted(lms.__all__) == ["LMS", "create_app", "hookimpl"]
