"""Where statements are forwarded to: pages, commands, addresses that may be asked."""

import ipaddress
import socket
import threading
from datetime import timedelta

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import func, select

from lms import clock
from lms.checks import Finding
from lms.db import Database
from lms.edge import State
from lms.errors import ConflictError, InvalidError
from lms.people.models import AuditRow, Institution
from lms.xapi import forwards, reaching, store
from lms.xapi.forward_commands import record_store
from lms.xapi.models import Forward, Statement
from tests import factories, xapi_world
from tests.forwarding_world import app, here, made, name, post, row, run, there
from tests.xapi_elsewhere import Elsewhere
from tests.xapi_world import STATEMENT, System

__all__ = ["app", "here", "there"]


def test_pausing_and_removing(state: State, db: Database, here: System, there: Elsewhere) -> None:
    forward = made(state, here, there.url)
    how = {"reason": "잠시", "now": clock.now()}
    with db.transaction() as session:
        forwards.pause(session, session.get_one(Forward, forward), paused=True, **how)
        forwards.pause(session, session.get_one(Forward, forward), paused=True, **how)
    ids = post(here, 1)
    run(state)
    assert there.came == []
    with db.transaction() as session:
        forwards.pause(session, session.get_one(Forward, forward), paused=False, **how)
    run(state)
    assert there.ids == [ids]
    with db.transaction() as session:
        with pytest.raises(InvalidError, match="까닭"):
            forwards.remove(session, session.get_one(Forward, forward), reason=" ", now=clock.now())
        forwards.remove(session, session.get_one(Forward, forward), **how)
    post(here, 2)
    run(state)
    assert len(there.came) == 1
    assert row(db, forward).sealed == ""
    with db.reading() as session:
        acts = session.scalars(
            select(AuditRow.act).where(AuditRow.subject == "forward").order_by(AuditRow.id)
        ).all()
    assert acts == ["forward.made", "forward.paused", "forward.resumed", "forward.removed"]


def test_lateness_is_told_by_the_check_and_on_the_start_page(
    state: State, db: Database, here: System, client: FlaskClient
) -> None:
    made(state, here, "http://127.0.0.1:9/xapi")
    with db.transaction() as session:
        home = session.get_one(Institution, here.institution_id)
        admin = factories.person(session, home, "institution_admin")
    factories.sign_in(client, admin)

    def found() -> Finding:
        with db.reader.connect() as connection:
            told = state.hook.lms_findings(connection=connection, hook=state.hook, now=clock.now())
        [one] = [one for some in told for one in some]
        return one

    post(here, 1)
    assert found() == Finding("forwarding", True, "1 stores, none late", fatal=False)
    assert "기록을 전하지 못하고" not in client.get("/manage").text
    with db.transaction() as session:
        raw = xapi_world.encoded({**STATEMENT, "id": name(2)})
        authority = store.Authority("old", "http://example.kr")
        past = clock.now() - timedelta(hours=2)
        forward = session.scalars(select(Forward)).one()
        forward.cursor = session.scalars(select(func.max(Statement.id))).one()
        how = {"authority": authority, "now": past}
        store.add(session.connection(), here.institution_id, [raw], **how)
    assert (found().ok, found().fatal) == (False, False)
    assert "http://127.0.0.1:9/xapi since" in found().text
    run(state)
    assert "ConnectionRefusedError" in found().text
    page = client.get("/manage").text
    assert "기록을 전하지 못하고 있는 곳 1곳" in page
    assert "ConnectionRefusedError" in page


def test_the_pages(state: State, db: Database, here: System, client: FlaskClient) -> None:
    with db.transaction() as session:
        home = session.get_one(Institution, here.institution_id)
        admin = factories.person(session, home, "institution_admin")
    factories.sign_in(client, admin)
    path = "/manage/records/forwards"
    assert "아직 보내는 곳이 없습니다." in client.get(path).text
    given = {
        "name": "교육청",
        "url": "ftp://lrs.example",
        "username": "u",
        "secret": "아주 비밀",
        "version": "2.0.0",
        "reason": "연계",
    }
    wrong = client.post(path, data=given)
    assert wrong.status_code == 422
    assert "https://host/xapi처럼" in wrong.text
    assert "교육청" in wrong.text
    given["url"] = "http://127.0.0.1:9/xapi"
    page = client.post(path, data=given)
    assert page.status_code == 200
    assert "교육청(으)로 보내기 시작합니다" in page.text
    assert "아주 비밀" not in page.text
    [forward] = db_rows(db)
    assert (forward.version, forward.verb, forward.run_id) == ("2.0.0", None, None)
    post(here, 1)
    run(state)
    page = client.get(path)
    assert "ConnectionRefusedError" in page.text
    assert "다시 해 볼" in page.text
    assert client.post(f"{path}/{forward.id}/pause", data={"paused": "1"}).status_code == 422
    how = {"paused": "1", "reason": "점검"}
    assert "멈추었습니다" in client.post(f"{path}/{forward.id}/pause", data=how).text
    how["paused"] = "0"
    assert "다시 보냅니다" in client.post(f"{path}/{forward.id}/pause", data=how).text
    page = client.post(f"{path}/{forward.id}/remove", data={"reason": "끝"})
    assert "지웠습니다" in page.text
    assert "아직 보내는 곳이 없습니다." in page.text


def test_the_commands(state: State, db: Database, here: System) -> None:
    def ask(*told: str) -> str:
        done = CliRunner().invoke(record_store, told, obj=state, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    reason = ("--reason", "시험")
    store_of = ("--url", "http://127.0.0.1:9/xapi", "--username", "u", "--secret", "s")
    told = ask("add-forward", "--name", "far", *store_of, "--verb", "http://x.kr/v", *reason)
    assert told.endswith("\tfar\thttp://127.0.0.1:9/xapi\n")
    post(here, 1, verb={"id": "http://x.kr/v"})
    run(state)
    line = ask("forwards").split("\t")
    assert line[1:5] == ["far", "waits", "0", "0"]
    assert line[5].startswith("unsent since 2")
    assert line[6].startswith("ConnectionRefusedError")
    assert ask("pause-forward", "far", *reason) == "far: paused\n"
    assert "\tpaused\t" in ask("forwards")
    assert ask("pause-forward", "far", "--resume", *reason) == "far: in use\n"
    assert ask("remove-forward", "far", *reason) == "far: removed\n"
    assert ask("forwards") == ""


def db_rows(db: Database) -> list[Forward]:
    with db.reading() as session:
        return list(session.scalars(select(Forward)))


def test_no_more_than_twenty(state: State, here: System) -> None:
    for one in range(forwards.MOST):
        made(state, here, "https://store.example/xapi", name=f"저장소 {one}")
    with pytest.raises(ConflictError, match="20곳"):
        made(state, here, "https://store.example/xapi")


@pytest.mark.parametrize(
    ("url", "private", "fine"),
    [
        ("https://lrs.example/xapi/", False, True),
        ("http://93.184.215.14:8080/xapi", False, True),
        ("ftp://lrs.example/xapi", True, False),
        ("https://user:pass@lrs.example/xapi", True, False),
        ("https://lrs.example/xapi?x=1", True, False),
        ("https://lrs.example/a b", True, False),
        ("https://lrs.example/xapi\r\nX: y", True, False),
        ("https://", True, False),
        ("https://lrs.example:99999/", True, False),
        ("http://localhost/xapi", False, False),
        ("http://a.localhost/xapi", False, False),
        ("http://127.0.0.1/xapi", False, False),
        ("http://127.0.0.1/xapi", True, True),
        ("http://[::1]/xapi", False, False),
        ("http://169.254.169.254/xapi", False, False),
    ],
)
def test_addresses(url: str, private: bool, fine: bool) -> None:
    if fine:
        assert reaching.check_url(url, private=private) == url.rstrip("/")
    else:
        with pytest.raises(InvalidError):
            reaching.check_url(url, private=private)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        *(
            (one, False)
            for one in (
                *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.8.8.8", "0.1.2.3", "100.64.0.1"),
                *("169.254.169.254", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "::1"),
                *("fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1"),
                *("64:ff9b::10.0.0.1", "2002:a00:1::1", "2001:0:a00:1::1"),
            )
        ),
        ("64:ff9b::8.8.8.8", True),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert reaching.is_public(ipaddress.ip_address(address)) is public


def test_a_name_that_leads_inside_is_not_asked(
    there: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(there.url.rpartition(":")[2].partition("/")[0])
    inside = [(2, 1, 6, "", ("8.8.8.8", port)), (2, 1, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(reaching.socket, "getaddrinfo", lambda *_, **__: inside)
    with pytest.raises(reaching.NotPublicError):
        reaching.post("http://good.example/xapi", b"[]", {}, private=False)
    assert there.bodies == []


def test_a_store_that_never_ends_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def dribble() -> None:
        taken, _ = listening.accept()
        with taken:
            taken.recv(1000)
            try:
                while not ended.wait(0.05):
                    taken.sendall(b"H")
            except OSError:
                return

    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/xapi"
        with pytest.raises(OSError):  # noqa: PT011  of whatever kind
            reaching.post(url, b"[]", {}, private=True, whole=0.5)
    finally:
        ended.set()
        thread.join()
        listening.close()
