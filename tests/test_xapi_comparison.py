"""When two statements with one id are the same (Data 2.3.1)."""

from typing import Any

import pytest

from lms.xapi.statement import read
from tests.xapi_samples import (
    ACTIVITY,
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
        (came(duration="PT1.23S"), came(duration="PT1.239S")),
        (
            told(object={**SUB, "timestamp": "2026-01-01T09:00:00+09:00"}),
            told(object={**SUB, "timestamp": "2026-01-01T00:00:00.000Z"}),
        ),
    ],
)
def test_differences_that_do_not_count(one: Any, other: Any) -> None:
    marks = {read(encoded(value), version="1.0.3").mark for value in (one, other)}
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
    ],
)
def test_differences_that_count(one: Any, other: Any) -> None:
    marks = {read(encoded(value), version="1.0.3").mark for value in (one, other)}
    assert len(marks) == 2
