"""Parameters of the resources beside statements, checked as in statements (Data 2.2.s4.b4)."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from flask import Response
from werkzeug.http import http_date, parse_etags

from lms.xapi import formats
from lms.xapi.actors import Agent
from lms.xapi.documents import Conditions, Tags, tag
from lms.xapi.querying import refuse
from lms.xapi.resources.seam import Call
from lms.xapi.statement import explain

_decode_agent = msgspec.json.Decoder(Agent).decode


def activity_in(given: Mapping[str, str]) -> str:
    """The IRI of `activityId`. Raises InvalidError, as all here do, with the parameter as path."""
    text = required("activityId", given)
    if not formats.is_iri(text):
        raise refuse("activityId", "an IRI with a scheme (Data 4.3)")
    return text


def agent_in(given: Mapping[str, str]) -> Agent:
    """The Agent of `agent`, which is never a Group (Communication 2.6.s3)."""
    text = required("agent", given)
    try:
        return _decode_agent(text)
    except msgspec.DecodeError as error:
        raise refuse("agent", " ".join(explain(error))) from None
    except (UnicodeError, RecursionError):
        raise refuse("agent", "an Agent as JSON (Data 2.4.2.1)") from None


def registration_in(given: Mapping[str, str]) -> str | None:
    """The UUID of `registration` in lower case, if it is given."""
    text = given.get("registration")
    if text is not None and not formats.is_uuid(text):
        raise refuse("registration", "a UUID (Data 4.4)")
    return None if text is None else text.lower()


def since_in(given: Mapping[str, str], *, strict: bool) -> datetime | None:
    """The instant of `since`, if it is given; `strict`: RFC 3339, as 2.0 asks."""
    if "since" not in given:
        return None
    try:
        return formats.read_timestamp(given["since"], strict=strict)
    except ValueError as error:
        raise refuse("since", str(error)) from None


def required(name: str, given: Mapping[str, str]) -> str:
    """A parameter that must be there."""
    if not given.get(name):
        raise refuse(name, "a required parameter (Communication 2.3 to 2.7)")
    if "\x00" in given[name]:
        raise refuse(name, "text without NUL")
    return given[name]


def conditions_of(call: Call) -> Conditions:
    """What the request's If-Match and If-None-Match expect (Communication 3.1)."""
    return Conditions(_tags(call, "If-Match"), _tags(call, "If-None-Match"))


def tagged(answer: Response, call: Call, *, at: datetime | None = None) -> Response:
    """The answer to a GET with the entity tag of its body (Communication 3.1.s4.b1, b2), and when
    it was changed; 304 without the body where the asker has it already (RFC 9110 13.1.2)."""
    etag = tag(answer.get_data())
    if not conditions_of(call).is_news(etag):
        answer = Response(status=304)
        answer.headers.pop("Content-Type", None)
    answer.set_etag(etag)
    if at is not None:
        answer.headers["Last-Modified"] = http_date(at)
    return answer


def _tags(call: Call, name: str) -> Tags | None:
    text = call.headers.get(name, "").strip()
    if not text:
        return None
    found = parse_etags(text)
    strong, weak = found.as_set(), found.as_set(include_weak=True)
    return Tags(found.star_tag, frozenset(strong), frozenset(weak))
