"""What statements are about: verbs, activities, interactions, references (Data 2.4.3, 2.4.4)."""

from typing import Any

import pytest

from lms.xapi import vocabulary
from tests.xapi_rules import ACTIVITY_PLACES, BODY_PLACES, given_out, refused, taken, without
from tests.xapi_samples import ACTIVITY, ATTACHMENT, BASE, ID, MBOX, REF, SUB, defined, told

NO_MAPS: tuple[Any, ...] = (None, "", "가", 1, True, [], ["가"], {"ko": None}, {"ko": 1})
NO_IRIS: tuple[Any, ...] = (None, "", 1, True, [], {}, "a", "/a", "#a", "example.kr/a", "http:")
BROKEN_IRIS = (
    "a=b://example.kr/",
    "http://a b/",
    "http://a/<b>",
    "1http://a/",
    "://a/",
    "http://a/\n",
)
COMPONENTS = {
    "choice": ("choices",),
    "sequencing": ("choices",),
    "likert": ("scale",),
    "matching": ("source", "target"),
    "performance": ("steps",),
    "true-false": (),
    "fill-in": (),
    "long-fill-in": (),
    "numeric": (),
    "other": (),
}
LISTS = ("choices", "scale", "source", "target", "steps")


@pytest.mark.parametrize("place", BODY_PLACES)
def test_actor_verb_and_object_are_there(place: str) -> None:
    for name in ("actor", "verb", "object"):
        statement, path = BODY_PLACES[place]({})
        if path == "$":
            refused(without(statement, name), f"$.{name}")
        else:
            inner = without(statement["object"], name)
            refused({**statement, "object": inner}, f"$.object.{name}")


@pytest.mark.parametrize("place", BODY_PLACES)
def test_a_verb_is_named_by_an_iri(place: str) -> None:
    for given in (*NO_IRIS, *BROKEN_IRIS):
        statement, path = BODY_PLACES[place]({"verb": {"id": given}})
        refused(statement, f"{path}.verb.id")
    for verb in (None, "", "http://example.kr/did", 1, [], {}):
        statement, path = BODY_PLACES[place]({"verb": verb})
        refused(statement, f"{path}.verb")
    for more in ({"Display": {"ko": "가"}}, {"name": {"ko": "가"}}, {"objectType": "Verb"}):
        statement, path = BODY_PLACES[place]({"verb": {**BASE["verb"], **more}})
        refused(statement, f"{path}.verb.{next(iter(more))}")


@pytest.mark.parametrize("place", BODY_PLACES)
def test_what_a_verb_shows_is_a_language_map(place: str) -> None:
    taken(BODY_PLACES[place]({"verb": {**BASE["verb"], "display": {}}})[0])
    for display in NO_MAPS:
        statement, path = BODY_PLACES[place]({"verb": {**BASE["verb"], "display": display}})
        refused(statement, f"{path}.verb.display")


@pytest.mark.parametrize("place", ACTIVITY_PLACES)
def test_an_activity_is_named_by_an_iri(place: str) -> None:
    taken(ACTIVITY_PLACES[place]({**ACTIVITY, "objectType": "Activity"})[0])
    for given in (*NO_IRIS, *BROKEN_IRIS):
        statement, path = ACTIVITY_PLACES[place]({"id": given})
        refused(statement, f"{path}.id")
    for activity in ({}, {"objectType": "Activity"}, {"definition": {}}):
        refused(*ACTIVITY_PLACES[place](activity))
    for kind in ("activity", "ACTIVITY", "", None, "Course"):
        refused(*ACTIVITY_PLACES[place]({**ACTIVITY, "objectType": kind}))
    for more in ({"Definition": {}}, {"name": {"ko": "가"}}, {"extra": 1}):
        refused(*ACTIVITY_PLACES[place]({**ACTIVITY, **more}))


@pytest.mark.parametrize("place", ACTIVITY_PLACES)
def test_a_definition_has_its_types(place: str) -> None:
    def check(name: str, given: Any) -> None:
        definition = {name: given}
        statement, path = ACTIVITY_PLACES[place]({**ACTIVITY, "definition": definition})
        refused(statement, f"{path}.definition.{name}")

    whole = {
        "name": {"ko": "가", "en-US": ""},
        "description": {},
        "type": "http://example.kr/t",
        "moreInfo": "http://example.kr/more",
        "extensions": {"http://example.kr/e": None},
    }
    taken(ACTIVITY_PLACES[place]({**ACTIVITY, "definition": whole})[0])
    taken(ACTIVITY_PLACES[place]({**ACTIVITY, "definition": {}})[0])
    for name in ("name", "description"):
        for given in NO_MAPS:
            check(name, given)
    for name in ("type", "moreInfo"):
        for given in (*NO_IRIS, *BROKEN_IRIS):
            check(name, given)
    for given in (None, "", 1, [], {"key": 1}, {"": 1}):
        check("extensions", given)
    check("extra", 1)
    check("moreinfo", "http://example.kr/more")
    for given in (None, "", 1, []):
        statement, path = ACTIVITY_PLACES[place]({**ACTIVITY, "definition": given})
        refused(statement, f"{path}.definition")


@pytest.mark.parametrize("kind", COMPONENTS)
def test_components_stand_where_their_interaction_has_them(kind: str) -> None:
    taken(defined(interactionType=kind))
    for name in LISTS:
        listed = {name: [{"id": "a", "description": {"ko": "가"}}, {"id": "b"}]}
        if name in COMPONENTS[kind]:
            taken(defined(interactionType=kind, **listed))
            taken(defined(interactionType=kind, **{name: []}))
        else:
            refused(defined(interactionType=kind, **listed), f"$.object.definition.{name}")


@pytest.mark.parametrize("kind", [kind for kind, lists in COMPONENTS.items() if lists])
def test_components_have_distinct_ids_and_descriptions_in_languages(kind: str) -> None:
    for name in COMPONENTS[kind]:
        path = f"$.object.definition.{name}"
        for components in (
            *(None, "", 1, {}, {"id": "a"}, ["a"], [None], [{}], [{"description": {"ko": "가"}}]),
            *([{"id": given}] for given in (None, 1, True, [], {}, "")),
            *([{"id": "a", "description": given}] for given in NO_MAPS),
            [{"id": "a", "extra": 1}],
            [{"ID": "a"}],
            [{"id": "a"}, {"id": "b"}, {"id": "a"}],
        ):
            refused(defined(interactionType=kind, **{name: components}), path)


def test_an_interaction_has_a_type_that_exists() -> None:
    path = "$.object.definition"
    for given in (None, "", 1, [], "Choice", "CHOICE", "true_false", "essay"):
        refused(defined(interactionType=given), f"{path}.interactionType")
    refused(defined(correctResponsesPattern=["a"]), f"{path}.correctResponsesPattern")
    for name in LISTS:
        refused(defined(**{name: [{"id": "a"}]}), f"{path}.{name}")


@pytest.mark.parametrize("kind", COMPONENTS)
def test_a_pattern_of_right_answers_is_a_list_of_texts(kind: str) -> None:
    path = "$.object.definition.correctResponsesPattern"
    for given in ([], ["true"], ["a[,]b", "a"], ["{lang=ko}" + "가" * 5_000], ["[:]4"] * 300):
        taken(defined(interactionType=kind, correctResponsesPattern=given))
    for given in (None, "", "a", 1, {}, [1], [None], [["a"]]):
        refused(defined(interactionType=kind, correctResponsesPattern=given), path)


def test_an_object_has_a_type_that_exists_and_that_types_properties() -> None:
    for kind in ("", None, 1, "activity", "Statement", "SubStatement ", "statementRef", "Verb"):
        refused(told(object={"objectType": kind, "id": ID}), "$.object.objectType")
    for given in (None, "", "http://example.kr/a", 1, True, [], [ACTIVITY]):
        refused(told(object=given), "$.object")
    refused(told(object={**REF, "definition": {}}), "$.object.definition")
    refused(told(object={"objectType": "Agent", **MBOX, "id": ID}), "$.object.id")


def test_a_reference_names_a_statement_by_its_uuid() -> None:
    for given in (None, "", 1, "a", ID[:-1], ID + "0", ID.replace("-", ""), "{" + ID + "}"):
        refused(told(object={**REF, "id": given}), "$.object.id")
        refused(told(context={"statement": {**REF, "id": given}}), "$.context.statement.id")
    refused(told(object={"objectType": "StatementRef"}), "$.object.id")
    for given in (None, "", ID, {"id": ID}, {**REF, "objectType": "statementref"}, SUB, ACTIVITY):
        refused(told(context={"statement": given}), "$.context.statement")
    refused(told(object={**REF, "extra": 1}), "$.object.extra")


def test_a_sub_statement_is_checked_as_a_statement() -> None:
    score, context = {"score": {"scaled": 2}}, {"team": MBOX}
    for more, path in (
        ({"actor": {}}, "$.object.actor"),
        ({"verb": {"id": "did"}}, "$.object.verb.id"),
        ({"object": {"id": "a"}}, "$.object.object.id"),
        ({"object": None}, "$.object.object"),
        ({"result": score}, "$.object.result.score.scaled"),
        ({"context": context}, "$.object.context.team"),
        ({"timestamp": "yesterday"}, "$.object.timestamp"),
        ({"timestamp": "2026-01-01T00:00:00-00:00"}, "$.object.timestamp"),
        ({"attachments": [{}]}, "$.object.attachments[0]"),
        ({"extra": 1}, "$.object.extra"),
        ({"Actor": MBOX}, "$.object.Actor"),
    ):
        refused(told(object={**SUB, **more}), path)
    refused(told(object={**SUB, "verb": {"id": vocabulary.VOIDED}}), "$.object.object.objectType")
    refused(told(object=without(SUB, "objectType")), "$.object")


def test_a_sub_statement_has_nothing_that_a_store_gives() -> None:
    for more in (
        {"id": ID},
        {"stored": "2026-01-01T00:00:00Z"},
        {"version": "1.0.0"},
        {"authority": MBOX},
    ):
        refused(told(object={**SUB, **more}), f"$.object.{next(iter(more))}")


def test_a_sub_statement_holds_no_other() -> None:
    refused(told(object={**SUB, "object": SUB}), "$.object.object")
    refused(told(object={**SUB, "object": {**SUB, "object": REF}}), "$.object.object")
    taken(told(object={**SUB, "object": REF}))


def test_a_voiding_statement_names_a_statement_by_reference() -> None:
    void = {"id": vocabulary.VOIDED}
    assert given_out(told(verb=void, object={**REF, "id": ID.upper()})).voids == ID
    assert given_out(told(object=REF)).voids is None
    for thing in (ACTIVITY, {"objectType": "Agent", **MBOX}, SUB):
        refused(told(verb=void, object=thing), "$.object.objectType")


@pytest.mark.parametrize("place", BODY_PLACES)
def test_an_attachment_has_its_properties(place: str) -> None:
    taken(BODY_PLACES[place]({"attachments": []})[0])
    taken(BODY_PLACES[place]({"attachments": [ATTACHMENT, ATTACHMENT]})[0])
    wrong: dict[str, tuple[Any, ...]] = {
        "usageType": (*NO_IRIS, *BROKEN_IRIS),
        "fileUrl": (*NO_IRIS, *BROKEN_IRIS),
        "display": NO_MAPS,
        "description": NO_MAPS,
        "contentType": (None, "", 1, "text", "text/", "/plain", "text/plain/x", "text plain"),
        "length": (None, "", "3", True, -1, 2.5, []),
        "sha2": (None, "", 1, "a" * 63, "g" * 64),
        "fileURL": ("http://example.kr/f",),
    }
    for name, values in wrong.items():
        for given in values:
            statement, path = BODY_PLACES[place]({"attachments": [{**ATTACHMENT, name: given}]})
            refused(statement, f"{path}.attachments[0].{name}")
    for name in ("usageType", "display", "contentType", "length", "sha2"):
        statement, path = BODY_PLACES[place]({"attachments": [without(ATTACHMENT, name)]})
        refused(statement, f"{path}.attachments[0].{name}")
    for given in (None, "", 1, {}, ATTACHMENT):
        statement, path = BODY_PLACES[place]({"attachments": given})
        refused(statement, f"{path}.attachments")
