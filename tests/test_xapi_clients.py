"""Clients that others wrote, against a running server: tincan (Python), TinCanJS and @xapi/xapi."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tincan
from flask import Flask
from werkzeug.serving import make_server

from lms.xapi import vocabulary
from tests.xapi_world import System, system

CLIENTS = Path(__file__).parent / "clients"
SECONDS = 60
VERSIONS = ["2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0"]


@pytest.fixture
def served(sqlite_app: Flask) -> Iterator[tuple[System, str]]:
    """Credentials, and the address of a server on a port of its own."""
    vendor = system(sqlite_app)
    server = make_server("localhost", 0, sqlite_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield vendor, f"http://localhost:{server.server_port}/xapi"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def modules(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients from npm, installed once and kept beside pytest's own cache."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("TinCanJS and @xapi/xapi were NOT tried: node and npm are not on PATH")
    cache = getattr(request.config, "cache", None)
    folder = cache.mkdir("npm-clients") if cache else tmp_path_factory.mktemp("npm-clients")
    wanted = (CLIENTS / "package.json").read_bytes()
    installed = folder / hashlib.sha256(wanted).hexdigest()[:16]
    if not installed.exists():
        made = Path(tempfile.mkdtemp(dir=folder))
        (made / "package.json").write_bytes(wanted)
        told = install(npm, made)
        if told:
            pytest.skip(f"TinCanJS and @xapi/xapi were NOT tried: npm cannot install them: {told}")
        with contextlib.suppress(OSError):  # another worker was first
            made.rename(installed)
    return installed / "node_modules"


def install(npm: str, folder: Path) -> str:
    """What went wrong; empty when all is there."""
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    try:
        ran = subprocess.run(
            [npm, "install", *quiet], cwd=folder, capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    return "" if ran.returncode == 0 else ran.stderr.decode()[-300:]


def run(modules: Path, script: str, *arguments: str) -> Any:
    """What a client saw."""
    ran = subprocess.run(
        ["node", str(CLIENTS / script), *arguments],
        env={**os.environ, "NODE_PATH": str(modules)},
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return json.loads(ran.stdout)


def test_tincanjs_finds_all_it_saved(served: tuple[System, str], modules: Path) -> None:
    vendor, base = served
    seen = run(modules, "tincanjs.cjs", f"{base}/", vendor.username, vendor.secret)
    profile = [{"sound": False}, {"sound": True}]
    assert seen == {
        "about": VERSIONS,
        "statement": [True, 0.5, "했다"],
        "pages": [3, 1, ""],
        "all": True,
        "attachment": "첨부된 것",
        "voided": True,
        "state": [{"page": 3}, ["bookmark"]],
        "dropped": [],
        "activity": [*profile, "saveActivityProfile: 412"],
        "agent": [*profile, "saveAgentProfile: 412"],
    }


@pytest.mark.parametrize("adapter", ["axios", "fetch"])
@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_xapi_js_finds_all_it_saved(
    served: tuple[System, str], modules: Path, version: str, adapter: str
) -> None:
    vendor, base = served
    seen = run(modules, "xapi.cjs", base, vendor.username, vendor.secret, version, adapter)
    profile = [{"sound": False}, {"sound": True}, "precondition", ["settings"]]
    assert seen == {
        "about": VERSIONS,
        "statement": [True, "2.0.0" if version == "2.0.0" else "1.0.0", "했다"],
        "version": version,
        "pages": [3, 1, ""],
        "all": True,
        # In Node its axios says «application/octet-stream» of what has parts.
        **({"attachment": [True, "an attachment"]} if adapter == "fetch" else {}),
        "voided": [True, True, "not_found"],
        "state": [{"page": 3, "line": 4}, ["bookmark"]],
        "dropped": [],
        "Activity": profile,
        "Agent": profile,
        "person": {"objectType": "Person", "mbox": [f"mailto:xapi-{adapter}@example.kr"]},
        "object": True,
    }


@pytest.fixture
def remote(served: tuple[System, str]) -> tincan.RemoteLRS:
    vendor, base = served
    return tincan.RemoteLRS(
        endpoint=f"{base}/", version="1.0.3", username=vendor.username, password=vendor.secret
    )


def statement(**more: Any) -> tincan.Statement:
    made = tincan.Statement(
        actor={"mbox": "mailto:tincan@example.kr", "name": "가"},
        verb={"id": "http://example.kr/did", "display": {"ko": "했다"}},
        object={"id": "http://example.kr/tincan", "definition": {"name": {"ko": "나"}}},
        **more,
    )
    del made.version
    return made


def test_tincan_finds_the_statements_it_saved(remote: tincan.RemoteLRS) -> None:
    with pytest.raises(ValueError, match=r"Allowed versions are: '1\.0\.3'"):
        remote.about()  # it knows no 2.0.0 and takes nobody who does; all else it does
    registration = str(uuid.uuid4())
    one = statement(
        id=str(uuid.uuid4()),
        result={"score": {"scaled": 0.5}, "duration": "PT1.50S", "success": True},
        context={"registration": registration, "platform": "p", "language": "ko-KR"},
        attachments=[
            {
                "usage_type": "http://example.kr/u",
                "display": {"ko": "첨부"},
                "content_type": "text/plain",
                "length": 1,
                "sha2": "a" * 64,
                "fileurl": "http://example.kr/f",
            }
        ],
    )
    assert remote.save_statement(one).success
    back = remote.retrieve_statement(one.id).content
    assert (back.id, back.result.as_version(), back.context.as_version()) == (
        one.id,
        one.result.as_version(),
        one.context.as_version(),
    )
    kept = remote.save_statements([statement() for _ in range(3)]).content
    query = {"agent": one.actor, "activity": one.object, "limit": 2}
    first = remote.query_statements(query).content
    rest = remote.more_statements(first).content
    found = [each.id for each in (*first.statements, *rest.statements)]
    assert found == [*reversed([each.id for each in kept]), one.id]
    by_registration = remote.query_statements({"registration": registration}).content
    assert [each.id for each in by_registration.statements] == [one.id]
    void = tincan.Statement(
        actor=one.actor,
        verb={"id": vocabulary.VOIDED},
        object=tincan.StatementRef(id=one.id),
    )
    del void.version
    assert remote.save_statement(void).success
    assert remote.retrieve_voided_statement(one.id).content.id == one.id
    assert remote.retrieve_statement(one.id).response.status == 404


def test_tincan_finds_the_documents_it_saved(remote: tincan.RemoteLRS) -> None:
    activity = tincan.Activity(id="http://example.kr/tincan")
    agent = tincan.Agent(mbox="mailto:tincan@example.kr")
    state = tincan.StateDocument(id="bookmark", content="page 3", activity=activity, agent=agent)
    assert remote.save_state(state).success
    assert remote.retrieve_state(activity, agent, "bookmark").data == "page 3"
    assert remote.retrieve_state_ids(activity, agent).content == ["bookmark"]
    assert remote.delete_state(state).success
    assert remote.clear_state(activity, agent).success
    assert remote.retrieve_state_ids(activity, agent).content == []
    # tincan never says «If-None-Match: *», which a new profile needs (Communication 3.1.s3.b1).
    for profile, save in (
        (tincan.ActivityProfileDocument(id="p", content="x", activity=activity), "activity"),
        (tincan.AgentProfileDocument(id="p", content="x", agent=agent), "agent"),
    ):
        refused = getattr(remote, f"save_{save}_profile")(profile)
        assert (refused.success, refused.response.status) == (False, 400)
    assert remote.retrieve_activity_profile_ids(activity).content == []
    assert remote.retrieve_agent_profile_ids(agent).content == []
