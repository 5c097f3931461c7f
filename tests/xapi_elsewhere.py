"""Another record store, that takes, refuses, is away or dies as a test wants it."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

USERNAME, SECRET = "them", "ours: with a colon"


@dataclass
class Elsewhere:
    """What came, in the order in which it came; `answers` says what is answered."""

    url: str = ""
    came: list[list[bytes]] = field(default_factory=list)
    """Each request's statements as they were sent."""

    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: Callable[[list[dict[str, Any]]], tuple[int, dict[str, str]]] = lambda _said: (200, {})

    @property
    def ids(self) -> list[list[str]]:
        return [[msgspec.json.decode(raw)["id"] for raw in request] for request in self.came]


@contextmanager
def serving() -> Iterator[Elsewhere]:
    there = Elsewhere()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.bodies.append(body)
            there.headers.append({name.lower(): value for name, value in self.headers.items()})
            wanted = base64.b64encode(f"{USERNAME}:{SECRET}".encode()).decode()
            if self.headers["Authorization"] != f"Basic {wanted}":
                return self.tell(401, {}, [])
            if self.headers["Content-Type"].startswith("multipart/"):
                body = body.split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0]
            raws = [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])]
            there.came.append(raws)
            said = [msgspec.json.decode(raw) for raw in raws]
            status, headers = there.answers(said)
            return self.tell(status, headers, [one["id"] for one in said])

        def tell(self, status: int, headers: dict[str, str], ids: list[str]) -> None:
            body = msgspec.json.encode(ids if status == 200 else {"error": "no"})
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.url = f"http://127.0.0.1:{server.server_port}/xapi"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
