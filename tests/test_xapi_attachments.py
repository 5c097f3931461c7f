"""Files with statements: Communication 1.5.1, 1.5.2 and 2.1.3, Data 2.4.11, by requirement."""

import json
import tracemalloc
import uuid
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from structlog.testing import capture_logs

from lms.files import Storage
from lms.xapi import vocabulary
from lms.xapi.objects import Held
from lms.xapi.resources import multipart
from tests.xapi_files import (
    TEXT,
    attachment,
    files_of,
    part,
    parts_of,
    rows,
    send,
    send_raw,
    sha,
    stated,
    told,
)
from tests.xapi_samples import ID, encoded
from tests.xapi_world import STATEMENT, System, number, system

FILE_URL = "http://example.kr/file"
OTHER = b"\x00\xff\r\n--\r\n\r\n\x1a"
EXAMPLE = (
    b"\r\n--abcABC0123'()+_,-./:=?\r\nContent-Type:application/json\r\n\r\n"
    b'{"actor":{"mbox":"mailto:sample.agent@example.com","name":"Sample Agent",'
    b'"objectType":"Agent"},"verb":{"id":"http://adlnet.gov/expapi/verbs/answered",'
    b'"display":{"en-US":"answered"}},"object":'
    b'{"id":"http://www.example.com/tincan/activities/multipart","objectType":"Activity"},'
    b'"attachments":[{"usageType":"http://example.com/attachment-usage/test",'
    b'"display":{"en-US":"A test attachment"},"contentType":"text/plain; charset=ascii",'
    b'"length":27,"sha2":"495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a"}]}'
    b"\r\n--abcABC0123'()+_,-./:=?\r\nContent-Type:text/plain\r\n"
    b"Content-Transfer-Encoding:binary\r\nX-Experience-API-Hash:"
    b"495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a\r\n\r\n"
    b"here is a simple attachment\r\n--abcABC0123'()+_,-./:=?--\r\n"
)
"""Of Communication 1.5.2.s6, with its line breaks."""


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


def test_files_come_back_with_their_statements(vendor: System) -> None:
    """1.5.2.s3.b1 and b4, 2.1.3.s2.b6; one part for a file of two statements (s2.b2.b5)."""
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    statements = [
        stated(attachment(TEXT), attachment(OTHER, contentType="image/png"), id=first.upper()),
        stated(attachment(TEXT), attachment(b"elsewhere", fileUrl=FILE_URL), id=second),
        STATEMENT,
    ]
    picture = part(OTHER, Content_Type="image/png")
    answer = send(vendor, statements, part(TEXT), picture)
    assert answer.status_code == 200, answer.data
    home = vendor.institution_id
    assert rows(vendor) == [
        (home, first, 0, sha(TEXT), sha(TEXT), len(TEXT)),
        (home, first, 1, sha(OTHER), sha(OTHER), len(OTHER)),
        (home, second, 0, sha(TEXT), sha(TEXT), len(TEXT)),
    ]
    both = [told(TEXT), told(OTHER, "image/png")]
    for query, files in (
        ({"statementId": first}, both),
        ({"statementId": second}, both[:1]),
        ({"statementId": answer.get_json()[2]}, []),
        ({}, both),
        ({"limit": "1"}, []),
        ({"limit": "2"}, both[:1]),
        ({"verb": "http://example.kr/never"}, []),
    ):
        alone = vendor.get(**query)
        together = vendor.get(**query, attachments="true")
        assert (alone.mimetype, together.mimetype) == ("application/json", "multipart/mixed")
        said, with_files = alone.get_json(), json.loads(parts_of(together)[0][1])
        assert {**said, "more": ""} == {**with_files, "more": ""}
        assert files_of(together) == files
        assert int(together.headers["Content-Length"]) == len(together.data)
        assert together.headers.get("Last-Modified") == alone.headers.get("Last-Modified")


def test_a_length_is_held_against_the_parts_own_alone(both: System) -> None:
    """1.5.2.s1.b4 and s2.b2.b7; the signed example of the standard (Data D) is four octets off."""
    wrong = stated(attachment(TEXT, length=len(TEXT) - 4))
    answer = send(both, wrong, part(TEXT))
    assert answer.status_code == 200, answer.data
    [id_] = answer.get_json()
    kept = both.get(statementId=id_, attachments="true")
    assert json.loads(parts_of(kept)[0][1])["attachments"] == wrong["attachments"]
    assert files_of(kept) == [told(TEXT)]
    assert send(both, wrong, part(TEXT, Content_Length=str(len(TEXT)))).status_code == 400


def test_the_next_page_has_its_files_too(quick: System) -> None:
    datas = [b"one", b"two", b"three"]
    for data in datas:
        assert send(quick, stated(attachment(data)), part(data)).status_code == 200
    answer = quick.get(attachments="true", limit="1")
    found = []
    while True:
        found += files_of(answer)
        more = json.loads(parts_of(answer)[0][1])["more"]
        if not more:
            break
        answer = quick.ask("GET", more)
    assert found == [told(data) for data in reversed(datas)]
    # Without files, the pages are JSON all the way.
    assert quick.ask("GET", quick.get(limit="1").get_json()["more"]).mimetype == "application/json"


def test_a_voided_statement_keeps_its_file(quick: System) -> None:
    [id_] = send(quick, stated(attachment(TEXT)), part(TEXT)).get_json()
    reference = {"objectType": "StatementRef", "id": id_}
    quick.post({**STATEMENT, "verb": {"id": vocabulary.VOIDED}, "object": reference})
    assert files_of(quick.get(voidedStatementId=id_, attachments="true")) == [told(TEXT)]
    assert files_of(quick.get(attachments="true")) == []


def test_the_example_of_the_standard_is_taken(both: System) -> None:
    answer = send_raw(both, EXAMPLE)
    assert answer.status_code == 200, answer.data
    assert files_of(both.get(attachments="true")) == [told(TEXT)]


def test_a_multipart_without_files_is_taken(both: System) -> None:
    """1.5.2.s3.b8 and b9."""
    for value in (
        STATEMENT,
        [],
        [STATEMENT, STATEMENT],
        stated(attachment(TEXT, fileUrl=FILE_URL)),
        [STATEMENT, stated(attachment(TEXT, fileUrl=FILE_URL), attachment(b"", fileUrl=FILE_URL))],
    ):
        answer = send(both, value)
        assert answer.status_code == 200, answer.data
    assert rows(both) == []


def test_put_takes_files_as_post_does(both: System) -> None:
    answer = send(
        both, stated(attachment(TEXT)), part(TEXT), method="PUT", query_string={"statementId": ID}
    )
    assert (answer.status_code, answer.data) == (204, b"")
    assert files_of(both.get(statementId=ID, attachments="true")) == [told(TEXT)]
    again = send(both, [STATEMENT], method="PUT", query_string={"statementId": ID})
    assert (again.status_code, again.get_json()["error"]["path"]) == (400, "$")


def test_json_takes_attachments_with_an_address_only(both: System) -> None:
    """1.5.1.s1.b1 and b2; 1.5.2.s2.b1."""
    assert both.post(STATEMENT).status_code == 200
    assert both.post([stated(attachment(TEXT, fileUrl=FILE_URL))]).status_code == 200
    sub = {**stated(attachment(TEXT)), "objectType": "SubStatement"}
    for value, path in (
        (stated(attachment(TEXT)), "$.attachments[0].fileUrl"),
        ([STATEMENT, stated(attachment(TEXT))], "$[1].attachments[0].fileUrl"),
        ({**STATEMENT, "object": sub}, "$.object.attachments[0].fileUrl"),
    ):
        answer = both.post(value)
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, path)
    assert number(both.app) == 2


def test_a_sub_statements_file_comes_too(quick: System) -> None:
    sub = {**stated(attachment(TEXT)), "objectType": "SubStatement"}
    refused = send(quick, {**STATEMENT, "object": sub})
    assert refused.get_json()["error"]["path"] == "$.object.attachments[0].sha2"
    [id_] = send(quick, {**STATEMENT, "object": sub}, part(TEXT)).get_json()
    assert files_of(quick.get(statementId=id_, attachments="true")) == [told(TEXT)]


@pytest.mark.parametrize("name", ["sha224", "sha256", "sha384", "sha512"])
def test_every_sha2_is_taken_and_held_against_the_bytes(quick: System, name: str) -> None:
    named = sha(TEXT, name).upper()
    value = stated(attachment(TEXT, sha2=named))
    [id_] = send(quick, value, part(TEXT, X_Experience_API_Hash=named.lower())).get_json()
    answer = quick.get(statementId=id_, attachments="true")
    assert files_of(answer) == [(named, *told(TEXT)[1:])]
    wrong = sha(b"other", name)
    refused = send(
        quick, stated(attachment(TEXT, sha2=wrong)), part(TEXT, X_Experience_API_Hash=wrong)
    )
    error = refused.get_json()["error"]
    assert (refused.status_code, error["path"]) == (400, "parts[1].X-Experience-API-Hash")
    assert sha(TEXT) in error["message"]


def test_attachments_is_true_or_false(both: System) -> None:
    """2.1.3.s2.b7: application/json unless it is true."""
    send(both, stated(attachment(TEXT)), part(TEXT))
    for query in ({}, {"attachments": "false"}):
        assert both.get(**query).mimetype == "application/json"
    for wrong in ("", "True", "1", "yes"):
        answer = both.get(attachments=wrong)
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, "attachments")


def test_head_answers_as_get_does(quick: System) -> None:
    [id_] = send(quick, stated(attachment(TEXT)), part(TEXT)).get_json()
    query = {"statementId": id_, "attachments": "true"}
    head, get = quick.ask("HEAD", query_string=query), quick.get(**query)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert head.mimetype == get.mimetype == "multipart/mixed"


def test_no_institution_gets_anothers_files(quick: System) -> None:
    stranger = system(quick.app)
    for each, data in ((quick, TEXT), (stranger, OTHER)):
        send(each, stated(attachment(data), id=ID), part(data))
    for query in ({}, {"statementId": ID}):
        assert files_of(quick.get(**query, attachments="true")) == [told(TEXT)]
        assert files_of(stranger.get(**query, attachments="true")) == [told(OTHER)]


def test_one_file_under_two_types_is_given_with_each(quick: System) -> None:
    """What the part and the attachment both say is the same on the way out too (s2.b2.b7)."""
    named = [attachment(TEXT), attachment(TEXT, contentType="text/csv"), attachment(TEXT)]
    answer = send(quick, stated(*named), part(TEXT), part(TEXT, Content_Type="text/csv"))
    assert answer.status_code == 200, answer.data
    found = files_of(quick.get(attachments="true"))
    assert found == [told(TEXT), told(TEXT, "text/csv")]


def test_what_is_said_of_a_file_breaks_no_line_of_the_answer(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    sha256, size = storage.put(TEXT)
    held = Held(sha256, "text/plain\r\nX-Evil: 1\r\n\r\n\x85가\u2028;", sha256, size)
    answer = multipart.answer(b"{}", [held], storage)
    limits = multipart.boundary(answer.headers["Content-Type"])
    first, file = multipart.parse(answer.get_data(), limits)
    assert first == ({"content-type": "application/json"}, b"{}")
    assert file.data == TEXT
    assert sorted(file.headers) == [
        "content-length",
        "content-transfer-encoding",
        "content-type",
        "x-experience-api-hash",
    ]


def test_files_are_streamed(tmp_path: Path) -> None:
    """Of 24 MiB, no more than a piece is in memory at once."""
    storage = Storage(tmp_path)
    kept = [storage.put(bytes([one]) * (8 << 20)) for one in range(3)]
    files = [Held(sha256, "text/plain", sha256, size) for sha256, size in kept]
    answer = multipart.answer(b"{}", files, storage)
    tracemalloc.start()
    total = sum(len(piece) for piece in answer.response)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == answer.content_length > 24 << 20
    assert peak < 1 << 20


def test_a_lost_file_is_told_in_the_log_and_hides_nothing_else(quick: System) -> None:
    value = stated(attachment(TEXT), attachment(OTHER))
    [id_] = send(quick, value, part(TEXT), part(OTHER)).get_json()
    storage: Storage = quick.app.extensions["lms"].storage
    storage.path(sha(TEXT)).unlink()
    with capture_logs() as lines:
        answer = quick.get(statementId=id_, attachments="true")
    assert files_of(answer) == [told(OTHER)]
    assert [line["sha256"] for line in lines if line["event"] == "attachment lost"] == [sha(TEXT)]
    assert json.loads(parts_of(answer)[0][1]) == quick.get(statementId=id_).get_json()


def test_what_a_statement_says_of_files_comes_back_as_it_was(quick: System) -> None:
    raw = encoded(STATEMENT)[:-1] + b',"attachments":[' + msgspec.json.encode(attachment(TEXT))
    [id_] = send(quick, raw + b"  ]}", part(TEXT)).get_json()
    answer = quick.get(statementId=id_, attachments="true")
    assert b'"attachments":[' + msgspec.json.encode(attachment(TEXT)) in answer.data
