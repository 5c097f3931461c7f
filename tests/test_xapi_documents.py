"""States and profiles: what is kept is given back (Communication 2.2, 2.3, 2.6, 2.7)."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update
from werkzeug.http import parse_date

from lms.xapi import documents
from lms.xapi.models import Document
from tests import documents_world
from tests.documents_world import ACCOUNT, ONE, TWO, Shelf, rows, shelf
from tests.xapi_samples import encoded
from tests.xapi_world import system

one_app = documents_world.one_app
spoken = documents_world.spoken
kept = documents_world.kept
states = documents_world.states


# One document


def test_document_of_any_type_is_given_back_as_it_came(kept: Shelf) -> None:
    """1.5.b1; 3.1.s4.b1, b2, b4; 2.2.s6.b1."""
    for n, (kind, content) in enumerate(
        [
            ("application/json", b'{ "a" : 1.50,\n"b":[null] }'),
            ("application/json; charset=utf-8", b"[1, 2]"),
            ("image/png", bytes(range(256))),
            ("text/plain; charset=euc-kr", "가".encode("euc-kr")),
            ("application/octet-stream", b""),
        ]
    ):
        assert kept.put(content, str(n), kind=kind) == 204
        got = kept.get(str(n))
        assert (got.status_code, got.data, got.headers["Content-Type"]) == (200, content, kind)
        assert (
            got.headers["ETag"] == f'"{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"'
        )
        assert parse_date(got.headers["Last-Modified"]) is not None


def test_document_without_a_type_is_bytes(kept: Shelf) -> None:
    assert kept.ask("PUT", data=b"\x00", headers=kept.now()).status_code == 204
    assert kept.get().headers["Content-Type"] == "application/octet-stream"


def test_document_runs_nothing_under_our_address(kept: Shelf) -> None:
    kept.put(b"<script>alert(1)</script>", kind="text/html")
    headers = kept.get().headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_large_document_keeps_its_tag(kept: Shelf) -> None:
    """3.1.s4.b3: the tag is of what is not packed, so it is not packed."""
    content = encoded({"a": "x" * 5_000})
    kept.put(content)
    got = kept.get(headers={"Accept-Encoding": "gzip"})
    assert (got.data, got.headers.get("Content-Encoding")) == (content, None)


def test_head_tells_what_get_tells(kept: Shelf) -> None:
    """1.1.s3."""
    assert kept.ask("HEAD").status_code == 404
    kept.put({"a": 1})
    got, head = kept.get(), kept.ask("HEAD")
    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type"):
        assert head.headers[name] == got.headers[name]
    listed = kept.ask("HEAD", None)
    assert (listed.status_code, listed.data) == (200, b"")


def test_put_replaces_all(kept: Shelf) -> None:
    assert kept.put({"a": 1, "b": 2}) == 204
    before = kept.get().headers["ETag"]
    assert kept.put({"c": 3}) == 204
    assert kept.value() == {"c": 3}
    assert kept.get().headers["ETag"] != before


def test_last_modified_moves_with_a_change(kept: Shelf) -> None:
    kept.put({"a": 1})
    (row,) = rows(kept.asking)
    with kept.asking.app.extensions["lms"].db.transaction() as session:
        before = row.updated_at - timedelta(hours=1)
        session.execute(update(Document).where(Document.id == row.id).values(updated_at=before))
    first = parse_date(kept.get().headers["Last-Modified"])
    assert first == before.replace(microsecond=0)
    kept.post({"a": 2})
    second = parse_date(kept.get().headers["Last-Modified"])
    assert second is not None
    assert second - first >= timedelta(hours=1)
    assert parse_date(kept.ask("GET", None).headers["Last-Modified"]) == second


def test_document_is_deleted(kept: Shelf) -> None:
    kept.put({"a": 1})
    kept.put({"a": 2}, "other")
    answer = kept.ask("DELETE")
    assert (answer.status_code, answer.data) == (204, b"")
    assert (kept.value(), kept.value("other")) == (404, {"a": 2})
    assert kept.ask("DELETE").status_code == 204
    assert kept.put({"a": 3}) == 204


def test_missing_document_is_told(kept: Shelf) -> None:
    answer = kept.get("nothing")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "not_found")


def test_ids_of_any_kind(kept: Shelf) -> None:
    names = ["가", "a b", "a/b", "http://example.kr/x?y=z&w", "*", "x" * 3_000, "A", "a", "\u200b"]
    for n, name in enumerate(names):
        assert kept.put({"n": n}, name) == 204
    assert [kept.value(name) for name in names] == [{"n": n} for n in range(len(names))]
    assert kept.names() == sorted(names)


# Lists


def test_list_has_the_ids_of_its_context(kept: Shelf) -> None:
    """2.3.s4, 2.6.s4, 2.7.s4."""
    assert kept.names() == []
    for name in ("b", "a"):
        kept.put({}, name)
    assert kept.names() == ["a", "b"]
    other = {**kept.about}
    if "activityId" in other:
        other["activityId"] = "http://example.kr/other"
    else:
        other["agent"] = encoded(ACCOUNT).decode()
    assert Shelf(kept.asking, kept.path, other, kept.id_name).names() == []


def test_list_of_what_came_since(kept: Shelf) -> None:
    """Stored or changed after that instant, exclusive."""
    for name in ("a", "b", "c"):
        kept.put({}, name)
    at = {row.document_id: row.updated_at for row in rows(kept.asking)}
    assert at["a"] < at["b"] < at["c"]
    instant = at["b"].isoformat().replace("+00:00", "Z")
    assert kept.names(since=instant) == ["c"]
    kept.post({"x": 1}, "a")
    assert kept.names(since=instant) == ["a", "c"]
    assert kept.names(since="2000-01-01T00:00:00Z") == ["a", "b", "c"]
    assert kept.names(since="2100-01-01T00:00:00Z") == []


def test_list_has_a_tag(kept: Shelf) -> None:
    kept.put({})
    got = kept.ask("GET", None)
    assert got.headers["ETag"] == f'"{hashlib.sha1(got.data, usedforsecurity=False).hexdigest()}"'
    assert got.headers["Content-Type"] == "application/json"


def test_list_costs_the_same_whatever_there_is(one_app: Flask) -> None:
    kept = shelf(system(one_app), "state")

    def asked() -> int:
        seen: list[str] = []

        def note(_c: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
            seen.append(sql)

        engine = one_app.extensions["lms"].db.reader
        event.listen(engine, "before_cursor_execute", note)
        kept.names()
        event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    kept.put({}, "1")
    one = asked()
    for name in ("2", "3"):
        kept.put({}, name)
    assert asked() == one


# Registrations


def test_registration_makes_another_state(states: Shelf) -> None:
    states.put({"of": "none"})
    for registration in (ONE, TWO):
        query = {"registration": registration}
        headers = {"If-None-Match": "*"}
        assert states.put({"of": registration}, query=query, headers=headers) == 204
    assert states.value() == {"of": "none"}
    assert states.value(query={"registration": ONE.upper()}) == {"of": ONE}
    assert states.value(query={"registration": TWO}) == {"of": TWO}


def test_list_without_registration_has_those_of_each(states: Shelf) -> None:
    """2.3.s4: the context is activity, agent «+ registration if specified»."""
    headers = {"If-None-Match": "*"}
    states.put({}, "none", headers=headers)
    states.put({}, "both", headers=headers)
    states.put({}, "both", query={"registration": ONE}, headers=headers)
    states.put({}, "one", query={"registration": ONE}, headers=headers)
    assert states.names() == ["both", "none", "one"]
    assert states.names(registration=ONE) == ["both", "one"]
    assert states.names(registration=TWO) == []


def test_states_are_deleted_together(states: Shelf) -> None:
    """2.3.s5."""
    headers = {"If-None-Match": "*"}
    other = shelf(states.asking, "state")
    other.about = {**other.about, "agent": encoded(ACCOUNT).decode()}
    other.put({})
    for registration in (None, ONE, TWO):
        for name in ("a", "b"):
            query = {"registration": registration}
            assert states.put({}, name, query=query, headers=headers) == 204
    assert states.ask("DELETE", None, query={"registration": ONE}).status_code == 204
    assert len(rows(states.asking)) == 5
    assert states.names(registration=ONE) == []
    etag = states.ask("GET", None).headers["ETag"]
    assert states.ask("DELETE", None, headers={"If-Match": '"other"'}).status_code == 412
    assert states.names() == ["a", "b"]
    assert states.ask("DELETE", None, headers={"If-Match": etag}).status_code == 204
    assert states.names() == []
    assert other.names() == ["d"]
    assert states.ask("DELETE", None).status_code == 204


def test_agent_is_who_its_identifier_says(kept: Shelf) -> None:
    if "agent" not in kept.about:
        return
    kept.put({"a": 1})
    same = encoded({"objectType": "Agent", "name": "가", "mbox": "mailto:a@EXAMPLE.kr"}).decode()
    assert kept.value(query={"agent": same}) == {"a": 1}
    assert kept.value(query={"agent": encoded(ACCOUNT).decode()}) == 404


# POST


def test_post_makes_a_document_and_merges_into_it(kept: Shelf) -> None:
    """2.2.s7, s8.b2."""
    answer = kept.ask("POST", data=b'{"x":"foo","y":"bar"}', content_type="application/json")
    assert (answer.status_code, answer.data) == (204, b"")
    assert kept.post({"x": "bash", "z": "faz"}) == 204
    assert kept.value() == {"x": "bash", "y": "bar", "z": "faz"}
    assert kept.get().headers["Content-Type"] == "application/json"


def test_post_merges_only_the_top(kept: Shelf) -> None:
    kept.put(b'{"a": {"b": 1, "c": 2}, "n": 1.50}', kind="application/json; charset=utf-8")
    kept.post({"a": {"d": 3}, "e": None})
    assert kept.get().data == b'{"a":{"d": 3},"n":1.50,"e":null}'
    assert kept.get().headers["Content-Type"] == "application/json; charset=utf-8"


UNMERGEABLE = [
    (b"[1]", "application/json"),
    (b"1", "application/json"),
    (b"null", "application/json"),
    (b"{", "application/json"),
    (b"", "application/json"),
    (b'{"a": "\xff"}', "application/json"),
    (b"[" * 100_000, "application/json"),
    (b'{"a": 1}', "text/plain"),
    (b'{"a": 1}', "application/octet-stream"),
]


@pytest.mark.parametrize(("content", "kind"), UNMERGEABLE)
def test_post_of_what_is_no_json_object(kept: Shelf, content: bytes, kind: str) -> None:
    """2.2.s8.b1: whether or not there is a document."""
    assert kept.post(content, kind=kind) == 400
    assert kept.value() == 404
    kept.put({"a": 0})
    assert kept.post(content, kind=kind) == 400
    assert kept.value() == {"a": 0}


@pytest.mark.parametrize(
    ("content", "kind"), [(b"text", "text/plain"), (b"{}", "text/plain"), (b"[]", documents.JSON)]
)
def test_post_onto_what_is_no_json_object(kept: Shelf, content: bytes, kind: str) -> None:
    kept.put(content, kind=kind)
    assert kept.post({"a": 1}) == 400
    got = kept.get()
    assert (got.data, got.headers["Content-Type"]) == (content, kind)


@pytest.mark.parametrize("content", [b"{", b"", b"a", b'"\xff"', b"[" * 100_000, b"{} {}"])
def test_put_of_json_that_is_none(kept: Shelf, content: bytes) -> None:
    """3.2.s3.b6."""
    assert kept.put(content) == 400
    assert kept.value() == 404
