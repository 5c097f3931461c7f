"""Clients in a closed loop: each sends its next request when the last one was answered.

`drive` is one process with raw sockets and epoll; on a bare view it is itself the limit at some
ten thousand requests a second, so pages and the bare view are driven by `wrk` where it is there.
"""

import json
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 30.0
_LUA = Path(__file__).with_name("replay.lua")

Good = Callable[[int, bytes], bool]
"""Whether an answer (status, body) is the one that was hoped for."""


@dataclass(frozen=True)
class Figures:
    """What a run came to. Milliseconds, but for `seconds`."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p95: float
    p99: float
    client: str

    @property
    def rate(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0


@dataclass
class _Client:
    source: Iterator[bytes]
    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0
    wanted: int = -1


def fine(status: int, _body: bytes) -> bool:
    return status == 200


def drive(
    port: int, sources: Sequence[Iterator[bytes]], *, seconds: float, good: Good = fine
) -> Figures:
    """One client a source, until `seconds` are over or the sources are empty."""
    poller, clients = select.epoll(), dict[int, _Client]()
    for source in sources:
        client = _Client(source, _connect(port))
        clients[client.socket.fileno()] = client
        poller.register(client.socket, select.EPOLLIN)
    took: list[float] = []
    errors, begun = 0, time.perf_counter()
    ends = begun + seconds
    busy = sum(_send(client) for client in clients.values())
    while busy:
        ready = poller.poll(_PATIENCE)
        if not ready:
            errors += busy
            break
        for handle, _event in ready:
            client = clients[handle]
            answer = _receive(client)
            if answer is None:
                continue
            now = time.perf_counter()
            took.append(now - client.sent_at)
            errors += not good(*answer)
            if now >= ends or not _send(client):
                busy -= 1
    elapsed = time.perf_counter() - begun
    for client in clients.values():
        client.socket.close()
    poller.close()
    return _figures(took, elapsed, errors, "own")


def wrk(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> Figures:
    """The same requests over and over, by wrk: for what may be asked any number of times."""
    with tempfile.NamedTemporaryFile("wb", suffix=".requests") as file:
        for one in requests:
            file.write(b"%d\n" % len(one) + one)
        file.flush()
        done = subprocess.run(
            [
                "wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "30s",
                "-s", str(_LUA), f"http://127.0.0.1:{port}", "--", file.name,
            ],
            capture_output=True,
            text=True,
            check=True,
        )  # fmt: skip
    told = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    return Figures(**json.loads(told), client="wrk")


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def request(
    method: str, path: str, *, port: int, cookie: str = "", body: bytes | None = None
) -> bytes:
    """The bytes of a request, as a browser on our own pages sends it."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: localhost:{port}",
        f"User-Agent: {AGENT}",
        "Accept-Language: ko",
        "Sec-Fetch-Site: same-origin",
    ]
    if cookie:
        lines.append(f"Cookie: {cookie}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    else:
        lines.append("Accept: text/html")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


AGENT = "Mozilla/5.0 (Linux; Android 15) Chrome/150"


def _connect(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _send(client: _Client) -> bool:
    following = next(client.source, None)
    if following is None:
        return False
    client.received.clear()
    client.wanted = -1
    client.sent_at = time.perf_counter()
    client.socket.sendall(following)
    return True


def _receive(client: _Client) -> tuple[int, bytes] | None:
    """The whole answer; None while some of it is to come. Raises OSError if the server hangs up."""
    some = client.socket.recv(1 << 18)
    if not some:
        raise ConnectionError("the server closed the connection")
    client.received += some
    if client.wanted < 0:
        head = client.received.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(client.received, 0, head)
        client.wanted = head + 4 + (int(length[1]) if length else 0)
    if len(client.received) < client.wanted:
        return None
    head = client.received.find(b"\r\n\r\n")
    return int(client.received[9:12]), bytes(client.received[head + 4 :])


def _figures(took: list[float], elapsed: float, errors: int, client: str) -> Figures:
    ordered = sorted(took)

    def at(share: float) -> float:
        if not ordered:
            return 0.0
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2)

    return Figures(len(took), elapsed, errors, at(0.5), at(0.95), at(0.99), client)
