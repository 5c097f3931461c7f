"""Statements to test with: a base, parts of it, whole valid ones, and broken ones with the path."""

import json
from typing import Any

from lms.xapi import vocabulary

ID = "7ccd3322-e1a5-411a-a67d-6a735c76f119"
MBOX = {"mbox": "mailto:a@example.kr"}
ACTIVITY = {"id": "http://example.kr/a"}
GROUP = {"objectType": "Group", "member": [MBOX]}
REF = {"objectType": "StatementRef", "id": ID}
BASE: dict[str, Any] = {
    "actor": MBOX,
    "verb": {"id": "http://example.kr/did"},
    "object": ACTIVITY,
}
SUB = {**BASE, "objectType": "SubStatement"}
ATTACHMENT = {
    "usageType": "http://example.kr/u",
    "display": {"ko": "첨부"},
    "contentType": "text/plain; charset=utf-8",
    "length": 3,
    "sha2": "a" * 64,
    "fileUrl": "http://example.kr/f",
}
CHOICE = {
    "interactionType": "choice",
    "choices": [{"id": "a", "description": {"ko": "가"}}, {"id": "b"}],
    "correctResponsesPattern": ["a[,]b"],
}


def told(**more: Any) -> dict[str, Any]:
    return {**BASE, **more}


def defined(**definition: Any) -> dict[str, Any]:
    return told(object={**ACTIVITY, "definition": definition})


def around(**context: Any) -> dict[str, Any]:
    return told(context=context)


def came(**result: Any) -> dict[str, Any]:
    return told(result=result)


VALID = {
    "least": BASE,
    "uuid of version 7 in capitals": told(id="01980E2B-7B2C-7C3D-8E4F-0123456789AB"),
    "sha1": told(actor={"mbox_sha1sum": "A" * 40, "name": "가"}),
    "openid": told(actor={"openid": "https://id.example.kr/a", "objectType": "Agent"}),
    "account with an empty name": told(
        actor={"account": {"homePage": "http://example.kr", "name": ""}}
    ),
    "identified group without members": told(actor={"objectType": "Group", **MBOX}),
    "anonymous group": told(actor=GROUP),
    "agent as object": told(object={"objectType": "Agent", **MBOX}),
    "group as object": told(object=GROUP),
    "reference": told(object=REF),
    "sub-statement": told(object=SUB),
    "sub-statement in the future": told(object={**SUB, "timestamp": "2999-01-01T00:00:00Z"}),
    "sub-statement of a reference": told(object={**SUB, "object": REF}),
    "korean IRI": told(object={"id": "http://예시.한국/활동?가=나#다"}),
    "urn": told(object={"id": "urn:uuid:" + ID}),
    "choice": defined(**CHOICE),
    "no right answer": defined(interactionType="numeric", correctResponsesPattern=[]),
    "matching": defined(interactionType="matching", source=[{"id": "a"}], target=[{"id": "a"}]),
    "null inside extensions": defined(extensions={"http://a/b": None}),
    "anything inside extensions": came(extensions={"http://a/b": [None, {"": [1e300]}, 10**30]}),
    "empty extensions": came(extensions={}),
    "scaled at its ends": came(score={"scaled": -1, "raw": 0, "min": 0, "max": 1}),
    "raw with max only": came(score={"raw": -5.5, "max": 0}),
    "duration in weeks": came(duration="P4W"),
    "duration of everything": came(duration="P3Y1M29DT4H35M59.14S"),
    "duration with a finer fraction": came(duration="PT1.123456S"),
    "zero duration": came(duration="PT0S"),
    "single context activity": around(contextActivities={"parent": ACTIVITY}),
    "no context activities": around(contextActivities={"other": []}),
    "team and instructor": around(team=GROUP, instructor=GROUP),
    "platform with an activity": around(platform="p", revision="r", language="ko-KR"),
    "private language": around(language="x-private"),
    "grandfathered language": around(language="i-klingon"),
    "language with everything": around(language="zh-cmn-Hans-CN-x-private"),
    "context statement": around(statement=REF),
    "registration in capitals": around(registration=ID.upper()),
    "timestamp to the nanosecond": told(timestamp="2026-01-02T03:04:05.123456789Z"),
    "leap second": told(timestamp="2016-12-31T23:59:60Z"),
    "far offset": told(timestamp="2026-01-02T03:04:05+14:00"),
    "attachment by address": told(attachments=[ATTACHMENT]),
    "authority of two": told(
        authority={"objectType": "Group", "member": [MBOX, {"openid": "http://b/"}]}
    ),
    "voiding": told(verb={"id": vocabulary.VOIDED}, object=REF),
    "what a store sets is overwritten": told(
        stored="2000-01-01T00:00:00Z", authority=MBOX, version="1.0.0"
    ),
}

WRONG: dict[str, tuple[Any, str]] = {
    "no actor": ({**BASE, "actor": None}, "$.actor"),
    "a list": ([BASE], "$"),
    "a string": ("statement", "$"),
    "unknown property": (told(extra=1), "$.extra"),
    "wrong case": (told(Result={}), "$.Result"),
    "null": (told(result=None), "$.result"),
    "null deep down": (came(score={"raw": None}), "$.result.score.raw"),
    "id not a UUID": (told(id="7ccd3322"), "$.id"),
    "id with a line feed": (told(id=ID + "\n"), "$.id"),
    "two identifiers": (told(actor={**MBOX, "openid": "http://a/"}), "$.actor"),
    "no identifier": (told(actor={"name": "a"}), "$.actor"),
    "agent with members": (told(actor={**MBOX, "member": []}), "$.actor"),
    "mbox without scheme": (told(actor={"mbox": "a@b.kr"}), "$.actor.mbox"),
    "short hash": (told(actor={"mbox_sha1sum": "a" * 39}), "$.actor.mbox_sha1sum"),
    "account without name": (
        told(actor={"account": {"homePage": "http://a/"}}),
        "$.actor.account.name",
    ),
    "account with more": (
        told(actor={"account": {"homePage": "http://a/", "name": "a", "x": 1}}),
        "$.actor.account.x",
    ),
    "unknown actor type": (told(actor={"objectType": "agent", **MBOX}), "$.actor.objectType"),
    "activity as actor": (told(actor={"objectType": "Activity", **ACTIVITY}), "$.actor"),
    "empty anonymous group": (told(actor={"objectType": "Group", "member": []}), "$.actor"),
    "group in a group": (told(actor={"objectType": "Group", "member": [GROUP]}), "$.actor.member"),
    "no verb id": (told(verb={"display": {"ko": "가"}}), "$.verb.id"),
    "verb without scheme": (told(verb={"id": "did"}), "$.verb.id"),
    "verb with a space": (told(verb={"id": "http://a/ b"}), "$.verb.id"),
    "display not a map": (told(verb={"id": "http://a/", "display": "did"}), "$.verb.display"),
    "display in no language": (
        told(verb={"id": "http://a/", "display": {"korean_": "가"}}),
        "$.verb.display",
    ),
    "agent as object without type": (told(object=MBOX), "$.object.mbox"),
    "unknown object type": (told(object={"objectType": "Thing"}), "$.object.objectType"),
    "object null": (told(object=None), "$.object"),
    "object a string": (told(object="http://a/"), "$.object"),
    "activity without id": (told(object={}), "$.object.id"),
    "definition null": (told(object={**ACTIVITY, "definition": None}), "$.object.definition"),
    "type without scheme": (defined(type="course"), "$.object.definition.type"),
    "moreInfo empty": (defined(moreInfo=""), "$.object.definition.moreInfo"),
    "unknown interaction": (
        defined(interactionType="essay"),
        "$.object.definition.interactionType",
    ),
    "choices without type": (defined(choices=[{"id": "a"}]), "$.object.definition"),
    "pattern without type": (defined(correctResponsesPattern=["a"]), "$.object.definition"),
    "steps of a choice": (
        defined(interactionType="choice", steps=[{"id": "a"}]),
        "$.object.definition",
    ),
    "the same choice twice": (
        defined(interactionType="choice", choices=[{"id": "a"}, {"id": "a"}]),
        "$.object.definition",
    ),
    "extension key no IRI": (defined(extensions={"key": 1}), "$.object.definition.extensions"),
    "reference without type": (told(object={"id": ID}), "$.object.id"),
    "reference to nothing": (
        told(object={"objectType": "StatementRef", "id": "a"}),
        "$.object.id",
    ),
    "sub-statement with an id": (told(object={**SUB, "id": ID}), "$.object.id"),
    "sub-statement with a version": (
        told(object={**SUB, "version": "1.0.0"}),
        "$.object.version",
    ),
    "sub-statement in itself": (told(object={**SUB, "object": SUB}), "$.object.object"),
    "bad part of a sub-statement": (
        told(object={**SUB, "object": {"id": "a"}}),
        "$.object.object.id",
    ),
    "voiding an activity": (told(verb={"id": vocabulary.VOIDED}), "$.object.objectType"),
    "success as text": (came(success="true"), "$.result.success"),
    "score as text": (came(score={"raw": "85"}), "$.result.score.raw"),
    "scaled too high": (came(score={"scaled": 1.01}), "$.result.score.scaled"),
    "scaled a boolean": (came(score={"scaled": True}), "$.result.score.scaled"),
    "raw above max": (came(score={"raw": 11, "max": 10}), "$.result.score"),
    "raw below min": (came(score={"raw": -1, "min": 0}), "$.result.score"),
    "min above max": (came(score={"min": 5, "max": 5}), "$.result.score"),
    "duration without a part": (came(duration="PT"), "$.result.duration"),
    "duration as a number": (came(duration=5), "$.result.duration"),
    "weeks and days": (came(duration="P4W1D"), "$.result.duration"),
    "fraction in the middle": (came(duration="PT1.5H2M"), "$.result.duration"),
    "duration as a clock": (came(duration="P0000-00-00T01:00:00"), "$.result.duration"),
    "registration no UUID": (around(registration="1"), "$.context.registration"),
    "team an agent": (around(team=MBOX), "$.context"),
    "unknown kind of context": (
        around(contextActivities={"sibling": []}),
        "$.context.contextActivities.sibling",
    ),
    "context activity an agent": (
        around(contextActivities={"parent": [MBOX]}),
        "$.context.contextActivities.parent[0].mbox",
    ),
    "language of one letter": (around(language="k"), "$.context.language"),
    "language with a long part": (around(language="ko-abcdefghi"), "$.context.language"),
    "context statement without type": (
        around(statement={"id": ID}),
        "$.context.statement.objectType",
    ),
    "platform with an agent": (
        told(object={"objectType": "Agent", **MBOX}, context={"platform": "p"}),
        "$.context.platform",
    ),
    "revision in a sub-statement": (
        told(object={**SUB, "object": REF, "context": {"revision": "1"}}),
        "$.object.context.revision",
    ),
    "timestamp of another kind": (told(timestamp="yesterday"), "$.timestamp"),
    "timestamp as a number": (told(timestamp=1767322800), "$.timestamp"),
    "day that does not exist": (told(timestamp="2026-02-30T00:00:00Z"), "$.timestamp"),
    "offset of minus zero": (told(timestamp="2026-01-01T00:00:00-00:00"), "$.timestamp"),
    "day without time": (told(timestamp="2026-01-01"), "$.timestamp"),
    "year out of the calendar": (told(timestamp="0000-01-01T00:00:00Z"), "$.timestamp"),
    "before the calendar": (told(timestamp="0001-01-01T00:00:00+14:00"), "$.timestamp"),
    "version of another day": (told(version="1.1.0"), "$.version"),
    "version cut short": (told(version="1.0"), "$.version"),
    "authority of one": (told(authority=GROUP), "$.authority"),
    "attachment without length": (
        told(attachments=[{k: v for k, v in ATTACHMENT.items() if k != "length"}]),
        "$.attachments[0].length",
    ),
    "attachment of a fraction": (
        told(attachments=[{**ATTACHMENT, "length": 2.5}]),
        "$.attachments[0].length",
    ),
    "attachment without data": (
        told(attachments=[{k: v for k, v in ATTACHMENT.items() if k != "fileUrl"}]),
        "$.attachments[0].fileUrl",
    ),
    "media type with no type": (
        told(attachments=[{**ATTACHMENT, "contentType": "text"}]),
        "$.attachments[0].contentType",
    ),
}

AGENTS = [{"objectType": "contextAgent", "agent": MBOX, "relevantTypes": ["http://a/t"]}]
GROUPS = [{"objectType": "contextGroup", "group": GROUP}]


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
