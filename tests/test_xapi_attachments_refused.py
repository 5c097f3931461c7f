"""Files with statements that are refused: Communication 1.5.2, Data 2.4.11, by requirement."""

from dataclasses import replace

import pytest
from flask import Flask

from lms.files import Storage
from lms.people.models import Institution
from lms.xapi.resources import multipart
from tests.xapi_files import (
    BOUNDARY,
    TEXT,
    attachment,
    body,
    json_part,
    part,
    rows,
    send,
    send_raw,
    sha,
    stated,
)
from tests.xapi_samples import ID
from tests.xapi_world import STATEMENT, System, number, system


@pytest.fixture
def vendor(app: Flask) -> System:
    return system(app)


@pytest.fixture
def quick(sqlite_app: Flask) -> System:
    return system(sqlite_app)


@pytest.fixture(params=["1.0.3", "2.0.0"])
def both(request: pytest.FixtureRequest, quick: System) -> System:
    """In each version."""
    return replace(quick, version=request.param)


def test_a_part_is_matched_by_its_hash_alone(quick: System) -> None:
    """1.5.2.s1.b4: the same bytes under another hash are not the ones that were named."""
    value = stated(attachment(TEXT, sha2=sha(TEXT, "sha512")))
    assert send(quick, value, part(TEXT)).status_code == 400


SPOKEN = stated(attachment(TEXT))
WRONG: dict[str, tuple[list[bytes], str, str]] = {
    "no file": ([json_part(SPOKEN)], "$.attachments[0].sha2", "1.5.2.s3.b5"),
    "a file of one of two": (
        [json_part([SPOKEN, stated(attachment(b"x"))]), part(TEXT)],
        "$[1].attachments[0].sha2",
        "1.5.2.s3.b5",
    ),
    "a file that nobody names": (
        [json_part(SPOKEN), part(TEXT), part(b"x")],
        "parts[2].X-Experience-API-Hash",
        "1.5.2.s2.b2.b2",
    ),
    "a file without attachments": (
        [json_part(STATEMENT), part(TEXT)],
        "parts[1].X-Experience-API-Hash",
        "1.5.2.s2.b2.b2",
    ),
    "first part no JSON": (
        [json_part(SPOKEN, "text/plain"), part(TEXT)],
        "parts[0].Content-Type",
        "1.5.2.s2.b2.b1",
    ),
    "first part without a type": (
        [json_part(SPOKEN, None), part(TEXT)],
        "parts[0].Content-Type",
        "1.5.2.s2.b2.b1",
    ),
    "files first": ([part(TEXT), json_part(SPOKEN)], "parts[0].Content-Type", "1.5.2.s2.b2.b1"),
    "first part encoded": (
        [b"Content-Transfer-Encoding: base64\r\n" + json_part(SPOKEN), part(TEXT)],
        "parts[0].Content-Transfer-Encoding",
        "1.5.2.s2.b2.b4",
    ),
    "first part not a statement": ([json_part(b"{}"), part(TEXT)], "$.actor", "actor"),
    "first part cut": ([json_part(b"{"), part(TEXT)], "$", "truncated"),
    "no hash": (
        [json_part(SPOKEN), part(TEXT, X_Experience_API_Hash=None)],
        "parts[1].X-Experience-API-Hash",
        "1.5.2.s2.b2.b3",
    ),
    "a hash of other bytes": (
        [json_part(stated(attachment(b"x"))), part(TEXT, X_Experience_API_Hash=sha(b"x"))],
        "parts[1].X-Experience-API-Hash",
        "2.4.11",
    ),
    "a hash that is none": (
        [json_part(SPOKEN), part(TEXT, X_Experience_API_Hash="x")],
        "parts[1].X-Experience-API-Hash",
        "2.4.11",
    ),
    "no transfer encoding": (
        [json_part(SPOKEN), part(TEXT, Content_Transfer_Encoding=None)],
        "parts[1].Content-Transfer-Encoding",
        "1.5.2.s2.b2.b4",
    ),
    "another transfer encoding": (
        [json_part(SPOKEN), part(TEXT, Content_Transfer_Encoding="base64")],
        "parts[1].Content-Transfer-Encoding",
        "1.5.2.s2.b2.b4",
    ),
    "another type": (
        [json_part(SPOKEN), part(TEXT, Content_Type="image/png")],
        "$.attachments[0].contentType",
        "1.5.2.s2.b2.b7",
    ),
    "another length in the part": (
        [json_part(SPOKEN), part(TEXT, Content_Length="26")],
        "parts[1].Content-Length",
        "1.5.2.s2.b2.b7",
    ),
    "another length in the attachment": (
        [json_part(stated(attachment(TEXT, length=26))), part(TEXT, Content_Length="27")],
        "$.attachments[0].length",
        "Content-Length, 27",
    ),
    "a header twice": (
        [json_part(SPOKEN), b"Content-Type: text/plain\r\n" + part(TEXT)],
        "parts[1].Content-Type",
        "once",
    ),
    "a header without a colon": ([json_part(SPOKEN), b"x\r\n" + part(TEXT)], "parts[1]", "value"),
    "headers that are no UTF-8": (
        [json_part(SPOKEN), b"x: \xff\r\n" + part(TEXT)],
        "parts[1]",
        "UTF-8",
    ),
    "endless headers": (
        [json_part(SPOKEN), b"x: " + b"x" * 9_000 + b"\r\n" + part(TEXT)],
        "parts[1]",
        "8 KiB",
    ),
    "headers that end nowhere": ([json_part(SPOKEN), b"x: y"], "parts[1]", "empty line"),
    "no part": ([], "content", "boundary"),
}


def test_broken_rules_are_400_with_their_place_and_nothing_is_kept(both: System) -> None:
    for name, (parts, path, rule) in WRONG.items():
        answer = send_raw(both, body(*parts))
        error = answer.get_json()["error"]
        assert (name, answer.status_code, error["path"]) == (name, 400, path)
        assert rule in error["message"]
    assert (number(both.app), rows(both)) == (0, [])


UNBOUNDED = [
    ("multipart/mixed", "Content-Type"),
    ("multipart/mixed; charset=utf-8", "Content-Type"),
    ("multipart/mixed; boundary=", "Content-Type"),
    ('multipart/mixed; boundary=""', "Content-Type"),
    ('multipart/mixed; boundary="a', "Content-Type"),
    ("multipart/mixed; boundary=a; boundary=b", "Content-Type"),
    ('multipart/mixed; boundary="a "', "Content-Type"),
    ("multipart/mixed; boundary=a*b", "Content-Type"),
    (f"multipart/mixed; boundary={'a' * 71}", "Content-Type"),
    ("multipart/mixed; boundary=another", "content"),
    ("multipart/form-data; boundary=another", "Content-Type"),
    ("multipart/related; boundary=another", "Content-Type"),
]


def test_a_boundary_must_be_said(both: System) -> None:
    for given, path in UNBOUNDED:
        answer = send(both, STATEMENT, content_type=given)
        found = (given, answer.status_code, answer.get_json()["error"]["path"])
        assert found == (given, 400, path)
    assert number(both.app) == 0


def test_a_boundary_stands_with_quotes_or_without(quick: System) -> None:
    for given in (
        f"multipart/mixed; boundary={BOUNDARY}",
        f'MULTIPART/Mixed;charset=utf-8 ; BOUNDARY="{BOUNDARY}" ;',
        f'multipart/mixed; boundary="\\{BOUNDARY}"',
    ):
        assert send(quick, STATEMENT, content_type=given).status_code == 200


def test_a_refused_batch_leaves_no_rows(vendor: System) -> None:
    """All or nothing: a conflict is found after the files are in storage."""
    vendor.post({**STATEMENT, "id": ID})
    other = stated(attachment(TEXT), id=ID, result={"success": True})
    answer = send(vendor, [stated(attachment(TEXT)), other], part(TEXT))
    assert answer.status_code == 409
    assert (number(vendor.app), rows(vendor)) == (1, [])
    # Bytes that nobody names may stay; no row leads to them.
    storage: Storage = vendor.app.extensions["lms"].storage
    assert storage.path(sha(TEXT)).read_bytes() == TEXT


def test_the_same_statement_again_changes_nothing(quick: System) -> None:
    """2.1.2.s2.b4; attachments are no part of a comparison (Data 2.3.1.b6)."""
    quick.post({**STATEMENT, "id": ID})
    assert send(quick, stated(attachment(TEXT), id=ID), part(TEXT)).status_code == 200
    assert rows(quick) == []


def limit(vendor: System, **settings: int) -> None:
    with vendor.app.extensions["lms"].db.transaction() as session:
        session.get_one(Institution, vendor.institution_id).settings = settings


def test_an_institution_sets_how_much_it_takes(quick: System) -> None:
    """1.5.2.s3.b7."""
    large = bytes((1 << 20) + 1)
    value = stated(attachment(large, contentType="text/plain"))
    assert send(quick, value, part(large)).status_code == 200
    limit(quick, attachment_mb=1, attachments_mb=2)
    for parts, told_limits in (
        ([part(large)], "1 MB"),
        ([part(large), part(large + b"x")], "2 MB"),
    ):
        answer = send(quick, value, *parts)
        assert answer.status_code == 413
        assert told_limits in answer.get_json()["error"]["message"]
    exact = bytes(1 << 20)
    assert send(quick, stated(attachment(exact)), part(exact)).status_code == 200
    assert number(quick.app) == 2


def test_a_request_has_so_many_parts_and_no_more(quick: System) -> None:
    parts = [part(TEXT)] * multipart.MOST_PARTS
    assert send(quick, SPOKEN, *parts).status_code == 413
    assert send(quick, SPOKEN, *parts[1:]).status_code == 200
    assert len(rows(quick)) == 1
