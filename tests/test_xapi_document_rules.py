"""Who may write what on which document (Communication 3.1, 3.2, 4.2)."""

from typing import Any

import pytest
from flask import Flask

from lms.xapi import documents
from tests import documents_world
from tests.documents_world import AGENT, IRI, KINDS, ONE, Shelf, rows, shelf
from tests.xapi_samples import encoded
from tests.xapi_world import System, system

one_app = documents_world.one_app
spoken = documents_world.spoken
kept = documents_world.kept
profile = documents_world.profile
states = documents_world.states


# Conditions (3.1)


def test_wrong_condition_changes_nothing(kept: Shelf) -> None:
    """3.1.s4.b5 to b12; of every method in both versions."""
    kept.put({"a": 1})
    before = kept.get()
    etag = before.headers["ETag"]
    for method in ("PUT", "POST", "DELETE"):
        for headers in (
            {"If-Match": f'"{"1" * 40}"'},
            {"If-Match": f"W/{etag}"},
            {"If-Match": '"a", "b"'},
            {"If-None-Match": "*"},
            {"If-None-Match": etag},
            {"If-None-Match": f'"a", W/{etag}'},
            {"If-Match": etag, "If-None-Match": etag},
        ):
            answer = kept.ask(
                method, data=b'{"b":2}', content_type="application/json", headers=headers
            )
            assert answer.status_code == 412, (method, headers)
            assert "ETag" in answer.get_json()["error"]["message"]
    got = kept.get()
    assert (got.data, got.headers["ETag"]) == (before.data, etag)
    assert got.headers["Last-Modified"] == before.headers["Last-Modified"]


def test_condition_on_what_is_not_there(kept: Shelf) -> None:
    for method in ("PUT", "POST", "DELETE"):
        for expected in ("*", f'"{"1" * 40}"'):
            headers = {"If-Match": expected}
            assert kept.write(method, {"a": 1}, headers=headers) == 412
    assert kept.value() == 404


def test_right_condition_is_let_through(kept: Shelf) -> None:
    for method in ("PUT", "POST"):
        name = method
        assert kept.write(method, {"n": 0}, name, headers={"If-None-Match": "*"}) == 204
        for n, told in enumerate(["{}", '"a", {}', "*"]):
            etag = kept.get(name).headers["ETag"]
            headers = {"If-Match": told.format(etag)}
            assert kept.write(method, {"n": n + 1}, name, headers=headers) == 204
        headers = {"If-None-Match": '"another"'}
        assert kept.write(method, {"n": 9}, name, headers=headers) == 204
        assert kept.value(name) == {"n": 9}
        etag = kept.get(name).headers["ETag"]
        assert kept.ask("DELETE", name, headers={"If-Match": etag}).status_code == 204
        assert kept.value(name) == 404


def test_answer_to_a_change_has_the_new_tag(kept: Shelf) -> None:
    for method in ("PUT", "POST"):
        answer = kept.ask(
            method, data=encoded({method: 1}), content_type="application/json", headers=kept.now()
        )
        assert answer.headers["ETag"] == kept.get().headers["ETag"]


def test_profile_is_not_overwritten_blindly(profile: Shelf) -> None:
    """3.1.s4.b13 to b15: the answer says what to do."""
    profile.post({"a": 1})
    answer = profile.ask("PUT", data=b"{}", content_type="application/json")
    assert answer.status_code == 409
    message = answer.get_json()["error"]["message"]
    assert all(word in message for word in ("GET", "ETag", "If-Match"))
    assert profile.value() == {"a": 1}


def test_new_profile_wants_a_condition_in_1(profile: Shelf) -> None:
    """3.1.s3.b1; 2.0 asks no such thing."""
    old = profile.asking.version == "1.0.3"
    answer = profile.ask("PUT", data=b"{}", content_type="application/json")
    assert answer.status_code == (400 if old else 204)
    assert profile.value() == (404 if old else {})
    if old:
        assert answer.get_json()["error"]["path"] == "If-Match"
    assert profile.put({"a": 1}) == 204


def test_profile_is_posted_and_deleted_without_condition(profile: Shelf) -> None:
    assert profile.post({"a": 1}) == 204
    assert profile.post({"b": 2}) == 204
    assert profile.ask("DELETE").status_code == 204


def test_state_is_put_without_condition(states: Shelf) -> None:
    """1.0.3 leaves states free (3.1.s3); 2.0 names no exception (IEEE 9274.1.1, 4.1.4)."""
    old = states.asking.version == "1.0.3"
    assert states.write("PUT", {"a": 1}) == 204
    assert states.write("PUT", {"a": 2}) == (204 if old else 409)
    assert states.value() == {"a": 2 if old else 1}
    assert states.post({"b": 2}) == 204


def test_what_the_reader_has_is_not_sent_again(kept: Shelf) -> None:
    kept.put({"a": 1})
    got = kept.get()
    for told in (got.headers["ETag"], f'"x", W/{got.headers["ETag"]}', "*"):
        answer = kept.get(headers={"If-None-Match": told})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == got.headers["ETag"]
    assert kept.get(headers={"If-None-Match": '"x"'}).data == got.data


# Parameters

BAD_AGENTS = [
    "",
    "a",
    "{}",
    "null",
    encoded({"objectType": "Group", **AGENT}).decode(),
    encoded({"mbox": "a"}).decode(),
    encoded({**AGENT, "x": 1}).decode(),
]


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_wrong_parameters(kept: Shelf, method: str) -> None:
    """2.2.s4.b4 of Data; 3.2.s3.b7, b8."""
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"x": "1"}, "x"),
        ({kept.id_name.lower(): "a"}, kept.id_name.lower()),
        ({kept.id_name: "a\x00"}, kept.id_name),
        ({kept.id_name: ""}, kept.id_name),
        (
            {"since": "yesterday" if method in {"GET", "DELETE"} else "2026-01-01T00:00:00Z"},
            "since",
        ),
    ]
    if "activityId" in kept.about:
        wrong += [
            ({"activityId": told}, "activityId") for told in (None, "", "course", "http://a b")
        ]
    else:
        wrong.append(({"activityId": IRI}, "activityId"))
    if "agent" in kept.about:
        wrong += [({"agent": told}, "agent") for told in (None, *BAD_AGENTS)]
    else:
        wrong.append(({"agent": encoded(AGENT).decode()}, "agent"))
    if kept.id_name == "stateId":
        wrong += [({"registration": told}, "registration") for told in ("", "1", ONE + "0")]
        wrong.append(({"profileId": "a"}, "profileId"))
    else:
        wrong += [({"registration": ONE}, "registration"), ({"stateId": "a"}, "stateId")]
    for query, path in wrong:
        name = None if kept.id_name in query else "d"
        answer = kept.ask(method, name, query=query, data=b"{}")
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, path), query
    assert rows(kept.asking) == []


def test_since_is_about_lists_and_says_nothing_of_one_document(kept: Shelf) -> None:
    made = kept.ask("POST", "d", data=b"{}", content_type="application/json")
    assert made.status_code == 204
    for instant in ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"):
        answer = kept.ask("GET", "d", query={"since": instant})
        assert (answer.status_code, answer.data) == (200, b"{}")
    # Nor is anything deleted by when it was changed: a list is deleted whole or not at all.
    assert kept.ask("DELETE", None, query={"since": "2000-01-01T00:00:00Z"}).status_code == 400
    assert kept.ask("DELETE", "d", query={"since": "2100-01-01T00:00:00Z"}).status_code == 204
    assert rows(kept.asking) == []


def test_wrong_since(kept: Shelf) -> None:
    for told in ("", "yesterday", "2026-02-30T00:00:00Z", "2026-01-01"):
        answer = kept.ask("GET", None, query={"since": told})
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, "since")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_id_is_needed(kept: Shelf, method: str) -> None:
    if (kept.id_name, method) == ("stateId", "DELETE"):
        return
    answer = kept.ask(method, None)
    assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, kept.id_name)


def test_strange_content_type(kept: Shelf) -> None:
    for kind in ("a" * 300, "text/\u00e9"):
        answer = kept.ask("PUT", data=b"a", headers={**kept.now(), "Content-Type": kind})
        assert (answer.status_code, answer.get_json()["error"]["path"]) == (400, "Content-Type")


def test_too_large_document(kept: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """3.2.s3.b11: one that is sent, and one that grows."""
    assert kept.put(b"x" * ((16 << 20) + 1), kind="text/plain") == 413
    monkeypatch.setattr(documents, "MOST_BYTES", 50)
    assert kept.post({"a": "x" * 30}) == 204
    assert kept.post({"b": "x" * 30}) == 413
    assert kept.value() == {"a": "x" * 30}


# Whose


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_scope_is_needed(kept: Shelf, method: str) -> None:
    asking = kept.asking
    own = "state" if kept.id_name == "stateId" else "profile"
    other = "profile" if own == "state" else "state"
    scopes = {own: True, "all": True, other: False, "statements/write": False}
    scopes |= {"statements/read": False, "define": False, "all/read": method == "GET"}
    for scope, may in scopes.items():
        kept.put({"a": 1})
        kept.asking = system(asking.app, scope, institution_id=asking.institution_id)
        kept.asking.version = asking.version
        answer = kept.ask(
            method,
            headers={"If-Match": "*"} if method[0] == "P" else {},
            data=b'{"a":1}',
            content_type=documents.JSON,
        )
        assert (answer.status_code != 403, answer.status_code < 300) == (may, may), scope
        kept.asking = asking
    kept.asking = System(
        asking.app, asking.institution_id, asking.username, "wrong", asking.version
    )
    assert kept.ask(method).status_code == 401


def test_documents_of_another_institution_are_others(kept: Shelf) -> None:
    kept.put({"whose": "ours"})
    theirs = Shelf(system(kept.asking.app), kept.path, kept.about, kept.id_name)
    theirs.asking.version = kept.asking.version
    assert (theirs.value(), theirs.names()) == (404, [])
    assert theirs.ask("DELETE").status_code == 204
    if kept.id_name == "stateId":
        assert theirs.ask("DELETE", None).status_code == 204
    assert kept.value() == {"whose": "ours"}
    assert theirs.put({"whose": "theirs"}) == 204
    assert kept.value() == {"whose": "ours"}


def test_kinds_are_apart(spoken: System) -> None:
    for which in KINDS:
        shelf(spoken, which).put({"kind": which})
    assert [shelf(spoken, which).value() for which in KINDS] == [{"kind": one} for one in KINDS]
    assert shelf(spoken, "state").ask("DELETE", None).status_code == 204
    assert [shelf(spoken, which).names() for which in KINDS] == [[], ["d"], ["d"]]


def test_form_stands_for_a_request(one_app: Flask) -> None:
    """1.3.s3: its fields are parameters and headers."""
    kept = shelf(system(one_app), "agent")
    form = {**kept.about, "profileId": "d", "content": '{"a":"가"}', "If-None-Match": "*"}
    form["Content-Type"] = "application/json"
    for status in (204, 412):
        answer = kept.asking.ask("POST", "agents/profile?method=PUT", data=form)
        assert answer.status_code == status
    assert kept.value() == {"a": "가"}
    form = {**kept.about, "profileId": "d"}
    got = kept.asking.ask("POST", "agents/profile?method=GET", data=form)
    assert got.get_json() == {"a": "가"}
    assert kept.asking.ask("POST", "agents/profile?method=DELETE", data=form).status_code == 204
    assert kept.value() == 404


@pytest.mark.parametrize("endpoint", ["/xapi", "/xapi/1.0.3"])
def test_both_addresses_are_over_one_store(one_app: Flask, endpoint: str) -> None:
    kept = shelf(system(one_app), "state")
    kept.put({"a": 1})
    elsewhere = Shelf(kept.asking, f"{endpoint}/activities/state", kept.about, "stateId")
    assert elsewhere.value() == {"a": 1}
