"""Somebody else's package, installed by its entry point: one kind and one hook, all the way."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the package was installed into, without any network."""
    folder = tmp_path_factory.mktemp("plugin")
    source, target = folder / "source", folder / "site"
    shutil.copytree(HERE / "third_party", source)
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert uv is not None, "uv is not installed: run `make setup-dev`"
    install = [uv, "pip", "install", "--offline", "--no-deps", "--no-index", "--quiet"]
    here = ["--python", sys.executable, "--target", str(target), str(source)]
    subprocess.run([*install, *here], check=True)
    return target


def journey(url: str, folder: Path, what: str, *paths: Path) -> dict[str, Any]:
    """What tests/plugins/journey.py saw, with these folders on the path before everything else."""
    told = subprocess.run(
        [sys.executable, "-W", "error", str(HERE / "journey.py"), url, str(folder), what],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    seen: dict[str, Any] = json.loads(told.stdout)
    return seen


def test_a_strangers_kind_and_hook_take_part_in_everything(
    database_url: str, installed: Path, tmp_path: Path
) -> None:
    seen = journey(database_url, tmp_path / "var", "learn", installed)
    assert seen == {
        "kinds": ["file", "meeting", "note", "page", "quiz", "video"],
        "config": {"question": "무엇을 배웠습니까?"},  # as its own check() cleaned it
        "closed": True,
        "refused": [409, True],  # its hook's sentence, also for who posts past the page
        "form": True,
        "empty": 422,
        "written": [303, seen["place"]],
        "place": seen["place"],
        "after": True,
        "responses": ["평가는 배움을 돕는다."],
        "completions": [1000],
    }
    # Taken away again, what was learnt with it stands, and the page says what is missing.
    without = journey(database_url, tmp_path / "var", "look")
    assert without == {
        "kinds": ["file", "meeting", "page", "quiz", "video"],
        "status": 404,
        "said": True,
        "page": 200,
        "record": 200,
        "responses": ["평가는 배움을 돕는다."],
        "completions": [1000],
    }
