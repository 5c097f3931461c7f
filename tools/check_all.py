"""What `make test` runs: every check, each with its time; all run, then the failures are listed.

The last lines are pytest's own closing lines, so that whoever scrolls to the end sees the count.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOOR = 95
"""Per cent of lines and branches together that the tests must reach; raised, never lowered."""

_CLOSING = re.compile(r"^=* ?(.*\b(?:passed|failed|errors?|no tests ran)\b.* in .*?) ?=*$")
_SKIPPED = re.compile(r"^(SKIPPED|XFAIL|XPASS) ")


@dataclass
class Outcome:
    """How one step went; `skipped` and `closing` are pytest's lines."""

    name: str
    seconds: float
    passed: bool
    skipped: list[str] = field(default_factory=list)
    closing: str = ""


def steps() -> Iterator[tuple[str, list[str]]]:
    """Each check's name and command, the quick ones first."""
    python = sys.executable
    tools = ROOT / "tools"
    yield "ruff", ["ruff", "check", "."]
    yield "mypy", ["mypy"]
    yield "import contracts", ["lint-imports"]
    yield "dependencies", ["deptry", ".", "--requirements-files", "requirements/run.in"]
    for name, script in (
        ("vendored files", "vendor.py"),
        ("demo content", "make_demo_content.py"),
        ("catalogues", "catalogues.py"),
        ("tables in the docs", "document.py"),
    ):
        if (tools / script).exists():
            yield name, [python, str(tools / script), "--check"]
    test = [python, "-m", "pytest", "--color=no", "--cov", "--cov-report=", "-n", "2"]
    # A worker that is through takes over from the other, so that both end together.
    yield "tests", [*test, "--dist", "worksteal", "-m", "not browser"]
    # Each worker has a server of its own; the tests of a file tell one story on it.
    yield "browser tests", [*test, "--dist", "loadfile", "--cov-append", "-m", "browser"]
    yield "coverage", [python, "-m", "coverage", "report", f"--fail-under={FLOOR}"]


def main() -> int:
    os.chdir(ROOT)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for old in (ROOT / ".coverage", *ROOT.glob(".coverage.*")):
        old.unlink(missing_ok=True)
    outcomes = []
    if not shutil.which("chromium"):
        outcomes.append(run("a browser", browser()))
    outcomes += [run(name, command) for name, command in steps()]
    return report(outcomes)


def browser() -> list[str]:
    """How to get a Chromium here: Debian's where we may install it, else Playwright's."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium"
        return ["sh", "-c", install]
    return [sys.executable, "-m", "playwright", "install", "chromium"]


def run(name: str, command: list[str]) -> Outcome:
    """Run a step, passing on what it says as it says it."""
    print(f"\n── {name} " + "─" * max(0, 76 - len(name)), flush=True)
    begun, outcome = time.monotonic(), Outcome(name, 0.0, passed=False)
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except FileNotFoundError:
        # A check that did not run has not passed.
        print(f"{command[0]} is not installed: run `make setup-dev`.", flush=True)
        return outcome
    for line in process.stdout or ():
        print(line, end="", flush=True)
        if "pytest" in command:
            said = line.rstrip()
            closing = _CLOSING.match(said)
            if _SKIPPED.match(said):
                outcome.skipped.append(said)
            elif closing and said.startswith("="):
                outcome.closing = said
    outcome.passed = process.wait() == 0
    outcome.seconds = time.monotonic() - begun
    return outcome


def report(outcomes: list[Outcome]) -> int:
    """Times, what was skipped, what failed, and pytest's counts last. Returns the exit status."""
    print("\n" + "═" * 80)
    for outcome in outcomes:
        print(
            f"{'ok  ' if outcome.passed else 'FAIL'}  {outcome.name:<20} {outcome.seconds:7.1f} s"
        )
    print(f"      {'together':<20} {sum(outcome.seconds for outcome in outcomes):7.1f} s")
    skipped = [f"{one.name}: {line}" for one in outcomes for line in one.skipped]
    if skipped:
        print("\n" + "!" * 80)
        print(f"NOT RUN, SO NOT PASSED ({len(skipped)} lines):")
        print("\n".join(skipped))
        print("!" * 80)
    failed = [outcome.name for outcome in outcomes if not outcome.passed]
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
    print(flush=True)
    for outcome in outcomes:
        if outcome.closing:
            print(outcome.closing, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
