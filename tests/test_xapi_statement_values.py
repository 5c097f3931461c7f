"""How values are written: types, results, contexts, extensions, languages, times (Data 2.2, 4)."""

import json
from typing import Any

import pytest

from lms.xapi.statement import read
from tests.xapi_rules import BODY_PLACES, BOTH, given_out, refused, taken
from tests.xapi_samples import (
    ACTIVITY,
    AGENTS,
    BASE,
    GROUP,
    GROUPS,
    ID,
    MBOX,
    REF,
    SUB,
    around,
    came,
    defined,
    encoded,
    told,
)

NEW, OLD = ("2.0.0",), ("1.0.3",)
SCALARS: tuple[Any, ...] = (None, "", "가", 1, True, [])
WHOLE = told(
    id=ID,
    result={
        "score": {"scaled": 0.5, "raw": 1, "min": 0, "max": 2},
        "success": True,
        "completion": False,
        "response": "",
        "duration": "PT1S",
        "extensions": {},
    },
    context={
        "registration": ID,
        "instructor": MBOX,
        "team": GROUP,
        "contextActivities": {"parent": [], "grouping": [], "category": [], "other": []},
        "revision": "",
        "platform": "",
        "language": "ko",
        "statement": REF,
        "extensions": {},
    },
    timestamp="2026-01-01T00:00:00Z",
    stored="2026-01-01T00:00:00Z",
    authority=MBOX,
    version="1.0.0",
    attachments=[],
)


def walk(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where the properties of a statement stand, those in extensions apart."""
    if not isinstance(value, dict):
        return []
    found = []
    for key, part in value.items():
        found += [(*path, key), *([] if key == "extensions" else walk(part, (*path, key)))]
    return found


def changed(value: Any, path: tuple[str, ...], key: str | None, part: Any) -> Any:
    """`value` with another key, or another part, at `path`."""
    name, *rest = path
    if rest:
        return {**value, name: changed(value[name], tuple(rest), key, part)}
    left = {one: held for one, held in value.items() if one != name}
    return {**left, key or name: value[name] if key else part}


@pytest.mark.parametrize("path", walk(WHOLE), ids=".".join)
def test_null_is_refused_everywhere_but_in_extensions(path: tuple[str, ...]) -> None:
    taken(WHOLE)
    refused(changed(WHOLE, path, None, None), "$." + ".".join(path))


@pytest.mark.parametrize("path", walk(WHOLE), ids=".".join)
def test_a_key_in_another_case_is_refused(path: tuple[str, ...]) -> None:
    for key in {path[-1].upper(), path[-1].capitalize()} - {path[-1]}:
        refused(changed(WHOLE, path, key, None), "$." + ".".join(path[:-1]))


@pytest.mark.parametrize("place", BODY_PLACES)
def test_numbers_and_booleans_are_never_texts(place: str) -> None:
    for name in ("scaled", "raw", "min", "max"):
        for given in (None, "", "1", True, [], {}):
            statement, path = BODY_PLACES[place]({"result": {"score": {name: given}}})
            refused(statement, f"{path}.result.score.{name}")
    for name in ("success", "completion"):
        for given in (None, "", "true", "false", 0, 1, [], {}):
            statement, path = BODY_PLACES[place]({"result": {name: given}})
            refused(statement, f"{path}.result.{name}")
    for name in ("response", "duration"):
        for given in (None, 1, True, [], {}):
            statement, path = BODY_PLACES[place]({"result": {name: given}})
            refused(statement, f"{path}.result.{name}")


@pytest.mark.parametrize("place", BODY_PLACES)
def test_results_and_contexts_are_objects_of_what_they_have(place: str) -> None:
    for given in SCALARS:
        for name in ("result", "context"):
            statement, path = BODY_PLACES[place]({name: given})
            refused(statement, f"{path}.{name}")
        statement, path = BODY_PLACES[place]({"result": {"score": given}})
        refused(statement, f"{path}.result.score")
        statement, path = BODY_PLACES[place]({"context": {"contextActivities": given}})
        refused(statement, f"{path}.context.contextActivities")
    for more, inner in (
        ({"result": {"extra": 1}}, "result.extra"),
        ({"result": {"score": {"extra": 1}}}, "result.score.extra"),
        ({"context": {"extra": 1}}, "context.extra"),
        ({"context": {"contextActivities": {"extra": []}}}, "context.contextActivities.extra"),
    ):
        statement, path = BODY_PLACES[place](more)
        refused(statement, f"{path}.{inner}")


@pytest.mark.parametrize("place", BODY_PLACES)
def test_a_score_stays_inside_its_bounds(place: str) -> None:
    for score in (
        *({"scaled": one} for one in (-1, -1.0, 0, 0.999999, 1)),
        {"raw": -1e9},
        {"raw": 0, "min": 0, "max": 10},
        {"raw": 10, "min": 0, "max": 10},
        {"min": -2, "max": -1},
        {"min": 5},
        {"scaled": 1, "raw": 0},
        {},
    ):
        taken(BODY_PLACES[place]({"result": {"score": score}})[0])
    for score in (
        *({"scaled": one} for one in (-1.001, 1.001, 100)),
        {"raw": 10.001, "min": 0, "max": 10},
        {"raw": -0.001, "min": 0, "max": 10},
        {"raw": 11, "max": 10},
        {"raw": -1, "min": 0},
        {"min": 10, "max": 10},
        {"min": 11, "max": 10},
    ):
        statement, path = BODY_PLACES[place]({"result": {"score": score}})
        refused(statement, f"{path}.result.score")


def test_numbers_keep_every_digit() -> None:
    raw = encoded(came(score={"raw": 7})).replace(b": 7", b": 1.2345678901234567890E0")
    assert b"1.2345678901234567890E0" in bytes(given_out(raw).members["result"])


@pytest.mark.parametrize("place", BODY_PLACES)
def test_revision_and_platform_stand_with_an_activity_only(place: str) -> None:
    for name in ("revision", "platform"):
        taken(BODY_PLACES[place]({"context": {name: "1"}})[0])
        things: list[Any] = [{"objectType": "Agent", **MBOX}, GROUP, REF]
        for thing in things + ([SUB] if place == "statement" else []):
            statement, path = BODY_PLACES[place]({"context": {name: "1"}, "object": thing})
            refused(statement, f"{path}.context.{name}")
        for given in (None, 1, True, [], {}):
            statement, path = BODY_PLACES[place]({"context": {name: given}})
            refused(statement, f"{path}.context.{name}")


def test_context_activities_are_lists_of_activities_or_one() -> None:
    for role in ("parent", "grouping", "category", "other"):
        path = f"$.context.contextActivities.{role}"
        for given in (ACTIVITY, [], [ACTIVITY], [ACTIVITY, {**ACTIVITY, "definition": {}}]):
            taken(around(contextActivities={role: given}))
        for given in (None, "", "http://a/", 1, True, [None], ["http://a/"], [[ACTIVITY]]):
            refused(around(contextActivities={role: given}), path)
        for given in ({"objectType": "Agent", **MBOX}, REF, SUB, GROUP):
            refused(around(contextActivities={role: given}), path)
            refused(around(contextActivities={role: [given]}), path)


def test_a_lone_context_activity_is_given_out_as_a_list() -> None:
    lone = around(contextActivities={"parent": ACTIVITY, "other": [ACTIVITY]}, platform="p")
    listed = {"parent": [ACTIVITY], "other": [ACTIVITY]}
    got = {key: json.loads(bytes(part)) for key, part in given_out(lone).members.items()}
    assert got == {**lone, "context": {"contextActivities": listed, "platform": "p"}}
    inside = given_out(told(object={**lone, "objectType": "SubStatement"})).members
    assert json.loads(bytes(inside["object"]))["context"]["contextActivities"] == listed


@pytest.mark.parametrize(
    "path", ["$.id", "$.context.registration", "$.object.id", "$.context.statement.id"]
)
def test_a_uuid_has_its_standard_form(path: str) -> None:
    def made(text: Any) -> Any:
        return {
            "$.id": told(id=text),
            "$.context.registration": around(registration=text),
            "$.object.id": told(object={**REF, "id": text}),
            "$.context.statement.id": around(statement={**REF, "id": text}),
        }[path]

    for text in (ID, ID.upper(), "12345678-1234-5678-1234-567812345678", ID.replace("4", "7")):
        taken(made(text))
    for text in (
        *(None, "", 1, True, [], {}, "a", ID[:-1], ID + "0", ID + " ", " " + ID, ID + "\n"),
        *(ID.replace("-", ""), "{" + ID + "}", "urn:uuid:" + ID, "g" + ID[1:]),
    ):
        refused(made(text), path)


TAGS = (
    *("ko", "en-US", "KO-kr", "zh-Hans-CN", "zh-cmn-Hans-CN", "es-419", "de-1996", "sl-rozaj"),
    *("de-DE-1996", "en-a-bbb-x-a", "x-whatever", "i-klingon", "art-lojban", "zh-min-nan", "und"),
)
NO_TAGS = (
    *("", "k", "korean_", "ko_KR", "ko-", "-ko", "ko--KR", "abcdefghi", "ko-abcdefghi", "12"),
    *("ko-K", "en-US-", "x", "x-", "ko-x", "en-1", "ko KR", "ko\n", "한국어", "\u212ao"),
)


@pytest.mark.parametrize("place", BODY_PLACES)
def test_languages_are_named_as_in_rfc_5646(place: str) -> None:
    for tag in TAGS:
        taken(BODY_PLACES[place]({"context": {"language": tag}})[0])
        taken(BODY_PLACES[place]({"verb": {**BASE["verb"], "display": {tag: ""}}})[0])
    for tag in NO_TAGS:
        statement, path = BODY_PLACES[place]({"context": {"language": tag}})
        refused(statement, f"{path}.context.language")
        statement, path = BODY_PLACES[place]({"verb": {**BASE["verb"], "display": {tag: "a"}}})
        refused(statement, f"{path}.verb.display")
    for given in (None, 1, [], {}):
        statement, path = BODY_PLACES[place]({"context": {"language": given}})
        refused(statement, f"{path}.context.language")


def test_extensions_hold_anything_under_iris() -> None:
    held: tuple[Any, ...] = (None, "", 0, True, [], {}, [None, {"": [1e300, None]}], {"A": {}})
    for made, path in (
        (lambda given: defined(extensions=given), "$.object.definition.extensions"),
        (lambda given: came(extensions=given), "$.result.extensions"),
        (lambda given: around(extensions=given), "$.context.extensions"),
    ):
        for one in held:
            taken(made({"http://example.kr/가": one, "urn:x:y": one, "tag:a,2020:b": one}))
        for key in ("", "key", "a b:c", "/a", "example.kr/e", "http://a/ b"):
            refused(made({key: 1}), path)
        for given in SCALARS:
            refused(made(given), path)


DURATIONS = (
    *("PT4H35M59.14S", "P16559.14S", "P3Y1M29DT4H35M59.14S", "P3Y", "P4W", "PT0S", "P1M", "PT1M"),
    *("P1Y2M3D", "PT0.5H", "PT1,5S", "P0.5D", "PT36H", "PT1.123456789S", "P1DT1S"),
)
NO_DURATIONS = (
    *("", "P", "PT", "P1", "1H", "T1H", "P1H", "P1DT", "P4W1D", "P1Y4W", "PT1.5H2M", "P1.5YT1S"),
    *("P1D2Y", "PT1S1M", "pt1s", "-PT1S", "P-1D", "PT1.S", "PT.5S", "PT1S ", "PT1S\n", "one hour"),
    *("P0003-06-04T12:30:05", "P00030604T123005", "P1S1S", "P1DT1H1S2M", "PA12H"),
)


@pytest.mark.parametrize("place", BODY_PLACES)
def test_a_duration_is_one_of_iso_8601(place: str) -> None:
    for text in DURATIONS:
        taken(BODY_PLACES[place]({"result": {"duration": text}})[0])
    for given in (*NO_DURATIONS, None, 5, [], {}):
        statement, path = BODY_PLACES[place]({"result": {"duration": given}})
        refused(statement, f"{path}.result.duration")


TIMES = (
    ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
    ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456789Z"),
    ("2026-01-02T03:04:05+09:00", "2026-01-01T18:04:05Z"),
    ("2026-01-02T03:04:05.120-03:30", "2026-01-02T06:34:05.120Z"),
    ("2026-01-02T03:04:05-00:30", "2026-01-02T03:34:05Z"),
    ("2026-01-02T03:04:05+23:59", "2026-01-01T03:05:05Z"),
    ("2026-01-02 03:04:05Z", "2026-01-02T03:04:05Z"),
    ("2999-12-31T23:59:59Z", "2999-12-31T23:59:59Z"),
    ("2024-02-29T00:00:00+00:00", "2024-02-29T00:00:00Z"),
    ("2026-01-02t03:04:05.5z", "2026-01-02T03:04:05.5Z"),  # RFC 3339 5.6, its note
)
OLD_TIMES = (
    ("2026-01-02T03:04Z", "2026-01-02T03:04:00Z"),
    ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
    ("2026-01-02T03:04:05.5", "2026-01-02T03:04:05.5Z"),
    ("2026-01-02T03:04:05,25Z", "2026-01-02T03:04:05.25Z"),
    ("2026-01-02T03:04:05+09", "2026-01-01T18:04:05Z"),
    ("2026-01-02T03:04:05+0900", "2026-01-01T18:04:05Z"),
    ("20260102T030405Z", "2026-01-02T03:04:05Z"),
    ("20260102T030405.678+0900", "2026-01-01T18:04:05.678Z"),
    ("20260102T0304-03", "2026-01-02T06:04:00Z"),
)
NO_TIMES = (
    *("", "yesterday", "2026", "2026-01-02", "2026-1-2T03:04:05Z", "26-01-02T03:04:05Z"),
    *("2026-13-02T03:04:05Z", "2026-01-32T03:04:05Z", "2025-02-29T03:04:05Z"),
    *("2026-01-02T25:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:61Z"),
    *("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05-0000", "2026-01-02T03:04:05-00"),
    *("2026-01-02T03:04:05.Z", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05ZZ"),
    *("2026-01-02T03:04:05Z ", "2026-01-02T03:04:05Z\n", "2026-01-02T03:04:05+09:60"),
    *("2026-W01-1T03:04:05Z", "2026-001T03:04:05Z", "Fri, 02 Jan 2026 03:04:05 GMT"),
    *(
        "20260102",
        "20261302T030405Z",
        "20250229T030405Z",
        "20260102T250405Z",
        "20260102T030405-0000",
    ),
    *("20260102T03:04:05Z", "2026-01-02T030405Z", "20260102T030405+09:00", "20260102T030405+2400"),
)


def test_timestamps_come_out_in_utc_with_all_their_digits() -> None:
    for times, versions in ((TIMES, BOTH), (OLD_TIMES, OLD)):
        for text, utc in times:
            for version in versions:
                out = read(encoded(told(timestamp=text)), version=version).members
                assert json.loads(bytes(out["timestamp"])) == utc
                inner = {**SUB, "timestamp": text}
                out = read(encoded(told(object=inner)), version=version).members
                assert json.loads(bytes(out["object"])) == {**inner, "timestamp": utc}


@pytest.mark.parametrize("place", BODY_PLACES)
def test_a_timestamp_is_one_of_the_versions_standard(place: str) -> None:
    for given in (*NO_TIMES, None, 1767322800, [], {}):
        statement, path = BODY_PLACES[place]({"timestamp": given})
        refused(statement, f"{path}.timestamp")
    for text, _ in OLD_TIMES:
        statement, path = BODY_PLACES[place]({"timestamp": text})
        taken(statement, versions=OLD)
        refused(statement, f"{path}.timestamp", versions=NEW)
    for text in NO_TIMES:
        refused(told(stored=text), "$.stored")


@pytest.mark.parametrize("place", BODY_PLACES)
def test_agents_and_groups_of_a_context_come_with_2_0(place: str) -> None:
    for name, given in (("contextAgents", AGENTS), ("contextGroups", GROUPS)):
        for listed in (given, [], given * 2, [{**given[0], "relevantTypes": ["http://a/t"] * 2}]):
            statement, path = BODY_PLACES[place]({"context": {name: listed}})
            taken(statement, versions=NEW)
            refused(statement, f"{path}.context.{name}", versions=OLD)
        part = {"contextAgents": "agent", "contextGroups": "group"}[name]
        other = {"contextAgents": GROUP, "contextGroups": MBOX}[name]
        for wrong in (
            *(None, "", 1, {}, given[0], [None], ["a"], [[]], [{}]),
            *([{**given[0], "objectType": kind}] for kind in ("Agent", "contextagent", "", None)),
            [{key: held for key, held in given[0].items() if key != "objectType"}],
            [{key: held for key, held in given[0].items() if key != part}],
            *([{**given[0], part: held}] for held in (other, None, "", [], {})),
            *(
                [{**given[0], "relevantTypes": held}]
                for held in (None, "", "http://a/t", [], {}, [None], [1], ["t"], ["http://a/", ""])
            ),
            [{**given[0], "extra": 1}],
        ):
            statement, path = BODY_PLACES[place]({"context": {name: wrong}})
            refused(statement, f"{path}.context.{name}", versions=NEW)


def test_a_version_is_one_that_the_request_may_carry() -> None:
    for version in ("1.0.0", "1.0.1", "1.0.3", "1.0.27", "1.0.3-rc1"):
        taken(told(version=version))
    for version in ("2.0.0", "2.0.1"):
        taken(told(version=version), versions=NEW)
        refused(told(version=version), "$.version", versions=OLD)
    wrong = ("", "1", "1.0", "1.1.0", "0.9", "0.95", "2.1.0", "3.0.0", "1.0.", "1.0.x", "v1.0.0", 1)
    for given in (*wrong, None, [], "1.0.0\n"):
        refused(told(version=given), "$.version")


def test_iris_are_kept_and_compared_as_they_are_written() -> None:
    iris = ("http://example.kr/a", "HTTP://example.kr/a", "http://EXAMPLE.kr/a")
    iris += ("http://example.kr:80/a", "http://example.kr/a/", "http://example.kr/%61")
    read_ones = [given_out(told(object={"id": iri}), version) for iri in iris for version in BOTH]
    assert [json.loads(bytes(one.members["object"]))["id"] for one in read_ones] == [
        iri for iri in iris for _ in BOTH
    ]
    assert {one.activity for one in read_ones} == set(iris)


def test_utf_8_without_a_mark_before_it_is_what_json_is_written_in() -> None:
    text = encoded(told(actor={**MBOX, "name": "가😀"}))
    taken(text)
    for raw in (
        b"\xef\xbb\xbf" + text,
        text.decode().encode("utf-16"),
        text.decode().encode("utf-32"),
        json.dumps(told(actor={**MBOX, "name": "가"}), ensure_ascii=False).encode("euc-kr"),
    ):
        refused(raw, "$")


def test_properties_come_in_any_order_and_keep_it() -> None:
    raw = encoded(dict(reversed(WHOLE.items())))
    assert list(given_out(raw).members) == list(reversed(WHOLE))
