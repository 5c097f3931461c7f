"""The resources of documents: states and profiles (Communication 2.2, 2.3, 2.6, 2.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from flask import Response
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from lms import clock
from lms.edge import session, state
from lms.errors import InvalidError, NotFoundError
from lms.xapi import documents
from lms.xapi.actors import identifier
from lms.xapi.credentials import Caller
from lms.xapi.documents import Blind, Context, Kind
from lms.xapi.resources.parameters import (
    activity_in,
    agent_in,
    conditions_of,
    registration_in,
    required,
    since_in,
    tagged,
)
from lms.xapi.resources.seam import Call, resource

_ANY_TYPE = "application/octet-stream"
_MOST_TYPE = 255
_NO_DOCUMENT = "그런 문서가 없습니다. 요청의 매개변수를 다시 확인해 주십시오."
_STRANGE_TYPE = "Content-Type을 ASCII 문자로 {most}자 안에 적어 주십시오."


@dataclass(frozen=True)
class Shelf:
    """One of the three resources: what its documents are about, and how their id is called."""

    kind: Kind
    about: tuple[str, ...]
    id_name: str
    scope: str
    """Which reads and writes it (Communication 4.2)."""

    def context(self, caller: Caller, given: Mapping[str, str]) -> Context:
        """Raises InvalidError for a parameter, ForbiddenError for what is out of reach."""
        activity = activity_in(given) if "activityId" in self.about else None
        agent = identifier(agent_in(given)) if "agent" in self.about else None
        registration = registration_in(given) if "registration" in self.about else None
        if self.kind == "state" and activity is not None and agent is not None:
            caller.check_state(agent, activity, registration)
        return Context(self.kind, activity, agent, registration)

    def blind(self, call: Call) -> Blind:
        """What a PUT does that names no condition: a state of 1.0.3 alone is free (3.1.s3)."""
        if call.is_2:
            return Blind.NEW_ONLY  # IEEE 9274.1.1, 4.1.4: of all three resources
        return Blind.TAKEN if self.kind == "state" else Blind.REFUSED


def get(shelf: Shelf, call: Call) -> ResponseReturnValue:
    """A document, or the ids of all that there are (2.3.s3, s4)."""
    caller = call.caller(shelf.scope)
    given = call.only(*shelf.about, shelf.id_name, "since")
    since = since_in(given, strict=call.is_2)
    context = shelf.context(caller, given)
    connection = session().connection()
    if shelf.id_name not in given:
        found, latest = documents.ids(connection, caller.institution_id, context, since=since)
        listed = Response(documents.listing(found), mimetype=documents.JSON)
        return tagged(listed, call, at=latest)
    # One document is given whenever it was changed: `since` is about lists (2.3.s4).
    name = required(shelf.id_name, given)
    one = documents.find(connection, caller.institution_id, context, name)
    if one is None:
        raise NotFoundError(_NO_DOCUMENT)
    answer = Response(one.content, content_type=one.content_type)
    # Whatever a system put here is shown under our own address: nothing of it may run.
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return tagged(answer, call, at=one.updated_at)


def put(shelf: Shelf, call: Call) -> ResponseReturnValue:
    """Store a document under an id, in place of what was there."""
    caller, context, name = _meant(shelf, call)
    content_type = _content_type(call)
    documents.read(call.content, content_type)

    def work(connection: Connection) -> str:
        return documents.put(
            connection,
            caller.institution_id,
            context,
            name,
            call.content,
            content_type,
            conditions=conditions_of(call),
            blind=shelf.blind(call),
            now=clock.now(),
        )

    answer = Response(status=204)
    answer.set_etag(state().db.writer.do(work, key=caller.institution_id))
    return answer


def post(shelf: Shelf, call: Call) -> ResponseReturnValue:
    """Merge a JSON object into a document, or make it (2.2.s7, s8)."""
    caller, context, name = _meant(shelf, call)
    content_type = _content_type(call)
    documents.read(call.content, content_type, as_object=True)

    def work(connection: Connection) -> str:
        return documents.post(
            connection,
            caller.institution_id,
            context,
            name,
            call.content,
            content_type,
            conditions=conditions_of(call),
            now=clock.now(),
        )

    answer = Response(status=204)
    answer.set_etag(state().db.writer.do(work, key=caller.institution_id))
    return answer


def delete(shelf: Shelf, call: Call) -> ResponseReturnValue:
    """Delete a document; of states, all of a context where none is named (2.3.s5)."""
    several = shelf.kind == "state" and shelf.id_name not in call.parameters
    if not several:
        caller, context, name = _meant(shelf, call, "since")
    else:
        caller = call.caller(shelf.scope)
        context = shelf.context(caller, call.only(*shelf.about))

    def work(connection: Connection) -> None:
        home, conditions = caller.institution_id, conditions_of(call)
        if several:
            documents.remove_all(connection, home, context, conditions=conditions)
        else:
            documents.remove(connection, home, context, name, conditions=conditions)

    state().db.writer.do(work, key=caller.institution_id)
    return Response(status=204)


def _meant(shelf: Shelf, call: Call, *more: str) -> tuple[Caller, Context, str]:
    """Who would change which document. `more`: parameters that change nothing of that."""
    caller = call.caller(shelf.scope)
    given = call.only(*shelf.about, shelf.id_name, *more)
    since_in(given, strict=call.is_2)
    return caller, shelf.context(caller, given), required(shelf.id_name, given)


def _content_type(call: Call) -> str:
    """As the document is to be given out again (Communication 1.5.b1: any)."""
    given = call.headers.get("Content-Type", "").strip() or _ANY_TYPE
    if len(given) > _MOST_TYPE or not (given.isascii() and given.isprintable()):
        raise InvalidError(_STRANGE_TYPE, field="Content-Type", most=_MOST_TYPE)
    return given


_SHELVES = {
    "/activities/state": Shelf(
        "state", ("activityId", "agent", "registration"), "stateId", "state"
    ),
    "/activities/profile": Shelf("activity_profile", ("activityId",), "profileId", "profile"),
    "/agents/profile": Shelf("agent_profile", ("agent",), "profileId", "profile"),
}

for _path, _shelf in _SHELVES.items():
    resource(
        _path,
        GET=partial(get, _shelf),
        PUT=partial(put, _shelf),
        POST=partial(post, _shelf),
        DELETE=partial(delete, _shelf),
    )
