"""The reader of multipart/mixed: what was put in comes out, and whatever comes in is answered."""

import random
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as some

from lms.errors import LMSError
from lms.xapi import attachments
from lms.xapi.resources import multipart
from lms.xapi.resources.multipart import Part, boundary, parse
from lms.xapi.statement import read_all
from tests.xapi_files import TEXT, attachment, body, json_part, part, send_raw, stated
from tests.xapi_world import STATEMENT, number, system

_BCHARS = "0123456789abcxyzABCXYZ'()+_,-./:=?"
_boundaries = some.builds(
    str.__add__, some.text(_BCHARS + " ", max_size=69), some.text(_BCHARS, min_size=1, max_size=1)
)
_tricky = some.lists(
    some.sampled_from([b"\r\n", b"--", b"\r", b"\n", b"a", b"-", b": ", b"\x00", b" "]), max_size=12
)
_data = some.binary(max_size=200) | _tricky.map(b"".join)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(divided=_boundaries, datas=some.lists(_data, min_size=1, max_size=5), around=_data)
def test_bytes_come_out_as_they_went_in(divided: str, datas: list[bytes], around: bytes) -> None:
    """As RFC 2046 5.1.1 says: the boundary stands nowhere in what it divides."""
    line = b"--" + divided.encode()
    if any(line in b"\r\n" + one + b"\r\n" for one in [*datas, around]):
        return
    sent = body(*[b"X: y\r\n\r\n" + one for one in datas], boundary=divided)
    found = [Part({"x": "y"}, one) for one in datas]
    assert boundary(f'multipart/mixed; boundary="{divided}"') == divided.encode()
    assert parse(sent, divided.encode()) == found
    assert parse(around + b"\r\n" + sent + around, divided.encode()) == found
    assert parse(sent.replace(line + b"\r\n", line + b" \t\r\n"), divided.encode()) == found


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"--a\r\n\r\n\r\n--a--", [Part({}, b"")]),
        (b"--a\r\n\r\nx\r\n--a--", [Part({}, b"x")]),
        (b"--a\r\nX: 1\r\n\r\n--a--", [Part({"x": "1"}, b"")]),
        (b"--a\r\nX: 1\r\n\r\n\r\n--a--", [Part({"x": "1"}, b"")]),
        (b"--a\r\nX: 1\r\n\t2\r\nY:3 \r\n\r\n\r\n--a--", [Part({"x": "1 2", "y": "3"}, b"")]),
        (b"--a\r\n\r\nx\r\n--ab\r\n--a--", [Part({}, b"x\r\n--ab")]),
        (b"--a\r\n\r\nx\r\n--a--b\r\n--a--", [Part({}, b"x\r\n--a--b")]),
        (b"--a\r\n\r\nx--a--\r\n--a--", [Part({}, b"x--a--")]),
        (b"--a\r\n\r\nx\r\n--a--\r\n--a\r\n\r\ny\r\n--a--", [Part({}, b"x")]),
    ],
)
def test_parts_are_read_as_the_rule_has_them(sent: bytes, found: list[Part]) -> None:
    assert parse(sent, b"a") == found


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"--a",
        b"--a--",
        b"--a\r\n",
        b"--a\r\n--a--",
        b"--a\r\n\r\nx",
        b"--a\r\n\r\nx\r\n--a",
        b"--a\r\n\r\nx\r\n--a-",
        b"--a\n\nx\n--a--",
        b"--a\r\n\r\nx\n--a--",
        b"--a\r\nX: 1\r\n--a--",
        b"--a\r\nX\r\n\r\n\r\n--a--",
        b"--a\r\nX : \r1\r\n\r\n\r\n--a--",
        b"--a\r\n\xff: 1\r\n\r\n\r\n--a--",
        b"x--a\r\n\r\nx\r\n--a--",
    ],
)
def test_what_is_not_divided_rightly_is_refused(sent: bytes) -> None:
    with pytest.raises(LMSError):
        parse(sent, b"a")


OTHER = b"\x89PNG\r\n\x1a\n"
SENT = body(
    json_part([stated(attachment(TEXT), attachment(OTHER, contentType="image/png")), STATEMENT]),
    part(TEXT),
    part(OTHER, Content_Type="image/png"),
    boundary="a",
)
_PIECES = (b"\r\n", b"--a", b"--a--", b"\r\n--a\r\n", b"\n", b":", b'"', b"{", b"\x00", b"\xff")


def mutated(dice: random.Random) -> bytes:
    sent = bytearray(SENT)
    for _ in range(dice.randint(1, 4)):
        at, other = sorted(dice.randrange(len(sent) + 1) for _ in range(2))
        other = min(other, at + 40)
        piece = dice.choice([dice.choice(_PIECES), bytes(sent[at:other]), dice.randbytes(3), b""])
        sent[at : dice.choice([at, other])] = piece
    return bytes(sent)


def test_ten_thousand_hostile_requests_are_taken_or_refused() -> None:
    dice = random.Random(1)  # noqa: S311  the same ones each time
    refused = 0
    for _ in range(10_000):
        try:
            first, files = multipart.read(mutated(dice), "multipart/mixed; boundary=a")
            statements = read_all([first], version="2.0.0", with_files=True)
            attachments.match(statements, files)
        except LMSError:
            refused += 1
    assert refused > 5_000


def test_hostile_requests_are_answered_and_never_by_a_fault(sqlite_app: Flask) -> None:
    vendor = system(sqlite_app)
    dice = random.Random(2)  # noqa: S311  the same ones each time
    codes: dict[int, int] = {}
    for _ in range(300):
        data: Any = mutated(dice)
        answer = send_raw(vendor, data, content_type="multipart/mixed; boundary=a")
        codes[answer.status_code] = codes.get(answer.status_code, 0) + 1
    assert set(codes) == {200, 400}
    assert number(sqlite_app) == codes[200] * 2
