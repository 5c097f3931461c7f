"""When two statements with one id are the same (Data 2.3.1)."""

from typing import Any

import pytest

from lms.xapi.statement import read
from tests.xapi_rules import BOTH
from tests.xapi_samples import (
    ACTIVITY,
    AGENTS,
    ATTACHMENT,
    BASE,
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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BASE, dict(reversed(BASE.items()))),
        (BASE, told(id=ID, stored="2020-01-01T00:00:00Z", authority=MBOX, version="1.0.0")),
        (BASE, told(verb={**BASE["verb"], "display": {"ko": "했다"}})),
        (BASE, defined(name={"ko": "이름"})),
        (BASE, told(attachments=[ATTACHMENT])),
        (BASE, told(actor={"mbox": "mailto:a@EXAMPLE.KR"})),
        (told(actor={"mbox_sha1sum": "a" * 40}), told(actor={"mbox_sha1sum": "A" * 40})),
        (
            told(actor={"objectType": "Group", "member": [MBOX, {"openid": "http://b/"}]}),
            told(actor={"objectType": "Group", "member": [{"openid": "http://b/"}, MBOX]}),
        ),
        (
            around(contextActivities={"parent": ACTIVITY}),
            around(contextActivities={"parent": [{**ACTIVITY, "definition": {}}]}),
        ),
        (around(registration=ID, statement=REF), around(statement=REF, registration=ID.upper())),
        (around(language="ko-KR"), around(language="KO-kr")),
        (
            around(contextActivities={"category": [{**ACTIVITY, "definition": {"name": {}}}]}),
            around(contextActivities={"category": ACTIVITY}),
        ),
        (told(object=REF), told(object={**REF, "id": ID.upper()})),
        (
            told(object={"objectType": "Agent", "mbox": "mailto:a@example.kr"}),
            told(object={"objectType": "Agent", "mbox": "mailto:a@Example.KR"}),
        ),
        (
            told(object={**SUB, "verb": {**SUB["verb"], "display": {"ko": "했다"}}}),
            told(object={**SUB, "object": {**ACTIVITY, "definition": {"type": "http://t/"}}}),
        ),
        (told(object=SUB), told(object={**SUB, "attachments": [ATTACHMENT]})),
        (
            around(team={"objectType": "Group", "member": [MBOX, {"openid": "http://b/"}]}),
            around(team={"objectType": "Group", "member": [{"openid": "http://b/"}, MBOX]}),
        ),
        (came(duration="PT1.23S"), came(duration="PT1.239S")),
        (
            told(object={**SUB, "timestamp": "2026-01-01T09:00:00+09:00"}),
            told(object={**SUB, "timestamp": "2026-01-01T00:00:00.000Z"}),
        ),
    ],
)
def test_differences_that_do_not_count(one: Any, other: Any) -> None:
    marks = {
        read(encoded(value), version=version).mark for value in (one, other) for version in BOTH
    }
    assert len(marks) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BASE, told(actor={"mbox": "mailto:b@example.kr"})),
        (BASE, told(actor={"mbox": "mailto:A@example.kr"})),
        (BASE, told(actor={**MBOX, "name": "가"})),
        (BASE, told(verb={"id": "http://example.kr/Did"})),
        (BASE, told(object={"id": "http://example.kr/b"})),
        (BASE, came()),
        (came(duration="PT60S"), came(duration="PT1M")),
        (came(score={"raw": 1}), came(score={"raw": 2})),
        (came(extensions={"http://a/b": 1}), came(extensions={"http://a/b": "1"})),
        (
            around(contextActivities={"parent": [ACTIVITY, {"id": "http://b/"}]}),
            around(contextActivities={"parent": [{"id": "http://b/"}, ACTIVITY]}),
        ),
        (told(object=SUB), told(object={**SUB, "result": {"success": True}})),
        (told(object=REF), told(object={**REF, "id": ID.replace("7", "8")})),
        (BASE, told(object={**ACTIVITY, "objectType": "Activity"})),
        (BASE, around()),
        (around(), around(extensions={})),
        (came(score={"raw": 1}), came(score={"raw": 1.0})),
        (came(response="a"), came(response="A")),
        (
            told(actor={"account": {"homePage": "http://a/", "name": "a"}}),
            told(actor={"account": {"homePage": "http://a/", "name": "A"}}),
        ),
        (BASE, told(object={"id": "http://example.kr/%61"})),
        (came(extensions={"http://a/b": [1, 2]}), came(extensions={"http://a/b": [2, 1]})),
        (came(extensions={"http://a/b": None}), came(extensions={})),
        (told(object=SUB), told(object={**SUB, "timestamp": "2026-01-01T00:00:00Z"})),
        (
            told(actor={"objectType": "Group", "member": [MBOX]}),
            told(actor={"objectType": "Group", "member": [MBOX, MBOX]}),
        ),
        (around(team={"objectType": "Group", **MBOX}), around(instructor={**MBOX})),
        (around(revision="1"), around(revision="1.0")),
    ],
)
def test_differences_that_count(one: Any, other: Any) -> None:
    for version in BOTH:
        marks = {read(encoded(value), version=version).mark for value in (one, other)}
        assert len(marks) == 2


def test_agents_around_a_statement_count() -> None:
    lower = {**AGENTS[0], "agent": {"mbox": "mailto:a@EXAMPLE.kr"}}
    other = {**AGENTS[0], "relevantTypes": ["http://a/u"]}
    marks = [
        read(encoded(around(contextAgents=listed)), version="2.0.0").mark
        for listed in (AGENTS, [lower], [other])
    ]
    assert marks[0] == marks[1] != marks[2]
