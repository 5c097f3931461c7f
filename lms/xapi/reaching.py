"""Requests to hosts that somebody typed in: to the public internet alone, and never for long.

The host is looked up once and that very address is connected to, so that no name can mean one
machine when it is checked and another when it is asked (SSRF).
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from lms.errors import InvalidError

CONNECT = 10.0
"""Seconds for a connection, and for each piece of an answer."""

WHOLE = 60.0
"""Seconds for a request with all of its answer."""

_MOST_ANSWER = 1 << 20
_MOST_URL = 500
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NOT_URL = (
    "주소를 https://host/xapi처럼 적어 주십시오. 사용자 이름과 비밀 값은 따로 적고, "
    "주소에 ?나 #는 넣지 않습니다."
)
_PRIVATE = "{host}은(는) 공개된 인터넷의 주소가 아니어서 보낼 수 없습니다."

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublicError(OSError):
    """The host is, or may be, inside a private network."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""

    body: bytes
    """Its first megabyte."""


def check_url(url: str, *, private: bool) -> str:
    """The address without a slash at its end. Raises InvalidError (field «url»).

    What a name means is looked up each time that it is asked, and not here.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise InvalidError(_NOT_URL, field="url") from None
    wrong = (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username is not None
        or parts.query
        or parts.fragment
        or port == 0
        or len(url) > _MOST_URL
        or not url.strip().isascii()
        or any(one.isspace() for one in url.strip())
    )
    if wrong:
        raise InvalidError(_NOT_URL, field="url")
    if not private and not _may_be_public(parts.hostname or ""):
        raise InvalidError(_PRIVATE, field="url", host=parts.hostname)
    return url.strip().rstrip("/")


def post(
    url: str,
    body: bytes | Iterable[bytes],
    headers: Mapping[str, str],
    *,
    private: bool,
    whole: float = WHOLE,
) -> Answer:
    """Ask once; redirects are answers like any other. Raises OSError, NotPublicError among them."""
    parts = urlsplit(url)
    with _connected(parts, private=private) as connection, _limit(connection, whole):
        try:
            connection.request("POST", parts.path, body=body, headers=dict(headers))
            answer = connection.getresponse()
            found = answer.read(_MOST_ANSWER)
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"no answer of HTTP: {type(error).__name__}") from error
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, told, found)


def is_public(address: Address) -> bool:
    """Whether an address is of the public internet, and none that stands for another inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _may_be_public(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return is_public(ipaddress.ip_address(host))
    except ValueError:
        return True


class _Connection(http.client.HTTPConnection):
    """To an address that was looked up before, under the name that was typed in."""

    def __init__(self, parts: SplitResult, address: str) -> None:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        super().__init__(parts.hostname or "", port, timeout=CONNECT)
        self._address = address
        self._tls = parts.scheme == "https"

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), CONNECT)
        if not self._tls:
            self.sock = plain
            return
        try:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


@contextmanager
def _connected(parts: SplitResult, *, private: bool) -> Iterator[_Connection]:
    connection = _connect(parts, private=private)
    try:
        yield connection
    finally:
        connection.close()


def _connect(parts: SplitResult, *, private: bool) -> _Connection:
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not private:
        for one in addresses:
            if not is_public(ipaddress.ip_address(one.partition("%")[0])):
                raise NotPublicError(f"{host} is not of the public internet")
    problem: OSError = OSError(f"{host} has no address")
    for one in addresses:
        connection = _Connection(parts, one)
        try:
            connection.connect()
        except OSError as error:
            problem = error
        else:
            return connection
    raise problem


@contextmanager
def _limit(connection: _Connection, whole: float) -> Iterator[None]:
    """Ends the connection after so many seconds, however slowly bytes still come."""

    def end() -> None:
        if connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself

    timer = threading.Timer(whole, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
